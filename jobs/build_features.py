"""Fold events into feature snapshots at any dates; dates that are complete are left alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from featurestore.catalog import publish_catalog
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.snapshots import Built, ViewPlan, build_views, explain_builds
from featurestore.views import FeatureView
from featurestore.watermarks import first_event_date, latest_complete_midnight
from jobs.arguments import stepped
from jobs.run import Run


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.json and not run.arguments.dry_run:
        raise ConfigurationError("--json writes the plan of a --dry-run: give both, or neither.")
    wanted = wanted_dates(run)
    refuse_unknowable(run, wanted)
    views = chosen_views(run)
    if run.arguments.dry_run:
        show_plan(run, explain_builds(run.warehouse, views, dates=wanted))
        return
    for name, built in build_step(run, wanted, views).items():
        ways = {"folded": built.folded, "repaired": built.repaired, "extended": built.extended}
        said = ", ".join(f"{len(days)} {how}" for how, days in ways.items() if days) or "none"
        run.out.print(f"{name}: {len(built.built)} snapshots built: {said} ({built.rows:,} rows); "
                      f"{len(built.already)} complete already")  # fmt: skip


def show_plan(run: Run, plans: Sequence[ViewPlan]) -> None:
    """Print what would happen to each date and why; write it to `--json`, too."""
    for one in plans:
        for planned in one.dates:
            run.out.print(f"{planned.view}  {planned.as_of_date}  {planned.how:8}  {planned.reason}")
        ways = Counter(planned.how for planned in one.dates)
        complete = ways.pop("complete", 0)
        said = ", ".join(f"{n} to {how}" for how, n in ways.items()) or "nothing to do"
        run.out.print(f"{one.plan.view.name}  {said}; {complete} complete already; reads {one.events:,} events of "
                      f"{one.plan.view.source}")  # fmt: skip
    if run.arguments.json:
        found = [
            {"view": one.plan.view.name, "events": one.events, "dates": [asdict(planned) for planned in one.dates]}
            for one in plans
        ]
        Path(run.arguments.json).write_text(json.dumps(found, indent=2, default=str) + "\n", "utf-8")


def chosen_views(run: Run) -> tuple[FeatureView, ...]:
    """`--view`, or the views that models read."""
    if not run.arguments.view:
        return run.features().views
    return run.feature_set(run.arguments.view).views


def build_step(run: Run, dates: Sequence[date], views: Sequence[FeatureView] | None = None) -> dict[str, Built]:
    """Make `views` (default: those that models read) complete for `dates`; what was done, by view."""
    with run.step("build_features") as step:
        features = run.features()
        built = build_views(run.warehouse, views or features.views, dates=dates, limits=run.limits, run_id=run.run_id,
                            built_at=run.started_at)  # fmt: skip
        publish_catalog(run.warehouse, features)
        step.results.update(
            dates=len(set(dates)),
            built=sum(len(one.built) for one in built.values()),
            repaired=sum(len(one.repaired) for one in built.values()),
            extended=sum(len(one.extended) for one in built.values()),
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


def refuse_unknowable(run: Run, dates: Sequence[date], *, views: Sequence[FeatureView] | None = None) -> None:
    """Refuse dates before the first event (nothing to fold) and after the source is complete (events missing)."""
    sources = [view.source for view in views or chosen_views(run)]
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
            f"  Ask for a date up to {last}, or give build_features --allow-incomplete."
        )
