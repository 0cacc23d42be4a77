"""G4: a model that loses too much without one feature leans on something that should not be there."""

from __future__ import annotations

import numpy as np
import xgboost

from models.evaluate import area_under_roc
from models.guard.evidence import Evidence, Part, partners
from models.guard.findings import Finding
from models.guard.univariate import customer_folds
from models.logistic import Floats

_TREES = 60
_HOW = {"objective": "binary:logistic", "tree_method": "hist", "max_bin": 64, "max_depth": 4, "eta": 0.15,
        "min_child_weight": 5.0, "seed": 0, "nthread": 1, "verbosity": 0}  # fmt: skip


def removal(evidence: Evidence, alone: Floats) -> tuple[list[Finding], float | None]:
    """Findings, and the AUC with all features on later rows (on held-out customers where there are none).

    The `strongest` features alone are each left out with their partners (|rho| >= `alike`), a fit each; partners
    that were left out together already are not tried again.
    """
    settings = evidence.settings
    learned, judged, where = _parts(evidence)
    whole = _auc(learned, judged, list(range(len(evidence.features))))
    if whole is None:
        return [], None
    found, tried = [], set()
    together = partners(learned.matrix, np.argsort(-alone, kind="stable")[: settings.strongest].tolist(),
                        alike=settings.alike)  # fmt: skip
    for at, group in together.items():
        kept = [other for other in range(len(evidence.features)) if other not in group]
        if tuple(group) in tried:
            continue
        tried.add(tuple(group))
        loss = whole - (_auc(learned, judged, kept) or 0.5)
        if loss >= settings.removal_loss:
            name = evidence.features[at]
            words = (f"without '{name}' and the {len(group) - 1} features like it the AUC {where} falls by {loss:.3f} "
                     f"from {whole:.3f} (limit {settings.removal_loss:g})")  # fmt: skip
            found.append(Finding("G4", name, loss, settings.removal_loss, True, words))
    return found, whole


def _parts(evidence: Evidence) -> tuple[Part, Part, str]:
    most, later = evidence.settings.max_rows, evidence.later
    fit = evidence.fit.first(most)
    if later is not None:
        return fit, later.first(most), "on later rows"
    learned, held_out = next(customer_folds(fit.customers, count=3))
    return _taken(fit, learned), _taken(fit, held_out), "on held-out customers"


def _taken(part: Part, at: np.ndarray) -> Part:
    return Part(part.matrix[at], part.labels[at], part.customers[at], part.days[at])


def _auc(learned: Part, judged: Part, columns: list[int]) -> float | None:
    if not columns or len(set(learned.labels)) < 2:
        return None
    fitted = xgboost.DMatrix(learned.matrix[:, columns], learned.labels, missing=np.nan)
    booster = xgboost.train(_HOW, fitted, _TREES)
    found = booster.predict(xgboost.DMatrix(judged.matrix[:, columns], missing=np.nan), output_margin=True)
    return area_under_roc(judged.labels, np.asarray(found, dtype=np.float64))
