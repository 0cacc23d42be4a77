"""What a run prints for people: short tables of metrics, of scores, of seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table as Rich

from jobs.judging import Judgements
from jobs.learning import HEAD_OF
from jobs.run import Step
from models.bundle import Bundle
from models.compare import Ranked
from models.realised import Realised

FIGURES = {"n": "n", "base_rate": "base rate", "auc": "AUC", "average_precision": "AP", "log_loss": "log loss",
           "brier": "Brier", "ece10": "ECE10", "lift_top_tenth": "lift@10%"}  # fmt: skip
AMOUNT_FIGURES = {"n": "n", "mean": "mean", "mae": "MAE", "spearman": "Spearman", "sum_ratio": "sum ratio",
                  "capture_top_tenth": "top tenth's share", "capture_ceiling": "at most"}  # fmt: skip
TESTED_AMOUNT_FIGURES = {**AMOUNT_FIGURES, "weight": "trees' share"}
IN_UNITS = {"mean", "mae"}
"""Currency, or orders: of a few, decimals count."""

_FEW = 10
_REASONS_SHOWN = 2


def metrics_tables(bundles: Sequence[Bundle]) -> list[Rich]:
    """Each head's figures on a date that it has not seen, and those of its rivals on the same rows; a table a kind.

    In brackets are 95 % intervals over resampled customers. The trees' share is that of an amount's sum.
    """
    kinds = [(False, FIGURES), (True, TESTED_AMOUNT_FIGURES)]
    return [_tested(of, figures) for amount, figures in kinds if (of := [b for b in bundles if b.is_amount == amount])]


def _tested(bundles: Sequence[Bundle], figures: Mapping[str, str]) -> Rich:
    table = Rich(title="Tested on a time not seen", title_justify="left")
    for title in ("head", "tested at", *figures.values()):
        table.add_column(title, justify="left" if title in ("head", "tested at") else "right")
    for bundle in bundles:
        when = bundle.dates["test"]
        tested = {**bundle.metrics, "weight": bundle.weight}
        table.add_row(f"{bundle.head} ({bundle.label})", when, *cells(tested, figures))
        for place, baseline in enumerate(bundle.baselines):
            role = "rival" if bundle.is_amount else "best single feature" if place == 0 else "single feature"
            table.add_row(f"  {role}: {baseline['name']}", when, *cells(baseline, figures))
    return table


def realised_tables(found: Judgements, *, title: str) -> list[Rich]:
    """What was written against what then happened; the oracle beside it where the truth is known. None without rows."""
    chances = [_realised(found.probabilities, FIGURES, title=title)] if found.probabilities else []
    return chances + ([_realised(found.amounts, AMOUNT_FIGURES, title=title)] if found.amounts else [])


def _realised(rows: Mapping[str, Realised], figures: Mapping[str, str], *, title: str) -> Rich:
    table = Rich(title=title, title_justify="left")
    for name in ("head", *figures.values()):
        table.add_column(name, justify="left" if name == "head" else "right")
    for label, one in rows.items():
        table.add_row(f"{HEAD_OF[label].name} ({label})", *cells(one.written.figures(), figures))
        if one.oracle is not None:
            table.add_row("  oracle, given the history", *cells(one.oracle.figures(), figures))
    return table


def comparison_table(head: str, ranked: Sequence[Ranked]) -> Rich:
    """Algorithms by kind of folds, the best first, and what the best has over each with its interval."""
    table = Rich(title=f"Algorithms for head {head}, on the same rows and folds", title_justify="left")
    for name in ("folds", "algorithm", *FIGURES.values(), "worst fold", "best has over it", "s"):
        table.add_column(name, justify="left" if name in ("folds", "algorithm") else "right")
    for one in ranked:
        gain = one.log_loss_gain
        shown = f"{gain.figure:.4f} [{gain.low:.4f}, {gain.high:.4f}]" if gain else ""
        table.add_row(one.folds, one.algorithm, *cells(one.metrics.figures(), FIGURES), _shown(one.worst_log_loss),
                      shown, f"{one.seconds:.0f}")  # fmt: skip
    return table


def cells(found: Mapping[str, object], figures: Mapping[str, str]) -> list[str]:
    """The figures as text, each with the ends of its interval where they are known."""
    return [_shown(found.get(name), name) + _between(found, name) for name in figures]


def _between(found: Mapping[str, object], name: str) -> str:
    low, high = found.get(f"{name}_low"), found.get(f"{name}_high")
    return "" if low is None else f" [{_shown(low, name)}, {_shown(high, name)}]"


def _shown(value: object, name: str = "") -> str:
    if not isinstance(value, (int, float)):
        return "-"
    return f"{value:,.0f}" if name == "n" else f"{value:,.1f}" if name in IN_UNITS and value >= _FEW else f"{value:.3f}"


def most_at_risk(scores: DataFrame, *, most: int = 10) -> Rich:
    """The customers most likely to lapse, the more likely buyers last among equals: what to do, what moved them."""
    columns = ["customer_id", "churn_probability", "churn_risk_level", "purchase_probability_30d", "rfm_segment",
               "recommended_actions"]  # fmt: skip
    ordered = scores.where(F.col("churn_probability").isNotNull()).orderBy(F.desc("churn_probability"), "customer_id")
    table = Rich(title=f"{most} customers most at risk", title_justify="left")
    for name in columns:
        table.add_column(name)
    table.add_column("reasons")
    told = F.concat_ws("; ", F.slice("reasons.text", 1, _REASONS_SHOWN))
    for row in ordered.select(*columns, told).limit(most).collect():
        table.add_row(*map(_said, row))
    return table


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def seconds_table(steps: Sequence[Step]) -> Rich:
    """Where the time went."""
    table = Rich(title="Seconds", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for step in steps:
        table.add_row(step.job, f"{step.seconds:.1f}")
    table.add_row("all steps", f"{sum(step.seconds for step in steps):.1f}")
    return table
