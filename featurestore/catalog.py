"""The feature catalogue: what every stored feature means, as a table."""

from __future__ import annotations

from featurestore.definitions import Cell, Derived, Feature, Ranked
from featurestore.record_tables import replace_records
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse
from featurestore.views import FeatureSet, FeatureView, aliases_of

CATALOG = Table(
    "feature_catalog",
    (
        Column("view", "string", "Feature view"),
        Column("feature", "string", "Column of features_<view>"),
        Column("type", "string", "Spark SQL type"),
        Column("unit", "string", "Unit of the value"),
        Column("window", "string", "How far back it looks; NULL where that is its inputs' matter"),
        Column("aggregate", "string", "How events become one value; NULL for derived features"),
        Column("filter", "string", "Which events count; NULL for all"),
        Column("measure", "string", "Event column that is folded, or features that it is derived from"),
        Column("source", "string", "Source of the events"),
        Column("family", "string", "Business idea that it belongs to"),
        Column("description", "string", "Meaning"),
        Column("null_means", "string", "What NULL says"),
        Column("alias", "string", "Other names that it is known by, comma separated; NULL where it has none"),
        Column("fingerprint", "string", "Definition of the view"),
    ),
    comment="Every feature, documented",
)


def entries(owner: FeatureView | FeatureSet) -> list[tuple[str | None, ...]]:
    """Rows of the catalogue for a view, or for what a set derives across views, in the order of the features."""
    sources = owner.source if isinstance(owner, FeatureView) else ", ".join(owner.sources)
    return [
        (owner.name, f.name, f.type, f.unit, *_origin(f), sources, f.family, f.description, f.null_means,
         ", ".join(aliases_of(f.name, owner)) or None, owner.fingerprint)
        for f in (owner.features if isinstance(owner, FeatureView) else owner.derived)
    ]  # fmt: skip


def _origin(feature: Feature | Derived | Ranked | Cell) -> tuple[str | None, ...]:
    """window, aggregate, filter, measure."""
    match feature:
        case Feature():
            condition = " AND ".join(map(str, feature.where)) or None
            measure = feature.measure if feature.per is None else f"{feature.measure} per {feature.per}"
            return feature.window.name, feature.aggregate.value, condition, measure
        case Derived():
            return None, None, None, ", ".join(feature.inputs)
        case Ranked():
            return None, None, None, feature.feature
        case Cell():
            return None, None, None, "r_score, f_score, m_score"


def publish_catalog(warehouse: Warehouse, owner: FeatureView | FeatureSet) -> None:
    """Make the catalogue say what `owner` is now; nothing is written when it says so already."""
    present = warehouse.records(CATALOG.name, ("view", "fingerprint"))
    if {row["fingerprint"] for row in present if row["view"] == owner.name} == {owner.fingerprint}:
        return
    replace_records(warehouse, CATALOG, entries(owner), where=f"view = '{owner.name}'")
