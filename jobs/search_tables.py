"""What a search for parameters and a look at stability print for people."""

from __future__ import annotations

from rich.table import Table as Rich

from jobs.tables_for_people import FIGURES, cells
from models.stability import Stability
from models.tuning.tune import Tuned
from models.tuning.verdict import FITS


def search_table(head: str, found: Tuned) -> Rich:
    """Defaults and best side by side: mean log loss on the folds of the search, and all figures out of time."""
    verdict, names = found.verdict, sorted(found.best.parameters)
    title = (f"Search for head {head}: {len(found.trials)} trials; out of time is {', '.join(verdict.days)}, "
             f"n {verdict.default.n // FITS:,}, {FITS} fits each")  # fmt: skip
    table = Rich(title=title, title_justify="left")
    for name in ("", *names, "search log loss", *list(FIGURES.values())[2:]):
        table.add_column(name, justify="right" if name else "left")
    sides = (
        ("defaults", found.trials[0], verdict.default),
        (f"best, trial {found.best.number}", found.best, verdict.best),
    )
    for which, trial, judged in sides:
        tried = [f"{trial.parameters[name]:.3g}" for name in names]
        table.add_row(which, *tried, f"{trial.loss:.4f}", *cells(judged.figures(), FIGURES)[2:])
    return table


def stability_table(head: str, found: Stability) -> Rich:
    """Mean and spread over the ten folds, and the folds."""
    table = Rich(title=f"Stability of head {head}: ten parts of customers, each held out once at all as-ofs (flatters)",
                 title_justify="left")  # fmt: skip
    for name in ("fold", *FIGURES.values()):
        table.add_column(name, justify="left" if name == "fold" else "right")
    for at, one in enumerate(found.folds, start=1):
        table.add_row(str(at), *cells(one.figures(), FIGURES))
    for name, spread in (("mean", found.means()), ("standard deviation", found.deviations())):
        table.add_row(name, *cells(spread, FIGURES))
    return table
