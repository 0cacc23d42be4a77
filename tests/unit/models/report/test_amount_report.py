"""The page of a small trained head of amounts: it has what amounts are judged by, and nothing of probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.amounts import evaluate_amounts
from models.guard.findings import Verdict
from models.intervals import Interval
from models.report.amounts import AmountReport
from models.report.card import amount_limits
from models.report.figures import _found
from models.report.groups import by_name
from models.report.importance import importances
from models.report.page import PAGE, report_files
from models.report.tenths import Tenth, tenths
from models.scale import Scale
from models.scale_backtest import ScaleBacktest
from models.splits import TEST
from models.training_rows import Sample
from tests.unit.models.report.pages import is_whole, sections, stands_alone
from tests.unit.models.report.trained_amounts import ASKED, FEATURES, LAST_YEAR, PLAN, small_amounts


@pytest.fixture(scope="module")
def trained():
    return small_amounts()


@pytest.fixture(scope="module")
def files(trained):
    return report_files(trained, plan=PLAN, asked=ASKED)


@pytest.fixture(scope="module")
def page(files):
    return files[PAGE].decode()


def said(trained, **changes) -> str:
    told = {"plan": PLAN, "groups": (), "tenths": (), "asked": ASKED, **changes}
    return "\n".join(amount_limits(trained, **told))


def test_the_page_stands_alone_and_is_whole(files, page):
    stands_alone(page, pictures=13)
    is_whole(files)
    assert "net &lt;spend&gt;" in page


def test_it_has_its_sections_and_none_of_a_probability(files, page):
    assert sections(page) == [
        "What was asked", "Data and dates", "How good it is", "Sums", "What it looks at",
        "Where it is better or worse", "Leakage guard", "Limits of this model", "To make it again",
    ]  # fmt: skip
    assert not {"roc", "precision_recall", "lift", "reliability", "profit"} & {name[8:-4] for name in files}
    for word in ("AUC", "log loss", "log-odds", "probabilit", "with the outcome", "threshold"):
        assert word not in page
    for name in ("gains", "customers", "sums", "ratios", "scale_backtests", "contributions", "segments", "dates"):
        assert f"figures/{name}.svg" in files


def test_the_figures_of_the_record_are_on_the_page(page, trained):
    spread = trained.test_intervals
    assert f"{trained.test.mae:.1f}" in page and f"{trained.test.spearman:.3f}" in page
    assert f"[{spread['mae'].low:.1f}, {spread['mae'].high:.1f}]" in page
    assert f"[{spread['sum_ratio'].low:.3f}, {spread['sum_ratio'].high:.3f}]" in page
    for one in trained.rivals:
        assert one.name in page and f"{one.metrics.mae:.1f}" in page
    assert f"<b>{spread['mae_gain'].figure:+.1f}</b> GBP" in page
    assert f"{trained.samples[TEST].labels.sum():,.0f}" in page
    assert "G2 reports" in page and "<b>scaled</b>" in page


def test_the_same_training_gives_the_same_page(files, trained):
    assert report_files(trained, plan=PLAN, asked=ASKED) == files


def test_a_test_in_which_nothing_was_spent_has_no_page(trained):
    assert report_files(replace(trained, test=evaluate_amounts(np.zeros(3), np.ones(3))), plan=PLAN, asked=ASKED) == {}


def test_without_rivals_guard_segments_or_backtests_there_is_a_page(trained):
    samples = {split: replace(one, segments=None) for split, one in trained.samples.items()}
    spread = {name: one for name, one in trained.test_intervals.items() if name != "mae_gain"}
    bare = replace(trained, rivals=[], verdict=None, backtests=(), samples=samples, test_intervals=spread)
    found = report_files(bare, plan=PLAN, asked=ASKED)
    assert "The guard was not asked" in found[PAGE].decode() and LAST_YEAR + " / 4" not in found[PAGE].decode()
    assert not {"figures/scale_backtests.svg", "figures/segments.svg"} & set(found)


def test_a_blend_says_its_share_its_choice_and_what_contributions_leave_out(trained, page):
    alone, words = "The trees give <b>100\u00a0%</b>", "Gain and contributions explain the trees, which give 25\u00a0%"
    assert alone in page and "No earlier date has judged a blend." in page and "repeats the last year" not in page
    assert words not in page
    tried = [ScaleBacktest(day, method, "scaled", 300, 0.9 + weight, 50.0, weight, 40.0 + weight * at)
             for at, day in ((1, "2011-12-09"), (2, "2012-03-09")) for weight in (1.0, 0.25)
             for method in ("last", "seasonal")]  # fmt: skip
    blend = replace(trained.bundle, calibrator=Scale(1.0, "scaled", "", 9, weight=0.25, per_spent=0.1))
    report = AmountReport(replace(trained, bundle=blend, backtests=tried), PLAN, ASKED)
    found = report.html()
    assert "The trees give <b>25\u00a0%</b>" in found and words in found
    assert report.blended_at == ["2011-12-09", "2012-03-09"]
    ours = '<tr class="ours"><td>25\u00a0%</td>\n<td>40.2</td><td>40.5</td><td>40.4</td></tr>'
    assert ours in found and "<td>41.5</td></tr>" in found
    assert "75 % of its sum repeats the last year&#39;s (amount_sum_365d)" in found


def test_tenths_by_hand():
    labels, forecasts = np.arange(20.0), np.repeat(np.arange(10.0), 2)
    found = tenths(labels, forecasts, np.arange(20).astype(object))
    assert [one.n for one in found] == [2] * 10 and [one.place for one in found] == list(range(1, 11))
    first, last = found[0], found[-1]
    assert (first.least, first.forecast, first.happened, first.share) == (9.0, 18.0, 37.0, 37 / 190)
    assert first.ratio.figure == pytest.approx(18 / 37) and last.ratio.figure == 0
    assert sum(one.happened for one in found) == 190 and sum(one.share for one in found) == pytest.approx(1)


def test_equal_forecasts_share_what_came_whatever_their_order():
    labels = np.array([8.0, *np.zeros(19)])
    for order in (labels, labels[::-1]):
        found = tenths(order, np.ones(20), np.arange(20).astype(object))
        assert {one.happened for one in found} == {0.8}
    nothing = tenths(np.array([8.0, *np.zeros(19)]), np.arange(20.0, 0, -1), np.arange(20).astype(object))
    assert nothing[0].ratio is not None and nothing[1].ratio is None


def test_gains_of_amounts_are_shares_of_their_sum():
    np.testing.assert_allclose(_found(np.array([1.0, 6.0, 3.0]), np.array([0.1, 0.2, 0.9])), [0, 0.3, 0.9, 1.0])
    np.testing.assert_allclose(_found(np.array([1.0, 6.0, 3.0]), np.ones(3)), [0, 1 / 3, 2 / 3, 1])


def test_a_shuffled_feature_takes_rank_correlation_and_noise_takes_none(trained):
    test = trained.samples[TEST]
    found = importances(trained.bundle, test.matrix, test.labels, families={}, seed=1)
    by = {one.name: one.shuffled for one in found.features}
    assert 0.1 < by["recency_days"] < 1 and by[LAST_YEAR] > 0.05 and abs(by["noise"]) < 0.02
    rests = trained.bundle.margins(found.matrix) - found.contributions.sum(axis=1)
    np.testing.assert_allclose(rests, rests[0], atol=1e-3)
    assert set(by) == set(FEATURES)


def test_groups_are_judged_as_amounts(trained):
    report = AmountReport(trained, PLAN, ASKED)
    assert {one.name for one in report.groups} == {"At Risk", "Loyal Customers"}
    mask = trained.samples[TEST].segments == "At Risk"
    risk = next(one for one in report.groups if one.name == "At Risk")
    assert risk.metrics.mae == np.abs(report.tested - report.test.labels)[mask].mean()
    assert risk.happened == report.test.labels[mask].mean() and risk.forecast == report.tested[mask].mean()
    assert [one.name for one in report.dates] == [str(PLAN.calibration), str(PLAN.test)]


def test_limits_say_what_is_true_of_this_model(trained):
    found = said(trained)
    assert "not what would change it" in found and str(PLAN.test) in found
    assert f"off by {trained.test.mae:,.0f} GBP on average" in found
    assert "Its scale knows one date and no season" in found and "ungated" in found
    assert "It expects" not in found and "too low" not in found and "not surely lower" not in found


def test_what_is_counted_is_shown_with_decimals_and_in_its_own_unit(trained):
    orders = replace(ASKED, counted="orders")
    assert (ASKED.unit, ASKED.digits, orders.unit, orders.digits) == ("GBP", 0, "orders", 2)
    shown, mae = AmountReport(trained, PLAN, orders).html(), trained.test.mae
    assert "errors in orders" in shown and f"off by {mae:,.2f} orders on average" in shown and "GBP" not in shown


def test_limits_change_with_the_record(trained):
    sampled = Sample(**{**vars(trained.samples[TEST]), "rows_total": 10**6})
    bundle = replace(trained.bundle, calibrator=Scale(reason="nothing was spent"), metrics={"sum_ratio": 0.7})
    other = replace(trained, samples={**trained.samples, TEST: sampled}, bundle=bundle,
                    test=replace(trained.test, spearman=0.01),
                    test_intervals={"mae_gain": Interval(-3.0, -9.0, 2.0)})  # fmt: skip
    wrong = by_name(["A"] * 400, np.tile([0.0, 2000.0], 200), np.full(400, 300.0), judge=evaluate_amounts)
    low = Tenth(4, 10, 1.0, 5.0, 10.0, 0.1, Interval(0.5, 0.4, 0.6))
    right = Tenth(5, 10, 1.0, 9.0, 10.0, 0.1, Interval(0.9, 0.8, 1.0))
    found = said(other, groups=wrong, tenths=(low, right))
    assert "Of 1,000,000 rows of split 'test'" in found
    assert "not scaled (nothing was spent)" in found and "sum_ratio is 0.700, the task expects 0.9 to 1.1" in found
    assert "not surely lower than that of amount_sum_365d, of the same sum" in found and "-9 to +2" in found
    assert "orders customers no better than amount_sum_365d / 4" in found
    assert "It expects less than came of tenth 4 of" in found
    assert "For 'A' it is too low: forecast 300, happened 1,000 GBP a customer (n 400)" in found


def test_a_blocking_finding_is_marked(trained):
    found = replace(trained.verdict.findings[0], blocks=True)
    page = AmountReport(replace(trained, verdict=Verdict((found,), {})), PLAN, ASKED).html()
    assert 'class="blocks">G2 blocks' in page
