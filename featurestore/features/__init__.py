"""Feature views, one business idea a file, and the set of them that a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any

from featurestore.definitions import Cell, Derived
from featurestore.errors import ConfigurationError
from featurestore.features.across import across
from featurestore.features.interactions import INTERACTIONS_VIEW
from featurestore.features.orders import ORDERS_VIEW
from featurestore.features.profiles import PROFILES_VIEW
from featurestore.features.support import SUPPORT_VIEW
from featurestore.views import FeatureSet, FeatureView

RFM_SCORES = {"r_score", "f_score", "m_score"}
VIEWS = {view.name: view for view in (ORDERS_VIEW, INTERACTIONS_VIEW, SUPPORT_VIEW, PROFILES_VIEW)}


Parameters = Mapping[str, Mapping[str, Any]]
"""By derived feature, further arguments of its function, by name."""


def view(
    name: str,
    *,
    rfm_segments: Sequence[Sequence[str]],
    parameters: Parameters | None = None,
    views: Mapping[str, FeatureView] = VIEWS,
) -> FeatureView:
    """The feature view called `name` of `views`, its RFM cells named, its derived features settled by the settings.

    Raises ConfigurationError with near names for an unknown view.
    """
    if name not in views:
        raise ConfigurationError.unknown_name("feature view", name, known=views)
    found = settled(views[name], parameters or {})
    has_rfm = {one.name for one in found.ranked} >= RFM_SCORES
    return replace(found, cell=Cell(tuple(map(tuple, rfm_segments)))) if has_rfm else found


def settled(view: FeatureView, parameters: Parameters) -> FeatureView:
    """`view` with the `parameters` of its derived features; what says nothing or the default changes nothing."""
    derived = tuple(replace(one, parameters=_differing(one, parameters.get(one.name, {}))) for one in view.derived)
    return replace(view, derived=derived)


def _differing(derived: Derived, given: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    default = signature(derived.function).parameters
    return tuple(sorted((name, value) for name, value in given.items() if value != default[name].default))


def feature_set(
    names: Iterable[str],
    *,
    rfm_segments: Sequence[Sequence[str]],
    parameters: Parameters | None = None,
    views: Mapping[str, FeatureView] = VIEWS,
) -> FeatureSet:
    """Those of `views` called `names`, in their order, and all that can be derived across them.

    >>> feature_set(["support", "orders"], rfm_segments=[]).derived[-1].name
    'tickets_per_order_365d'
    """
    wanted = {name: view(name, rfm_segments=rfm_segments, parameters=parameters, views=views) for name in names}
    chosen = tuple(wanted[name] for name in views if name in wanted)
    return FeatureSet("across", chosen, across({feature for one in chosen for feature in one.feature_names}))
