"""User code that workers need: modules of views travel with the tasks instead of being installed everywhere."""

from __future__ import annotations

import sys

from pyspark import cloudpickle

from featurestore.views import FeatureView

SHIPPED_WITH_US = ("featurestore", "models", "jobs")


def ship_code(view: FeatureView) -> None:
    """From now on send the modules that define the derived features of `view` by value, unless workers have them."""
    for one in (*view.derived, *view.judged):
        name = one.function.__module__
        if name.partition(".")[0] not in SHIPPED_WITH_US and name != "__main__" and name in sys.modules:
            cloudpickle.register_pickle_by_value(sys.modules[name])
