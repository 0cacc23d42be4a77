"""The gate's rules on figures made by hand: which shifts are said, which stop, and what a first date is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import log

import pytest

from featurestore.errors import ConfigurationError
from jobs.settings import load_settings
from models.publication.gate import STOP, WARN, StoppedPublication, index_by_chance, judged, stability_index
from models.publication.portrait import Distribution
from models.publication.settings import Levels
from tests.unit.models.publication.pictured import CHURN, NOW, SPEND, before, made

LIMITS = load_settings(assignments=["publication.days=28"]).publication
"""Those of the settings, as they stand there for the four weeks between the made-up dates."""


def now(**changes):
    """The date after `before`, the same but for what changes."""
    same = before()
    return replace(same, as_of=NOW, **changes)


def told(found):
    return [(one.level, one.column, one.setting) for one in found]


def with_score(name: str, one: Distribution):
    same = before()
    return now(scores={**same.scores, name: one})


def test_the_index_by_hand():
    assert stability_index({0: 200, 1: 200}, {0: 100, 1: 300}) == pytest.approx(-0.25 * log(0.5) + 0.25 * log(1.5))
    assert stability_index({0: 7, 3: 1}, {0: 70, 3: 10}) == 0


def test_an_empty_bin_counts_as_half_a_customer():
    expected = 0.5 * log(0.5 / 1.0) * -1 + (0.5 - 0.005) * log(0.5 / 0.005)
    assert stability_index({0: 100}, {0: 50, 1: 50}) == pytest.approx(expected)


def test_what_chance_gives_falls_with_the_customers_and_grows_with_the_bins():
    few, many = {0: 10, 1: 10}, {0: 1000, 1: 1000}
    assert index_by_chance(few, few) == pytest.approx(6.6349 * 2 / 20, rel=1e-4)  # chi-square, 1 degree, 99 %
    assert index_by_chance(few, few) == pytest.approx(100 * index_by_chance(many, many))
    assert index_by_chance(many, {**many, 2: 1}) > index_by_chance(many, many)
    assert index_by_chance({4: 9}, {4: 8}) == 0


def test_a_first_date_and_one_like_the_date_before_have_nothing_to_say():
    assert judged(now(), None, LIMITS) == []
    assert judged(now(), before(), LIMITS) == []


@pytest.mark.parametrize(("customers", "expected"), [
    (995, []), (985, [(WARN, "all columns", "fewer_customers")]), (949, [(STOP, "all columns", "fewer_customers")]),
    (1190, []), (1300, [(WARN, "all columns", "more_customers")]), (1501, [(STOP, "all columns", "more_customers")]),
])  # fmt: skip
def test_customers_may_grow_further_than_they_may_shrink(customers, expected):
    assert told(judged(now(customers=customers), before(), LIMITS)) == expected


def test_a_part_of_the_customers_is_not_judged_by_their_number():
    assert judged(now(customers=20), before(), LIMITS, part=True) == []


def test_scores_that_are_missing_stop_also_where_the_column_is_gone():
    churn = before().scores[CHURN]
    some = Distribution(churn.counts, churn.nulls + 80, churn.total)
    assert told(judged(with_score(CHURN, some), before(), LIMITS)) == [(WARN, CHURN, "null_share")]
    [gone] = judged(now(scores={SPEND: before().scores[SPEND]}), before(), LIMITS)
    assert (gone.level, gone.earlier, gone.now) == (STOP, 0.2, 1.0)
    assert "churn_probability, share without a score: was 0.2, is 1; moved by 0.8, limit 0.15" in str(gone)


def test_a_score_that_nobody_had_before_is_new_and_not_judged():
    earlier = replace(before(), scores={SPEND: before().scores[SPEND]})
    assert judged(now(), earlier, LIMITS) == []


def test_probabilities_move_by_differences_and_amounts_by_shares():
    churn, spend = before().scores[CHURN], before().scores[SPEND]
    higher = replace(churn, total=churn.total + 0.06 * churn.scored)
    [found] = judged(with_score(CHURN, higher), before(), LIMITS)
    assert (found.level, found.setting, round(found.shift, 6)) == (WARN, "mean_probability", 0.06)
    for factor in (0.4, 2.5):
        [found] = judged(with_score(SPEND, replace(spend, total=spend.total * factor)), before(), LIMITS)
        assert (found.level, found.setting, round(found.shift, 6)) == (STOP, "mean_amount", 1.5)


def test_another_shape_with_the_same_mean_is_found_by_the_index():
    churn = before().scores[CHURN]
    other = replace(churn, counts={1: 400, 18: 400})
    [found] = judged(with_score(CHURN, other), before(), LIMITS)
    assert (found.level, found.setting) == (STOP, "stability_index") and found.now > found.shift > 0.25


def test_few_customers_are_allowed_what_chance_gives():
    few = Distribution({1: 6, 2: 4}, 0, 1.0)
    fewer = Distribution({1: 4, 2: 6}, 0, 1.0)
    assert stability_index(few.counts, fewer.counts) > LIMITS.stability_index.warn
    earlier = replace(before(), scores={CHURN: few})
    assert judged(now(scores={CHURN: fewer}), earlier, LIMITS) == []


def test_risk_levels_are_held_against_one_another_and_what_stops_comes_first():
    moved = made(NOW, levels={"CRITICAL": 260, "HIGH": 60, "MEDIUM": 230, "LOW": 250, "(none)": 200},
                 churn={1: 300, 9: 250, 13: 150, 18: 100, None: 200}, spend={8: 600, 9: 400})  # fmt: skip
    found = judged(moved, before(), LIMITS)
    assert [(one.level, one.measure) for one in found] == [
        (STOP, "share of CRITICAL"), (WARN, "share of HIGH"), (WARN, "share of LOW"),
    ]  # fmt: skip


def test_dates_farther_apart_may_move_further():
    weekly = load_settings(assignments=["publication.days=7"]).publication
    assert told(judged(now(customers=1300), before(), LIMITS)) == [(WARN, "all columns", "more_customers")]
    assert judged(now(customers=1300), before(), weekly) == []  # four weeks: twice a week's .2
    [found] = judged(now(customers=1500), before(), weekly)
    assert (found.level, found.bound) == (WARN, 0.4)
    assert judged(replace(now(customers=1300), as_of=date(2024, 1, 3)), before(), LIMITS)[0].bound == 0.2


def test_a_level_that_is_null_is_never_reached():
    deaf = LIMITS.model_copy(update={"fewer_customers": Levels(warn=None, stop=None)})
    assert judged(now(customers=1), before(), deaf) == []


def test_limits_in_the_wrong_order_are_refused_by_name():
    with pytest.raises(ConfigurationError, match="publication.null_share.*warn 0.5 lies above stop 0.1"):
        load_settings(assignments=["publication.null_share.warn=0.5", "publication.null_share.stop=0.1"])
    with pytest.raises(ConfigurationError, match="Did you mean 'null_share'"):
        load_settings(assignments=["publication.nul_share.warn=0.5"])


def test_the_message_says_what_where_the_limit_and_what_to_do():
    found = judged(now(customers=500), before(), LIMITS)
    stopped = StoppedPublication.of(NOW, since=date(2024, 1, 1), findings=found, warehouse="w")
    assert stopped.exit_code == 3
    said = str(stopped)
    assert "scores of 2024-01-29 moved too far since 2024-01-01 (1 shift)" in said
    assert "was 1,000, is 500; moved by 0.5, limit 0.05 (publication.fewer_customers.stop)" in said
    assert (
        "score --as-of 2024-01-29 --publish-anyway --warehouse w" in said and "customer_scores_latest is as it" in said
    )
