"""G1: a feature whose values events before the as-of do not give again has seen something else."""

from __future__ import annotations

from models.guard.evidence import Evidence
from models.guard.findings import Finding

RULE = "G1"


def rebuild(evidence: Evidence) -> list[Finding]:
    """Any difference blocks; so does a feature that could not be rebuilt and is not in the allow-list."""
    found = []
    for name in evidence.features:
        different, compared = evidence.rebuilt.different.get(name, 0), evidence.rebuilt.compared.get(name, 0)
        if different:
            example = evidence.rebuilt.examples.get(name, "")
            words = f"'{name}' differs in {different} of {compared} rows from what the events before the as-of give"
            found.append(Finding(RULE, name, different, 0, True, f"{words}{': ' if example else ''}{example}"))
        elif not compared and name not in evidence.settings.unverified_allowed:
            words = (f"'{name}' is unverified: no events with a time give it again; "
                     "guard.unverified_allowed does not name it")  # fmt: skip
            found.append(Finding(RULE, name, 0, 1, True, words))
    return found
