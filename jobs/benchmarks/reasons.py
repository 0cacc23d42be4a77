"""What reasons and confidence cost, and that contributions add up: made-up customers with the real features.

./spark-submit.sh bench reasons --rows 200000 --trees 300 --shap SHAP/bin/python
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from jobs.benchmarks import reasons_shap
from jobs.benchmarks.beside import install_hint, run_beside
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.run import Run
from jobs.why import why_of
from models.algorithms.boosted import FittedBooster, XGBoost
from models.algorithms.contract import Matrix
from models.algorithms.parameters import XGBoostParameters
from models.bundle import Bundle, Resample
from models.calibrate import Calibrator
from models.confidence import confidence
from models.heads import CHURN
from models.logistic import Floats, sigmoid
from models.reasons.contributions import explain_of
from models.reasons.reasons import reasons_of
from models.reasons.why import Why
from models.registry import Registered
from models.score import PASSED_ON, Scorers, score_frame

SIZES = {"rows": 100_000, "trees": 300}
ADDED_UP, LEARNED_FROM, MADE = 10_000, 20_000, 20_000
"""Rows whose contributions are added up, that are learned from, and that are made up at a time."""
CLOSE = 1e-3
"""Log-odds by which sums and other implementations may differ: XGBoost adds single-precision numbers."""
REPEATS = 2


def run(run: Run) -> list[Figure]:
    """Rows a second of each part on one core, the whole pass with and without, and the largest differences."""
    features = tuple(dict.fromkeys([*run.features().model_inputs, *CHURN.decided_by]))
    matrix = _made_up(features, min(run.arguments.rows, MADE), seed=run.settings.seed)
    bundle = _bundle(run, features, matrix)
    why = why_of(run, {CHURN.name: Registered(bundle, "1")})
    near = Path(run.settings.warehouse) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    figures = [Figure("rows", run.arguments.rows, "rows"), Figure("features", len(features), "features"),
               Figure("trees", run.arguments.trees, "trees")]  # fmt: skip
    with TemporaryDirectory(prefix="run-", dir=near) as folder:
        return [*figures, *_adding_up(run, bundle, matrix, Path(folder)), *_parts(bundle, matrix, why),
                *_passes(run, bundle, why, Path(folder))]  # fmt: skip


def _made_up(features: Sequence[str], rows: int, *, seed: int) -> Matrix:
    """Skewed positive numbers, a tenth unknown; who ordered within the population's days is known of everyone."""
    rng = np.random.default_rng(seed)
    matrix = rng.lognormal(2.0, 1.0, (rows, len(features))).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    for name in CHURN.decided_by:
        matrix[:, features.index(name)] = 1 + rng.poisson(2.0, rows)
    return matrix


def _bundle(run: Run, features: tuple[str, ...], matrix: Matrix) -> Bundle:
    """A churn model of exactly `--trees` trees by the settings, and as many others as these ask for."""
    settings = run.settings.training
    chosen = settings.model_dump(include=set(XGBoostParameters.model_fields))
    algorithm = XGBoost(XGBoostParameters(**{**chosen, "trees": run.arguments.trees}))
    learned, rng = matrix[:LEARNED_FROM], np.random.default_rng(run.settings.seed)
    logs = np.log1p(np.nan_to_num(learned))
    odds = (logs - logs.mean(axis=0)) @ rng.normal(0, 0.3, len(features))
    labels = (rng.random(len(learned)) < sigmoid(odds)).astype(float)

    def fitted(place: int) -> bytes:
        times = np.ones(len(learned), np.intp) if place == 0 else rng.poisson(1.0, len(learned))
        return algorithm.fit_drawn(learned, labels, times=times, trees=run.arguments.trees, seed=run.settings.seed,
                                   features=features).save()  # fmt: skip

    calibrator = Calibrator(1.0, 0.0, "made up", "", len(learned))
    others = tuple(Resample(fitted(1 + at), calibrator, len(learned)) for at in range(settings.confidence_boosters))
    return Bundle(
        head=CHURN.name, label=CHURN.label, horizon_days=CHURN.horizon_days, features=features,
        feature_fingerprint=run.features().fingerprint, training_fingerprint="bench", model=fitted(0),
        calibrator=calibrator, dates={}, metrics={}, resamples=others,
    )  # fmt: skip


def _adding_up(run: Run, bundle: Bundle, matrix: Matrix, folder: Path) -> list[Figure]:
    """How far sums of contributions are from the log-odds, and contributions from those of XGBoost and of `shap`."""
    rows = matrix[:ADDED_UP]
    ours = _contributions(bundle, rows)
    rest = bundle.margins(rows) - ours.sum(axis=1)
    off = float(np.abs(rest - np.median(rest)).max())
    if off > CLOSE:
        raise DataContractError(f"contributions and log-odds differ by {off}, more than {CLOSE}.")
    walked: list[Floats] = []
    seconds = seconds_of(lambda: walked.append(FittedBooster(bundle.model).walked_contributions(rows)))
    figures = [
        Figure("additivity_rows", len(rows), "rows"), Figure("additivity_largest_difference", off, "log-odds"),
        Figure("xgboost_largest_difference", _difference("XGBoost", walked[0], ours), "log-odds"),
        Figure("treeshap_by_xgboost_rows_per_second", len(rows) / seconds, "rows/s"),
    ]  # fmt: skip
    if run.arguments.shap is None:
        run.out.print(install_hint("shap", also="xgboost-cpu"))
        return figures
    (folder / "model.ubj").write_bytes(bundle.model)
    np.save(folder / "rows.npy", rows)
    version, problem = run_beside(run.arguments.shap, reasons_shap.__file__, [str(folder)])
    if problem:
        run.out.print(f"shap: no result: {problem}")
        return figures
    differs = _difference(f"shap {version}", np.load(folder / "shap.npy"), ours)
    run.out.print(f"shap {version} agrees")
    return [*figures, Figure("shap_largest_difference", differs, "log-odds")]


