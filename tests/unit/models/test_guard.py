"""The leakage guard: each rule sees its leak, and honest rows pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.guard.association import pearson, phi_k
from models.guard.evidence import Evidence, Part, Rebuilt, partners
from models.guard.findings import LeakageFound, Verdict
from models.guard.guard import judge
from models.guard.rebuild import rebuild
from models.guard.removal import removal
from models.guard.rows import identifiers, keys_twice, rate_jumps, repeats, too_good
from models.guard.settings import GuardSettings
from models.guard.univariate import customer_folds, far_above_the_rest, strengths, too_strong_alone

FEATURES = ("recency", "orders", "noise", "gap", "rhythm", "pause", "silence", "visits", "baskets", "trips")
SETTINGS = GuardSettings()
VERIFIED = Rebuilt(compared=dict.fromkeys(FEATURES, 10))


def part_of(n: int, *, seed: int, day: str, rate: float = 0.0) -> Part:
    rng = np.random.default_rng(seed)
    recency, orders = rng.exponential(60, n), rng.poisson(3, n).astype(float)
    odds = recency / 60 - 1 - 0.3 * (orders - 3) + rate
    labels = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    views = [recency, orders, rng.normal(size=n)]
    views += [recency * rng.lognormal(0, 0.9, n) for _ in range(4)]
    views += [orders + rng.normal(0, 1.5, n) for _ in range(3)]
    matrix = np.column_stack(views).astype(np.float32)
    customers = np.array([f"c{at}" for at in range(n)], dtype=object)
    return Part(matrix, labels, customers, np.full(n, np.datetime64(day)))


HONEST = Evidence(
    FEATURES,
    {
        "fit": part_of(900, seed=1, day="2011-01-01"),
        "stop": part_of(300, seed=2, day="2011-03-01"),
        "calibrate": part_of(400, seed=3, day="2011-05-01"),
        "test": part_of(400, seed=4, day="2011-07-01"),
    },
    SETTINGS,
    VERIFIED,
    {"recency": "recency", "gap": "recency", "rhythm": "recency", "orders": "frequency", "visits": "frequency"},
)


def with_column(evidence: Evidence, make: Callable[[Part, np.random.Generator], np.ndarray]) -> Evidence:
    """One further feature called `leak`, let in by name."""
    rng = np.random.default_rng(9)
    parts = {
        split: replace(part, matrix=np.column_stack([part.matrix, make(part, rng)]).astype(np.float32))
        for split, part in evidence.parts.items()
    }
    settings = evidence.settings.model_copy(update={"unverified_allowed": ("leak",)})
    return replace(evidence, features=(*evidence.features, "leak"), parts=parts, settings=settings)


def alone_of(*first: float) -> np.ndarray:
    return np.array([*first, *[0.5] * (len(FEATURES) - len(first))])


def noisy_label(part: Part, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(part.labels)) < 0.06, 1 - part.labels, part.labels)


def rules(verdict: Verdict, *, blocking: bool = True) -> set[str]:
    return {one.rule for one in verdict.findings if one.blocks == blocking}


def test_honest_rows_pass() -> None:
    verdict = judge(HONEST)
    assert verdict.findings == () and verdict.status == "passed, 0 reported"
    assert 0.6 < verdict.figures["guard_auc"] < 0.8 and verdict.figures["guard_unverified"] == 0


def test_a_leak_that_was_let_in_by_name_is_caught_by_its_figures() -> None:
    verdict = judge(with_column(HONEST, noisy_label))
    assert {"G2", "G3", "G4"} <= rules(verdict) and "G5" in rules(verdict, blocking=False)
    assert {one.feature for one in verdict.blocking} == {"leak"}
    with pytest.raises(LeakageFound, match=r"head 'churn'.*\n  G2 blocks: 'leak' alone has an AUC of 0\.9") as raised:
        raise LeakageFound.findings("churn", verdict.blocking)
    assert raised.value.exit_code == 3 and "guard.unverified_allowed" in str(raised.value)


def test_g1_blocks_differences_and_what_nothing_vouches_for() -> None:
    assert rebuild(HONEST) == []
    differs = replace(HONEST, rebuilt=replace(VERIFIED, different={"orders": 3}, examples={"orders": "c1: 2 not 1"}))
    [found] = rebuild(differs)
    assert found.feature == "orders" and found.blocks and "3 of 10 rows" in found.words and "c1: 2 not 1" in found.words
    bare = replace(HONEST, rebuilt=Rebuilt())
    assert [one.feature for one in rebuild(bare)] == list(FEATURES)
    allowed = replace(bare, settings=GuardSettings(unverified_allowed=("recency", "orders")))
    assert [one.feature for one in rebuild(allowed)] == list(FEATURES[2:])
    assert not allowed.is_verified("recency")


def test_g2_and_g3_only_report_what_events_gave_again() -> None:
    strong = alone_of(0.9, 0.6)
    for rebuilt, blocks in ((VERIFIED, False), (Rebuilt(), True)):
        evidence = replace(HONEST, rebuilt=rebuilt)
        for found in (too_strong_alone(evidence, strong), far_above_the_rest(evidence, strong)):
            assert [(one.feature, one.blocks) for one in found] == [("recency", blocks)]
    assert too_strong_alone(HONEST, alone_of(0.849)) == []
    assert far_above_the_rest(HONEST, alone_of(0.79)) == []
    assert far_above_the_rest(HONEST, alone_of(0.84, 0.75)) == []


def test_g3_compares_with_other_families_and_not_with_copies() -> None:
    copied = with_column(HONEST, lambda part, rng: 2 * part.matrix[:, 0])
    alone = np.append(alone_of(0.85, 0.6), 0.85)
    assert [one.feature for one in far_above_the_rest(copied, alone)] == ["recency"]
    related = replace(HONEST, families={"recency": "one", "orders": "one"})
    assert far_above_the_rest(related, alone_of(0.85, 0.84))[0].figure == pytest.approx(0.35)


def test_strength_sees_both_directions_bends_and_gaps() -> None:
    part = HONEST.fit
    signs = [part.labels, -part.labels, np.abs(part.labels - 0.5) * 0, np.where(part.labels > 0, np.nan, 1.0)]
    bent = np.where(part.labels > 0, 0.0, np.where(np.arange(len(part.labels)) % 2, -1.0, 1.0))
    matrix = np.column_stack([*signs, bent]).astype(np.float32)
    found = strengths(replace(part, matrix=matrix))
    np.testing.assert_allclose(found, [1, 1, 0.5, 1, 1], atol=1e-9)


def test_folds_are_of_whole_customers() -> None:
    customers = np.array([f"c{at % 40}" for at in range(120)], dtype=object)
    for learned, held_out in customer_folds(customers, count=3):
        assert not set(customers[learned]) & set(customers[held_out])
        assert sorted([*learned, *held_out]) == list(range(120))


def test_g4_leaves_out_a_leak_with_its_copies() -> None:
    leaked = with_column(HONEST, noisy_label)
    copied = replace(
        leaked,
        features=(*leaked.features, "copy"),
        parts={
            split: replace(part, matrix=np.column_stack([part.matrix, 3 * part.matrix[:, -1] + 1]))
            for split, part in leaked.parts.items()
        },
    )
    alone = strengths(copied.fit)
    found, whole = removal(copied, alone)
    assert [one.feature for one in found] == ["leak"] and found[0].figure > 0.1 and whole > 0.9
    assert partners(copied.fit.matrix, [10], alike=0.9) == {10: [10, 11]}
    assert removal(HONEST, strengths(HONEST.fit))[0] == []


def test_g6_counts_test_rows_that_were_learned_from() -> None:
    assert repeats(HONEST) == []
    test, fit = HONEST.parts["test"], HONEST.parts["fit"]
    matrix = test.matrix.copy()
    matrix[:40] = fit.matrix[:40]
    matrix[:40, 2] = -np.float32(np.nan)  # written otherwise, missing all the same
    learned = fit.matrix.copy()
    learned[:40, 2] = np.nan
    again = {**HONEST.parts, "test": replace(test, matrix=matrix), "fit": replace(fit, matrix=learned)}
    [found] = repeats(replace(HONEST, parts=again))
    assert found.figure == 0.1 and found.blocks
    assert too_good(HONEST, 0.97) == [] and too_good(HONEST, None) == []
    assert too_good(HONEST, 0.98)[0].blocks


def test_keys_in_two_splits_and_jumps_of_the_rate() -> None:
    assert keys_twice(HONEST) == [] and rate_jumps(HONEST) == []
    test = replace(HONEST.parts["test"], days=HONEST.parts["fit"].days[:400])
    assert keys_twice(replace(HONEST, parts={**HONEST.parts, "test": test}))[0].figure == 400
    jumped = {**HONEST.parts, "test": part_of(400, seed=5, day="2011-07-01", rate=2.5)}
    [found] = rate_jumps(replace(HONEST, parts=jumped))
    assert found.rule == "RATE" and not found.blocks and "split 'test'" in found.words


def test_identifiers_are_named() -> None:
    numbered = with_column(HONEST, lambda part, rng: np.arange(len(part.labels)) + 1000.0)
    [found] = identifiers(numbered)
    assert found.feature == "leak" and found.blocks
    assert identifiers(HONEST) == []
    fit = numbered.fit
    later = replace(fit, matrix=fit.matrix + np.float32(1))
    both = {
        name: np.concatenate([getattr(one, name) for one in (fit, later)])
        for name in ("matrix", "labels", "customers", "days")
    }
    assert identifiers(replace(numbered, parts={"fit": Part(**both)})) == []


def test_measures_of_association() -> None:
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=4000), rng.normal(size=4000)
    labels = (0.8 * x + 0.6 * e > 0).astype(float)
    assert phi_k(x, labels) == pytest.approx(0.8, abs=0.05)
    assert phi_k(-x, labels) == pytest.approx(phi_k(x, labels), abs=0.02)
    assert phi_k(e[::-1], labels) < 0.1 and phi_k(np.ones(4000), labels) == 0
    assert pearson(x, labels) == pytest.approx(np.corrcoef(x, labels)[0, 1])
    assert pearson(np.full(10, np.nan), labels[:10]) == 0


def test_a_sample_is_of_whole_customers_and_no_larger() -> None:
    part = HONEST.fit
    twice = Part(
        np.vstack([part.matrix, part.matrix]),
        np.tile(part.labels, 2),
        np.tile(part.customers, 2),
        np.tile(part.days, 2),
    )
    chosen = twice.first(301)
    assert len(chosen.labels) == 301
    _, counts = np.unique(chosen.customers.astype(str), return_counts=True)
    assert np.sum(counts == 1) == 1


@pytest.mark.parametrize(
    ("file", "label", "needed"),
    [
        ("online_shoppers/online_shoppers_intention.csv", "Revenue", {"G2", "G3", "G4"}),
        ("customer_purchasing_behaviors/Customer_Purchasing_Behaviors.csv", "loyalty_score", {"G2", "G6", "ID"}),
    ],
)
def test_the_public_traps_are_caught(data: Path, file: str, label: str, needed: set[str]) -> None:
    from jobs.benchmarks.guard import evidence_of_csv

    if not (data / file).is_file():
        pytest.skip(f"{file} is not in {data}")
    verdict = judge(evidence_of_csv(data / file, label, settings=GuardSettings()))
    assert needed <= rules(verdict)
    if label == "Revenue":
        assert {one.feature for one in verdict.blocking if one.rule in needed} == {"PageValues"}
