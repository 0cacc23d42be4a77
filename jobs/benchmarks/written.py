"""Are written scores worth what the report of their model claims? Each model's, at the date that it was tested at.

Score each of these dates first, with `score --as-of D --build`; a date without scores is named.
"""

from __future__ import annotations

from datetime import date

from featurestore.errors import MissingInput
from jobs.benchmarks.contest import Figure
from jobs.champions import champions
from jobs.judging import judge_written_scores
from jobs.run import Run
from jobs.score_tables import SCORES

COMPARED = {
    "n": "customers", "auc": "AUC", "log_loss": "nats", "ece10": "probability", "lift_top_tenth": "x",
    "spearman": "rank correlation", "mae": "of its unit", "sum_ratio": "x",
}  # fmt: skip


def run(run: Run) -> list[Figure]:
    """By label, each figure of the written scores at the model's test date beside the one in the model's report."""
    models = champions(run)
    tested = {name: date.fromisoformat(model.bundle.dates["test"]) for name, model in models.items()}
    scored = run.warehouse.rows_by_date(SCORES.name) if run.warehouse.exists(SCORES.name) else {}
    missing = sorted({day for day in tested.values() if day not in scored})
    if missing:
        raise MissingInput(f"the champions were tested at {', '.join(map(str, missing))}, and nobody is scored there: "
                           f"./spark-submit.sh score --as-of {missing[0]} --build --publish-anyway")  # fmt: skip
    judged = {day: judge_written_scores(run, day, is_simulated=False) for day in sorted(set(tested.values()))}
    figures = []
    for name, model in models.items():
        found, label = judged[tested[name]], model.bundle.label
        of = found.amounts[label].written if label in found.amounts else found.probabilities[label].written
        written, claimed = of.figures(), model.bundle.metrics
        for figure, unit in COMPARED.items():
            if figure in written and figure in claimed:
                told = f"{label}_{figure}"
                figures += [Figure(f"{told}_written", written[figure], unit),
                            Figure(f"{told}_claimed", claimed[figure], unit)]  # fmt: skip
    return figures
