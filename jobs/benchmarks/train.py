"""Boosted trees on the same rows: in processes of Spark against XGBoost alone, loading included on both sides.

Give `--master 'local-cluster[2,1,4096]'` for executors that are processes of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.run import Run
from models.algorithms.boosted import FittedBooster, XGBoost
from models.algorithms.contract import Fitted, Matrix, Rows
from models.algorithms.parameters import XGBoostParameters
from models.evaluate import area_under_roc
from models.logistic import Floats

SIZES = {"rows": 1_000_000, "columns": 50, "trees": 200}
WORKERS = 2
CLOSE = 0.003
"""AUCs further apart than this mean that the two did not learn the same."""
_TENTH, _HELD_OUT = "tenth", 0
_KIB_A_MIB, _PAUSE = 1024, 0.2


def run(run: Run) -> list[Figure]:
    """Seconds, peak memory and held-out AUC of both, on `--rows` rows of `--columns` columns and `--trees` trees."""
    near = Path(run.settings.warehouse) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    chosen = run.settings.training.model_dump(include=set(XGBoostParameters.model_fields))
    trees = run.arguments.trees
    parameters = XGBoostParameters(**{**chosen, "trees": trees, "early_stopping_rounds": trees, "num_workers": WORKERS})
    with TemporaryDirectory(prefix="run-", dir=near) as folder:
        rows = _made_up(run.spark, run.arguments.rows, run.arguments.columns, seed=run.settings.seed)
        rows.repartition(2 * WORKERS).write.parquet(f"{folder}/rows")
        task = Task(f"{folder}/rows", run.arguments.columns, parameters, run.settings.seed)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
            native = apart.submit(_native, task).result()
        distributed = _distributed(run.spark, task)
    if abs(native.auc - distributed.auc) > CLOSE:
        raise DataContractError(f"the AUCs are {native.auc:.4f} alone and {distributed.auc:.4f} on Spark.")
    return [
        Figure("rows", run.arguments.rows, "rows"),
        *native.figures("native"), *distributed.figures("spark"),
        Figure("spark_times_native", distributed.seconds / native.seconds, "x"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What both do: the folder of rows, how many columns of them are inputs, parameters, seed."""

    path: str
    columns: int
    parameters: XGBoostParameters
    seed: int

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(f"f{at}" for at in range(self.columns))


@dataclass(frozen=True)
class Outcome:
    """Seconds from files to model, the AUC on rows that neither learned from, and the most memory held (MiB)."""

    seconds: float
    auc: float
    mebibytes: float

    def figures(self, who: str) -> list[Figure]:
        """As what a benchmark prints."""
        return [Figure(f"{who}_seconds", self.seconds, "s"), Figure(f"{who}_auc", self.auc, "1"),
                Figure(f"{who}_peak", self.mebibytes, "MiB")]  # fmt: skip


def _made_up(spark: SparkSession, rows: int, columns: int, *, seed: int) -> DataFrame:
    """Normal columns with holes; the outcome follows eight of them, one pair by its product."""
    values = [F.when(F.rand(seed + at) < 0.05, None).otherwise(F.randn(seed + 1000 + at)).cast("float").alias(f"f{at}")
              for at in range(columns)]  # fmt: skip
    frame = spark.range(rows).select("id", *values)
    known = [F.coalesce(F.col(f"f{at % columns}"), F.lit(0.0)) for at in range(8)]
    odds = sum((known[at] * (0.8 - 0.1 * at) for at in range(8)), start=known[0] * known[1]) - 1.0
    likely = 1 / (1 + F.exp(-odds))
    tenth = F.pmod(F.xxhash64("id"), F.lit(10)).cast("int")
    return frame.withColumns({"outcome": (F.rand(seed) < likely).cast("double"), _TENTH: tenth})


def _native(task: Task) -> Outcome:
    """XGBoost alone, a thread for each worker of Spark; in a process of its own, so that its memory is known."""
    found: list[Fitted] = []

    def fit() -> None:
        learned, stopping, _ = _read(task)
        rows = Rows(*learned, *stopping, task.features)
        found.append(XGBoost(task.parameters, threads=WORKERS).fit(rows, seed=task.seed).model)

    seconds = seconds_of(fit)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_A_MIB
    return Outcome(seconds, _auc(found[0], task), most)


def _distributed(spark: SparkSession, task: Task) -> Outcome:
    from models.algorithms.xgboost_spark import fit_distributed

    found: list[Fitted] = []

    def fit() -> None:
        rows = spark.read.parquet(task.path).where(F.col(_TENTH) != _HELD_OUT)
        rows = rows.withColumn("is_stop", F.col(_TENTH) == 1)
        fitted = fit_distributed(rows, features=task.features, label="outcome", stopping="is_stop", key=("id",),
                                 parameters=task.parameters, seed=task.seed)  # fmt: skip
        found.append(FittedBooster(fitted.booster))

    with _memory_of_children() as most:
        seconds = seconds_of(fit)
    return Outcome(seconds, _auc(found[0], task), most())


def _read(task: Task) -> list[tuple[Matrix, Floats]]:
    """Rows to learn from, to stop by, and held out: inputs float32 and outcomes."""
    table = pq.read_table(task.path)
    matrix = np.column_stack([table.column(name).to_numpy() for name in task.features])
    outcome, tenth = table.column("outcome").to_numpy(), table.column(_TENTH).to_numpy()
    return [(matrix[part], outcome[part]) for part in (tenth > 1, tenth == 1, tenth == _HELD_OUT)]


def _auc(model: Fitted, task: Task) -> float:
    matrix, outcome = _read(task)[2]
    return area_under_roc(outcome, model.margins(matrix)) or float("nan")


@contextmanager
def _memory_of_children() -> Iterator:
    """The most memory that all processes below this one's group held at once, looked at five times a second."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            peak[0] = max(peak[0], sum(map(_resident, _group())))
            time.sleep(_PAUSE)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield lambda: peak[0]
    finally:
        ended.set()
        watching.join()


def _group() -> list[int]:
    """Processes of this session: driver, Java machines, Python workers; none where the system does not tell."""
    session = os.getsid(0)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _resident(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    held = next((line for line in lines if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(held.split()[1]) / _KIB_A_MIB
