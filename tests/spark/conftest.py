"""A warehouse that several files of tests read."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def scored(spark, tmp_path_factory):
    """Two scored dates and what is made from them; "gone" is not there at the second, "c" not at the first."""
    from featurestore.tables import Warehouse
    from jobs.score_views import write_at_risk, write_summaries
    from tests.spark.score_rows import BEFORE, FIRST, NOW, SECOND, write_scores

    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("scored")))
    for day, rows in ((FIRST, BEFORE), (SECOND, NOW)):
        write_scores(warehouse, day, rows)
        write_summaries(warehouse, day, run_id="r1")
        write_at_risk(warehouse)
    return warehouse
