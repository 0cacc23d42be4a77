"""A table of an older version, made without a column or a property, gets it with the next replacement."""

from __future__ import annotations

from featurestore.schemas import Column
from featurestore.tables import Table

KEY, LATER = Column("k", "int", "Key"), Column("later", "string", "Declared later, the shop's own")


def test_a_column_and_a_property_that_a_table_was_made_without_are_added(warehouse, spark):
    warehouse.replace(Table("old", (KEY,), "Made long ago"), spark.createDataFrame([(1,)], "k int"), where="k = 1")
    newer = Table("old", (KEY, LATER), "Made long ago", properties={"delta.enableChangeDataFeed": "true"})
    warehouse.replace(newer, spark.createDataFrame([(2, "x")], "k int, later string"), where="k = 2")
    found = warehouse.read("old").orderBy("k")
    assert [tuple(row) for row in found.collect()] == [(1, None), (2, "x")]
    assert found.schema["later"].metadata["comment"] == LATER.comment
    assert warehouse.declared("old").properties["delta.enableChangeDataFeed"] == "true"
