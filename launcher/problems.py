"""What can be wrong with the machine, each as a paragraph that ends with what to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class Problem(Exception):
    """The machine lacks something that a person can provide; the process ends with `exit_code`."""

    exit_code = 4

    @classmethod
    def no_java(cls, tried: Iterable[str]) -> Problem:
        """Neither JAVA_HOME nor PATH leads to a Java that Spark 4.1 and Delta run on."""
        found = "\n".join(f"  {line}" for line in tried)
        return cls(
            f"no Java 17 or 21 was found. Tried:\n{found}\n"
            "Install one (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless), or point\n"
            "JAVA_HOME at one that is installed, and start again."
        )

    @classmethod
    def disk_full(cls, folder: Path, *, free_mb: int, needed_mb: int) -> Problem:
        """Too little room for the first set-up."""
        return cls(
            f"{free_mb} MB are free at {folder}, and the set-up needs {needed_mb} MB.\n"
            "Free some space, or put the set-up on another disk (TESSERA_HOME=/other/disk/tessera), and\n"
            "start again."
        )

    @classmethod
    def never_fetched(cls, what: str, *, home: Path) -> Problem:
        """--offline was asked for, but there is something to fetch."""
        return cls(
            f"--offline was given, but {what} that this version needs are not in {home} yet.\n"
            "Run `make setup` once where there is a network, or set TESSERA_HOME to a folder where that was\n"
            "done, and start again."
        )

    @classmethod
    def packages_not_installed(cls, said: str, *, log: Path) -> Problem:
        """pip failed: in nearly all cases the network, a proxy or a mirror."""
        return cls(
            f"the Python packages of requirements.lock could not be installed. pip said:\n{said}\n"
            "Most often the package index cannot be reached. Check the network; where packages come\n"
            "through a proxy or a mirror, tell pip in its own settings (PIP_PROXY, PIP_INDEX_URL, PIP_CERT\n"
            f"or pip.conf); then start again: what was downloaded is kept. All that pip said: {log}"
        )

    @classmethod
    def jars_not_resolved(cls, said: str, *, coordinates: str, log: Path) -> Problem:
        """Spark's own resolver failed."""
        return cls(
            f"the JARs of {coordinates} could not be fetched. Spark's resolver said:\n{said}\n"
            "Most often the Maven repository cannot be reached. Check the network; for a mirror set\n"
            "DEFAULT_ARTIFACT_REPOSITORY to its address (one in ~/.m2/settings.xml is used by itself);\n"
            "for a proxy JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT'; then start\n"
            f"again. All that Spark said: {log}"
        )

    @classmethod
    def cluster_not_up(cls, what: str, *, said: str, log: Path) -> Problem:
        """A process of the local cluster did not do what it was started for."""
        return cls(
            f"the local cluster did not start: {what}. It said:\n{said}\n"
            f"Mend what it names, then: make cluster-down cluster-up. All that it said: {log}"
        )

    @classmethod
    def command_failed(cls, what: str, *, said: str) -> Problem:
        """A step that needs no network failed."""
        return cls(f"{what} failed:\n{said}\nMend what it names, or start afresh: make clean-setup setup")

    @classmethod
    def from_os(cls, error: OSError) -> Problem:
        """Disk full, no permission, read-only: what the system says, where, and the way round."""
        return cls(
            f"{error.strerror or error}: {error.filename or 'while setting up'}\n"
            "Make room or give yourself the right to write there, or set TESSERA_HOME to a folder where\n"
            "you may write and some GB are free, and start again."
        )
