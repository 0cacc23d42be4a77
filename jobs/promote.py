"""Judge each head's challenger against its champion; move `champion` only if it is better, and write down why.

What decides and what is decided are written first, the alias moves last: after an interruption the same command decides
again, and alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame, Observation

from featurestore.errors import ConfigurationError
from featurestore.label_config import label
from jobs.build_features import build_step, chosen_as_of
from jobs.build_training_set import labels_asked, split_plan
from jobs.judged_rows import forecast, later_rows, rows_at, rows_of_the_test, training_table
from jobs.learning import head_of, standing
from jobs.model_registry import registry_of
from jobs.promotion_tables import write_down
from jobs.run import Run
from models.bundle import Bundle, refuse_other_features
from models.coherence import VIOLATIONS, partners_of
from models.errors import BrokenModel, NoRecipe, OtherFeatures
from models.heads import Head, gate_of
from models.promotion.decision import (
    NOTHING,
    PROMOTED,
    RECIPES,
    ROLLED_BACK,
    SAME_ROWS,
    Decision,
    as_ofs_before,
    later_as_ofs,
    of_admission,
    of_comparison,
)
from models.promotion.forecasts import Pair, paired
from models.promotion.recipes import recipe_of, rolling_pair
from models.promotion.rivals import admission
from models.promotion.rule import Standing, judged, shortfalls
from models.registry import CHALLENGER, Registered, Registry
from models.score import Scorers, score_frame


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.rollback:
        if not run.arguments.label:
            raise ConfigurationError("--rollback takes back one champion: say of which head, as in --label churn_60d.")
        for name in labels_asked(run):
            run.out.print(str(rollback_step(run, head_of(name))), markup=False)
        return
    as_of = chosen_as_of(run)
    for name in labels_asked(run):
        if run.arguments.build:
            head = head_of(name)
            build_step(run, sorted(as_ofs_before(as_of, horizon_days=head.horizon_days, count=gate_of(head).as_ofs)))
        promote_step(run, name, as_of)


def promote_step(run: Run, label_name: str, as_of: date) -> Decision | None:
    """What becomes of a head's challenger, said and done; None where nothing challenges the champion."""
    head, registry = head_of(label_name), registry_of(run)
    with run.step("promote") as step:
        found = registry.version_of(head, alias=CHALLENGER)
        champion = registry.version_of(head)
        decision = None
        if found is None or found == champion:
            # Says so where there is no champion either; an alias that an interruption left goes.
            registry.promote(head, version=champion or registry.load(head).version, gate="")
            said = f"{head.name}: nothing challenges version {champion}"
            step.results.update(head=head.name, decision=NOTHING)
        else:
            decision = _decided(run, registry, head, as_of)
            decision = replace(decision, reasons=(*decision.reasons, *_shortfalls(registry, head)))
            _done(run, registry, head, decision)
            said = str(decision)
            step.results.update(head=head.name, decision=decision.outcome, compared=decision.compared)
    run.out.print(said, markup=False)
    return decision


def rollback_step(run: Run, head: Head) -> Decision:
    """The champion before this one is champion again; NoModel where there was none, BrokenModel without its files."""
    registry = registry_of(run)
    with run.step("promote") as step:
        now = registry.version_of(head) or registry.load(head).version  # which says that there is none
        earlier = registry.before(head, now)
        reasons = ["asked for by --rollback"]
        if unfit := _unfit(run, earlier.bundle):
            reasons.append(f"it cannot score today's features: {unfit}")
        decision = Decision(head.name, run.started_at.date(), now, earlier.version, ROLLED_BACK, NOTHING,
                            tuple(reasons))  # fmt: skip
        _done(run, registry, head, decision)
        step.results.update(head=head.name, decision=decision.outcome, version=earlier.version)
    return decision


def _decided(run: Run, registry: Registry[Bundle], head: Head, as_of: date) -> Decision:
    """The challenger against the champion, where that can be compared; else against the rivals of a first champion."""
    challenger = registry.load(head, alias=CHALLENGER)
    _refuse_unfit(run, challenger.bundle)
    champion, why = _comparable(run, registry, head)
    as_ofs = gate_of(head).as_ofs
    if champion is not None:
        dates = later_as_ofs(as_of, (challenger.bundle, champion.bundle), at_most=as_ofs)
        if len(dates) == as_ofs:
            return _on_same_rows(run, registry, head, as_of, dates, (challenger, champion))
        try:
            return _by_recipes(run, registry, head, as_of, (challenger, champion))
        except NoRecipe as problem:
            why = _first_line(problem)
    return _as_first(run, registry, head, as_of, challenger, why)


def _comparable(run: Run, registry: Registry[Bundle], head: Head) -> tuple[Registered[Bundle] | None, str]:
    """The champion, or None and why nothing can be compared with it."""
    if registry.version_of(head) is None:
        return None, "there was no champion"
    try:
        champion = registry.load(head)
    except BrokenModel as problem:
        return None, _first_line(problem)
    unfit = _unfit(run, champion.bundle)
    return (None, unfit) if unfit else (champion, "")


def _unfit(run: Run, bundle: Bundle) -> str:
    """Why a model cannot score today's features; "" where it can."""
    try:
        _refuse_unfit(run, bundle)
    except OtherFeatures as problem:
        return _first_line(problem)
    return ""


