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


def settled(views: Mapping[str, FeatureView], parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, FeatureView]:
    """`views` whose derived features take `parameters`: by feature, further arguments of its function by name.

    What says nothing or the function's default changes nothing, the fingerprints neither.
    """
    return {name: _settled(view, parameters) for name, view in views.items()}


def _settled(view: FeatureView, parameters: Mapping[str, Mapping[str, Any]]) -> FeatureView:
    derived = tuple(replace(one, parameters=_differing(one, parameters.get(one.name, {}))) for one in view.derived)
    return replace(view, derived=derived) if derived != view.derived else view


def _differing(derived: Derived, given: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    taken = signature(derived.function).parameters
    differing = {name: value for name, value in given.items() if name in taken and value != taken[name].default}
    return tuple(sorted({**dict(derived.parameters), **differing}.items()))


def view(name: str, *, rfm_segments: Sequence[Sequence[str]], views: Mapping[str, FeatureView] = VIEWS) -> FeatureView:
    """The feature view called `name` of `views`, its RFM cells named by the settings.

    Raises ConfigurationError with near names for an unknown view.
    """
    if name not in views:
        raise ConfigurationError.unknown_name("feature view", name, known=views)
    found = views[name]
    has_rfm = {one.name for one in found.ranked} >= RFM_SCORES
    return replace(found, cell=Cell(tuple(map(tuple, rfm_segments)))) if has_rfm else found


def feature_set(
    names: Iterable[str], *, rfm_segments: Sequence[Sequence[str]], views: Mapping[str, FeatureView] = VIEWS
) -> FeatureSet:
    """Those of `views` called `names`, in their order, and all that can be derived across them.

    >>> feature_set(["support", "orders"], rfm_segments=[]).derived[-1].name
    'tickets_per_order_365d'
    """
    wanted = {name: view(name, rfm_segments=rfm_segments, views=views) for name in names}
    chosen = tuple(wanted[name] for name in views if name in wanted)
    return FeatureSet("across", chosen, across({feature for one in chosen for feature in one.feature_names}))