def _difference(who: str, theirs: Floats, ours: Floats) -> float:
    """The largest of any feature in any row; DataContractError where it is no rounding."""
    differs = float(np.abs(theirs - ours).max())
    if differs > CLOSE:
        raise DataContractError(f"{who} differs by {differs} log-odds, more than {CLOSE}.")
    return differs


def _contributions(bundle: Bundle, rows: Matrix) -> Floats:
    explain = explain_of(bundle)
    if explain is None:
        raise DataContractError(f"{bundle.algorithm} has no exact contributions.")
    return explain(rows)


def _parts(bundle: Bundle, matrix: Matrix, why: Why) -> list[Figure]:
    """Rows a second of one process, one thread."""
    taken = {
        "predict": min(seconds_of(lambda: bundle.predict(matrix)) for _ in range(REPEATS)),
        "treeshap": min(seconds_of(lambda: _contributions(bundle, matrix)) for _ in range(REPEATS)),
        "reasons": min(seconds_of(lambda: reasons_of(bundle, matrix, wording=why.wording))
                       for _ in range(REPEATS)),
        "confidence": min(seconds_of(lambda: confidence(bundle, matrix)) for _ in range(REPEATS)),
    }  # fmt: skip
    figures = [Figure(f"{name}_rows_per_second", len(matrix) / seconds, "rows/s") for name, seconds in taken.items()]
    share = 1 - taken["treeshap"] / taken["reasons"]
    return [*figures, Figure("texts_share_of_reasons", share, "share")]


def _table(features: Sequence[str], matrix: Matrix) -> pa.Table:
    wide = matrix.astype(np.float64)
    return pa.table({name: pa.array(wide[:, at], from_pandas=True) for at, name in enumerate(features)})


def _passes(run: Run, bundle: Bundle, why: Why, folder: Path) -> list[Figure]:
    """Seconds of a scoring pass of churn from Parquet to Parquet, without, with reasons, with confidence too."""
    _write_customers(run, bundle.features, folder)
    as_of = run.started_at.date() - timedelta(days=1)
    plain = replace(bundle, resamples=())
    cases = {"without": (plain, None), "with_reasons": (plain, why), "with_reasons_and_confidence": (bundle, why)}
    seconds = {}
    for name, (model, told) in cases.items():
        scorers = Scorers({CHURN.name: Registered(model, "1")}, why=told)
        scores = score_frame(
            run.spark.read.parquet(f"{folder}/customers"), models=scorers,
            feature_fingerprint=model.feature_fingerprint, as_of_date=as_of, run_id="bench", scored_at=run.started_at,
        )  # fmt: skip
        taken = [seconds_of(lambda: scores.write.mode("overwrite").parquet(f"{folder}/{name}"))  # noqa: B023
                 for _ in range(REPEATS)]  # fmt: skip
        seconds[name] = min(taken)
    _refuse_other_scores(run, folder, list(cases))
    figures = [Figure(f"pass_{name}_seconds", taken, "s") for name, taken in seconds.items()]
    return [*figures, *[Figure(f"pass_{name}_times", seconds[name] / seconds["without"], "x") for name in cases]]


def _write_customers(run: Run, features: tuple[str, ...], folder: Path) -> None:
    """`--rows` customers, so many at a time; what scoring reads beside the model's inputs is one constant."""
    (folder / "customers").mkdir()
    for start in range(0, run.arguments.rows, MADE):
        count = min(MADE, run.arguments.rows - start)
        table = _table(features, _made_up(features, count, seed=run.settings.seed + start))
        other = {"customer_id": pa.array([f"c{start + at:09d}" for at in range(count)])}
        for name in ("orders_count_lifetime", *PASSED_ON):
            if name not in table.column_names:
                other[name] = pa.repeat(pa.scalar("Loyal" if name == "rfm_segment" else 3), count)
        pq.write_table(pa.table({**other, **dict(zip(table.column_names, table.columns, strict=True))}),
                       folder / "customers" / f"{start:09d}.parquet")  # fmt: skip


def _refuse_other_scores(run: Run, folder: Path, cases: Sequence[str]) -> None:
    """Scores are the same whatever is told of them, and everyone's are told."""
    found = {}
    for name in cases:
        scores = run.spark.read.parquet(f"{folder}/{name}")
        told = F.xxhash64("customer_id", CHURN.output).cast("decimal(38,0)")
        found[name] = scores.agg(F.sum(told), F.count(CHURN.output), F.count("reasons"), F.count("confidence")).first()
    hashes = {row[0] for row in found.values() if row}
    counts = {name: tuple(row)[1:] for name, row in found.items() if row}
    rows = run.arguments.rows
    expected = {"without": (rows, 0, 0), "with_reasons": (rows, rows, 0),
                "with_reasons_and_confidence": (rows, rows, rows)}  # fmt: skip
    if len(hashes) != 1 or (counts != expected and run.settings.training.confidence_boosters):
        raise DataContractError(f"the passes score otherwise: {len(hashes)} different scores, counts {counts}.")
