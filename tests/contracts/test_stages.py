"""Between two stages stands a table: what the later one reads by name is what the earlier one declares to write."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from featurestore.definitions import Cell, Derived, Feature, Ranked
from featurestore.event_tables import events_table
from featurestore.features import VIEWS, feature_set
from featurestore.label_config import LABELS
from featurestore.schemas import LARGEST_MEASURE, SOURCES, source
from featurestore.snapshot_records import features_table
from jobs.actions import READABLE
from jobs.score_tables import LATEST, SCORES
from jobs.score_views import CUSTOMERS_AT_RISK
from jobs.score_views import VIEWS as SUMMARIES
from jobs.settings import load_settings
from models.actions.rules import load_actions
from models.heads import HEADS
from models.publication import portrait
from models.score_summaries import AMOUNTS, PROBABILITIES, SCHEMES
from models.segments.rules import load_rules
from tests.conftest import ROOT
from tests.contracts.declared import CONTRACTS

SCORED = {column.name: column.type for column in SCORES.columns}
SETTINGS = load_settings()
FEATURES = feature_set(VIEWS, rfm_segments=SETTINGS.features.rfm_segments)
STORED = {column.name: column.type for view in FEATURES.views for column in features_table(view).columns}


@pytest.mark.parametrize("name", VIEWS)
def test_what_a_view_folds_are_columns_of_its_source(name):
    """ingest -> build_features."""
    view = VIEWS[name]
    held = {column.name for column in events_table(source(view.source)).columns}
    for fold in view.folds:
        read = {fold.measure, fold.per, *(condition.column for condition in fold.where)} - {None}
        assert read <= held, fold.name


@pytest.mark.parametrize("name", SOURCES)
def test_what_an_event_must_have_is_held_by_the_table(name):
    """ingest -> everyone: NULLs and ranges are the table's own rules."""
    table = events_table(source(name))
    needed = {column.name for column in table.columns if column.required}
    assert {f"{one}_present" for one in needed} <= table.checks.keys()
    numbers = {column.name for column in source(name).measures if column.is_number}
    assert all(str(LARGEST_MEASURE) in table.checks[f"{one}_range"] for one in numbers)


def test_what_models_learn_from_are_numbers_that_snapshots_hold():
    """build_features -> build_training_set -> train, score."""
    across = {one.name: one.type for one in FEATURES.derived}
    known = {**STORED, **across}
    kinds = {known[name] for name in FEATURES.model_inputs}
    assert kinds <= {"bigint", "int", "double"} | {kind for kind in kinds if kind.startswith(("decimal", "boolean"))}
    for feature in FEATURES.derived:
        assert set(feature.inputs) - {"as_of_date"} <= known.keys(), feature.name


def test_what_is_derived_within_a_view_is_in_it():
    for view in FEATURES.views:
        held = {column.name for column in features_table(view).columns}
        for feature in view.features:
            match feature:
                case Derived():
                    assert set(feature.inputs) <= held
                case Ranked():
                    assert feature.feature in held
                case Cell():
                    assert {"r_score", "f_score", "m_score"} <= held
                case Feature():
                    assert feature.name in held


@pytest.mark.parametrize("name", LABELS)
def test_what_a_label_asks_is_folded_from_columns_of_its_source(name):
    """ingest -> build_training_set."""
    held = {column.name for column in events_table(source(LABELS[name].source)).columns}
    for fold in LABELS[name].folds:
        assert {fold.measure, fold.per, *(one.column for one in fold.where)} - {None} <= held


def test_every_head_has_its_column_of_scores():
    """train -> score."""
    for head in HEADS.values():
        assert SCORED[head.output] == "double"
        assert head.label in LABELS


def test_what_is_decided_summed_up_and_gated_are_columns_of_scores():
    """score -> actions, summaries, publication."""
    assert load_actions(SETTINGS.actions.rules).columns() <= READABLE.keys() <= SCORED.keys()
    assert {*AMOUNTS, *PROBABILITIES, *SCHEMES, *portrait.SCORES, *portrait.VALUES} <= SCORED.keys()
    assert [(one.name, one.type) for one in LATEST.columns] == list(SCORED.items())
    for column in CUSTOMERS_AT_RISK.columns:
        assert SCORED.get(column.name, column.type) == column.type
    assert all("as_of_date" in table.column_names for table in SUMMARIES)


def test_what_the_rules_of_segments_ask_are_features():
    """build_features -> segment."""
    assert set(load_rules(SETTINGS.segments.rules).columns()) <= {one.name for one in FEATURES.features}


@pytest.mark.parametrize("file", sorted((ROOT / "sql").glob("*.sql")), ids=lambda file: file.stem)
def test_what_the_shipped_queries_read_is_declared(file):
    """Tables -> people: a column is one of a table of the query, or one that the query makes itself."""
    tree = sqlglot.parse_one(file.read_text(encoding="utf-8"), read="spark")
    own = {one.alias for one in tree.find_all(exp.CTE)}
    made = {one.alias for one in tree.find_all(exp.Alias, exp.TableAlias)} | {
        column.name for one in tree.find_all(exp.TableAlias) for column in one.columns
    }
    read = {table.name for scope in traverse_scope(tree) for table in scope.tables} - own
    declared = {name for table in read for name in CONTRACTS[table].table.column_names}
    assert {column.name for column in tree.find_all(exp.Column)} <= declared | made


def test_every_key_is_made_of_declared_columns():
    for name, contract in CONTRACTS.items():
        assert contract.table is None or set(contract.key) <= set(contract.table.column_names), name
