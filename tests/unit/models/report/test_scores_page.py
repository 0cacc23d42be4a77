"""The page of a scored date: it stands alone, says what the figures say, and is the same for the same figures."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from jobs.score_summary import lines, tables, write_page
from models.publication.gate import STOPPED, judged
from models.publication.portrait import Portrait
from models.publication.summary import Summary
from models.report.scores import grid, score_page
from tests.unit.models.publication.pictured import NOW, before, made
from tests.unit.models.publication.test_gate import LIMITS
from tests.unit.models.report.pages import sections, stands_alone

MOVES = {
    "churn_risk_level": {
        ("LOW", "LOW"): 290, ("LOW", "HIGH"): 10, ("HIGH", "CRITICAL"): 100, ("HIGH", "HIGH"): 50,
        ("CRITICAL", "MEDIUM"): 7, ("(none)", "(none)"): 200, ("(absent)", "LOW"): 3,
    },
    "rfm_segment": {("Lost", "Loyal <Customers>"): 2, ("Lost", "Lost"): 3, ("Loyal <Customers>", "(none)"): 1},
}  # fmt: skip


def later() -> Portrait:
    return made(NOW, levels={"CRITICAL": 300, "HIGH": 60, "MEDIUM": 200, "LOW": 240, "(none)": 200},
                churn={1: 240, 9: 200, 13: 60, 18: 300, None: 200}, spend={8: 500, 9: 400, 10: 100})  # fmt: skip


@pytest.fixture(scope="module")
def summary() -> Summary:
    found = judged(later(), before(), LIMITS)
    return Summary(later(), before(), MOVES, STOPPED, found, "GBP")


@pytest.fixture(scope="module")
def page(summary) -> str:
    return score_page(summary)


def test_the_page_stands_alone_and_has_its_sections(page):
    stands_alone(page, pictures=7)
    assert sections(page) == [
        "Is it fit to be used?", "Churn risk", "Who moved", "What moved churn most", "Segments",
        "Who moved between segments", "How scores are spread", "What it was made from",
    ]  # fmt: skip


def test_the_figures_are_on_the_page_and_text_is_escaped(page):
    assert "<b>360</b><span>customers of risk CRITICAL or HIGH" in page
    assert "<b>100,000</b><span>value at risk, GBP" in page  # 100 a customer
    assert "<b>110</b><span>moved to a higher risk" in page and "<b>7</b><span>moved to a lower risk" in page
    assert "Loyal &lt;Customers&gt;" in page and "<Customers>" not in page
    assert "not the newest view" in page and "churn_risk_level, share of CRITICAL" in page
    assert "<td>churn</td><td>version 3</td><td>1,000</td>" in page and "<td>churn</td><td>seasonal</td>" in page


def test_the_same_figures_give_the_same_page(summary, page):
    assert score_page(summary) == page


def test_a_first_date_has_nothing_beside_it():
    first = score_page(Summary(before(), None, {}, "published", [], "GBP"))
    assert "there is nothing to compare with" in first and "no shift can be judged" in first
    assert "Who moved" not in first and "stability index" not in first
    stands_alone(first, pictures=5)


def test_a_grid_leaves_out_what_nobody_was_or_is(summary):
    found = grid(summary, "churn_risk_level")
    assert found.columns == ("CRITICAL", "HIGH", "MEDIUM", "LOW", "(none)")
    assert [(row.name, row.customers) for row in found.rows] == [
        ("CRITICAL", 7), ("HIGH", 150), ("LOW", 300), ("(none)", 200), ("(absent)", 3),
    ]  # fmt: skip
    low = found.rows[2]
    assert [cell.text for cell in low.cells] == ["", "3%", "", "97%", ""]


def test_the_terminal_says_the_same(summary):
    console = Console(width=200, file=StringIO())
    for table in tables(summary):
        console.print(table)
    shown = console.file.getvalue()
    assert all(part in shown for part in ("CRITICAL", "+200", "30,000", "churn_probability", "recency_days"))
    said = list(lines(summary))
    assert said[:3] == [
        "value at risk is the churn probability times expected_spend_90d, GBP",
        "110 customers moved to a higher risk, 7 to a lower one, 340 stayed",
        "largest moves between segments: Lost to Loyal <Customers> 2; Loyal <Customers> to (none) 1",
    ]  # fmt: skip
    assert said[3].startswith("publication: stopped; ") and any("stop: churn_risk_level" in line for line in said)


def test_customers_without_any_value_have_no_value_at_risk():
    nobody = replace(before(), scores={"churn_probability": before().scores["churn_probability"]})
    page = score_page(Summary(nobody, None, {}, "published", [], "GBP"))
    assert "alue at risk" not in page


def test_a_page_is_written_whole_and_its_folder_made(summary, page, tmp_path):
    out = tmp_path / "reports" / "scores.html"
    write_page(summary, out)
    assert out.read_text(encoding="utf-8") == page
    assert [entry.name for entry in out.parent.iterdir()] == ["scores.html"]
