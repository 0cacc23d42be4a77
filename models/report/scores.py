"""The page of a scored date: who is at risk, what moved, and what it was made from, for people who act on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.publication.portrait import LEVEL, RFM
from models.publication.summary import GroupShift, HeadShift, Summary
from models.report import score_figures
from models.report.rendering import Picture, drawn, rendered
from models.segments.counts import NONE

TEMPLATE = "scores.html.j2"
MOST_REASONS = 12


@dataclass(frozen=True)
class Cell:
    """Customers who went from the row's group to the one named, and their share of the row."""

    name: str
    customers: int
    share: float

    @property
    def text(self) -> str:
        if not self.customers:
            return ""
        return f"{self.share:.0%}" if self.share >= 0.005 else "<1%"


@dataclass(frozen=True)
class Row:
    """A group before, its customers, and where they are now."""

    name: str
    customers: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """Who went where: groups before by groups now, those without customers left out."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def score_page(summary: Summary) -> str:
    """One HTML file that asks for nothing outside it; the same summary gives the same page."""
    pictures = {"risk": [*_risk(summary)], "reasons": [*_reasons(summary)], "segments": [*_segments(summary)],
                "spread": [*_spread(summary)]}  # fmt: skip
    grids = {"levels": grid(summary, LEVEL), "segments": grid(summary, RFM)}
    before = None if summary.before is None else summary.before.as_of
    return rendered(TEMPLATE, summary=summary, day=summary.now.as_of, before=before, worth=summary.now.worth,
                    pictures=pictures, grids=grids)  # fmt: skip


def grid(summary: Summary, column: str) -> Grid:
    """The moves of a column, in the order that people read its groups."""
    moves = {pair: customers for pair, customers in summary.moves.get(column, {}).items() if customers}
    order = summary.order(column)
    columns = tuple(name for name in order if any(now == name for _, now in moves))
    rows = []
    for was in order:
        total = sum(customers for (before, _), customers in moves.items() if before == was)
        counts = {name: moves.get((was, name), 0) for name in columns}
        if total:
            rows.append(Row(was, total, tuple(Cell(name, one, one / total) for name, one in counts.items())))
    return Grid(columns, tuple(rows))


def _risk(summary: Summary) -> Iterator[Picture]:
    levels = [one for one in summary.levels if one.name != NONE]
    yield _by_customers(summary, "levels", "Customers by risk", levels)
    if summary.now.worth is not None:
        yield _by_value(summary, "value_by_level", "Value at risk by risk level", levels)


def _reasons(summary: Summary) -> Iterator[Picture]:
    if summary.reasons:
        yield _by_customers(summary, "reasons", "First reasons", summary.reasons[:MOST_REASONS])


def _segments(summary: Summary) -> Iterator[Picture]:
    if summary.segments:
        yield _by_customers(summary, "segments", "Customers by segment", summary.segments)
        if summary.now.worth is not None:
            yield _by_value(summary, "value_by_segment", "Value at risk by segment", summary.segments)


def _spread(summary: Summary) -> Iterator[Picture]:
    return (_of_score(summary, one) for one in summary.heads if one.now.scored)


def _of_score(summary: Summary, one: HeadShift) -> Picture:
    caption = "Those without a score are left out."
    return drawn(f"spread_{one.name}", one.name, caption,
                 lambda: score_figures.spread(one.name, one.now, one.before, dates=_dates(summary)))  # fmt: skip


def _by_customers(summary: Summary, name: str, title: str, groups: Sequence[GroupShift]) -> Picture:
    now = {one.name: float(one.now.customers) for one in groups}
    before = {one.name: float(one.before.customers) for one in groups if one.before is not None}
    return drawn(name, title, "Outlined: the date before." if before else "", lambda: score_figures.bars(
        now, before or None, across="customers", dates=_dates(summary)))  # fmt: skip


def _by_value(summary: Summary, name: str, title: str, groups: Sequence[GroupShift]) -> Picture:
    now = {one.name: summary.at_risk(one.now) or 0.0 for one in groups}
    before = {one.name: summary.at_risk(one.before) or 0.0 for one in groups if one.before is not None}
    caption = f"Churn probability times {summary.now.worth}."
    return drawn(name, title, caption, lambda: score_figures.bars(now, before or None, across=summary.currency,
                                                                  dates=_dates(summary)))  # fmt: skip


def _dates(summary: Summary) -> list[str]:
    return [str(one.as_of) for one in (summary.now, summary.before) if one is not None]
