"""Put every customer of a date into segments, by clusters that are fitted once and frozen, and by ordered rules."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.snapshot_records import among
from featurestore.snapshots import read_features
from jobs.build_features import build_step, chosen_as_of
from jobs.model_registry import registry_of_kind
from jobs.run import Run
from jobs.segment_report import Drawn, pictures_of, record_of, show_model, show_segments
from jobs.segment_tables import CUSTOMER_SEGMENTS, FLOWS, PROFILES, around
from models.errors import BrokenModel, NoModel, OtherFeatures
from models.fingerprints import segments_fingerprint
from models.heads import SEGMENTS
from models.registry import CHAMPION, Registered, Registry
from models.segments.assign import assigned
from models.segments.buyers import Buyers, buyers_at
from models.segments.counts import flows, profiles, rfm_cells
from models.segments.fitting import fit_segments, least_customers
from models.segments.record import SegmentModel, meaning_of_measures
from models.segments.rules import Rules, load_rules

Model = Registered[SegmentModel]


def run(run: Run) -> None:
    """Do what the arguments say."""
    as_of = chosen_as_of(run)
    where = run.settings.segments.rules
    rules = load_rules(where)
    rules.check([one.name for one in run.features().features], where=where)
    registry = registry_of_kind(run, SegmentModel.load)
    champion = _champion(run, registry)
    frozen = None if run.arguments.refit else _frozen(champion, as_of)
    if run.arguments.build:
        build_step(run, [as_of] if frozen is not None else [_earlier(run, as_of), as_of])
    model = frozen or fit_step(run, registry, as_of, rules, champion)
    segment_step(run, as_of, model, rules)
    show_segments(run, as_of)


def fit_step(run: Run, registry: Registry[SegmentModel], as_of: date, rules: Rules, champion: Model | None) -> Model:
    """The model fitted at a date, now or by a run that ended before its tables; it becomes champion if it is stable."""
    limits, then_day = run.settings.segments, _earlier(run, as_of)
    previous = None if champion is None else champion.bundle
    with run.step("fit") as step:
        snapshots = {day: _snapshot(run, day) for day in (then_day, as_of)}
        then, now = (buyers_at(day, rows, at_least=least_customers(limits)) for day, rows in snapshots.items())
        identity = _identity(run, now, then)
        found = None if run.arguments.refit else registry.find_by_training_fingerprint(SEGMENTS, identity)
        if found is None:
            fitted = fit_segments(now, then, limits=limits, partitions=run.settings.spark.shuffle_partitions,
                                  seed=run.settings.seed, previous=previous, training_fingerprint=identity)  # fmt: skip
            before, after = (assigned(rows, model=fitted.model, rules=rules) for rows in snapshots.values())
            drawn = Drawn(rfm_cells(snapshots[as_of]), profiles(after), flows(before, after), then_day, as_of)
            record = record_of(fitted, limits, pictures=pictures_of(drawn, rules))
            found = registry.register(fitted.model, record, alias=None)
        leads = bool(found.bundle.clusters) or previous is None or not previous.clusters
        if leads:
            registry.set_alias(SEGMENTS, version=found.version, alias=CHAMPION)
        step.results.update(version=found.version, status=found.bundle.status, k=len(found.bundle.clusters))
    show_model(run, found.bundle)
    if leads or champion is None or champion.bundle.as_of > as_of.isoformat():
        return found
    run.out.print(f"the clusters of {champion.bundle.as_of} (version {champion.version}) stay in use")
    return champion


def segment_step(run: Run, as_of: date, model: Model, rules: Rules) -> None:
    """Write `customer_segments` of the date in one commit, then what is counted from it; again is the same."""
    with run.step("segment") as step:
        found = assigned(_snapshot(run, as_of), model=model.bundle, rules=rules)
        constants = {
            "as_of_date": F.lit(as_of), "model_version": F.lit(model.version),
            "model_as_of": F.lit(date.fromisoformat(model.bundle.as_of)),
            "feature_fingerprint": F.lit(run.features().fingerprint), "run_id": F.lit(run.run_id),
            "segmented_at": F.lit(run.started_at),
        }  # fmt: skip
        run.warehouse.replace(CUSTOMER_SEGMENTS, found.withColumns(constants), where=among([as_of]))
        counted = profiles(found).withColumns({name: constants[name] for name in ("as_of_date", "run_id")})
        run.warehouse.replace(PROFILES, counted, where=among([as_of]))
        dates = sorted(run.warehouse.rows_by_date(CUSTOMER_SEGMENTS.name))
        _write_flows(run, as_of, dates)
        customers = run.warehouse.rows_by_date(CUSTOMER_SEGMENTS.name).get(as_of, 0)
        step.results.update(as_of=as_of, customers=customers, version=model.version)
    if run.arguments.pictures:
        _draw(run, as_of, dates, rules)


def _write_flows(run: Run, as_of: date, dates: list[date]) -> None:
    """Flows from the date before and to the date after, in the place of those that passed this date by."""
    pairs = [pair for pair in pairwise(dates) if as_of in pair]
    held = {day: run.warehouse.read(CUSTOMER_SEGMENTS.name).where(among([day])) for pair in pairs for day in pair}
    moved = None
    for before, after in pairs:
        one = flows(held[before], held[after]).withColumns(
            {"from_date": F.lit(before), "to_date": F.lit(after), "run_id": F.lit(run.run_id)}
        )
        moved = one if moved is None else moved.unionByName(one)
    if moved is not None:
        run.warehouse.replace(FLOWS, moved, where=around(as_of))


def _draw(run: Run, as_of: date, dates: list[date], rules: Rules) -> None:
    folder = Path(run.arguments.pictures)
    earlier = max((day for day in dates if day < as_of), default=None)
    profile = run.warehouse.read(PROFILES.name).where(among([as_of]))
    moved = run.warehouse.read(FLOWS.name).where(F.col("to_date") == F.lit(as_of)) if earlier is not None else None
    drawn = Drawn(rfm_cells(_snapshot(run, as_of)), profile, moved, earlier, as_of)
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures_of(drawn, rules).items():
        (folder / name).write_bytes(picture)
    run.out.print(f"pictures are in {folder}")


def _champion(run: Run, registry: Registry[SegmentModel]) -> Model | None:
    try:
        return registry.load(SEGMENTS)
    except NoModel:
        return None
    except BrokenModel:
        if not run.arguments.refit:
            raise
        run.progress.print("note: the files of the fit before are gone; cluster ids begin at 1 again")
        return None


def _frozen(champion: Model | None, as_of: date) -> Model | None:
    """The champion, if it has clusters and may be used at the date; None where a fit is needed."""
    if champion is None or not champion.bundle.clusters:
        return None
    model = champion.bundle
    if model.feature_fingerprint != meaning_of_measures():
        raise OtherFeatures.segments(fitted=model.as_of)
    if model.as_of > as_of.isoformat():
        raise ConfigurationError(
            f"the clusters were fitted on the customers of {model.as_of}, later than {as_of}: they would know the "
            f"future.\n  Ask for --as-of {model.as_of} or later, or add --refit to fit them on those of {as_of}."
        )
    return champion


def _identity(run: Run, now: Buyers, then: Buyers) -> str:
    contents = [then.population.content, now.population.content, meaning_of_measures(), str(then.as_of)]
    return segments_fingerprint(as_of=now.as_of, contents=contents, parameters=run.settings.segments.describe(),
                                seed=run.settings.seed)  # fmt: skip


def _earlier(run: Run, as_of: date) -> date:
    return as_of - timedelta(days=run.settings.segments.days_between)


def _snapshot(run: Run, day: date) -> DataFrame:
    return read_features(run.warehouse, run.features(), dates=[day])
