"""Views that users define in modules of their own, beside the built-in ones."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from featurestore.errors import ConfigurationError
from featurestore.features import VIEWS
from featurestore.schemas import source
from featurestore.views import FeatureView


def known_views(modules: Iterable[str] = ()) -> dict[str, FeatureView]:
    """The built-in views and then those that `modules` define at their top, by name.

    A module is named as in an import; it may lie in the working directory or be installed. Raises ConfigurationError
    for one that cannot be imported or defines no view, and for two views of one name.

    >>> list(known_views())
    ['orders', 'interactions', 'support', 'profiles']
    """
    known = dict(VIEWS)
    for name in modules:
        for view in _views_of(_imported(name)):
            source(view.source)  # a view over a source that is none is found now, not when it is built
            if known.setdefault(view.name, view) != view:
                raise ConfigurationError(
                    f"module '{name}' defines a view '{view.name}', and so does another: rename it."
                )
    return known


def _imported(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ConfigurationError as wrong:
        raise ConfigurationError(f"module '{name}' of features.modules: {wrong}") from wrong
    except Exception as problem:
        raise ConfigurationError(
            f"module '{name}' of features.modules cannot be imported: {type(problem).__name__}: {problem}\n"
            f"  Expected a Python module in {here} or installed beside Tessera, named as in an import."
        ) from problem


def _views_of(module: ModuleType) -> list[FeatureView]:
    found = [value for value in vars(module).values() if isinstance(value, FeatureView)]
    own = [view for view in found if view not in VIEWS.values()]
    if not own:
        raise ConfigurationError(
            f"module '{module.__name__}' of features.modules defines no FeatureView at its top level.\n"
            "  Expected a line such as: RETURNS = FeatureView(name='returns', source='orders', ...)"
        )
    return own
