"""What must hold in a warehouse whatever ran on it, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from featurestore.erasure_records import unfinished_erasures
from featurestore.ingest_runs import RETRACTING, STARTED, IngestReport, reports
from featurestore.population import population_table
from featurestore.schemas import ALIASES, ORIGINS, SOURCES
from featurestore.snapshot_records import SNAPSHOTS
from featurestore.tables import Warehouse
from featurestore.training_set_records import TRAINING_SETS, newest, table_of
from featurestore.views import FeatureView

SHOWN = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `wrong` is "" where it holds, `do` what mends it."""

    name: str
    looked_at: str
    wrong: str = ""
    do: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.wrong


def batch_checks(warehouse: Warehouse) -> Iterator[Check]:
    """Of each source: its batches account for every row that was read, and for every row that is in the tables."""
    for name in ORIGINS:
        own = reports(warehouse, name)
        if not own:
            continue
        done = [one for one in own if one.is_done]
        yield Check(f"conservation of {name}", f"{len(done)} batches", _few(_unaccounted(done)),
                    "feed the file again after ingest --retract BATCH")  # fmt: skip
        if name != ALIASES.name:
            for kind, table in _tables_of(name):
                wrong = _few(_other_counts(warehouse, table, done, kind))
                yield Check(f"batches of {table}", f"{len(done)} batches", wrong,
                            "ingest --retract BATCH, then feed the file again")  # fmt: skip
        cut = [f"batch {one.batch_id[:12]} ({one.input_name})" for one in own if one.status in (STARTED, RETRACTING)]
        yield Check(f"batches of {name} ended", f"{len(own)} batches", _few(cut),
                    "feed the same input again, or repeat ingest --retract")  # fmt: skip


def _unaccounted(done: Iterable[IngestReport]) -> list[str]:
    def told(one: IngestReport) -> int:
        return one.rows_accepted + one.rows_quarantined + one.rows_duplicate + one.rows_suppressed

    return [f"batch {one.batch_id[:12]}: {one.rows_read:,} rows read, {told(one):,} accounted for"
            for one in done if one.rows_read != told(one)]  # fmt: skip


def _tables_of(source: str) -> list[tuple[str, str]]:
    return [("accepted", SOURCES[source].events_table), ("quarantined", SOURCES[source].quarantine_table)]


def _other_counts(warehouse: Warehouse, table: str, done: Sequence[IngestReport], kind: str) -> list[str]:
    """Batches of which a table has another number of rows than their record says."""
    there: dict[str, int] = {}
    if warehouse.exists(table):
        there = {row["batch_id"]: row["count"] for row in warehouse.read(table).groupBy("batch_id").count().collect()}
    told = {one.batch_id: getattr(one, f"rows_{kind}") - getattr(one, f"{kind}_erased") for one in done}
    return [f"batch {batch[:12]} has {there.get(batch, 0):,} rows, its record says {rows:,}"
            for batch, rows in told.items() if there.get(batch, 0) != rows]  # fmt: skip


def key_check(warehouse: Warehouse, table: str, keys: Sequence[str], *, do: str) -> Check:
    """That no key stands twice in a table."""
    repeated = warehouse.read(table).groupBy(*keys).count().where("count > 1").select(*keys, "count")
    found = [f"{', '.join(str(row[key]) for key in keys[1:]) or 'a key'} stands {row['count']} times"
             for row in repeated.limit(SHOWN).collect()]  # fmt: skip
    return Check(f"keys of {table}", ", ".join(keys), _few(found), do)


def snapshot_checks(warehouse: Warehouse, views: Mapping[str, FeatureView]) -> Iterator[Check]:
    """Of each view: what is listed is there, whole, by one definition, with its cut points."""
    listed = warehouse.records(SNAPSHOTS.name, ("view", "as_of_date", "rows", "fingerprint"))
    for name in sorted({row["view"] for row in listed}):
        own = [row for row in listed if row["view"] == name]
        there = warehouse.rows_by_date(f"features_{name}")
        days = ",".join(sorted(str(row["as_of_date"]) for row in own))
        gaps = [f"{row['as_of_date']}: {there.get(row['as_of_date'], 0):,} rows, listed with {row['rows']:,}"
                for row in own if there.get(row["as_of_date"], 0) != row["rows"]]  # fmt: skip
        again = f"build_features --view {name} --dates {days}"
        yield Check(f"snapshots of {name}", f"{len(own)} dates", _few(gaps), again)
        view = views.get(name)
        if view is None:
            continue
        other = [str(row["as_of_date"]) for row in own if row["fingerprint"] != view.fingerprint]
        if warehouse.fingerprints(view.table) != dict(view.feature_fingerprints):
            other.append("the columns of the table")
        yield Check(f"definition of {name}", f"{len(own)} dates", _few([f"{one} is of another one" for one in other]),
                    f"build_features --view {name}: what is the same is kept, the rest folded")  # fmt: skip
        if view.ranked:
            ranked = {row["as_of_date"] for row in warehouse.records(population_table(name).name, ("as_of_date",))}
            filled = [row["as_of_date"] for row in own if row["rows"]]
            lacking = [f"{day} has none" for day in filled if day not in ranked]
            yield Check(f"cut points of {name}", f"{len(own)} dates", _few(lacking), again)


def training_set_checks(warehouse: Warehouse) -> Iterator[Check]:
    """Of each label: the newest training set is the one that its table holds."""
    for name in sorted({row["name"] for row in warehouse.records(TRAINING_SETS.name, ("name",))}):
        found = newest(warehouse, name)
        if found is None:
            continue
        erased = ", of before an erasure: build it again before the next training" if found.erased_since else ""
        stands = found.is_current(warehouse) or bool(erased)
        yield Check(f"training set {name}", f"version {found.version}{erased}",
                    "" if stands else f"{table_of(name)} does not hold version {found.version}",
                    f"build_training_set --label {name} --build")  # fmt: skip


def erasure_check(warehouse: Warehouse) -> Check:
    """That every erasure that began has ended."""
    found = unfinished_erasures(warehouse)
    return Check("erasures", "all of them", _few([f"erasure {one} was cut off" for one in found]), "erase: it ends it")


def _few(found: Sequence[str]) -> str:
    return "; ".join(found[:SHOWN]) + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
