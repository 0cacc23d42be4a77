"""Settings that say what features mean: engagement weights, named cells, groups of regions, modules of one's own."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.features import settled, view
from featurestore.features.orders import ORDERS_VIEW
from featurestore.own_views import known_views
from featurestore.schemas import source
from featurestore.views import FeatureView

RfmRow = tuple[str, str, str, str, str]


class EngagementSettings(Strict):
    """Weights of the engagement score, and what counts as full marks."""

    time: float = Field(ge=0, le=1)
    pages: float = Field(ge=0, le=1)
    basket: float = Field(ge=0, le=1)
    recency: float = Field(ge=0, le=1)
    full_minutes: float = Field(gt=0)
    full_pages: float = Field(gt=0)
    full_basket: float = Field(gt=0)
    full_days: float = Field(gt=0)

    @model_validator(mode="after")
    def _is_a_mean(self) -> EngagementSettings:
        total = self.time + self.pages + self.basket + self.recency
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the weights time, pages, basket and recency add up to 1, not {total:g}")
        return self


class FeatureSettings(Strict):
    """Modules with views of one's own, which views models read, bounds of a fold, what derived features take."""

    modules: tuple[str, ...]
    views: tuple[str, ...] | None

    customers_per_fold: int = Field(gt=0, le=8191)
    events_per_fold: int = Field(gt=0)
    answers_per_fold: int = Field(gt=0)
    rfm_segments: tuple[RfmRow, RfmRow, RfmRow, RfmRow, RfmRow]
    engagement: EngagementSettings
    region_groups: dict[str, str]
    decision_delay_hours: dict[str, Annotated[float, Field(ge=0)]]

    @property
    def decision_delays(self) -> dict[str, timedelta]:
        """By source, how long after an instant an event may become known and still count there, asked as known."""
        return {name: timedelta(hours=hours) for name, hours in self.decision_delay_hours.items()}

    @field_validator("decision_delay_hours")
    @classmethod
    def _names_sources(cls, hours: dict[str, float]) -> dict[str, float]:
        for name in hours:
            source(name)
        return hours

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """What `featurestore.features.feature_set` takes."""
        groups = tuple(sorted(self.region_groups.items()))
        return {"engagement_score": self.engagement.model_dump(), "region_grouped": {"groups": groups}}

    @model_validator(mode="after")
    def _views_are_known(self) -> FeatureSettings:
        known = known_views(self.modules)
        unknown = [name for name in self.views or () if name not in known]
        if unknown or (self.views is not None and ORDERS_VIEW.name not in self.views):
            raise ValueError(f"views takes {ORDERS_VIEW.name} and any of {', '.join(known)}")
        return self


def configured_views(settings: FeatureSettings) -> dict[str, FeatureView]:
    """The built-in views, and those of the settings' modules, as `settings` have them, by name.

    >>> configured_views(base_settings())["orders"].cell is None
    False
    """
    known = settled(known_views(settings.modules), settings.parameters)
    return {name: view(name, rfm_segments=settings.rfm_segments, views=known) for name in known}


@cache
def base_settings() -> FeatureSettings:
    """What `conf/base.yml` says of features: what a job goes by that is told nothing else."""
    text = (files("conf") / "base.yml").read_text(encoding="utf-8")
    return validated(FeatureSettings, parse_yaml(text, where="conf/base.yml")["features"], where="conf/base.yml")
