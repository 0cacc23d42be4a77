"""What a run of scoring shows people: a few short tables on the terminal, and a page beside the tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame
from rich.table import Table as Rich

from featurestore.errors import EnvironmentProblem
from featurestore.snapshot_records import among
from featurestore.tables import Warehouse, is_local
from jobs.publication_tables import Publication
from jobs.run import Run
from jobs.score_tables import SCORES
from models.publication.portrait import CUSTOMER, DATE, LEVEL, RFM, Portrait, portraits
from models.publication.summary import GroupShift, Summary, moves
from models.report.scores import grid, score_page

FOLDER = "reports"
REASONS_SHOWN, MOVES_SHOWN = 5, 5


def scores_of(warehouse: Warehouse, as_of: date, previous: date | None, *, part: bool = False) -> DataFrame:
    """The written scores of a date and of the one before it; of the same customers where the date holds a part."""
    scores = warehouse.read(SCORES.name).where(among([as_of] if previous is None else [as_of, previous]))
    if not part:
        return scores
    return scores.join(_at(scores, as_of).select(CUSTOMER), CUSTOMER, "left_semi")


def compared(scores: DataFrame, as_of: date, previous: date | None) -> tuple[Portrait, Portrait | None]:
    """The portraits of a date and of the one before it."""
    found = portraits(scores, [as_of] if previous is None else [as_of, previous])
    return found[as_of], None if previous is None else found[previous]


def summary_of(
    scores: DataFrame, decided: Publication, now: Portrait, before: Portrait | None, *, currency: str
) -> Summary:  # fmt: skip
    """All that is shown of a date: the portraits, what the gate said, and who moved since the date before."""
    moved: dict[str, dict[tuple[str, str], int]] = {}
    if decided.previous is not None:
        moved = moves(_at(scores, decided.previous), _at(scores, decided.as_of))
    return Summary(now, before, moved, decided.decision, decided.findings, currency)


def show(run: Run, summary: Summary) -> None:
    """Risk, who moved, scores and reasons as tables; the largest moves between segments and the gate as lines."""
    for table in tables(summary):
        run.out.print(table)
    for line in lines(summary):
        run.out.print(line, markup=False)


def keep_page(run: Run, summary: Summary) -> Path | None:
    """Write the page below the warehouse; None where that is no folder of this machine."""
    if not is_local(run.warehouse.root):
        return None
    page = Path(run.warehouse.root) / FOLDER / f"scores_{summary.now.as_of}.html"
    write_page(summary, page)
    return page


def write_page(summary: Summary, page: Path) -> None:
    """The page as a file, all of it at once; EnvironmentProblem where it cannot be written."""
    half = page.with_name(f".{page.name}.half")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(score_page(summary), encoding="utf-8")
        half.replace(page)
    except OSError as problem:
        raise EnvironmentProblem(
            f"the page '{page}' cannot be written ({problem.strerror}).\n"
            "  The scores are not touched by that. Mend it, then: ./spark-submit.sh report --scores"
        ) from problem


def tables(summary: Summary) -> Iterator[Rich]:
    """The short tables of a run."""
    yield _groups(summary, f"Churn risk at {summary.now.as_of}", "risk", summary.levels)
    if summary.before is not None:
        yield _moved(summary)
    yield _heads(summary)
    if summary.reasons:
        yield _groups(summary, "Customers by first reason", "feature", summary.reasons[:REASONS_SHOWN])


def lines(summary: Summary) -> Iterator[str]:
    """What fits into sentences."""
    if summary.now.worth is not None:
        yield f"value at risk is the churn probability times {summary.now.worth}, {summary.currency}"
    if summary.before is not None:
        turned = summary.turned
        yield (f"{turned['higher']:,} customers moved to a higher risk, {turned['lower']:,} to a lower one, "
               f"{turned['same']:,} stayed")  # fmt: skip
    gone = summary.largest_moves(RFM, most=MOVES_SHOWN)
    if gone:
        said = "; ".join(f"{was} to {now} {customers:,}" for was, now, customers in gone)
        yield f"largest moves between segments: {said}"
    if summary.before is None:
        yield f"publication: {summary.decision}; the first date, so that there is nothing to compare with"
    else:
        yield (f"publication: {summary.decision}; {len(summary.findings) or 'no'} shifts beyond a limit since "
               f"{summary.before.as_of}")  # fmt: skip
    for one in summary.findings:
        yield f"  {one.level}: {one}"


def _groups(summary: Summary, title: str, name: str, groups: list[GroupShift]) -> Rich:
    before = summary.before is not None
    worth = summary.now.worth is not None
    then = [f"at {summary.before.as_of}", "change"] if summary.before is not None else []
    table = _table(title, name, "customers", "share", *then, *(["value at risk"] if worth else []),
                   *(["before"] if worth and before else []))  # fmt: skip
    for one in groups:
        cells = [one.name, f"{one.now.customers:,}", f"{one.share:.1%}"]
        if one.before is not None:
            cells += [f"{one.before.customers:,}", f"{one.change:+,}"]
        if worth:
            cells += [_amount(summary.at_risk(one.now))] + ([_amount(summary.at_risk(one.before))] if before else [])
        table.add_row(*cells)
    return table


def _moved(summary: Summary) -> Rich:
    """Risk levels before by risk levels now, in customers."""
    found = grid(summary, LEVEL)
    since = summary.before.as_of if summary.before is not None else ""
    table = _table("Who moved", f"at {since}", "customers", *(f"now {name}" for name in found.columns))
    for row in found.rows:
        table.add_row(row.name, f"{row.customers:,}", *(f"{cell.customers:,}" for cell in row.cells))
    return table


def _heads(summary: Summary) -> Rich:
    before = summary.before is not None
    names = ["customers", "without", *(["before"] if before else []), "mean", *(["before ", "index"] if before else [])]
    table = _table("Scores", "score", *names)
    for one in summary.heads:
        shown = [f"{one.now.scored:,}", f"{one.now.null_share:.1%}"]
        if before:
            shown.append(f"{one.before.null_share:.1%}" if one.before.scored else "-")
        shown.append(_mean(one.now.mean, one.digits))
        if before:
            shown += [_mean(one.before.mean, one.digits), _mean(one.index, 3)]
        table.add_row(one.name, *shown)
    return table


def _table(title: str, name: str, *columns: str) -> Rich:
    table = Rich(title=title, title_justify="left")
    table.add_column(name)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _mean(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _at(scores: DataFrame, day: date) -> DataFrame:
    return scores.where(f"{DATE} = DATE'{day}'")
