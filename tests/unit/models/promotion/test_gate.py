"""The gate of a first champion and the rolling refits behind it, on histories whose outcome is known to the maker."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from models.algorithms.contract import Rows
from models.algorithms.repeat_buying import HISTORY_FEATURES, RepeatBuying, RepeatBuyingParameters, loaded_repeat_buying
from models.bundle import Bundle, Resample
from models.calibrate import Calibrator
from models.confidence import confidence
from models.errors import BrokenModel, NoRecipe, OtherFeatures
from models.evaluate import area_under_roc
from models.promotion.decision import later_as_ofs, of_admission, of_comparison
from models.promotion.recipes import Table, described, recipe_of, rolling_forecast, rolling_pair
from models.promotion.rivals import admission
from models.promotion.rule import Check, Comparison
from models.tasks import Gate
from tests.unit.models.bundles import small_bundle
from tests.unit.models.promotion.histories import COLUMNS, PARAMETERS, PLAN, history_table

GATE = Gate(draws=200)
ONE = Gate(as_ofs=1)


@pytest.fixture(scope="module")
def table() -> Table:
    return history_table()


def entrant(features: tuple[str, ...], **changes: object) -> Bundle:
    made = replace(
        small_bundle(), features=features, algorithm="logistic_regression", dates=PLAN.describe(),
        calibrator=Calibrator(1.0, 0.0, "unseasonal", "", 9), recipe=described(PARAMETERS, seed=7),
        meanings=dict.fromkeys(features, "m"),
    )  # fmt: skip
    return replace(made, **changes)


def test_a_model_that_beats_both_rivals_passes(table: Table) -> None:
    found = admission(entrant(("views", *HISTORY_FEATURES)), table, GATE, seed=1, meanings={})
    assert found.gate == "passed" and not found.is_rival
    assert set(found.comparisons) == {"logistic_regression", "bgnbd"}
    for one in found.comparisons.values():
        assert one.figures["as_ofs"] == 3 and one.figures["log_loss_gain_lower"] > 0.02
    assert found.reasons[0].startswith("against logistic_regression: (a) holds")
    assert found.to_dict()["rivals"]["bgnbd"]["checks"][0]["holds"]


def test_a_model_that_does_not_is_replaced_by_the_better_rival(table: Table) -> None:
    meanings = {name: f"meaning of {name}" for name in COLUMNS}
    found = admission(entrant(("noise",)), table, GATE, seed=1, meanings=meanings)
    rival = found.bundle
    assert found.is_rival and found.gate == f"rival: {rival.algorithm}"
    assert rival.algorithm == "bgnbd" and rival.features == HISTORY_FEATURES
    assert rival.training_fingerprint == "training-1" and rival.calibration_status == "seasonal"
    assert rival.meanings == {name: meanings[name] for name in HISTORY_FEATURES}
    test = table.rows.days == np.datetime64(PLAN.test)
    said = rival.at(PLAN.test).predict(table.of(rival.features).matrix[test])
    assert rival.metrics["auc"] == area_under_roc(table.rows.labels[test], said) > 0.55
    assert rival.calibrator.home == str(PLAN.test + timedelta(days=PLAN.horizon_days))
    assert any("fails" in reason for reason in found.reasons)
    assert found.record.metrics["test_auc"] == rival.metrics["auc"]
    # It is a model like any other: another can be compared with its recipe.
    again = rolling_pair(recipe_of(entrant(("views",))), recipe_of(rival), table, GATE, horizon_days=60)
    assert again.as_ofs == tuple(sorted((PLAN.test, PLAN.calibration, PLAN.stopping)))


def test_a_rival_says_nothing_of_the_draws_of_the_model_in_whose_place_it_is(table: Table) -> None:
    drawn = Resample(b"a booster", Calibrator(1.0, 0.0, "unseasonal", "", 9), rows=9)
    rival = admission(entrant(("noise",), resamples=(drawn,)), table, GATE, seed=1, meanings={}).bundle
    assert rival.algorithm == "bgnbd" and confidence(rival, table.of(rival.features).matrix) is None


def test_a_rival_survives_its_file(table: Table, tmp_path) -> None:
    rival = admission(entrant(("noise",)), table, GATE, seed=1, meanings={}).bundle
    rival.save(tmp_path)
    assert (tmp_path / "model.json").is_file()
    matrix = table.of(rival.features).matrix
    np.testing.assert_array_equal(Bundle.load(tmp_path).predict(matrix), rival.predict(matrix))
    with pytest.raises(BrokenModel, match="a BG/NBD model"):
        loaded_repeat_buying(b"{}")


def test_a_short_history_is_ungated_and_says_why(table: Table) -> None:
    late = table.rows.days >= np.datetime64(PLAN.calibration)
    rows = table.rows
    short = replace(rows, matrix=rows.matrix[late], labels=rows.labels[late], customers=rows.customers[late],
                    days=rows.days[late])  # fmt: skip
    found = admission(entrant(("views",)), replace(table, rows=short), GATE, seed=1, meanings={})
    assert found.gate == "ungated: none of 2 as-ofs has one to calibrate and one to fit on before it"
    assert found.reasons == (found.gate,) and found.comparisons == {}
    lacking = Table(table.of(("views",)), ("views",))
    assert "none of the rivals' features" in admission(entrant(("views",)), lacking, GATE, seed=1, meanings={}).gate


def test_no_refit_sees_what_was_not_known_then(table: Table) -> None:
    recipe = recipe_of(entrant(("views", "recency_days")))
    found = rolling_forecast(recipe, table, ONE, horizon_days=60)
    assert found.as_ofs == (PLAN.test,)
    # Outcomes of the test, and of all that ends after the calibration's labels, change nothing.
    changed = replace(table.rows, labels=np.where(table.rows.days == np.datetime64(PLAN.test), 1.0, table.rows.labels))
    again = rolling_forecast(recipe, replace(table, rows=changed), ONE, horizon_days=60)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)
    earlier = np.where(table.rows.days == np.datetime64(PLAN.calibration), 1 - table.rows.labels, table.rows.labels)
    changed = replace(table.rows, labels=earlier)
    other = rolling_forecast(recipe, replace(table, rows=changed), ONE, horizon_days=60)
    assert not np.array_equal(other.probabilities, found.probabilities)


def test_a_bundle_of_another_version_has_no_recipe() -> None:
    with pytest.raises(NoRecipe, match="did not keep how it was made"):
        recipe_of(entrant(("views",), recipe={}))
    kept = described(PARAMETERS, seed=7)
    with pytest.raises(NoRecipe, match="another version"):
        recipe_of(entrant(("views",), recipe={**kept, "parameters": {**kept["parameters"], "leaves": 3}}))


def test_bgnbd_learns_which_way_the_label_goes(table: Table) -> None:
    rows, algorithm = table.of(HISTORY_FEATURES), RepeatBuying(RepeatBuyingParameters(horizon_days=60))
    given = Rows(rows.matrix, rows.labels, rows.matrix[:0], rows.labels[:0], HISTORY_FEATURES)
    lapse = algorithm.fit(given, seed=1).model
    order = algorithm.fit(replace(given, labels=1 - rows.labels), seed=1).model
    assert (lapse.sign, order.sign) == (-1, 1)
    np.testing.assert_allclose(lapse.predict(rows.matrix) + order.predict(rows.matrix), 1.0)
    with pytest.raises(OtherFeatures, match="recency_days"):
        algorithm.fit(replace(given, features=("a", "b", "c")), seed=1)


def test_only_as_ofs_after_both_models_are_judged() -> None:
    early, late = (entrant(("views",), dates={"calibrate": day}) for day in ("2010-10-10", "2011-01-15"))
    as_of = date(2011, 12, 9)
    three = later_as_ofs(as_of, (late, early), at_most=3)
    assert three == (date(2011, 10, 10), date(2011, 8, 11), date(2011, 6, 12))
    seen = entrant(("views",), dates={"calibrate": "2011-06-12"})
    assert later_as_ofs(as_of, (early, seen), at_most=3) == three[:2]


def test_a_decision_says_what_and_why(table: Table) -> None:
    bad = Comparison((Check("b", "worst", -0.1, -0.002, False), Check("c", "auc", 0.0, -0.005, True)), {"rows": 3.0})
    kept = of_comparison(bad, head="churn", as_of=date(2011, 12, 9), before="1", version="2", compared="same rows")
    assert str(kept) == (
        "churn: kept; version 1 stays champion, version 2 stays its challenger (judged on: same rows)\n"
        "  (b) fails: worst -0.1000, limit -0.0020"
    )
    document = kept.record.documents["promotion.json"]
    assert document["decision"] == "kept" and len(document["checks"]) == 2 and kept.record.metrics == {"rows": 3.0}
    good = of_comparison(replace(bad, checks=bad.checks[1:]), head="churn", as_of=date(2011, 12, 9), before="1",
                         version="2", compared="same rows")  # fmt: skip
    assert good.gate == "promoted over 1 (same rows)"
    first = of_admission(admission(entrant(("views", *HISTORY_FEATURES)), table, GATE, seed=1, meanings={}),
                         as_of=date(2011, 12, 9), before="1", version="2", why="a definition has changed")  # fmt: skip
    assert first.reasons[:2] == ("a definition has changed", "gate of a first champion: passed")
    assert first.outcome == "promoted" and first.figures["bgnbd_log_loss_gain"] > 0
