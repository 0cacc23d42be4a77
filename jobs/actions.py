"""Actions in a run of scoring: decided over all customers of the run, from scores that are computed once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.action_tables import assumptions_line, formula_lines, limits_lines, outcome_table, rules_table
from jobs.run import Run
from jobs.score_tables import ACTION_COLUMNS, SCORES
from models.actions.choose import require_expressions, with_recommendations
from models.actions.decide import Limits, Outcome, binding_limits, decided, outcome_columns, outcomes
from models.actions.rules import Actions, load_actions

READABLE = {one.name: one.type for one in SCORES.columns if not one.lineage and one.name not in ACTION_COLUMNS}
"""The columns that a rule may read, with their types."""


@dataclass(frozen=True)
class Acting:
    """Scores with what is decided about each customer, lazy; `outcomes` once `rows` have been written."""

    rows: DataFrame
    actions: Actions
    limits: Limits
    _seen: Observation

    def outcomes(self) -> dict[str, Outcome]:
        """What each rule came to."""
        return outcomes(self._seen.get, self.actions)


def rules_of(run: Run) -> Actions:
    """The rules of the settings, checked against the names of the score columns; starts no Spark."""
    chosen = run.settings.actions
    actions = load_actions(chosen.rules, budget=chosen.budget)
    actions.check(READABLE, where=chosen.rules)
    return actions


def actions_of(run: Run) -> Actions:
    """The same, and each expression is what Spark takes for a condition or a number, before a row is scored."""
    actions = rules_of(run)
    ddl = ", ".join(f"`{name}` {kind}" for name, kind in READABLE.items())
    require_expressions(run.spark.createDataFrame([], ddl), actions)
    return actions


@contextmanager
def acting(scores: DataFrame, actions: Actions, *, as_of: date) -> Iterator[Acting]:
    """The columns of `ACTION_COLUMNS` added to `scores`, all rows of a run, while the context lasts.

    Caps and a budget look at the scores more than once: only then they are kept on the executors' disks meanwhile, so
    that models run once, and are given up at the end.
    """
    candidates = with_recommendations(_with_all_columns(scores, actions), actions)
    has_limits = bool(actions.caps) or actions.budget is not None
    if has_limits:
        candidates = candidates.persist(StorageLevel.DISK_ONLY)
        candidates.count()  # all of them, before limits ask for some: what observes the scores sees each once
    try:
        limits = binding_limits(candidates, actions, as_of=as_of)
        seen = Observation("actions")
        rows = decided(candidates, actions, limits=limits, as_of=as_of).observe(seen, *outcome_columns(actions))
        yield Acting(rows, actions, limits, seen)
    finally:
        if has_limits:
            candidates.unpersist()


def record_actions(run: Run, done: Acting, as_of: date) -> None:
    """A step of its own in `job_runs`: rules, seed, share, limits, and what each rule came to."""
    with run.step("act") as step:
        found = done.outcomes()
        step.results.update(
            as_of=as_of,
            chosen=sum(one.chosen for one in found.values()),
            held_out=sum(one.held_out for one in found.values()),
            cost=round(sum(one.cost for one in found.values()), 4),
            rules_fingerprint=done.actions.fingerprint,
        )
    # Read by people and programs from job_runs; too long for the line that a step ends with.
    step.results.update(
        budget=done.actions.budget,
        holdout=done.actions.holdout.model_dump(),
        # As text: places have more digits than a number of JSON may have.
        cuts={"rules": {n: str(at) for n, at in done.limits.rules.items()},
              "budget": None if done.limits.budget is None else str(done.limits.budget)},
        rules={name: asdict(one) for name, one in found.items()},
    )  # fmt: skip


def explain_actions(run: Run) -> None:
    """Print the rules and how they reckon; where the date has scores, what these rules would do about them now."""
    actions = actions_of(run)
    run.out.print(rules_table(actions, currency=run.settings.currency))
    for line in (*formula_lines(actions), *limits_lines(actions), assumptions_line(actions)):
        run.out.print(line)
    dates = run.warehouse.rows_by_date(SCORES.name)
    as_of = run.arguments.as_of or max(dates, default=None)
    if as_of is None or as_of not in dates:
        known = f" (scored dates: {', '.join(map(str, sorted(dates)[-5:]))})" if dates else ""
        run.out.print(f"no scores {'yet' if as_of is None else f'of {as_of}'}{known}: "
                      "what the rules reach is said once there are")  # fmt: skip
        return
    scores = run.warehouse.read(SCORES.name).where(F.col("as_of_date") == F.lit(as_of))
    with acting(scores.drop(*ACTION_COLUMNS), actions, as_of=as_of) as done:
        found = done.rows.agg(*outcome_columns(actions)).collect()[0].asDict()
    run.out.print(outcome_table(outcomes(found, actions), as_of=as_of, currency=run.settings.currency))


def _with_all_columns(scores: DataFrame, actions: Actions) -> DataFrame:
    """`scores` with NULL for what rules read and no model of this run, or of an older table, gives."""
    absent = sorted(name for name in actions.columns() if name not in scores.columns)
    return scores.withColumns({name: F.lit(None).cast(READABLE[name]) for name in absent})
