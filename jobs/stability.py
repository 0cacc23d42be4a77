"""`train --stability`: how far the figures of a head move with the customers that it learns from."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from jobs.learning import learned_in_memory, learning_of
from jobs.model_registry import registry_of
from jobs.run import Run
from jobs.search_tables import stability_table
from models.stability import Stability, stability
from models.tracking import RunRecord, open_store, record_run


def stability_step(run: Run, label_name: str, as_of: date) -> Stability:
    """Ten parts of customers, each held out once; the figures are logged as a run without a model."""
    learning = learning_of(run, label_name, as_of)
    head, parameters, registry = learning.head, learning.parameters, registry_of(run)
    with run.step("stability") as step:
        inputs, rows = learned_in_memory(run, learning)
        found = stability(rows, features=inputs.features, algorithm=parameters.algorithm_of(),
                          at_most=parameters.trial_rows, seed=run.settings.seed, categorical=inputs.categorical,
                          progress=run.progress.print)  # fmt: skip
        record = RunRecord(parameters={**parameters.describe(), "label": head.label},
                           metrics=found.figures(), curves=found.curves())  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            record_run(open_store(registry.tracking_uri), record, name=f"{head.name} stability",
                       tags={"head": head.name}, folder=Path(folder), artifact_root=registry.artifact_root)  # fmt: skip
        rounded = {name: round(value, 4) for name, value in found.figures().items() if "auc" in name or "log" in name}
        step.results.update(head=head.name, **rounded)
    run.out.print(stability_table(head.name, found))
    return found
