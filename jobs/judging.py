"""The scores of a date as they stand in the table, judged by what the data go on to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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
from models.amounts import AmountMetrics
from models.evaluate import Metrics
from models.realised import Realised, judged, judged_amounts


@dataclass(frozen=True)
class Judgements:
    """By label, the scores of a date against the outcomes: probabilities, and expected amounts."""

    probabilities: dict[str, Realised[Metrics]] = field(default_factory=dict)
    amounts: dict[str, Realised[AmountMetrics]] = field(default_factory=dict)


def judge_written_scores(run: Run, as_of: date, *, is_simulated: bool) -> Judgements:
    """The scores of `as_of` against the outcomes; heads without scores and horizons that are not over are left out.

    `is_simulated` says that the events are those of the shop whose true expectations the table `truth` holds.
    """
    written = run.warehouse.read(SCORES.name).where(among([as_of]))
    mature = [one for one in map(label, _scored(written)) if is_mature(run, one, as_of)]
    if not mature:
        return Judgements()
    with run.step("judge") as step:
        last = as_of + timedelta(days=max(one.horizon_days for one in mature))
        events = before(events_of_persons(run.warehouse, ORDERS.name), last)
        outcomes = labelled(events, mature, as_ofs=[as_of], limits=run.limits).drop("as_of_date").persist()
        scores = written.join(outcomes, "customer_id")
        found = Judgements(
            {one.name: judged(**_asked(run, scores, one, as_of, truth="probability" if is_simulated else None))
             for one in mature if not one.is_number},
            {one.name: judged_amounts(**_asked(run, scores, one, as_of, truth="expectation" if is_simulated else None))
             for one in mature if one.is_number},
        )  # fmt: skip
        outcomes.unpersist()
        ranked = {name: one.written.auc for name, one in found.probabilities.items()}
        ranked |= {name: one.written.spearman for name, one in found.amounts.items()}
        step.results.update({name: round(value or float("nan"), 4) for name, value in ranked.items()})
    return found


def _scored(scores: DataFrame) -> list[str]:
    """The labels whose heads have scored anybody."""
    there = [name for name, head in HEAD_OF.items() if head.output in scores.columns]
    counted = scores.select(*(F.count(HEAD_OF[name].output).alias(name) for name in there)).first()
    return [name for name in there if counted is not None and counted[name]]


def _asked(run: Run, scores: DataFrame, one: Label, as_of: date, *, truth: str | None) -> dict[str, Any]:
    """What a judgement of a label asks: rows, columns and how many rows may be read."""
    if truth is not None:
        true = run.warehouse.read(TRUTH.name).where(f"{among([as_of])} AND head = '{one.name}'")
        scores = scores.join(true.select("customer_id", truth), "customer_id")
    return {"rows": scores, "forecast": HEAD_OF[one.name].output, "outcome": one.name, "truth": truth,
            "at_most": run.settings.training.max_evaluation_rows}  # fmt: skip


def is_mature(run: Run, label: Label, as_of: date) -> bool:
    """Whether the data go on far enough after `as_of` to know the label's outcome."""
    return label.is_mature(as_of, complete_through=complete_through(run.warehouse, label.source))
