"""What a run needs to tell why a churn score is what it is: phrases bound to all features, and what stays untold."""

from __future__ import annotations

from collections.abc import Mapping

from featurestore.features.across import across
from jobs.run import Run
from models.heads import CHURN
from models.reasons.contributions import explain_of
from models.reasons.phrases import load_phrases
from models.reasons.why import CONFIDENCE, REASONS, Why
from models.reasons.wording import wording
from models.registry import Registered


def why_of(run: Run, models: Mapping[str, Registered]) -> Why:
    """The phrases of the settings, bound to the features of all views, those that models do not read too.

    Says which column stays NULL, and why. Raises ConfigurationError for a phrase that no feature takes, or that names
    one that is not there.
    """
    _tell_what_stays_untold(run, models)
    chosen = run.settings.reasons
    known = [feature for view in run.views.values() for feature in view.features]
    known += [*across({one.name for one in known}), *run.features().features]
    phrases, where = load_phrases(chosen.phrases)
    return Why(wording(phrases, known, currency=run.settings.currency, where=where, families=chosen.families,
                       least=chosen.least))  # fmt: skip


def _tell_what_stays_untold(run: Run, models: Mapping[str, Registered]) -> None:
    model = models.get(CHURN.name)
    if model is None:
        return
    if explain_of(model.bundle) is None:
        run.progress.print(f"note: no exact contributions to the scores of {model.bundle.algorithm} are known: "
                           f"{REASONS} stay NULL (those of xgboost and logistic_regression are)")  # fmt: skip
    if not model.bundle.resamples:
        command = f"./spark-submit.sh train --label {CHURN.label}"
        run.progress.print(f"note: the {CHURN.name} model has no boosters on other draws: {CONFIDENCE} stays NULL "
                           f"(training.confidence_boosters; {command})")  # fmt: skip
