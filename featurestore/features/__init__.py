"""Feature views, one business idea a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from featurestore.definitions import Cell, FeatureView
from featurestore.errors import ConfigurationError
from featurestore.features.orders import ORDERS_VIEW

VIEWS = {view.name: view for view in (ORDERS_VIEW,)}


def view(name: str, *, rfm_segments: Sequence[Sequence[str]]) -> FeatureView:
    """The feature view called `name`, its RFM cells named by the settings.

    Raises ConfigurationError with near names for an unknown view.
    """
    if name not in VIEWS:
        raise ConfigurationError.unknown_name("feature view", name, known=VIEWS)
    found = VIEWS[name]
    return replace(found, cell=Cell(tuple(map(tuple, rfm_segments)))) if found.ranked else found
