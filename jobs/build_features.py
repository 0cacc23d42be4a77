"""Fold events into feature snapshots at any dates; dates that are complete are left alone.

./spark-submit.sh build_features --dates 2011-11-09,2011-12-09
./spark-submit.sh build_features --start 2010-12-01 --end 2011-12-01 --step 7
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from featurestore.catalog import publish_catalog
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.snapshots import Built, build_snapshots, complete_dates
from featurestore.views import FeatureView
from featurestore.watermarks import first_event_date, latest_complete_midnight
from jobs.arguments import day, days, positive, stepped
from jobs.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--view", action="append", metavar="NAME",
                        help="repeatable (default: the views that models read)")  # fmt: skip
    parser.add_argument("--dates", type=days, metavar="D,D,...", help="snapshot dates, midnight UTC")
    parser.add_argument("--start", type=day, metavar="D", help="first of dates at a step")
    parser.add_argument("--end", type=day, metavar="D", help="last possible of dates at a step")
    parser.add_argument("--step", type=positive, metavar="DAYS", help="days between dates (default: 28)")
    parser.add_argument("--as-of", type=day, metavar="D", help="one date (default: the latest complete midnight)")
    parser.add_argument("--dry-run", action="store_true", help="print which dates would be built, and build nothing")
    parser.add_argument("--allow-incomplete", action="store_true",
                        help="allow dates later than the source is complete through")  # fmt: skip


def run(run: Run) -> None:
    """Do what the arguments say."""
    wanted = wanted_dates(run)
    refuse_unknowable(run, wanted)
    if run.arguments.dry_run:
        for view in chosen_views(run):
            current = complete_dates(run.warehouse, view)
            for one in wanted:
                run.out.print(f"{view.name}  {one}  {'complete, left alone' if one in current else 'to be built'}")
        return
    for name, built in build_step(run, wanted, chosen_views(run)).items():
        run.out.print(f"{name}: {len(built.built)} snapshots built ({built.rows:,} rows), "
                      f"{len(built.already)} complete already")  # fmt: skip


def chosen_views(run: Run) -> tuple[FeatureView, ...]:
    """`--view`, or the views that models read."""
    if not run.arguments.view:
        return run.features().views
    return run.feature_set(run.arguments.view).views


def build_step(run: Run, dates: Sequence[date], views: Sequence[FeatureView] | None = None) -> dict[str, Built]:
    """Make `views` (default: those that models read) complete for `dates`; what was done, by view."""
    with run.step("build_features") as step:
        features = run.features()
        built = {
            view.name: build_snapshots(run.warehouse, view, dates=dates, limits=run.limits, run_id=run.run_id,
                                       built_at=run.started_at)
            for view in views or features.views
        }  # fmt: skip
        publish_catalog(run.warehouse, features)
        step.results.update(
            dates=len(set(dates)),
            built=sum(len(one.built) for one in built.values()),
            already=sum(len(one.already) for one in built.values()),
            rows=sum(one.rows for one in built.values()),
        )
    return built


def wanted_dates(run: Run) -> list[date]:
    """The dates that the arguments name; ConfigurationError where they contradict one another."""
    asked = run.arguments
    stepping = [value for value in (asked.start, asked.end, asked.step) if value is not None]
    ways = [asked.dates is not None, bool(stepping), asked.as_of is not None]
    if sum(ways) > 1:
        raise ConfigurationError("give --dates, or --start with --end (and --step), or --as-of: one of them.")
    if asked.dates is not None:
        return sorted(set(asked.dates))
    if stepping:
        if asked.start is None or asked.end is None:
            raise ConfigurationError("--start and --end go together.")
        return stepped(asked.start, asked.end, step_days=asked.step or 28)
    return [chosen_as_of(run)]


def chosen_as_of(run: Run) -> date:
    """`--as-of`, or the latest midnight that all sources which models read are complete through."""
    return run.arguments.as_of or latest_complete_midnight(run.warehouse, run.features().sources)


def refuse_unknowable(run: Run, dates: Sequence[date]) -> None:
    """Refuse dates before the first event (nothing to fold) and after the source is complete (events missing)."""
    sources = [view.source for view in chosen_views(run)]
    last = latest_complete_midnight(run.warehouse, sources)
    first, source = min((first_event_date(run.warehouse, name), name) for name in sources)
    early = [one for one in dates if one <= first]
    late = [] if getattr(run.arguments, "allow_incomplete", False) else [one for one in dates if one > last]
    if early:
        raise DataContractError(f"no event lies before {early[0]}: the first, of source '{source}', is on {first}.")
    if late:
        raise ConfigurationError(
            f"the events are complete through {last} only, not {late[0]}: later ones may still arrive "
            f"({', '.join(sorted(set(sources)))}).\n"
            f"  Ask for a date up to {last}, or add --allow-incomplete."
        )
