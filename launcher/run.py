"""Set up what is missing, then become spark-submit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from launcher.arguments import CommandLine, parse, take_lists
from launcher.environment import environment_fingerprint, prepare_environment
from launcher.jars import prepare_jars
from launcher.java import java_home_setting
from launcher.package import prepare_package
from launcher.shipment import PYTHON_THERE, UNPACKED_AS, prepare_shipment
from launcher.state import ROOT, State

MOST_DRIVER_MB = 8192
SHARE_FOR_DRIVER = 0.6  # the rest is for the Python workers beside the JVM
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def prepare(environ: Mapping[str, str], *, offline: bool) -> None:
    """All of the set-up, without starting anything; milliseconds if it is up to date."""
    java_home_setting(environ)
    state = State.of(environ)
    prepare_environment(state, environ, offline=offline)
    prepare_jars(state, environ, offline=offline)


def run(arguments: list[str], environ: Mapping[str, str]) -> NoReturn:
    """Replaces this process by the job under spark-submit; a wrong command or --help ends here, without Java."""
    line = parse(arguments)
    state = State.of(environ)
    if not line.wants_help and not state.is_made(state.venv, environment_fingerprint()):
        java_home_setting(environ)  # a machine without Java is told so before minutes of installing
    prepare_environment(state, environ, offline=line.offline)
    status = read_command(line, state, environ=environ)
    if status or line.wants_help:
        sys.exit(status)
    prepare(environ, offline=line.offline)
    package = prepare_package(state)
    archive = prepare_shipment(state, package=package) if ships_environment(line, environ) else None
    command = submit_command(line, state, environ=environ, package=package, archive=archive)
    os.execve(command[0], command, submit_environment(line, state, environ=environ))


def read_command(line: CommandLine, state: State, *, environ: Mapping[str, str]) -> int:
    """The exit status of reading the job's words in plain Python, which answers --help and refuses what is wrong."""
    # Safe path: the folder that the user stands in must not be looked through for modules.
    reading = {**environ, "PYTHONPATH": _python_path(environ), "PYTHONSAFEPATH": "1"}
    return subprocess.run([state.python, "-m", "jobs.command_line", *line.job], env=reading, check=False).returncode


def ships_environment(line: CommandLine, environ: Mapping[str, str]) -> bool:
    """Whether executors get our Python and its packages: they are elsewhere, and the user names none that is there."""
    return not line.is_local and not environ.get("PYSPARK_PYTHON")


def submit_command(
    line: CommandLine, state: State, *, environ: Mapping[str, str], package: Path, archive: Path | None = None
) -> list[str]:
    """spark-submit with what must be known before the JVM starts; the user's options come last and win."""
    options, lists = take_lists(line.spark, names=("--jars", "--py-files", "--archives"))
    jars = [*map(str, sorted(state.jars.glob("*.jar"))), *lists["--jars"]]
    archives = [*([f"{archive}#{UNPACKED_AS}"] if archive else []), *lists["--archives"]]
    settings = {
        "spark.driver.memory": environ.get("TESSERA_DRIVER_MEMORY") or f"{_driver_memory_mb()}m",
        "spark.ui.showConsoleProgress": "false",
    }
    command = [str(state.venv / "bin" / "spark-submit"), "--master", line.master]
    command += ["--jars", ",".join(jars), "--py-files", ",".join([str(package), *lists["--py-files"]])]
    command += ["--archives", ",".join(archives)] if archives else []
    if line.is_on_loopback:  # the driver listens there, too
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    for key, value in settings.items():
        command += ["--conf", f"{key}={value}"]
    return [*command, *options, str(ROOT / "launcher" / "job.py"), *line.job]


def submit_environment(line: CommandLine, state: State, *, environ: Mapping[str, str]) -> dict[str, str]:
    """The driver's variables; executors elsewhere run the PYSPARK_PYTHON that the user exported, else ours."""
    theirs = "" if line.is_local else environ.get("PYSPARK_PYTHON") or PYTHON_THERE
    logging = f"-Dlog4j2.configurationFile={(ROOT / 'conf' / 'log4j2.properties').as_uri()}"
    return {
        **environ,
        **java_home_setting(environ),
        "SPARK_HOME": str(state.spark_home),
        "PYSPARK_DRIVER_PYTHON": str(state.python),
        "PYSPARK_PYTHON": theirs or str(state.python),
        "PYTHONPATH": _python_path(environ),
        "SPARK_SUBMIT_OPTS": " ".join([logging, environ.get("SPARK_SUBMIT_OPTS", "")]).strip(),
        "TESSERA_STACK_TRACES": "full" if "--verbose" in line.job else "none",
    }


def _python_path(environ: Mapping[str, str]) -> str:
    """The working tree first, so that the driver runs what the editor shows."""
    return os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH")]))


def _driver_memory_mb() -> int:
    """A share of this machine's memory, or of the container's where that is less."""
    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if CGROUP_LIMIT.is_file() and (limit := CGROUP_LIMIT.read_text().strip()).isdigit():
        available = min(available, int(limit))
    return min(MOST_DRIVER_MB, int(available * SHARE_FOR_DRIVER) // 2**20)
