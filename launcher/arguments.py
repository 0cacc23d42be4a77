"""Splits the command line into what the job, the launcher and spark-submit each read."""

from __future__ import annotations

from dataclasses import dataclass, field

HELP = {"-h", "--help"}


@dataclass
class CommandLine:
    """The three readers of one command line."""

    job: list[str] = field(default_factory=list)
    spark: list[str] = field(default_factory=list)
    master: str = "local[*]"
    offline: bool = False

    @property
    def wants_help(self) -> bool:
        """No job, or a question about one: answered without starting Spark."""
        return not self.job or bool(HELP & set(self.job))

    @property
    def is_local(self) -> bool:
        """True if every process runs on this machine (local-cluster[...] too)."""
        return self.master.startswith("local")

    @property
    def is_on_loopback(self) -> bool:
        """True for a standalone master that only this machine reaches, as `make cluster-up` starts one."""
        return self.master.startswith(("spark://127.", "spark://localhost:"))


def parse(arguments: list[str]) -> CommandLine:
    """Takes out `--master URL`, `--offline` and all that follows `--`; the rest is the job's.

    >>> parse(["score", "--seed", "7", "--master", "yarn", "--", "--num-executors", "4"])
    CommandLine(job=['score', '--seed', '7'], spark=['--num-executors', '4'], master='yarn', offline=False)
    """
    line = CommandLine()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            line.spark, rest = rest, []
        elif word == "--offline":
            line.offline = True
        elif word == "--master" and rest:
            line.master = rest.pop(0)
        elif word.startswith("--master="):
            line.master = word.partition("=")[2]
        else:
            line.job.append(word)
    return line


def take_lists(options: list[str], *, names: tuple[str, ...]) -> tuple[list[str], dict[str, list[str]]]:
    """Takes the values of comma-separated options out: given twice, spark-submit would only keep the last.

    >>> take_lists(["--jars", "a.jar,b.jar", "--verbose"], names=("--jars",))
    (['--verbose'], {'--jars': ['a.jar', 'b.jar']})
    """
    left: list[str] = []
    taken: dict[str, list[str]] = {name: [] for name in names}
    rest = list(options)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in taken and (equals or rest):
            taken[name] += (value if equals else rest.pop(0)).split(",")
        else:
            left.append(word)
    return left, taken
