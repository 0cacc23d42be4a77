"""The models that score: champions of the heads, and what was fitted without a label, each as far as there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

from jobs.build_training_set import labels_asked
from jobs.learning import head_of
from jobs.model_registry import registry_of, registry_of_kind
from jobs.run import Run
from jobs.why import why_of
from models.bundle import Bundle
from models.errors import OtherFeatures
from models.heads import HEADS, LIFETIME, SEGMENTS, Head
from models.lifetime.record import LifetimeModel
from models.registry import M, Registered
from models.score import Scorers
from models.segments.record import SegmentModel, meaning_of_measures

COMMANDS = {LIFETIME.name: "train --lifetime", SEGMENTS.name: "segment"}


def champions(run: Run) -> dict[str, Registered[Bundle]]:
    """By head, the champions of the labels that the settings name, and of any other that has one.

    Raises NoModel where a head of the settings has none; columns of other heads without one will be NULL, which is
    said.
    """
    registry = registry_of(run)
    trained = {*registry.heads_with(), *(head_of(name).name for name in labels_asked(run))}
    absent = [head for head in HEADS.values() if head.name not in trained]
    if absent:
        labels = " ".join(f"--label {head.label}" for head in absent)
        run.progress.print(f"note: no model of {', '.join(head.name for head in absent)}: {len(absent)} columns stay "
                           f"NULL (./spark-submit.sh train {labels})")  # fmt: skip
    return {name: registry.load(head) for name, head in HEADS.items() if name in trained}


def scorers_at(run: Run, as_of: date, heads: Mapping[str, Registered[Bundle]]) -> Scorers:
    """`heads` with the lifetime model and the segments that may be used at a date, and the words of reasons.

    Both are fitted on all customers of their own date, so that earlier scores would know the future: these stay NULL,
    as they do without a model, and that is said. Raises OtherFeatures for segments of measures with another meaning.
    """
    lifetime = _fitted(run, LIFETIME, LifetimeModel.load, lambda one: one.fit.as_of, as_of)
    segments = _fitted(run, SEGMENTS, SegmentModel.load, lambda one: one.as_of, as_of)
    if segments is not None and segments.bundle.feature_fingerprint != meaning_of_measures():
        raise OtherFeatures.segments(fitted=segments.bundle.as_of)
    return Scorers(heads, lifetime, segments, why_of(run, heads))


def _fitted(
    run: Run, head: Head, load: Callable[[Path], M], fitted_at: Callable[[M], str], as_of: date
) -> Registered[M] | None:  # fmt: skip
    registry = registry_of_kind(run, load)
    found = registry.load(head) if registry.version_of(head) is not None else None
    command = f"./spark-submit.sh {COMMANDS[head.name]} --as-of {as_of}"
    if found is None:
        run.progress.print(f"note: no model of {head.name}: its columns stay NULL ({command})")
    elif fitted_at(found.bundle) > as_of.isoformat():
        run.progress.print(f"note: {head.name} was fitted on the customers of {fitted_at(found.bundle)}, later than "
                           f"{as_of}: its columns stay NULL ({command})")  # fmt: skip
        return None
    return found


def warn_of_hindsight(run: Run, as_of: date, models: Mapping[str, Registered[Bundle]]) -> None:
    """Say so where a model has learned from outcomes later than the date it scores."""
    for name, model in models.items():
        known = date.fromisoformat(model.bundle.dates["test"]) + timedelta(days=model.bundle.horizon_days)
        if known > as_of:
            run.progress.print(f"note: the {name} model was chosen knowing outcomes up to {known}, later than {as_of}: "
                               "its scores of that date are no forecast")  # fmt: skip
