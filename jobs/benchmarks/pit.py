"""Point-in-time joins: FeatureLookup against Spark by hand and Feast, narrow and wide, even and skewed.

./spark-submit.sh bench pit --rows 7000000 --asked 240000 --feast FEAST/bin/python

Every contender reads the same rows and writes Parquet; the results are compared row by row before any time is taken.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from featurestore import user_tables
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.lookups import FeatureLookup
from featurestore.store import FeatureStore
from featurestore.tables import Transaction, is_local
from jobs.benchmarks import pit_feast
from jobs.benchmarks.beside import install_hint, run_beside
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.run import Run

SIZES = {"rows": 300_000, "asked": 30_000}
WIDTHS = (10, 100)
ROWS_A_KEY = 20
START_US, SPAN_US = 1_672_531_200_000_000, 365 * 86_400_000_000
TABLE = "pit_rows"
REPEATS = 2


@dataclass(frozen=True)
class Case:
    """One table and one spine: how many columns, and whether one key holds a tenth of the rows of both."""

    columns: int
    is_skewed: bool

    @property
    def name(self) -> str:
        return f"{self.columns}_columns_{'skewed' if self.is_skewed else 'even'}"

    @property
    def features(self) -> list[str]:
        return [f"f{at}" for at in range(self.columns)]


def run(run: Run) -> list[Figure]:
    """Seconds of every contender in every case, and how many times Tessera's they are."""
    if not is_local(run.settings.warehouse):
        raise ConfigurationError("bench pit writes Parquet for Feast and so needs a local warehouse.")
    if run.arguments.feast is None:
        run.out.print(install_hint("feast"))
    figures = [Figure("rows", run.arguments.rows, "rows"), Figure("asked", run.arguments.asked, "rows")]
    for case in [Case(columns, is_skewed) for columns in WIDTHS for is_skewed in (False, True)]:
        root = Path(run.warehouse.root) / "bench"
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="run-", dir=root) as folder:
            figures += _measured(run, case, Path(folder))
    return figures


def _measured(run: Run, case: Case, folder: Path) -> list[Figure]:
    store = FeatureStore(run.spark, str(folder / "lakehouse"))
    _write_inputs(run, store, case, folder)
    spine = run.spark.read.parquet(str(folder / "spine"))

    def tessera() -> DataFrame:
        return store.create_training_set(spine, [FeatureLookup(TABLE)]).load_df()

    def by_hand(last: Callable[[DataFrame, Case], DataFrame]) -> Callable[[], DataFrame]:
        return lambda: last(_union(store.read_table(TABLE), spine, case), case)

    frames = {"tessera": tessera, "spark_last_of_columns": by_hand(last_of_columns),
              "spark_last_of_struct": by_hand(last_of_struct)}  # fmt: skip
    found, seconds = {}, {}
    for name, frame in frames.items():
        _write(frame(), folder / name)  # to be compared, and to warm up
        found[name] = _digest(run.spark, folder / name, case)
        _refuse_difference(found[name].everything, found["tessera"].everything, name=f"{name} ({case.name})")
        seconds[name] = min(seconds_of(lambda: _write(frame(), folder / name)) for _ in range(REPEATS))  # noqa: B023
    figures = [Figure(f"{case.name}_found_share", found["tessera"].found[0] / run.arguments.asked, "share")]
    if run.arguments.feast is not None:
        told = [str(folder), json.dumps(case.features)]
        taken, problem = run_beside(run.arguments.feast, pit_feast.__file__, told)
        if problem:
            run.out.print(f"feast, {case.name}: no result: {problem}")
        else:
            seconds["feast"] = float(taken)
            of_feast = _digest(run.spark, folder / "feast", case)
            # Its file store drops rows of the spine whose key has later rows only: those that it found are compared.
            _refuse_difference(of_feast.found, found["tessera"].found, name=f"feast ({case.name})")
            lost = found["tessera"].everything[0] - of_feast.everything[0]
            figures.append(Figure(f"{case.name}_feast_rows_lost", lost, "rows"))
    figures += [Figure(f"{case.name}_{name}_seconds", taken, "s") for name, taken in seconds.items()]
    ratios = {name: taken / seconds["tessera"] for name, taken in seconds.items() if name != "tessera"}
    return [*figures, *[Figure(f"{case.name}_{name}_times_tessera", times, "x") for name, times in ratios.items()]]


def _write(frame: DataFrame, path: Path) -> None:
    frame.write.mode("overwrite").parquet(str(path))


