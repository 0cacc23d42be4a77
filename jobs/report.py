"""Write a page for people: of a registered model, or of the scores of a date."""

from __future__ import annotations

from pathlib import Path

from featurestore.errors import ConfigurationError
from jobs.learning import head_of
from jobs.model_registry import registry_of
from jobs.publication_tables import publication_of
from jobs.run import Run
from jobs.score_summary import compared, keep_page, scores_of, summary_of, write_page
from models.report.page import PAGE


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.scores:
        page_of_scores(run)
        return
    if run.arguments.as_of is not None:
        raise ConfigurationError("--as-of goes with --scores: a model has one page, that of its training.")
    page_of_model(run)


def page_of_model(run: Run) -> None:
    """The page that a training made."""
    head = head_of(run.arguments.label)
    out = Path(run.arguments.out or f"{head.label}.html")
    page = registry_of(run).file(head, PAGE, alias=run.arguments.alias)
    try:
        out.write_bytes(page)
    except OSError as problem:
        raise ConfigurationError(f"--out: '{out}' cannot be written ({problem.strerror}).") from problem
    _say(run, out)


def page_of_scores(run: Run) -> None:
    """The page of a scored date, made again from the tables and from what was decided of it."""
    decided = publication_of(run, run.arguments.as_of)
    scores = scores_of(run.warehouse, decided.as_of, decided.previous, part=decided.part)
    now, before = compared(scores, decided.as_of, decided.previous)
    summary = summary_of(scores, decided, now, before, currency=run.settings.currency)
    out: Path | None
    if run.arguments.out:
        out = Path(run.arguments.out)
        write_page(summary, out)
    else:
        out = keep_page(run, summary)
    if out is None:
        raise ConfigurationError(f"the warehouse {run.warehouse.root} is no folder of this machine: say where to write "
                                 "the page, as in --out scores.html.")  # fmt: skip
    _say(run, out)


def _say(run: Run, out: Path) -> None:
    run.out.print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, opens in any browser", markup=False)
