"""Say in words what a view, a feature or a label means, and which source columns it comes from.

./spark-submit.sh explain overdue_ratio
./spark-submit.sh explain churn_60d
"""

from __future__ import annotations

import argparse

from featurestore.errors import ConfigurationError
from featurestore.explain import explain_feature, explain_view
from featurestore.features import VIEWS
from featurestore.labels import LABELS
from featurestore.views import resolve
from jobs.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("name", metavar="NAME", help="a view, a feature or a label")


def run(run: Run) -> None:
    """Do what the arguments say."""
    everything = run.feature_set(VIEWS)
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
    elif name in LABELS:
        lines = LABELS[name].explain()
    else:
        raise ConfigurationError.unknown_name("view, feature or label", name, known=[*views, *features, *LABELS])
    run.out.print("\n".join(lines))
