"""The page of a small trained head: what is on it follows from its record, and it stands alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from models.bundle import Resample
from models.evaluate import evaluate
from models.guard.findings import Finding, Verdict
from models.report.asked import Asked
from models.report.card import limits
from models.report.groups import by_name, confusion
from models.report.importance import importances
from models.report.page import PAGE, report_files
from models.splits import CALIBRATE, FIT, STOP, TEST
from models.thresholds import Values, best_threshold
from models.training_rows import Sample
from tests.unit.models.report.pages import is_whole, sections, stands_alone
from tests.unit.models.report.trained import FAMILIES, PLAN, VALUES, small_trained

ASKED = Asked(("label churn_60d: the customer <lapses>",), date(2011, 12, 9), "GBP", "training_set_churn_60d, abc", 42,
              FAMILIES, {"trees": 12}, VALUES)  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    return small_trained()


@pytest.fixture(scope="module")
def files(trained):
    return report_files(trained, plan=PLAN, asked=ASKED)


def test_the_page_needs_nothing_outside_it(files):
    stands_alone(files[PAGE].decode(), pictures=15)


def test_every_picture_of_the_page_is_a_file_of_its_own_too(files):
    is_whole(files)


def test_the_sections_of_a_probability(files):
    assert sections(files[PAGE].decode()) == [
        "What was asked", "Data and dates", "How good it is", "Calibration", "Whom to contact", "What it looks at",
        "Where it is better or worse", "Leakage guard", "Limits of this model", "To make it again",
    ]  # fmt: skip


def test_the_same_training_gives_the_same_page(files, trained):
    assert report_files(trained, plan=PLAN, asked=ASKED) == files


def test_text_is_escaped(files):
    page = files[PAGE].decode()
    assert "the customer &lt;lapses&gt;" in page
    assert "<lapses>" not in page


def test_the_figures_of_the_record_are_on_the_page(files, trained):
    page = files[PAGE].decode()
    assert f"{trained.test.auc:.3f}" in page
    assert f"[{trained.test_intervals['auc'].low:.3f}, {trained.test_intervals['auc'].high:.3f}]" in page
    for one in trained.baselines:
        assert one.name in page
        assert f"{one.metrics.log_loss:.3f}" in page
    assert "G5 reports" in page


def test_a_test_of_one_outcome_has_no_page(trained):
    test = trained.samples[TEST]
    one_class = replace(test, labels=np.ones(len(test.labels)))
    without = replace(trained, test=replace(trained.test, auc=None), samples={**trained.samples, TEST: one_class})
    assert report_files(without, plan=PLAN, asked=ASKED) == {}


def test_the_first_feature_matters_most_and_noise_does_not(trained):
    test = trained.samples[TEST]
    found = importances(trained.bundle, test.matrix, test.labels, families=FAMILIES, seed=1)
    assert found.features[0].name == "recency_days"
    by = {one.name: one for one in found.features}
    assert by["recency_days"].shuffled > 0.05
    assert abs(by["noise"].shuffled) < 0.02
    assert by["recency_days"].gain > by["noise"].gain
    assert {one.name for one in found.families} == {"recency", "value", "other"}


def test_contributions_add_up_to_the_log_odds(trained):
    test = trained.samples[TEST]
    found = importances(trained.bundle, test.matrix, test.labels, families=FAMILIES, seed=1)
    rests = trained.bundle.margins(found.matrix) - found.contributions.sum(axis=1)
    np.testing.assert_allclose(rests, rests[0], atol=1e-4)


def test_a_family_is_shuffled_as_a_whole(trained):
    """Copies of one another: alone each seems to matter little, together they do not."""
    test = trained.samples[TEST]
    found = importances(trained.bundle, test.matrix, test.labels, families=dict.fromkeys(FAMILIES, "all"), seed=1)
    alone = max(one.shuffled for one in found.features)
    whole = next(one for one in found.families if one.name == "all")
    assert whole.shuffled > alone


def test_small_groups_are_told_together():
    names = ["A"] * 100 + ["B"] * 60 + ["C"] * 4 + [None] * 5
    labels = np.tile([0.0, 1.0], 85)[:169]
    found = by_name(names, labels, np.full(169, 0.5), judge=evaluate)
    assert [(one.name, one.metrics.n) for one in found] == [("A", 100), ("B", 60), ("others", 9)]


def test_confusion_counts_a_probability_at_the_threshold_as_contacted():
    found = confusion(np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.2, 0.7, 0.1, 0.4]), 0.5)
    assert (found.contacted_with, found.contacted_without, found.left_with, found.left_without) == (1, 1, 1, 2)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert confusion(np.zeros(1), np.zeros(1), 0.5).precision is None


def test_limits_say_what_is_true_of_this_model(trained):
    said = "\n".join(limits(trained, plan=PLAN, groups=(), values=VALUES))
    assert "not what would change it" in said
    assert str(PLAN.test) in said
    assert "assumed" in said
    assert "ungated" in said
    assert "learned from" not in said.replace("that it learned from are", "")


def test_limits_change_with_the_record(trained):
    sampled = Sample(**{**vars(trained.samples[TEST]), "rows_total": 10**6})
    other = replace(trained, samples={**trained.samples, TEST: sampled}, excess=0.2,
                    bundle=replace(trained.bundle, gate="passed", guard="passed, 0 reported"))  # fmt: skip
    wrong = by_name(["A"] * 400, np.tile([0.0, 1.0], 200), np.full(400, 0.9), judge=evaluate)
    said = "\n".join(limits(other, plan=PLAN, groups=wrong, values=None))
    assert "Of 1,000,000 rows of split 'test'" in said
    assert "0.200 more on average than chance" in said
    assert "For 'A' it is too high: forecast 0.90, happened 0.50 (n 400)" in said
    assert "ungated" not in said
    assert "what contacting a customer costs" in said


def test_what_confidence_says_and_how_few_rows_it_rests_on_is_said(trained):
    drawn = tuple(Resample(trained.bundle.model, trained.bundle.calibrator, 900) for _ in range(10))
    said = "\n".join(limits(replace(trained, bundle=replace(trained.bundle, resamples=drawn)), plan=PLAN, groups=(),
                            values=VALUES))  # fmt: skip
    assert "how many of 10 models of other draws of its customers agree" in said
    assert "Those learned from 900 of 1,200 fitted rows" in said
    assert "other draws" not in "\n".join(limits(trained, plan=PLAN, groups=(), values=VALUES))


def test_a_model_that_loses_to_one_feature_says_so(trained):
    best = trained.best_baseline
    better = replace(best, metrics=replace(best.metrics, auc=0.999))
    said = "\n".join(limits(replace(trained, baselines=[better]), plan=PLAN, groups=(), values=VALUES))
    assert f"no better than the feature {best.name} alone" in said


def test_an_algorithm_without_contributions_has_a_page_without_them(trained):
    from models.algorithms.contract import Rows
    from models.parameters import TrainingParameters

    fit, stop = trained.samples[FIT], trained.samples[STOP]
    algorithm = TrainingParameters().algorithm_of("logistic_regression")
    rows = Rows(fit.matrix, fit.labels, stop.matrix, stop.labels, trained.bundle.features)
    model = algorithm.fit(rows, seed=1).model
    linear = replace(trained, bundle=replace(trained.bundle, algorithm=algorithm.name, model=model.save()))
    files = report_files(linear, plan=PLAN, asked=ASKED)
    assert "figures/contributions.svg" not in files
    assert "figures/features.svg" in files
    assert "by logistic_regression" in files[PAGE].decode()


def test_without_values_guard_or_segments_the_page_says_so(trained):
    bare = replace(trained, threshold=None, verdict=None, backtests=(),
                   samples={split: replace(one, segments=None) for split, one in trained.samples.items()})  # fmt: skip
    page = report_files(bare, plan=PLAN, asked=replace(ASKED, values=None))[PAGE].decode()
    assert "No table of values was given" in page
    assert "The guard was not asked" in page


def test_a_blocking_finding_is_marked_and_contacting_nobody_is_said(trained):
    then = trained.samples[CALIBRATE]
    dear = Values(saved=1, save_rate=0.1, contact=50, offer=5, redeemed_anyway=0.2, assumed=False)
    nobody = best_threshold(then.labels, trained.bundle.predict(then.matrix), dear)
    blocked = Verdict((Finding("G2", "recency_days", 0.9, 0.85, True, "too good alone"),), {})
    other = replace(trained, threshold=nobody, verdict=blocked)
    page = report_files(other, plan=PLAN, asked=replace(ASKED, values=dear))[PAGE].decode()
    assert 'class="blocks">G2 blocks' in page
    assert "Contacting nobody is best" in page
