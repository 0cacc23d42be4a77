"""The lifetime model as a registry holds it: parameters, evidence, what is shipped as value and why; plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import inf, log
from pathlib import Path
from typing import Any

from featurestore.definitions import fingerprint
from featurestore.features.orders import ORDERS_VIEW
from models.bundle import UNGATED
from models.heads import LIFETIME
from models.json_file import read_json, values_of, write_json
from models.lifetime.bgnbd import BgNbd
from models.lifetime.gamma_gamma import GammaGamma

FILE = "lifetime.json"
FORMAT = 1
BACKTESTED, UNVALIDATED, EXTRAPOLATED = "backtested", "unvalidated", "extrapolated"
MODEL, LAST_YEAR = "bgnbd_x_gamma_gamma", "spend_365d"
YEAR_DAYS = 365
ORDER_DAYS, MEAN_GAP, RECENCY_DAYS = "order_days_lifetime", "gap_days_mean_lifetime", "recency_days"
SPEND_BEFORE = "amount_sum_365d"
READ = (ORDER_DAYS, MEAN_GAP, RECENCY_DAYS, SPEND_BEFORE)
"""Features of the view `orders` that are read: frequency, recency and age follow from the first three."""


@dataclass(frozen=True)
class Fit:
    """Both models as fitted at `as_of` (an ISO date), times in weeks, and how far to trust them.

    `doubt` says why the BG/NBD is not identified, `value_doubt` the same of Gamma-Gamma; "" is no doubt. `cells` and
    `grid_days` say on how many counts it was fitted and how many days they are wide; `cap_cents` is what an order day
    counts at most; `correlation` is that of the logarithms of value days and mean value.
    """

    as_of: str
    bgnbd: BgNbd
    log_likelihood: float
    doubt: str
    starts: int
    customers: int
    cells: int
    grid_days: int
    gamma_gamma: GammaGamma
    value_log_likelihood: float
    value_doubt: str
    value_cells: int
    value_grid: int
    cap_cents: int
    correlation: float | None

    @property
    def is_identified(self) -> bool:
        """Whether the histories decide the BG/NBD parameters."""
        return not self.doubt


@dataclass(frozen=True)
class Figures:
    """A forecast of spend against what came: `mae` currency, `spearman`, `sum_ratio` forecast over actual."""

    mae: float
    spearman: float | None
    sum_ratio: float | None

    def beats(self, other: Figures) -> bool:
        """Whether it is better in error and order and no further off in the sum.

        >>> Figures(10, 0.7, 1.1).beats(Figures(11, 0.6, 0.8)), Figures(10, 0.5, 1.0).beats(Figures(11, 0.6, 0.8))
        (True, False)
        """

        def off(figures: Figures) -> float:
            return abs(log(figures.sum_ratio)) if figures.sum_ratio else inf

        own, others = self.spearman, other.spearman
        in_order = own is not None and (others is None or own > others)
        return self.mae < other.mae and in_order and off(self) <= off(other)


@dataclass(frozen=True)
class Backtest:
    """The year that followed `as_of` against undiscounted forecasts made then; currency.

    `customers` of `customers_total` are judged, those of a stable sample where there are very many.
    """

    as_of: str
    days: int
    customers: int
    customers_total: int
    mean_actual: float
    model: Figures
    last_year: Figures

    @property
    def shipped(self) -> str:
        """The model where it beats the spend of the last year, else that."""
        return MODEL if self.model.beats(self.last_year) else LAST_YEAR

    @property
    def correction(self) -> float:
        """Actual over forecast of what is shipped; 1 where there was neither."""
        figures = self.model if self.shipped == MODEL else self.last_year
        return 1 / figures.sum_ratio if figures.sum_ratio else 1.0


@dataclass(frozen=True)
class LifetimeModel:
    """What scores are made of: both fits, the backtest that decides what value is made from, and the settings of money.

    `retention` is spend of year 2 over year 1 of the oldest customers, None where nobody is two years old;
    `fitted_on` the ISO date on which it was fitted (on events before `fit.as_of`).
    """

    fit: Fit
    backtest: Backtest | None
    discount: float
    retention: float | None
    currency: str
    fitted_on: str
    training_fingerprint: str
    format: int = FORMAT

    @property
    def shipped(self) -> str:
        """What `clv_12m` is made from: the model until a backtest says that the simpler rival does better."""
        return MODEL if self.backtest is None else self.backtest.shipped

    @property
    def reads_values(self) -> bool:
        """Whether `clv_12m` needs what order days were worth, which no stored feature says."""
        return self.shipped == MODEL

    @property
    def correction(self) -> float:
        """Factor of `clv_12m`: actual over forecast of the backtest."""
        return 1.0 if self.backtest is None else self.backtest.correction

    @property
    def head(self) -> str:
        """The name in the registry."""
        return LIFETIME.name

    @property
    def feature_fingerprint(self) -> str:
        """Stands for the meaning of the features that are read."""
        return fingerprint([fold.meaning for fold in ORDERS_VIEW.folds if fold.name in READ])

    @property
    def gate(self) -> str:
        """How it came to be champion: no promotion rule is asked; what the backtest decides is what it ships."""
        return UNGATED

    @property
    def statuses(self) -> dict[str, str]:
        """How far each value is validated."""
        first = UNVALIDATED if self.backtest is None else BACKTESTED
        return {"clv_12m": first, "clv_36m": EXTRAPOLATED}

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, with what follows from it for readers of the file."""
        units = {"time": "weeks", "money": self.currency}
        follows = {"shipped": self.shipped, "correction": self.correction, "statuses": self.statuses,
                   "identified": self.fit.is_identified, "units": units}  # fmt: skip
        return {**asdict(self), "follows": follows}

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> LifetimeModel:
        """The model that `to_dict` described; ValueError for another format."""
        values = values_of(described, format=FORMAT)
        fit = dict(values.pop("fit"))
        fit["bgnbd"], fit["gamma_gamma"] = BgNbd(**fit["bgnbd"]), GammaGamma(**fit["gamma_gamma"])
        found = values.pop("backtest")
        return cls(fit=Fit(**fit), backtest=None if found is None else _backtest(found), **values)

    def save(self, folder: Path) -> None:
        """Write `lifetime.json` into a folder, made if need be."""
        write_json(folder / FILE, self.to_dict())

    @classmethod
    def load(cls, folder: Path) -> LifetimeModel:
        """The model that `save` wrote; BrokenModel if the file is gone or is no such model."""
        return read_json(folder / FILE, cls.from_dict, what="a lifetime model")


def year_before(day: date) -> date:
    """The date whose year of outcomes ends at `day`.

    >>> year_before(date(2011, 12, 9))
    datetime.date(2010, 12, 9)
    """
    return day - timedelta(days=YEAR_DAYS)


def _backtest(described: Mapping[str, Any]) -> Backtest:
    return Backtest(**{**described, "model": Figures(**described["model"]),
                       "last_year": Figures(**described["last_year"])})  # fmt: skip
