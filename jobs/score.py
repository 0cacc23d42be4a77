"""Score every customer at a date with the champion models, and keep each customer's newest scores."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths, events_of_persons
from featurestore.fold import CUSTOMER
from featurestore.persons import ALIAS
from featurestore.row_changes import differs
from featurestore.schemas import ORDERS
from featurestore.snapshot_records import among
from featurestore.snapshots import read_features
from featurestore.table_layout import keep_in_order
from featurestore.tables import Transaction, Warehouse, fence, until_committed
from featurestore.views import FeatureSet
from jobs.actions import Acting, acting, actions_of, explain_actions, record_actions, rules_of
from jobs.build_features import build_step, chosen_as_of, refuse_unknowable
from jobs.champions import champions, scorers_at, warn_of_hindsight
from jobs.customers_asked import customers_asked
from jobs.publication import publish_step
from jobs.run import Run
from jobs.score_tables import ACTION_COLUMNS, LATEST, SCORES
from jobs.score_views import write_at_risk, write_summaries
from jobs.unchanged_scores import base_date, still_true, why_none
from models.bundle import Bundle
from models.lifetime.histories import VALUE_DAYS, VALUE_TOTAL, day_totals, with_values
from models.registry import Registered
from models.score import Scorers, inputs_of, score_frame

DATE = "as_of_date"


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    if asked.explain_actions:
        explain_actions(run)
        return
    rules_of(run)  # what is wrong with the rules is said before anything is built
    as_of = chosen_as_of(run)
    if asked.build:
        refuse_unknowable(run, [as_of], views=run.features().views)
        build_step(run, [as_of])
    models = champions(run)
    score_step(run, as_of, models, customers=asked.customers or "", changed_only=asked.changed_only,
               publish_anyway=asked.publish_anyway)  # fmt: skip
    warn_of_hindsight(run, as_of, models)


def score_step(
    run: Run, as_of: date, models: Mapping[str, Registered[Bundle]], *, customers: str = "",
    changed_only: bool = False, publish_anyway: bool = False,
) -> None:  # fmt: skip
    """Write `customer_scores` of the date in one commit; where the gate lets it, bring the newest scores up to it.

    `customers` (a file of ids or a query) leaves the rows of the others, and is a run of its own for caps and budget;
    `changed_only` copies what would be equal. Raises StoppedPublication where the gate does not.
    """
    with ExitStack() as held:
        with run.step("score") as step:
            scorers = scorers_at(run, as_of, models)
            only = customers_asked(run.warehouse, customers).persist() if customers else None
            if only is not None:
                held.callback(only.unpersist)
            write = partial(_write, run, as_of, scorers, only=only, changed_only=changed_only)
            found, acted = until_committed(write, what=f"scores of {as_of}")
            write_summaries(run.warehouse, as_of, run_id=run.run_id)
            _put_in_order(run, SCORES.name, day=as_of)
            step.results.update(as_of=as_of, **found)
        record_actions(run, acted, as_of)
        publish_step(run, as_of, move=partial(_renew, run, only=only), anyway=publish_anyway, part=only is not None)


def _renew(run: Run, warehouse: Warehouse, as_of: date, *, only: DataFrame | None) -> None:
    """Bring the newest scores, and the list that is made from them, up to a date."""
    until_committed(partial(keep_latest, warehouse, as_of, only=only), what=LATEST.name)
    write_at_risk(warehouse)
    _put_in_order(run, LATEST.name)


def _put_in_order(run: Run, table: str, *, day: date | None = None) -> None:
    order = partial(keep_in_order, run.warehouse, table, CUSTOMER, file_mb=run.settings.layout.file_mb, day=day)
    until_committed(order, what=f"order of {table}")


def _write(
    run: Run, as_of: date, scorers: Scorers, *, only: DataFrame | None, changed_only: bool
) -> tuple[dict[str, Any], Acting]:  # fmt: skip
    """One commit, from the newest snapshot; what is to be said of it, and what was decided about whom."""
    now = Now.of(run, as_of, scorers)
    if only is not None:
        return _write_part(now, only)
    if changed_only:
        return _write_changed(now)
    seen = Observation("scores")
    acted = now.put(now.scores(now.rows, seen))
    return dict(seen.get), acted


@dataclass(frozen=True)
class Now:
    """The snapshot of a date as it is now, the models, and the transaction of scores that are made from both.

    The transaction is fenced by the versions of the feature tables, so that a slow run cannot put scores of older
    features over those of newer ones, and of two that read the same one starts again.
    """

    run: Run
    as_of: date
    scorers: Scorers
    features: FeatureSet
    transaction: Transaction
    rows: DataFrame

    @classmethod
    def of(cls, run: Run, as_of: date, scorers: Scorers) -> Now:
        """What there is; refused, by view, unless the snapshots are complete."""
        features, warehouse = run.features(), run.warehouse
        # The order matters: who writes after the fence is read makes this write conflict or drop.
        moment = sum(warehouse.version(view.table) for view in features.views if warehouse.exists(view.table))
        of_what = [str(as_of), *(view.name for view in features.views)]
        transaction = fence(warehouse, SCORES.name, app_id=":".join([SCORES.name, *of_what]), input_version=moment)
        rows = _with_values(run, read_features(warehouse, features, dates=[as_of]), as_of, scorers)
        return cls(run, as_of, scorers, features, transaction, rows)

    def scores(self, rows: DataFrame, seen: Observation) -> DataFrame:
        """The scores of some of the rows."""
        return score_frame(rows, models=self.scorers, feature_fingerprint=self.features.fingerprint,
                           as_of_date=self.as_of, run_id=self.run.run_id, scored_at=self.run.started_at,
                           observation=seen, meanings=self.features.feature_fingerprints)  # fmt: skip

    def inputs(self) -> DataFrame:
        """customer_id and what the scores would follow from."""
        return inputs_of(self.rows, models=self.scorers, feature_fingerprint=self.features.fingerprint,
                         as_of_date=self.as_of)  # fmt: skip

    def put(self, scores: DataFrame) -> Acting:
        """All scores of the date, at once, with what is decided about each customer."""
        with acting(scores, actions_of(self.run), as_of=self.as_of) as acted:
            self.run.warehouse.replace(SCORES, acted.rows, where=among([self.as_of]), transaction=self.transaction)
        return acted


def _write_part(now: Now, only: DataFrame) -> tuple[dict[str, Any], Acting]:
    """Scores of the customers in `only`; the other rows of the date stay."""
    seen, asked = Observation("scores"), only.count()
    scores = now.scores(now.rows.join(only, CUSTOMER, "left_semi"), seen).persist()
    try:
        scored = scores.count()
        within = f"old.{among([now.as_of])}"
        with acting(scores, actions_of(now.run), as_of=now.as_of) as acted:
            now.run.warehouse.upsert(SCORES, acted.rows, keys=(CUSTOMER, DATE), within=within,
                                     transaction=now.transaction)  # fmt: skip
    finally:
        scores.unpersist()
    if asked > scored:
        now.run.progress.print(f"note: {asked - scored:,} of {asked:,} ids that --customers names are not in the "
                               f"snapshot of {now.as_of}: no such customer, or no event before that date")  # fmt: skip
    return {**seen.get, "asked": asked, "unknown": asked - scored}, acted


def _write_changed(now: Now) -> tuple[dict[str, Any], Acting]:
    """Scores of those whose inputs are not those of the base's scores; the base's for all others."""
    warehouse, seen = now.run.warehouse, Observation("scores")
    base = base_date(warehouse, now.as_of)
    if base is None:
        now.run.progress.print(f"note: no date up to {now.as_of} is scored yet: everyone is")
        acted = now.put(now.scores(now.rows, seen))
        return {**seen.get, "copied": 0}, acted
    inputs = now.inputs().persist()
    try:
        kept = still_true(warehouse, base, inputs, as_of=now.as_of, run_id=now.run.run_id,
                          scored_at=now.run.started_at)  # fmt: skip
        changed = inputs.join(kept, CUSTOMER, "left_anti").select(CUSTOMER)
        computed = now.scores(now.rows.join(changed, CUSTOMER, "left_semi"), seen)
        acted = now.put(computed.unionByName(kept.drop(*ACTION_COLUMNS), allowMissingColumns=True))
    finally:
        inputs.unpersist()
    copied = warehouse.rows_by_date(SCORES.name).get(now.as_of, 0) - int(seen.get["rows"])
    if copied == 0:
        now.run.progress.print(f"note: nothing of {base} could be copied: {why_none(now.scorers, base, now.as_of)}")
    return {**seen.get, "since": base, "copied": copied}, acted


def _with_values(run: Run, rows: DataFrame, as_of: date, scorers: Scorers) -> DataFrame:
    """`rows` with what a lifetime model reads beside features: one more fold over the orders before the date.

    Where the model ships the last year's spend it reads none, and nothing is folded.
    """
    if scorers.lifetime is None:
        return rows
    model = scorers.lifetime.bundle
    if not model.reads_values:
        return rows.withColumns({name: F.lit(None).cast("bigint") for name in (VALUE_DAYS, VALUE_TOTAL)})
    totals = day_totals(events_of_persons(run.warehouse, ORDERS.name), as_of)
    return with_values(rows, totals, cap_cents=model.fit.cap_cents)


def keep_latest(warehouse: Warehouse, as_of: date, *, only: DataFrame | None = None) -> None:
    """Bring `customer_scores_latest` up to the scores of a date, or to those of some customers.

    Scores of a later date stay; ids that are aliases by now leave it. Fenced by the version of the scores, so that a
    slow run cannot put older ones back. A row that says what it said before is not written, so that the table's change
    feed holds changes alone.
    """
    version = warehouse.version(SCORES.name)
    transaction = fence(warehouse, LATEST.name, app_id=LATEST.name, input_version=version)
    written = warehouse.read(SCORES.name, version=version).where(among([as_of]))
    if only is not None:
        written = written.join(only, CUSTOMER, "left_semi")
    newer = f"new.as_of_date >= old.as_of_date AND ({differs(LATEST.columns)})"
    warehouse.upsert(LATEST, written, keys=(CUSTOMER,), update_if=newer, transaction=transaction)
    aliases = alias_paths(warehouse)
    if aliases is not None:
        warehouse.delete_keys(LATEST.name, aliases.select(F.col(ALIAS).alias(CUSTOMER)), key=CUSTOMER)
