"""`python launcher run JOB ...` starts a job; `python launcher prepare` only sets up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Python puts the folder it was told to run first on the path; the package is one level up.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from launcher.problems import Problem  # noqa: E402
from launcher.run import prepare, run  # noqa: E402

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: list[str]) -> int:
    """The exit status: 0, 4 for what is wrong with the machine, or the job's own."""
    verb, *rest = arguments
    try:
        if verb == "run":
            run(rest, os.environ)
        prepare(os.environ, offline="--offline" in rest)
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
