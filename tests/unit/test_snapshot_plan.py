"""What a build must do, decided from records alone: new dates, stale ones, views that changed, interrupted builds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from featurestore.definitions import LIFETIME, Aggregate, Cell, Derived, Feature, Ranked, Window
from featurestore.derived import ratio
from featurestore.snapshot_plan import Recent, group_of, make_plan
from featurestore.staleness import IngestedBatch, Late, Listed, Stored
from featurestore.views import FeatureView

COUNT = Feature("n_7d", Aggregate.COUNT, Window(7), "bigint", "events", "Events")
TOTAL = Feature("n_lifetime", Aggregate.COUNT, LIFETIME, "bigint", "events", "Events")
SHARE = Derived("share", ratio, ("n_7d", "n_lifetime"), "double", "share", "Share", "none")
SCORE = Ranked("f_score", "share", "Score")
VIEW = FeatureView("v", "orders", "A view", folds=(COUNT, TOTAL), derived=(SHARE,), ranked=(SCORE,))
D1, D2, D3 = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def batch(seq: int, first: date | None, version: int) -> IngestedBatch:
    at = datetime(first.year, first.month, first.day, tzinfo=UTC) if first else None
    return IngestedBatch(seq, at, version)


FIRST = batch(1, date(2023, 1, 1), 0)


def listed(*days: date, view: FeatureView = VIEW, version: int = 0) -> Stored:
    rows = tuple(Listed(day, view.fingerprint, 100, version) for day in days)
    return Stored(view.feature_fingerprints, frozenset(days), rows)


def test_what_is_complete_is_left_alone_and_what_is_not_listed_is_folded():
    plan = make_plan(VIEW, [D2, D1, D2], stored=listed(D1), ingested=[FIRST])
    assert (plan.complete, plan.dates, list(plan.fold)) == ((D1,), (D2,), [D2])
    assert not plan.is_another_generation
    assert [(one.as_of_date, one.how) for one in plan.explained({})] == [(D1, "complete"), (D2, "fold")]


def test_the_very_first_build_is_a_generation_of_its_own():
    plan = make_plan(VIEW, [D1], stored=Stored({}), ingested=[FIRST])
    assert plan.is_another_generation and plan.fold == {D1: "never built"} and plan.extending is None


def test_a_late_batch_repairs_the_dates_after_its_first_event_only():
    late = batch(2, date(2024, 1, 15), 1)
    plan = make_plan(VIEW, [D1, D2, D3], stored=listed(D1, D2, D3), ingested=[FIRST, late])
    (repair,) = plan.repairs
    assert (plan.complete, repair.dates, repair.unseen.batch_seqs, repair.rows) == ((D1,), (D2, D3), {2}, 100)
    few, many = Late(1000, 25), Late(30, 26)
    assert plan.settled({D2: few, D3: few}).repairs == (repair,)
    rebuilt = plan.settled({D2: few, D3: many})
    assert rebuilt.repairs == () and rebuilt.dates == plan.dates
    assert rebuilt.fold[D3] == "30 late events of 26 customers before it, too many to repair"


def test_a_batch_of_aliases_is_unseen_by_its_own_version_and_repaired_apart_from_events_of_the_same_rank():
    alias = replace(batch(2, date(2024, 1, 15), 7), of_aliases=True)
    late = batch(2, date(2024, 2, 15), 1)
    stored = listed(D1, D2, D3)
    plan = make_plan(VIEW, [D1, D2, D3], stored=stored, ingested=[FIRST, late, alias])
    found = {repair.dates: (repair.unseen.batch_seqs, repair.unseen.aliases) for repair in plan.repairs}
    assert plan.complete == (D1,) and found == {(D2,): (set(), {2}), (D3,): ({2}, {2})}
    assert [bool(one.unseen) for one in plan.passes] == [True, True]
    assert plan.first_event == date(2023, 1, 1)

    has_seen = replace(stored, listed=tuple(replace(one, aliases_version=7) for one in stored.listed))
    assert make_plan(VIEW, [D2], stored=has_seen, ingested=[FIRST, alias]).complete == (D2,)
    gone = replace(alias, events_version=8, is_taken_back=True)
    back = make_plan(VIEW, [D2, D3], stored=has_seen, ingested=[FIRST, gone, late])
    assert back.fold == dict.fromkeys([D2, D3], "batch 2 of aliases taken back")


def test_what_a_snapshot_has_seen_is_told_by_the_version_of_the_events_not_by_rank():
    ended_later = batch(1, date(2023, 1, 1), 5)
    plan = make_plan(VIEW, [D1], stored=listed(D1, version=4), ingested=[ended_later, batch(2, date(2023, 1, 1), 3)])
    assert [repair.unseen.batch_seqs for repair in plan.repairs] == [{1}]


def test_dates_that_miss_other_batches_are_other_repairs():
    stored = listed(D1, D2)
    stored = replace(stored, listed=(stored.listed[0], replace(stored.listed[1], events_version=1)))
    plan = make_plan(VIEW, [D1, D2], stored=stored, ingested=[FIRST, batch(2, D1, 1), batch(3, date(2023, 5, 1), 2)])
    assert {repair.dates: repair.unseen.batch_seqs for repair in plan.repairs} == {(D1, D2): {3}}
    plan = make_plan(VIEW, [D1, D2], stored=stored, ingested=[FIRST, batch(2, date(2023, 2, 1), 1), batch(3, D1, 2)])
    assert {repair.dates: repair.unseen.batch_seqs for repair in plan.repairs} == {(D1,): {2}, (D2,): {3}}


def test_an_added_feature_is_folded_alone_at_all_stored_dates():
    wider = replace(VIEW, folds=(*VIEW.folds, replace(COUNT, name="n_30d", window=Window(30))))
    plan = make_plan(wider, [D2, D3], stored=listed(D1, D2), ingested=[FIRST])
    assert (plan.extend, plan.fold, plan.kept) == ((D1, D2), {D3: plan.change}, set(VIEW.feature_names))
    assert plan.change == "definition changed: added n_30d"
    assert plan.extending.names == ["n_30d"] and plan.folding.names == [one.name for one in wider.computed]
    assert plan.is_another_generation


def test_a_derived_feature_is_folded_with_its_inputs_and_a_removed_one_reads_no_event():
    doubled = replace(SHARE, name="again", inputs=("share", "n_lifetime"))
    wider = make_plan(replace(VIEW, derived=(SHARE, doubled)), [D1], stored=listed(D1), ingested=[FIRST])
    assert wider.extending.names == ["n_7d", "n_lifetime", "share", "again"]
    smaller = make_plan(replace(VIEW, derived=(), ranked=()), [D1], stored=listed(D1), ingested=[FIRST])
    assert smaller.extend == (D1,) and smaller.passes == []


def test_what_reads_a_changed_feature_has_changed_too():
    grid = replace(VIEW, ranked=tuple(replace(SCORE, name=f"{c}_score") for c in "rfm"), cell=Cell((("a",) * 5,) * 5))
    other = replace(grid, folds=(replace(COUNT, window=Window(8)), TOTAL))
    plan = make_plan(other, [D1], stored=listed(D1, view=grid), ingested=[FIRST])
    assert plan.kept == {"n_lifetime"}
    assert plan.change == "definition changed: changed n_7d, share, r_score and 3 more"


def test_nothing_is_kept_of_another_source_nor_of_dates_that_are_stale():
    elsewhere = make_plan(replace(VIEW, source="support"), [D1], stored=listed(D1, D2), ingested=[FIRST])
    assert (elsewhere.extend, list(elsewhere.fold)) == ((), [D1])
    wider = replace(VIEW, folds=(*VIEW.folds, replace(COUNT, name="n_30d", window=Window(30))))
    plan = make_plan(wider, [D2], stored=listed(D1, D2), ingested=[FIRST, batch(2, date(2024, 1, 15), 1)])
    assert (plan.extend, list(plan.fold)) == ((D1,), [D2])


def test_a_change_that_was_interrupted_before_it_was_listed_is_completed():
    """The table is of the new definition, its listing of the old: every date of it is copied and listed again."""
    old = replace(VIEW, derived=(), ranked=())
    stored = replace(listed(D1, D2, view=old), features=VIEW.feature_fingerprints)
    assert stored.complete(VIEW, [FIRST]) == set()
    plan = make_plan(VIEW, [D3], stored=stored, ingested=[FIRST])
    assert (plan.extend, plan.extending, list(plan.fold)) == ((D1, D2), None, [D3])


def test_readers_of_the_old_definition_are_refused_once_the_table_is_of_another():
    old = replace(VIEW, derived=(), ranked=())
    stored = replace(listed(D1, view=old), features=VIEW.feature_fingerprints)
    assert stored.complete(old, [FIRST]) == set()


def test_views_of_one_source_are_folded_together_where_names_and_dates_allow():
    other = replace(VIEW, name="w", folds=(replace(COUNT, name="m_7d"),), derived=(), ranked=())
    (one,), (two,) = (make_plan(view, [D1], stored=Stored({}), ingested=[FIRST]).passes for view in (VIEW, other))
    assert group_of([one, two]).names == ["n_7d", "n_lifetime", "m_7d", "share"]
    assert group_of([one, one]) is None, "two meanings of one name would collide"
    assert group_of([one, replace(two, dates=(D2,))]) is None


def test_a_definition_is_told_by_what_its_features_mean_and_read():
    words = replace(VIEW, folds=(replace(COUNT, description="Other words"), TOTAL))
    assert words.feature_fingerprints == VIEW.feature_fingerprints


def test_a_view_of_windows_alone_reads_from_the_furthest_one_on_after_a_complete_snapshot():
    windows = replace(VIEW, folds=(replace(COUNT, window=Window(7, offset_days=20)),), derived=(), ranked=())
    plan = make_plan(windows, [D3], stored=listed(D1, D2, view=windows), ingested=[FIRST])
    assert plan.folding.recent == Recent(D2, seen_at=D2, table="features_v"), "not later than the snapshot"
    plan = make_plan(windows, [date(2024, 2, 3)], stored=listed(D1, D2, view=windows), ingested=[FIRST])
    assert plan.folding.recent.since == date(2024, 1, 7)
    lifetime = make_plan(VIEW, [D3], stored=listed(D1, D2), ingested=[FIRST])
    assert lifetime.folding.recent is None
    alone = make_plan(windows, [D1, D3], stored=listed(D2, view=windows), ingested=[FIRST])
    assert alone.folding.recent is None, "nobody names the customers of the first date"
    young = make_plan(windows, [D3], stored=listed(D2, view=windows), ingested=[batch(1, date(2024, 1, 25), 0)])
    assert young.folding.recent is None, "there is little to leave out"
