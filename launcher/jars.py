"""Delta's JARs and a database driver, resolved once by Spark's own resolver into a folder that later starts read."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from launcher.environment import last_lines, say
from launcher.problems import Problem
from launcher.state import State, locked_version

POSTGRESQL_DRIVER = "org.postgresql:postgresql:42.7.13"
"""What `ingest` reads PostgreSQL by. No Python package brings it, so this is the one place that says its version."""


def prepare_jars(state: State, environ: Mapping[str, str], *, offline: bool) -> None:
    """Makes `state.jars` hold what Delta and JDBC need beyond Spark's own JARs; nothing if it does already."""
    coordinates = jar_coordinates(state.spark_home)
    state.make_once(
        state.jars,
        lambda: _make(state, environ, coordinates=coordinates),
        fingerprint=jars_fingerprint(coordinates),
        what="the JARs of Delta Lake and PostgreSQL",
        offline=offline,
    )


def jars_fingerprint(coordinates: str) -> str:
    """What is resolved, and Spark's version: what the folder of JARs is made from."""
    return f"{coordinates} for Spark {locked_version('pyspark')}"


def jar_coordinates(spark_home: Path) -> str:
    """All that is resolved, as spark-submit's --packages takes it."""
    return f"{delta_coordinates(spark_home)},{POSTGRESQL_DRIVER}"


def delta_coordinates(spark_home: Path) -> str:
    """`io.delta:delta-spark_<Spark>_<Scala>:<Delta>` for the locked versions and Spark's Scala."""
    spark = ".".join(locked_version("pyspark").split(".")[:2])
    library = next(spark_home.glob("jars/scala-library-*.jar"), Path("scala-library-2.13.jar"))
    scala = ".".join(library.stem.removeprefix("scala-library-").split(".")[:2])
    return f"io.delta:delta-spark_{spark}_{scala}:{locked_version('delta-spark')}"


def _make(state: State, environ: Mapping[str, str], *, coordinates: str) -> None:
    started = time.monotonic()
    say(f"Resolving the JARs of {coordinates} into {state.jars} (once) ...")
    ivy = state.home / "ivy"  # the resolver's cache, ten times what is kept: gone again when that is done
    shutil.rmtree(ivy, ignore_errors=True)
    kept = ivy / "kept"
    kept.mkdir(parents=True)
    try:
        _resolve(state, environ, coordinates=coordinates, ivy=ivy)
        for jar in missing_from_spark(ivy / "jars", spark_jars=state.spark_home / "jars"):
            shutil.move(jar, kept)
        shutil.rmtree(state.jars, ignore_errors=True)
        kept.rename(state.jars)
    finally:
        shutil.rmtree(ivy, ignore_errors=True)
    say(f"JARs resolved in {time.monotonic() - started:.0f} s.")


def _resolve(state: State, environ: Mapping[str, str], *, coordinates: str, ivy: Path) -> None:
    """spark-submit of an empty script: its only effect is that --packages fills `ivy`/jars."""
    nothing = ivy / "nothing.py"
    nothing.touch()
    command = [str(state.venv / "bin" / "spark-submit"), "--master", "local[1]", "--packages", coordinates]
    command += ["--conf", f"spark.jars.ivy={ivy}", str(nothing)]
    settings = {**mirror_setting(environ), **environ, "SPARK_HOME": str(state.spark_home)}
    settings |= {"PYSPARK_PYTHON": str(state.python), "PYSPARK_DRIVER_PYTHON": str(state.python)}
    with state.log.open("a") as log:
        done = subprocess.run(
            command, env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        said = last_lines(state.log, marker="unresolved dependency")
        raise Problem.jars_not_resolved(said, coordinates=coordinates, log=state.log)


def mirror_setting(environ: Mapping[str, str]) -> dict[str, str]:
    """The mirror of Maven's central repository in the user's settings.xml, as Spark's own variable."""
    settings = Path(environ.get("HOME", "~")).expanduser() / ".m2" / "settings.xml"
    try:
        mirrors = ET.parse(settings).iterfind(".//{*}mirror")
    except (OSError, ET.ParseError):
        return {}
    for mirror in mirrors:
        mirrored = (mirror.findtext("{*}mirrorOf") or "").split(",")
        address = (mirror.findtext("{*}url") or "").strip()
        if address and {"*", "central", "external:*"} & {name.strip() for name in mirrored}:
            return {"DEFAULT_ARTIFACT_REPOSITORY": address.rstrip("/") + "/"}
    return {}


def missing_from_spark(resolved: Path, *, spark_jars: Path) -> list[Path]:
    """The resolved JARs that Spark does not bring itself: an eighth of the bytes to send to executors."""
    brought = {artefact(jar.name) for jar in spark_jars.glob("*.jar")}
    # The resolver writes <organisation>_<artefact>-<version>.jar.
    named = {jar: artefact(jar.name.partition("_")[2]) for jar in resolved.glob("*.jar")}
    return sorted(jar for jar, name in named.items() if name not in brought)


def artefact(file_name: str) -> str:
    """The name of a JAR without its version.

    >>> artefact("delta-spark_4.1_2.13-4.4.0.jar"), artefact("zstd-jni-1.5.7-3.jar")
    ('delta-spark_4.1_2.13', 'zstd-jni')
    """
    return re.split(r"-\d", file_name.removesuffix(".jar"), maxsplit=1)[0]