def _refuse_unfit(run: Run, bundle: Bundle) -> None:
    features = run.features()
    refuse_other_features(bundle, feature_fingerprint=features.fingerprint,
                          available=[one.name for one in features.features],
                          meanings=features.feature_fingerprints)  # fmt: skip


Both = tuple[Registered[Bundle], Registered[Bundle]]
"""Challenger and champion."""


def _on_same_rows(
    run: Run, registry: Registry[Bundle], head: Head, as_of: date, dates: tuple[date, ...], both: Both
) -> Decision:  # fmt: skip
    """Both models as they are registered, at dates later than all that they have seen."""
    rows = later_rows(run, head, dates).persist()
    try:
        pair = paired(*(forecast(run, rows, model.bundle) for model in both))
        standing_now = _standing_of(run, registry, head, rows_at(rows, max(dates)), max(dates), both)
    finally:
        rows.unpersist()
    return _judged(run, head, as_of, pair, standing_now, both, compared=SAME_ROWS)


def _by_recipes(run: Run, registry: Registry[Bundle], head: Head, as_of: date, both: Both) -> Decision:
    """Refits of both recipes at as-ofs of the training set, since too few lie after both models."""
    plan = split_plan(run, label(head.label), as_of)
    training_set = standing(run, head.label, plan, as_of)
    table = training_table(run, training_set, head, [model.bundle for model in both])
    challenger, champion = (recipe_of(model.bundle) for model in both)
    pair = rolling_pair(challenger, champion, table, gate_of(head), horizon_days=head.horizon_days)
    standing_now = _standing_of(run, registry, head, rows_of_the_test(run, training_set), plan.test, both)
    return _judged(run, head, as_of, pair, standing_now, both, compared=RECIPES)


def _judged(
    run: Run, head: Head, as_of: date, pair: Pair, standing_now: Standing, both: Both, *, compared: str
) -> Decision:  # fmt: skip
    found = judged(pair, gate_of(head), standing_now, seed=run.settings.seed)
    challenger, champion = both
    return of_comparison(found, head=head.name, as_of=as_of, before=champion.version, version=challenger.version,
                         compared=compared)  # fmt: skip


def _as_first(
    run: Run, registry: Registry[Bundle], head: Head, as_of: date, challenger: Registered[Bundle], why: str
) -> Decision:  # fmt: skip
    """The challenger where it passes the gate of a first champion, else the best rival, which is registered for it."""
    training_set = standing(run, head.label, split_plan(run, label(head.label), as_of), as_of)
    table = training_table(run, training_set, head, [challenger.bundle])
    found = admission(challenger.bundle, table, gate_of(head), seed=run.settings.seed,
                      meanings=run.features().feature_fingerprints)  # fmt: skip
    version = challenger.version
    if found.is_rival:
        newest = registry.find_by_training_fingerprint(head, found.bundle.training_fingerprint)
        again = newest is not None and newest.bundle.gate == found.gate
        version = newest.version if newest is not None and again else registry.register(
            found.bundle, found.record, alias=None).version  # fmt: skip
    return of_admission(found, as_of=as_of, before=registry.version_of(head), version=version, why=why)


def _standing_of(
    run: Run, registry: Registry[Bundle], head: Head, rows: DataFrame, day: date, both: Both
) -> Standing:  # fmt: skip
    """What the guard said of the challenger, and how many scores of `rows` either model has made coherent."""
    challenger, champion = both
    partners: dict[str, Registered[Bundle]] = {}
    for partner in partners_of(head):
        if registry.version_of(partner) is not None:
            model, _ = _comparable(run, registry, partner)
            partners |= {} if model is None else {partner.name: model}
    if not partners:
        return Standing(challenger.bundle.guard)
    shares = [_incoherent(run, rows, day, {**partners, head.name: model}) for model in (challenger, champion)]
    return Standing(challenger.bundle.guard, *shares)


def _incoherent(run: Run, rows: DataFrame, day: date, models: Mapping[str, Registered[Bundle]]) -> float:
    features, seen = run.features(), Observation("coherence")
    scores = score_frame(rows, models=Scorers(models), feature_fingerprint=features.fingerprint, as_of_date=day,
                         run_id=run.run_id, scored_at=run.started_at, observation=seen,
                         meanings=features.feature_fingerprints)  # fmt: skip
    scores.write.format("noop").mode("overwrite").save()
    found = seen.get
    return float(found[VIOLATIONS]) / max(int(found["rows"]), 1)


def _done(run: Run, registry: Registry[Bundle], head: Head, decision: Decision) -> None:
    """Written down first, then done."""
    tracking_run = registry.note(head, decision.record, tags={"promotion": decision.outcome})
    write_down(run, decision, tracking_run=tracking_run)
    if decision.outcome == PROMOTED:
        registry.promote(head, version=decision.version, gate=decision.gate)
    elif decision.outcome == ROLLED_BACK:
        registry.set_alias(head, version=decision.version)


def _shortfalls(registry: Registry[Bundle], head: Head) -> tuple[str, ...]:
    return shortfalls(registry.load(head, alias=CHALLENGER).bundle.metrics, gate_of(head))


def _first_line(problem: Exception) -> str:
    return str(problem).split("\n", 1)[0]