def _write_inputs(run: Run, store: FeatureStore, case: Case, folder: Path) -> None:
    """The feature table (and its rows as Parquet, where Feast reads them) and the spine, made up from the seed."""
    count, seed = run.arguments.rows, run.settings.seed
    values = [
        (F.pmod(F.xxhash64("id", F.lit(seed), F.lit(at)), F.lit(1_000_000)) / 100).alias(name)
        for at, name in enumerate(case.features)
    ]
    rows = run.spark.range(count).select(_key(case, count, seed), _instant(count, odd=0).alias("at"), *values)
    store.create_table(TABLE, primary_keys=["customer_id"], timestamp_key="at", schema=rows.schema)
    table = user_tables.find(store.warehouse, TABLE).table
    store.warehouse.append(table, rows, transaction=Transaction("bench"))
    asked = run.spark.range(run.arguments.asked)
    key = _key(case, count, seed + 1)
    asked.select(key, _instant(run.arguments.asked, odd=1).alias("as_of"), F.col("id").alias("n")).write.parquet(
        str(folder / "spine")
    )
    if run.arguments.feast is not None:
        store.read_table(TABLE).write.parquet(str(folder / "rows"))


def _key(case: Case, rows: int, seed: int) -> Column:
    customer = F.concat(F.lit("c"), F.pmod(F.xxhash64("id", F.lit(seed)), F.lit(max(rows // ROWS_A_KEY, 1))))
    hot = F.lit("c-hot")
    return (F.when(F.col("id") % 10 == 0, hot).otherwise(customer) if case.is_skewed else customer).alias("customer_id")


def _instant(rows: int, *, odd: int) -> Column:
    """Each row's own: stored ones at even microseconds, asked ones at odd, so that `<` and `<=` agree."""
    shuffled = F.pmod(F.col("id") * 1_000_003, F.lit(rows))
    return F.timestamp_micros(F.lit(START_US + odd) + shuffled * (SPAN_US // rows // 2 * 2))


def _union(stored: DataFrame, spine: DataFrame, case: Case) -> DataFrame:
    """What people write: both sides in one frame, each with NULL in the columns of the other."""
    asked = spine.withColumns({"at": F.col("as_of"), "is_asked": F.lit(True)})
    asked = asked.withColumns({name: F.lit(None).cast("double") for name in case.features})
    candidates = stored.withColumns({"as_of": F.lit(None).cast("timestamp"), "n": F.lit(None).cast("bigint"),
                                     "is_asked": F.lit(False)})  # fmt: skip
    return asked.unionByName(candidates)


def last_of_columns(both: DataFrame, case: Case) -> DataFrame:
    """Union and last value, as people write it; with a NULL among the values it would find older ones."""
    before = Window.partitionBy("customer_id").orderBy("at").rowsBetween(Window.unboundedPreceding, 0)
    values = [F.last(name, ignorenulls=True).over(before).alias(name) for name in case.features]
    return both.select("customer_id", "as_of", "n", "is_asked", *values).where("is_asked").drop("is_asked")


def last_of_struct(both: DataFrame, case: Case) -> DataFrame:
    """The same with one last value, of a struct: what NULLs need, and the fastest that we know by hand."""
    before = Window.partitionBy("customer_id").orderBy("at").rowsBetween(Window.unboundedPreceding, 0)
    row = F.when(~F.col("is_asked"), F.struct(*case.features))
    newest = both.withColumn("newest", F.last(row, ignorenulls=True).over(before)).where("is_asked")
    return newest.select("customer_id", "as_of", "n", "newest.*")


@dataclass(frozen=True)
class Digest:
    """Rows and the sum of their hashes: of all, and of those for which a stored row was found."""

    everything: tuple[int, Decimal]
    found: tuple[int, Decimal]


def _digest(spark: SparkSession, path: Path, case: Case) -> Digest:
    rows = spark.read.parquet(str(path))
    hashed = F.xxhash64("customer_id", "n", *[F.col(one).cast("double") for one in case.features]).cast("decimal(38,0)")
    is_found = F.col(case.features[0]).isNotNull()  # the made-up values are never NULL
    counted = rows.agg(F.count("*"), F.sum(hashed), F.count_if(is_found), F.sum(F.when(is_found, hashed))).first()
    all_rows, sum_of_all, found_rows, sum_of_found = counted or (0, Decimal(0), 0, Decimal(0))
    return Digest((all_rows, sum_of_all), (found_rows, sum_of_found))


def _refuse_difference(found: tuple[int, Decimal], expected: tuple[int, Decimal], *, name: str) -> None:
    if found != expected:
        raise DataContractError(f"{name} finds other rows than tessera: {found}, not {expected} (rows, sum of hashes).")
