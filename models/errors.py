"""What can go wrong with models, one class per remedy; all are Tessera errors with their exit codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem, did_you_mean


class BadTrainingSetting(ConfigurationError):
    """A setting of training lies outside what it can be."""

    @classmethod
    def value(cls, name: str, value: object, *, expected: str) -> BadTrainingSetting:
        return cls(f"training setting '{name}' is {value!r}; expected {expected}.")


class HistoryTooShort(DataContractError):
    """There are not enough days of data to learn, to calibrate and to test on periods of their own."""

    @classmethod
    def days(
        cls, missing: int, *, source_start: date, as_of: date, horizon_days: int, first_after_days: int
    ) -> HistoryTooShort:
        have, need = (as_of - source_start).days, first_after_days + 3 * horizon_days
        return cls(
            f"the history is {missing} days too short for a horizon of {horizon_days} days: "
            f"it spans {have} days ({source_start} to {as_of}), and training needs {need} "
            f"({first_after_days} first, then {horizon_days} each to learn, calibrate, test).\n"
            f"  Load {missing} more days, use a later --as-of, or lower training.first_as_of_after_days."
        )


class CannotTrain(DataContractError):
    """The rows of a training set do not allow a fit."""

    @classmethod
    def no_rows(cls, head: str, *, split: str, label: str, found: Mapping[str, int]) -> CannotTrain:
        counts = ", ".join(f"{name} {rows}" for name, rows in sorted(found.items())) or "none at all"
        return cls(
            f"head '{head}' has no row with a '{label}' in the split '{split}' (labelled rows: {counts}).\n"
            "  Check the population of the label and the dates of the training set."
        )

    @classmethod
    def one_class(cls, head: str, *, label: str, rows: int, value: int) -> CannotTrain:
        return cls(
            f"head '{head}' cannot be trained: all {rows} fitted rows have {label} = {value}.\n"
            "  Both outcomes are needed. Check the label, or train on a longer history."
        )

    @classmethod
    def no_orders(cls, model: str) -> CannotTrain:
        return cls(
            f"{model} cannot be fitted: no customer has a day with an order of positive value before the date.\n"
            "  Use a later --as-of, or ingest orders."
        )

    @classmethod
    def too_many_cells(cls, counted: str, *, at_most: int) -> CannotTrain:
        return cls(
            f"customers have more than {at_most} different values of {counted} alone, too many to count.\n"
            "  Raise lifetime.cells."
        )

    @classmethod
    def few_customers(cls, found: int, *, at_least: int) -> CannotTrain:
        return cls(
            f"segments need at least {at_least} customers with an order (segments.customers_per_cluster x k_most); "
            f"there are {found}.\n"
            "  Use a later --as-of, or lower segments.k_most."
        )

    @classmethod
    def all_alike(cls, measure: str, *, customers: int) -> CannotTrain:
        return cls(
            f"segments cannot be found: all {customers} customers with an order have the same '{measure}'.\n"
            "  Use an --as-of with a longer history, or check what was ingested."
        )

    @classmethod
    def not_numeric(cls, columns: Mapping[str, str]) -> CannotTrain:
        listed = ", ".join(f"'{name}' ({kind})" for name, kind in columns.items())
        return cls(f"a feature of a model must be a number or a boolean, not {listed}. Encode it or leave it out.")


class OtherFeatures(DataContractError):
    """A model meets features that are not those it was fitted on."""

    @classmethod
    def fingerprint(cls, head: str, *, model: str, found: str) -> OtherFeatures:
        return cls(
            f"the model of head '{head}' was fitted on features with fingerprint {model}, "
            f"the features to be scored have {found}: a definition has changed since.\n"
            "  Build the training set again, run train and promote, or score the features the model knows."
        )

    @classmethod
    def definitions(cls, head: str, *, changed: Sequence[str]) -> OtherFeatures:
        listed = ", ".join(changed[:10]) + (f" and {len(changed) - 10} more" if len(changed) > 10 else "")
        return cls(
            f"the model of head '{head}' was fitted on other definitions of {len(changed)} of its features: {listed}.\n"
            "  Build the training set again, run train and promote, or go back to the definitions the model knows."
        )

    @classmethod
    def segments(cls, *, fitted: str) -> OtherFeatures:
        return cls(
            f"the segment model of {fitted} was fitted on measures that are defined otherwise now.\n"
            "  Fit a new one: ./spark-submit.sh segment --refit (its clusters get new ids)."
        )

    @classmethod
    def columns(cls, owner: str, *, missing: Sequence[str], available: Iterable[str]) -> OtherFeatures:
        known = list(available)
        lines = [f"  '{name}' is missing. {did_you_mean(name, known)}" for name in missing[:10]]
        if len(missing) > 10:
            lines.append(f"  ... and {len(missing) - 10} more.")
        return cls("\n".join([f"{owner} needs {len(missing)} columns that the features do not have.", *lines]))


class NoModel(DataContractError):
    """A model was asked for before one was registered."""

    @classmethod
    def alias(cls, head: str, *, alias: str, registry: str, heads: Iterable[str]) -> NoModel:
        known = ", ".join(sorted(heads)) or "none"
        return cls(
            f"head '{head}' has no model called '{alias}' in {registry} (heads with a model: {known}).\n"
            "  Train first: ./spark-submit.sh train"
        )

    @classmethod
    def before(cls, head: str, *, version: str) -> NoModel:
        return cls(
            f"head '{head}' has no earlier champion: version {version} has replaced none.\n"
            "  There is nothing to roll back to; train another model and promote it."
        )


class NoRecipe(DataContractError):
    """A registered model does not say how to fit another like it."""

    @classmethod
    def of(cls, head: str, *, reason: str) -> NoRecipe:
        return cls(f"the model of head '{head}' cannot be fitted again: {reason}.\n  Train it again.")


class BrokenModel(EnvironmentProblem):
    """The files of a registered model are gone or are not what was registered."""

    @classmethod
    def files(cls, what: str, *, where: str, reason: str) -> BrokenModel:
        return cls(
            f"{what} at {where} cannot be read: {reason}.\n"
            "  Restore the artefacts, or train again with --refit and promote."
        )
