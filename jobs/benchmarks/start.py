"""How long from the command to its first finished Spark job?"""

from __future__ import annotations

from featurestore.errors import EnvironmentProblem
from jobs.benchmarks.contest import Figure
from jobs.run import Run


def run(run: Run) -> list[Figure]:
    """Seconds from the first line of spark-submit.sh to the end of a job of one row."""
    run.spark.range(1).count()
    seconds = run.seconds_since_command()
    if seconds is None:
        raise EnvironmentProblem("only spark-submit.sh knows when the command was given: ./spark-submit.sh bench start")
    return [Figure("command_to_first_job", seconds, "s")]
