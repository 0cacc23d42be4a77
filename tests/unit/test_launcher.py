"""The launcher from outside: the real script, with stand-ins for java, python and spark-submit."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from launcher.environment import environment_fingerprint
from launcher.jars import jar_coordinates, jars_fingerprint
from launcher.package import prepare_package
from launcher.shipment import shipment_fingerprint
from launcher.state import ROOT, State, stamp_of

# Says which words and settings spark-submit got, then ends as the job is asked to.
SPARK_SUBMIT = """#!{python}
import json, os, sys
print(json.dumps({{"words": sys.argv[1:], "environ": dict(os.environ)}}))
sys.exit(int(os.environ.get("ENDS_WITH", "0")))
"""


class Machine:
    """A PATH with the shell's own tools and what a test puts there; a set-up folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.bin.mkdir()
        for tool in ("bash", "dirname", "date", "head"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.environ = {"PATH": str(self.bin), "TESSERA_HOME": str(self.home), "HOME": str(folder)}
        self.environ["PIP_NO_INDEX"] = "1"  # a check that fails to stop must not start to download

    def install(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script if script.startswith("#!") else f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return path

    def install_java(self, version: str = "17.0.9", *, at: str = "java") -> Path:
        return self.install(at, f"echo 'openjdk version \"{version}\" 2023-10-17' >&2")

    def install_python(self, name: str = "python3") -> Path:
        return self.install(name, f'exec "{sys.executable}" "$@"')

    def finish_setup(self) -> State:
        """What a finished set-up leaves, with this test's own Python and a spark-submit that talks."""
        state = State(self.home)
        (state.venv / "bin").mkdir(parents=True)
        self.install(str(state.python), f'exec "{sys.executable}" "$@"')
        self.install(str(state.venv / "bin" / "spark-submit"), SPARK_SUBMIT.format(python=sys.executable))
        state.jars.mkdir()
        (state.jars / "delta.jar").touch()
        state.shipment.mkdir()
        stamp_of(state.venv).write_text(environment_fingerprint())
        stamp_of(state.shipment).write_text(shipment_fingerprint())
        stamp_of(state.jars).write_text(jars_fingerprint(jar_coordinates(state.spark_home)))
        return state

    def start(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ROOT / "spark-submit.sh"), *words],
            env=self.environ | environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def submitted(self, *words: str, **environ: str) -> tuple[list[str], dict[str, str]]:
        done = self.start(*words, **environ)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        return said["words"], said["environ"]


@pytest.fixture
def bare(tmp_path):
    """A machine without Java and without Python."""
    return Machine(tmp_path)


@pytest.fixture
def machine(bare):
    """A machine with Java 17 and Python, where nothing was set up."""
    bare.install_java()
    bare.install_python()
    return bare


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The real wheel of the working tree, built once: it takes seconds."""
    home = tmp_path_factory.mktemp("built")
    (home / "venv" / "bin").mkdir(parents=True)
    python = home / "venv" / "bin" / "python"
    python.write_text(f'#!/bin/bash\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return prepare_package(State(home))


@pytest.fixture
def ready(machine, wheel):
    """A machine where set-up is finished."""
    machine.finish_setup()
    shutil.copytree(wheel.parent, machine.home / "wheel")
    return machine


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Exit 4, one paragraph on stderr, no stack trace, nothing on stdout."""
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr


def option(words: list[str], name: str) -> str:
    """The value that spark-submit would take: the last."""
    return [after for word, after in pairwise(words) if word == name][-1]


def test_no_java_says_which_to_install(bare):
    bare.install_python()
    refused(bare.start("demo"), "no Java 17 or 21", "java on PATH: not found", "JAVA_HOME")


def test_too_old_java_is_shown_with_its_version(bare):
    bare.install_python()
    bare.install_java("11.0.2")
    refused(bare.start("demo"), "no Java 17 or 21", "11.0.2")


def test_java_21_on_the_path_serves_where_java_home_is_too_old(ready):
    ready.install_java("21.0.1")
    old = ready.install_java("1.8.0_392", at="old/bin/java").parent.parent
    _, environ = ready.submitted("demo", JAVA_HOME=str(old))
    assert environ["JAVA_HOME"] == ""


def test_no_python_says_what_was_tried(bare):
    bare.install_java()
    refused(bare.start("demo"), "no Python 3.11 or 3.12", "python3.12: not found", "PYTHON=")


def test_too_old_python_is_shown_with_its_version(bare):
    bare.install_java()
    bare.install("python3", 'if [ "$1" = --version ]; then echo Python 3.9.18; else exit 1; fi')
    refused(bare.start("demo"), "python3: Python 3.9.18")


def test_a_python_that_exists_and_does_not_run_is_passed_over(bare):
    bare.install("python3.12", "echo 'version manager: python3.12: command not found' >&2; exit 127")
    bare.install_python("python3")
    refused(bare.start("demo"), "no Java 17 or 21")


def test_the_python_that_was_asked_for_is_not_replaced_by_another(machine):
    refused(machine.start("demo", PYTHON="/nowhere/python"), "/nowhere/python: not found")


def test_too_little_disk_is_refused_before_anything_is_installed(machine):
    refused(machine.start("demo", TESSERA_MIN_FREE_MB="999999999"), "MB are free", "TESSERA_HOME")
    assert not State(machine.home).venv.exists()


def test_a_folder_that_cannot_be_made_is_an_environment_problem(machine, tmp_path):
    (tmp_path / "file").touch()
    refused(machine.start("demo", TESSERA_HOME=str(tmp_path / "file" / "home")), "Not a directory", "TESSERA_HOME")


def test_no_network_names_the_settings_of_a_proxy_and_stays_unfinished(machine):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    index = {
        "PIP_INDEX_URL": f"http://127.0.0.1:{closed}/simple",
        "PIP_NO_INDEX": "0",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    refused(machine.start("demo", TESSERA_MIN_FREE_MB="1", **index), "could not be installed", "PIP_INDEX_URL")
    assert not stamp_of(State(machine.home).venv).exists()


def test_offline_with_nothing_fetched_is_refused_without_a_try(machine):
    refused(machine.start("demo", "--offline"), "--offline was given", "Python packages")


def test_offline_goes_on_where_everything_was_fetched(ready):
    words, _ = ready.submitted("demo", "--offline")
    assert "--offline" not in words


def test_each_reader_gets_its_own_words(ready):
    words, _ = ready.submitted(
        "score", "--as-of", "2011-12-09", "--master", "spark://there:7077", "--set", "a b=c d",
        "--", "--num-executors", "4", "--conf", "spark.driver.memory=1g",
    )  # fmt: skip
    script = words.index(str(ROOT / "launcher" / "job.py"))
    assert words[script + 1 :] == ["score", "--as-of", "2011-12-09", "--set", "a b=c d"]
    assert option(words[:script], "--master") == "spark://there:7077"
    assert words[script - 4 : script] == ["--num-executors", "4", "--conf", "spark.driver.memory=1g"]


def test_the_users_jars_join_deltas(ready):
    words, _ = ready.submitted("demo", "--", "--jars", "mine.jar", "--py-files=mine.zip")
    assert option(words, "--jars").split(",") == [str(State(ready.home).jars / "delta.jar"), "mine.jar"]
    assert option(words, "--py-files").endswith(".zip,mine.zip")


def test_the_project_is_shipped_with_its_settings(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"featurestore/errors.py", "jobs/main.py", "conf/base.yml", "conf/log4j2.properties"} <= set(names)


def test_the_wheel_is_built_only_when_the_sources_changed(ready, wheel):
    shipped = Path(option(ready.submitted("demo")[0], "--py-files"))
    assert shipped == ready.home / "wheel" / wheel.name
    assert shipped.stat().st_mtime_ns == wheel.stat().st_mtime_ns
    shipped.rename(shipped.with_name(f"tessera.{'0' * 12}.zip"))  # as if built from other sources
    assert option(ready.submitted("demo")[0], "--py-files") == str(shipped)
    assert shipped.is_file()


def test_the_driver_runs_the_working_tree_and_says_when_it_was_started(ready):
    words, environ = ready.submitted("demo", TESSERA_DRIVER_MEMORY="1234m", PYTHONPATH="/theirs")
    assert environ["PYTHONPATH"] == f"{ROOT}:/theirs"
    assert float(environ["TESSERA_STARTED_AT"]) > 1.7e9
    assert environ["PYSPARK_PYTHON"] == environ["PYSPARK_DRIVER_PYTHON"] == str(State(ready.home).python)
    assert option(words, "--master") == "local[*]"
    assert "spark.driver.memory=1234m" in words
    assert "log4j2.properties" in environ["SPARK_SUBMIT_OPTS"]
    assert environ["TESSERA_STACK_TRACES"] == "none"


def test_executors_elsewhere_get_the_python_environment_beside_the_users_archives(ready):
    words, environ = ready.submitted("demo", "--master", "yarn", "--", "--archives", "mine.zip")
    shipped = f"{State(ready.home).shipment / 'environment.tar.gz'}#environment"
    assert option(words, "--archives") == f"{shipped},mine.zip"
    assert environ["PYSPARK_PYTHON"] == "./environment/bin/python"


def test_a_driver_of_a_cluster_on_loopback_listens_there_alone(ready):
    there = ready.submitted("demo", "--master", "spark://127.0.0.1:7077")[0]
    assert {"spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1"} < set(there)
    assert "spark.driver.host=127.0.0.1" not in ready.submitted("demo", "--master", "spark://there:7077")[0]


@pytest.mark.parametrize(("master", "kept"), [("yarn", True), ("local[2]", False)])
def test_executors_elsewhere_keep_the_python_that_the_user_exported(ready, master, kept):
    words, environ = ready.submitted("demo", "--master", master, PYSPARK_PYTHON="/theirs/python")
    assert "--archives" not in words
    ours = str(State(ready.home).python)
    assert environ["PYSPARK_DRIVER_PYTHON"] == ours
    assert environ["PYSPARK_PYTHON"] == ("/theirs/python" if kept else ours)


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_the_exit_code_of_the_job_comes_through(ready, code):
    assert ready.start("demo", ENDS_WITH=str(code)).returncode == code


WRONG_COMMANDS = {
    ("ingst", "--input", "x"): "Did you mean 'ingest'?",
    ("build_features", "--setp", "3"): "Did you mean '--set'",
    ("build_features", "--dates", "2011-02-30"): "is no date",
    ("explain",): "required: NAME",
    ("sql", "drop table x", "--master", "yarn"): "queries only",
}


@pytest.mark.parametrize(("words", "said"), WRONG_COMMANDS.items(), ids=str)
def test_a_wrong_command_ends_before_java_is_looked_for(ready, words, said):
    (ready.bin / "java").unlink()
    done = ready.start(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("--help",), ("ingest", "--help")])
def test_help_does_not_start_spark(ready, words):
    (State(ready.home).venv / "bin" / "spark-submit").unlink()
    (ready.bin / "java").unlink()
    done = ready.start(*words)
    assert done.returncode == 0, done.stderr
    assert "usage: ./spark-submit.sh" in done.stdout
