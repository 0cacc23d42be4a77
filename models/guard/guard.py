"""All rules over one training set."""

from __future__ import annotations

import logging

from models.guard.association import association
from models.guard.evidence import Evidence
from models.guard.findings import Finding, Verdict
from models.guard.rebuild import rebuild
from models.guard.removal import removal
from models.guard.rows import identifiers, keys_twice, rate_jumps, repeats, too_good
from models.guard.univariate import far_above_the_rest, strengths, too_strong_alone

log = logging.getLogger(__name__)


def judge(evidence: Evidence) -> Verdict:
    """The verdict on a training set, before anything is fitted on it but what the rules themselves need."""
    fitted = evidence.fit.first(evidence.settings.max_rows)
    log.info("the guard looks at %d of %d fitted rows", len(fitted.labels), len(evidence.fit.labels))
    alone = strengths(fitted)
    lost, auc = removal(evidence, alone)
    found = [
        *rebuild(evidence), *too_strong_alone(evidence, alone), *far_above_the_rest(evidence, alone), *lost,
        *association(evidence), *repeats(evidence), *too_good(evidence, auc), *identifiers(evidence),
        *keys_twice(evidence), *rate_jumps(evidence),
    ]  # fmt: skip
    figures = {"guard_rows": float(len(fitted.labels)), "guard_best_alone": float(alone.max(initial=0.5))}
    if auc is not None:
        figures["guard_auc"] = auc
    return Verdict(_blocking_first(found), {**figures, "guard_findings": float(len(found)),
                                            "guard_unverified": float(_unverified(evidence))})  # fmt: skip


def _unverified(evidence: Evidence) -> int:
    return sum(not evidence.is_verified(name) for name in evidence.features)


def _blocking_first(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda one: (not one.blocks, one.rule, one.feature)))
