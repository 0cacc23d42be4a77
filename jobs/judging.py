"""The scores of a date as they stand in the table, judged by what the data go on to show."""

from __future__ import annotations

from datetime import date, timedelta

from featurestore.alias_table import events_of_persons
from featurestore.label_config import label
from featurestore.label_definitions import Label
from featurestore.labels import labelled
from featurestore.schemas import ORDERS
from featurestore.snapshot_inputs import before
from featurestore.snapshot_records import among
from featurestore.watermarks import complete_through
from jobs.run import Run
from jobs.score_tables import SCORES
from jobs.simulate import TRUTH
from jobs.train import HEAD_OF
from models.realised import Realised, judged


def judge_written_scores(run: Run, as_of: date, *, is_simulated: bool) -> dict[str, Realised]:
    """By label: the scores of `as_of` against the outcomes; labels whose horizon is not over are left out.

    `is_simulated` says that the events are those of the shop whose true probabilities the table `truth` holds.
    """
    mature = [one for one in map(label, HEAD_OF) if is_mature(run, one, as_of)]
    if not mature:
        return {}
    with run.step("judge") as step:
        last = as_of + timedelta(days=max(one.horizon_days for one in mature))
        events = before(events_of_persons(run.warehouse, ORDERS.name), last)
        outcomes = labelled(events, mature, as_ofs=[as_of], limits=run.limits).drop("as_of_date").persist()
        scores = run.warehouse.read(SCORES.name).where(among([as_of])).join(outcomes, "customer_id")
        at_most = run.settings.training.max_evaluation_rows
        found = {}
        for one in mature:
            rows, truth = scores, None
            if is_simulated:
                true = run.warehouse.read(TRUTH.name).where(f"{among([as_of])} AND head = '{one.name}'")
                rows, truth = scores.join(true.select("customer_id", "probability"), "customer_id"), "probability"
            found[one.name] = judged(rows, probability=HEAD_OF[one.name].output, outcome=one.name,
                                     at_most=at_most, truth=truth)  # fmt: skip
        outcomes.unpersist()
        step.results.update(
            {name: round(judgement.written.auc or float("nan"), 4) for name, judgement in found.items()}
        )
    return found


def is_mature(run: Run, label: Label, as_of: date) -> bool:
    """Whether the data go on far enough after `as_of` to know the label's outcome."""
    return label.is_mature(as_of, complete_through=complete_through(run.warehouse, label.source))
