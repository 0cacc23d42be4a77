"""Say in words what a view, a feature or a label means, and which source columns it comes from."""

from __future__ import annotations

from pathlib import Path

from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError
from featurestore.explain import explain_feature, explain_view
from featurestore.label_config import LABELS
from featurestore.views import resolve
from jobs.run import Run
from jobs.settings import load_labels


def run(run: Run) -> None:
    """Do what the arguments say."""
    everything = run.feature_set(run.views)
    views = {view.name: view for view in everything.views}
    owners = {feature.name: view for view in everything.views for feature in view.features}
    aliases = dict(everything.aliases)
    features = {feature.name for feature in everything.features} | aliases.keys()
    name = run.arguments.name
    if name in views:
        lines = explain_view(views[name])
    elif name in features:
        feature = resolve(name, everything)
        lines = explain_feature(feature, owners.get(feature.name, everything))
    elif name in LABELS or text_of(Path(name), where=name) is not None:
        lines = [line for one in load_labels(name, views=run.views) for line in one.explain()]
    else:
        raise ConfigurationError.unknown_name("view, feature or label", name, known=[*views, *features, *LABELS])
    run.out.print("\n".join(lines))
