"""The lifetime model in Spark against plain Python on the same order lines: histories, counts, values, scores."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from pyspark.sql import functions as F

from featurestore.features.orders import ORDERS_VIEW
from featurestore.fold import Limits
from featurestore.spine import folded_at
from jobs.main import main
from models.errors import BadTrainingSetting, CannotTrain, OtherFeatures
from models.heads import LIFETIME
from models.lifetime.bgnbd import BgNbd
from models.lifetime.counting import history_counts, value_counts
from models.lifetime.fitting import figures_of, fitted_at, train_lifetime
from models.lifetime.gamma_gamma import GammaGamma
from models.lifetime.histories import (
    HISTORY,
    day_totals,
    discrete_quantile,
    histories_at,
    values_of,
    with_history,
    with_values,
)
from models.lifetime.parameters import LifetimeParameters
from models.lifetime.record import READ, LifetimeModel
from models.lifetime.scoring import Scorer, customers_of, score_lifetime, with_numbers
from models.registry import Registry
from tests.events import add_batch, order_line
from tests.unit.models.lifetime.fits import MODEL

AS_OF, FIRST = date(2024, 1, 1), date(2021, 6, 1)
LIMITS = Limits(100, 10_000)
US = timedelta(microseconds=1)
N = 300


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def made_up_lines() -> list[tuple[str, datetime, Decimal]]:
    """Orders that follow the model, returns, and what stands at the edges of a day and of the date."""
    rng, rows = np.random.default_rng(5), []
    for number in range(N):
        customer, rate, leave = f"c{number:03d}", rng.gamma(1.0, 1 / 40), rng.beta(0.8, 2.5)
        at = float(rng.uniform(0, 900))
        while at < 1300:
            rows.append(
                (customer, midnight(FIRST) + timedelta(days=at), Decimal(int(rng.gamma(3, 900)) + 1).scaleb(-2))
            )
            if rng.random() < 0.1:
                rows.append((customer, rows[-1][1] + timedelta(hours=3), -rows[-1][2] / 2))
            if rng.random() < leave:
                break
            at += rng.exponential() / rate
    ten = Decimal("10.00")
    rows += [("returns", midnight(AS_OF) - timedelta(days=9), -ten), ("edge", midnight(AS_OF) - US, ten)]
    rows += [("edge", midnight(AS_OF), ten), ("late", midnight(AS_OF), ten)]
    rows += [("twice", midnight(date(2023, 12, 1)) + timedelta(hours=h), ten) for h in (0, 23)]
    rows += [("twice", midnight(date(2023, 12, 20)), ten), ("netless", midnight(date(2023, 12, 1)), ten)]
    rows += [("netless", midnight(date(2023, 12, 1)) + US, -ten)]
    return [(who, when, amount.quantize(Decimal("0.01"))) for who, when, amount in rows]


LINES = made_up_lines()


@pytest.fixture(scope="module")
def lines(spark):
    rows = [(who, when, f"e{at}", amount) for at, (who, when, amount) in enumerate(LINES)]
    return spark.createDataFrame(
        rows, "customer_id string, event_time timestamp, event_id string, amount decimal(18,2)"
    ).cache()


@pytest.fixture(scope="module")
def histories(lines):
    return histories_at(lines, AS_OF, horizons=(365,), limits=LIMITS).cache()


def in_python(as_of: date) -> dict[str, tuple[int, int, int]]:
    """Repeats, days from first to last, whole days of age: by counting calendar days."""
    days = defaultdict(set)
    for who, when, amount in LINES:
        if when < midnight(as_of) and amount > 0:
            days[who].add(when.date())
    yesterday = as_of - timedelta(days=1)
    return {
        who: (len(seen) - 1, (max(seen) - min(seen)).days, (yesterday - min(seen)).days) for who, seen in days.items()
    }


def totals_in_python(as_of: date) -> dict[tuple[str, date], int]:
    net, sold = defaultdict(Decimal), set()
    for who, when, amount in LINES:
        if when < midnight(as_of):
            net[who, when.date()] += amount
            if amount > 0:
                sold.add((who, when.date()))
    return {key: int(net[key] * 100) for key in sold if net[key] > 0}


def test_histories_are_those_counted_by_hand_in_batch_and_at_any_spine(spark, lines, histories):
    found = {row.customer_id: tuple(row[name] for name in HISTORY) for row in with_history(histories).collect()}
    expected = in_python(AS_OF)
    assert found == {**expected, "returns": (None, None, None)}
    assert found["edge"] == (0, 0, 0) and found["twice"] == (1, 19, 30) and "late" not in found
    folds = [fold for fold in ORDERS_VIEW.folds if fold.name in READ]
    spine = spark.createDataFrame([(who, AS_OF) for who in found], "customer_id string, as_of date")
    at_spine = with_history(folded_at(lines, spine, folds, limits=LIMITS)).collect()
    assert {row.customer_id: tuple(row[name] for name in HISTORY) for row in at_spine} == found


def test_day_totals_their_exact_quantile_and_the_values_below_it(lines, histories):
    totals, expected = day_totals(lines, AS_OF), totals_in_python(AS_OF)
    found = {(row.customer_id, date(1970, 1, 1) + timedelta(days=row.day)): row.cents for row in totals.collect()}
    assert found == expected and ("netless", date(2023, 12, 1)) not in found
    cents = sorted(expected.values())
    for share in (0, 5_000, 9_950, 10_000):
        place = max(math.ceil(len(cents) * share / 10_000), 1)
        assert discrete_quantile(totals, "cents", hundredths_of_percent=share) == cents[place - 1]
    huge = totals.select((F.col("cents") * 10**9).alias("cents"))
    assert (
        discrete_quantile(huge, "cents", hundredths_of_percent=9_950)
        == cents[math.ceil(len(cents) * 0.995) - 1] * 10**9
    )
    assert discrete_quantile(totals.limit(0), "cents", hundredths_of_percent=9_950) is None
    capped = {
        row.customer_id: (row.value_days, row.value_total) for row in values_of(totals, cap_cents=3_000).collect()
    }
    of_edge = [min(value, 3_000) for (who, _), value in expected.items() if who == "twice"]
    assert capped["twice"] == (len(of_edge), sum(of_edge))
    assert sum(total for _, total in capped.values()) == sum(min(value, 3_000) for value in cents)


def test_counts_hold_every_customer_once_on_any_grid(histories, lines):
    rows, expected = with_history(histories), in_python(AS_OF)
    fine, step = history_counts(rows, at_most=1_000)
    assert step == 1 and fine.total == len(expected) and len(fine.customers) == len(set(expected.values()))
    coarse, grid = history_counts(rows, at_most=100)
    assert grid > 1 and len(coarse.customers) <= 100
    for counts in (fine, coarse):
        sums = [float(counts.customers @ one) for one in (counts.frequency, counts.recency * 7, counts.age * 7)]
        np.testing.assert_allclose(sums, np.sum(list(expected.values()), axis=0), rtol=1e-12)
        assert (counts.recency <= counts.age).all()
    valued = with_values(histories, day_totals(lines, AS_OF), cap_cents=10**9)
    values, _ = value_counts(valued, at_most=1_000)
    assert float(values.customers @ (values.days * values.mean)) == pytest.approx(
        sum(totals_in_python(AS_OF).values()) / 100
    )
    with pytest.raises(CannotTrain, match="frequency alone"):
        history_counts(rows, at_most=2)
    with pytest.raises(CannotTrain, match="BG/NBD cannot be fitted"):
        history_counts(rows.limit(0), at_most=100)


def test_scores_are_the_native_ones_however_rows_are_cut(spark, histories, lines):
    rows = with_values(histories, day_totals(lines, AS_OF), cap_cents=5_000).select(
        "customer_id", *READ, "value_days", "value_total"
    )
    one = score_lifetime(rows.coalesce(1), MODEL, horizons=(0, 90)).toArrow().sort_by("customer_id")
    native = Scorer(MODEL, (0, 90), ()).numbers(customers_of(with_numbers(rows).toArrow().sort_by("customer_id")))
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "17")
    try:
        many = score_lifetime(rows.repartition(3), MODEL, horizons=(0, 90)).toArrow().sort_by("customer_id")
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)
    assert one.column_names[: len(rows.columns)] == rows.columns
    for name, expected in native.items():
        assert one[name].to_pylist() == many[name].to_pylist()
        np.testing.assert_array_equal(one[name].to_numpy(), expected)
    by_customer = {row["customer_id"]: row for row in one.to_pylist()}
    assert (
        by_customer["returns"]["p_alive"]
        is by_customer["returns"]["clv_12m"]
        is by_customer["returns"]["clv_status"]
        is None
    )
    assert by_customer["edge"]["clv_status"] == "backtested" and by_customer["edge"]["expected_orders_0d"] == 0
    with pytest.raises(OtherFeatures, match="'value_days' is missing"):
        score_lifetime(rows.drop("value_days"), MODEL)
    with pytest.raises(BadTrainingSetting, match="horizons"):
        score_lifetime(rows, MODEL, horizons=(-1,))


def test_trained_and_backtested_on_the_year_before(lines):
    then, parameters = date(2023, 1, 1), LifetimeParameters(winsorised_percent=100)
    seen = lines.where(F.col("event_time") < F.lit(midnight(AS_OF)))
    model = train_lifetime(seen, as_of=AS_OF, first_day=FIRST, parameters=parameters, limits=LIMITS, currency="GBP",
                           fitted_on=date(2024, 1, 2), training_fingerprint="t")  # fmt: skip
    past = sorted(in_python(then).items())
    assert model.fit.customers == len(in_python(AS_OF)) and model.fit.starts >= 5 and model.backtest is not None
    net = defaultdict(Decimal)
    for who, when, amount in LINES:
        net[who, "after" if when >= midnight(then) else "before"] += amount if _within_a_year(when, then) else 0
    actual = np.array([max(float(net[who, "after"]), 0.0) for who, _ in past])
    last_year = np.array([max(float(net[who, "before"]), 0.0) for who, _ in past])
    assert model.backtest.last_year == figures_of(last_year, actual)
    assert (model.backtest.customers, model.backtest.mean_actual) == (len(past), pytest.approx(actual.mean()))
    with fitted_at(lines, then, parameters=parameters, limits=LIMITS) as fitted:
        assert isinstance(fitted.fit.bgnbd, BgNbd) and isinstance(fitted.fit.gamma_gamma, GammaGamma)
    values = defaultdict(list)
    for (who, _), value in totals_in_python(then).items():
        values[who].append(value / 100)
    history = np.array([numbers for _, numbers in past], dtype=float).T
    orders = fitted.fit.bgnbd.expected_orders(history[0], history[1] / 7, history[2] / 7, horizon=365 / 7)
    days = np.array([len(values[who]) for who, _ in past], dtype=float)
    means = np.array([np.mean(values[who] or [0.0]) for who, _ in past])
    by_hand = figures_of(orders * fitted.fit.gamma_gamma.expected_value(days, means), actual)
    assert model.backtest.model.mae == pytest.approx(by_hand.mae) and model.backtest.model.sum_ratio == pytest.approx(
        by_hand.sum_ratio
    )
    births = {who: AS_OF - timedelta(days=age + 1) for who, (_, _, age) in in_python(AS_OF).items() if age + 1 >= 730}
    years = [
        sum(
            (
                amount
                for who, when, amount in LINES
                if who in births and (when.date() - births[who]).days // 365 == year
            ),
            Decimal(0),
        )
        for year in (0, 1)
    ]
    assert model.retention == pytest.approx(float(years[1] / years[0]))
    short = train_lifetime(seen, as_of=AS_OF, first_day=then, limits=LIMITS, currency="GBP", fitted_on=AS_OF,
                           parameters=replace(parameters, winsorised_percent=99), training_fingerprint="t")  # fmt: skip
    assert (
        short.backtest is None
        and short.statuses["clv_12m"] == "unvalidated"
        and short.fit.cap_cents < model.fit.cap_cents
    )


def _within_a_year(when: datetime, then: date) -> bool:
    return -365 <= (when - midnight(then)) / timedelta(days=1) < 365


def test_the_job_trains_registers_and_reuses(warehouse, capsys):
    batch = [order_line(who, when, amount=amount, quantity=1 if amount > 0 else -1) for who, when, amount in LINES]
    add_batch(warehouse, batch, complete_through=midnight(AS_OF))
    words = ["train", "--lifetime", "--warehouse", str(warehouse.root)]
    assert main(words) == 0, capsys.readouterr().err
    first = capsys.readouterr()
    assert "clv_12m: " in first.out and f"{date(2023, 1, 1)}, 365 days" in first.out
    registry = Registry(f"sqlite:///{warehouse.root}/mlflow.db", f"{warehouse.root}/mlruns", LifetimeModel.load)
    champion = registry.load(LIFETIME)
    assert champion.bundle.fit.as_of == "2024-01-01" and champion.bundle.backtest is not None
    assert main(words) == 0
    again = capsys.readouterr()
    assert "reused True" in again.err and again.out == first.out
    assert registry.load(LIFETIME) == champion
    assert main([*words, "--as-of", "2024-01-02"]) == 2 and main([*words, "--label", "churn_60d"]) == 2
    assert "complete through 2024-01-01 only" in capsys.readouterr().err
