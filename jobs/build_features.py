"""Fold events into feature snapshots at any dates; dates that are complete are left alone.

./spark-submit.sh build_features --dates 2011-11-09,2011-12-09
./spark-submit.sh build_features --start 2010-12-01 --end 2011-12-01 --step 7
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from featurestore.errors import ConfigurationError, DataContractError
from featurestore.snapshots import Built, build_snapshots, complete_dates
from featurestore.watermarks import first_event_date, highest_batch, latest_complete_midnight
from jobs.arguments import day, days, positive, stepped
from jobs.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
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
        current = complete_dates(run.warehouse, run.view(), batch_seq=highest_batch(run.warehouse, run.view().source))
        for one in wanted:
            run.out.print(f"{one}  {'complete, left alone' if one in current else 'to be built'}")
        return
    with run.step("build_features") as step:
        built = build(run, wanted)
        step.results.update(built=len(built.built), already=len(built.already), rows=built.rows)
    run.out.print(f"{len(built.built)} snapshots built ({built.rows:,} rows), {len(built.already)} complete already")


def build(run: Run, dates: Sequence[date]) -> Built:
    """Make the orders view complete for `dates`."""
    return build_snapshots(run.warehouse, run.view(), dates=dates, limits=run.limits, run_id=run.run_id,
                           built_at=run.started_at)  # fmt: skip


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
    return [asked.as_of or latest_complete_midnight(run.warehouse, run.view().source)]


def refuse_unknowable(run: Run, dates: Sequence[date]) -> None:
    """Refuse dates before the first event (nothing to fold) and after the source is complete (events missing)."""
    source = run.view().source
    first, last = first_event_date(run.warehouse, source), latest_complete_midnight(run.warehouse, source)
    early = [one for one in dates if one <= first]
    late = [] if getattr(run.arguments, "allow_incomplete", False) else [one for one in dates if one > last]
    if early:
        raise DataContractError(f"no event lies before {early[0]}: the first of source '{source}' is on {first}.")
    if late:
        raise ConfigurationError(
            f"source '{source}' is complete through {last} only, not {late[0]}: later events may still arrive.\n"
            f"  Ask for a date up to {last}, or add --allow-incomplete."
        )
