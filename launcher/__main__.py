"""`python launcher run JOB ...` starts a job, `prepare` only sets up, `cluster-up` and `cluster-down` as they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Python puts the folder it was told to run first on the path; the package is one level up.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from launcher.cluster import cluster_down, cluster_up  # noqa: E402
from launcher.problems import Problem  # noqa: E402
from launcher.run import prepare, run  # noqa: E402
from launcher.state import State  # noqa: E402

AFTER_SET_UP = {"cluster-up": cluster_up, "cluster-down": cluster_down}
INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: list[str]) -> int:
    """The exit status: 0, 4 for what is wrong with the machine, or the job's own."""
    verb, *rest = arguments
    try:
        if verb == "run":
            run(rest, os.environ)
        prepare(os.environ, offline="--offline" in rest)
        if verb in AFTER_SET_UP:
            AFTER_SET_UP[verb](State.of(os.environ), os.environ)
    except Problem as problem:
        print(f"tessera: {problem}", file=sys.stderr)
        return Problem.exit_code
    except OSError as error:
        print(f"tessera: {Problem.from_os(error)}", file=sys.stderr)
        return Problem.exit_code
    except KeyboardInterrupt:
        print("tessera: interrupted; start again to go on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
