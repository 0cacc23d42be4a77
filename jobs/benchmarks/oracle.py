"""How close do the written scores come to the best that can be known? On the simulated shop only."""

from __future__ import annotations

from jobs.benchmarks.contest import Figure
from jobs.judging import judge_written_scores
from jobs.run import Run
from jobs.score_tables import SCORES
from jobs.simulate import TRUTH


def run(run: Run) -> list[Figure]:
    """For each head, order and calibration of the written scores and of the oracle, on the same rows."""
    truth = run.warehouse.read(TRUTH.name, make_with="simulate")
    as_of = truth.selectExpr("max(as_of_date)").first()[0]  # type: ignore[index]
    run.warehouse.read(SCORES.name, make_with=f"score --as-of {as_of}")  # says what to do where there is no table
    figures = []
    judgements = judge_written_scores(run, as_of, is_simulated=True)
    for label, found in judgements.probabilities.items():
        measured = {
            "customers": (found.written.n, "customers"),
            "auc": (found.written.auc, "AUC"),
            "oracle_auc": (found.oracle.auc if found.oracle else None, "AUC"),
            "auc_difference_error": (found.auc_difference_error, "AUC"),
            "ece10": (found.written.ece10, "probability"),
            "oracle_ece10": (found.oracle.ece10 if found.oracle else None, "probability"),
        }
        figures += [Figure(f"{label}_{n}", value, unit) for n, (value, unit) in measured.items() if value is not None]
    for label, amounts in judgements.amounts.items():
        for of, one in {"": amounts.written, "oracle_": amounts.oracle}.items():
            known = one.figures() if one else {}
            figures += [Figure(f"{label}_{of}{n}", known[n], n) for n in ("spearman", "sum_ratio") if n in known]
    return figures
