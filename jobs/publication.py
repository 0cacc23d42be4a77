"""The gate between the scores of a date and the newest view of them.

The date stands in `customer_scores` already. What is decided is written down first and done then: after an
interruption the same command decides again, and alike.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from featurestore.tables import Warehouse
from jobs.publication_tables import Publication, published_before, write_down
from jobs.run import Run
from jobs.score_summary import compared, keep_page, scores_of, show, summary_of
from models.publication.gate import ANYWAY, PUBLISHED, STOP, STOPPED, StoppedPublication, judged


def publish_step(
    run: Run, as_of: date, *, move: Callable[[Warehouse, date], None], anyway: bool = False, part: bool = False
) -> None:  # fmt: skip
    """Hold the written scores of a date against the published date before it, and `move` the newest view if they pass.

    `anyway`: moved whatever has shifted, which is written down. `part`: the date holds some customers only, who are
    held against themselves. What was scored is shown either way. Raises StoppedPublication beyond a limit.
    """
    with run.step("publish") as step:
        previous = published_before(run.warehouse, as_of)
        scores = scores_of(run.warehouse, as_of, previous, part=part)
        now, before = compared(scores, as_of, previous)
        found = tuple(judged(now, before, run.settings.publication, part=part))
        stops = any(one.level == STOP for one in found)
        decision = (ANYWAY if anyway else STOPPED) if stops else PUBLISHED
        decided = Publication(as_of, previous, decision, now.customers, found, part)
        write_down(run, decided)
        if decision != STOPPED:
            move(run.warehouse, as_of)
        step.results.update(decision=decision, compared_with=previous or "nothing: no earlier date is published",
                            shifts_beyond_a_limit=len(found))  # fmt: skip
    with run.step("summary") as step:
        summary = summary_of(scores, decided, now, before, currency=run.settings.currency)
        show(run, summary)
        step.results.update(page=keep_page(run, summary) or "none: the warehouse is no folder of this machine")
    if decision == STOPPED:
        raise StoppedPublication.of(as_of, since=previous, findings=found, warehouse=run.settings.warehouse)
