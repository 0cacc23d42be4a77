"""The tables that a run prints, as text."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from jobs.tables_for_people import metrics_tables
from models.heads import HEADS
from models.scale import Scale
from tests.unit.models.bundles import small_bundle


def test_amounts_say_which_share_of_them_the_trees_give() -> None:
    blend = replace(small_bundle(HEADS["spend"]), kind="amount", calibrator=Scale(1.0, weight=0.25, per_spent=0.1),
                    metrics={"mae": 366.0}, baselines=({"name": "rival", "mae": 367.0},))  # fmt: skip
    console = Console(width=200, file=StringIO(), record=True)
    console.print(*metrics_tables([small_bundle(), blend]))
    chances, amounts = console.export_text().split("Tested on a time not seen")[1:]
    assert "trees' share" in amounts and "trees' share" not in chances
    of = {line.split("│")[1].strip(): line.split("│")[-2].strip() for line in amounts.splitlines() if "│" in line}
    assert (of["spend (spend_90d)"], of["rival: rival"]) == ("0.250", "-")
