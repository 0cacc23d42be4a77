"""The launcher's parts: finished or not, one at a time, mirrors, JARs."""

from __future__ import annotations

import os
import threading
import zipfile

import pytest

from launcher.cluster import Cluster
from launcher.jars import delta_coordinates, mirror_setting, missing_from_spark
from launcher.pack_environment import closure, required_by
from launcher.problems import Problem
from launcher.state import State, locked_version, stamp_of


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "home")


def make_once(state: State, make, *, fingerprint: str = "a", offline: bool = False) -> None:
    state.make_once(state.jars, make, fingerprint=fingerprint, what="the JARs", offline=offline)


def test_what_is_finished_is_not_made_again(state):
    make_once(state, state.jars.mkdir)
    make_once(state, state.jars.mkdir, offline=True)
    assert state.is_made(state.jars, "a")


def test_other_inputs_make_it_again(state):
    made = []
    for fingerprint in ("a", "b"):
        make_once(state, lambda: (state.jars.mkdir(exist_ok=True), made.append(1)), fingerprint=fingerprint)
    assert len(made) == 2
    with pytest.raises(Problem, match="--offline"):
        make_once(state, state.jars.mkdir, fingerprint="c", offline=True)


def test_an_interrupted_making_starts_afresh(state):
    def half():
        state.jars.mkdir()
        (state.jars / "half.jar").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(state, half)
    assert not state.is_made(state.jars, "a")
    make_once(state, state.jars.mkdir)
    assert list(state.jars.iterdir()) == []


def test_an_interrupted_renewal_is_seen_as_unfinished(state):
    make_once(state, state.jars.mkdir)

    def fails():
        raise Problem("no network")

    with pytest.raises(Problem):
        make_once(state, fails, fingerprint="b")
    assert not stamp_of(state.jars).exists()


def test_two_at_once_make_it_once(state):
    made = []
    inside, proceed = threading.Event(), threading.Event()

    def slow():
        inside.set()
        proceed.wait(timeout=10)
        state.jars.mkdir()
        made.append(1)

    first = threading.Thread(target=make_once, args=(state, slow))
    second = threading.Thread(target=make_once, args=(state, slow))
    first.start()
    inside.wait(timeout=10)
    second.start()
    proceed.set()
    first.join(timeout=10)
    second.join(timeout=10)
    assert made == [1]


def test_the_jars_follow_from_the_locked_versions(tmp_path):
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "scala-library-2.13.17.jar").touch()
    spark, delta = locked_version("pyspark").rsplit(".", 1)[0], locked_version("delta-spark")
    assert delta_coordinates(tmp_path) == f"io.delta:delta-spark_{spark}_2.13:{delta}"


def test_jars_that_spark_brings_are_left_out_whatever_their_version(tmp_path):
    resolved, spark = tmp_path / "resolved", tmp_path / "spark"
    resolved.mkdir()
    spark.mkdir()
    for name in ("io.delta_delta-storage-4.4.0.jar", "com.github.luben_zstd-jni-1.5.7-3.jar"):
        (resolved / name).touch()
    (spark / "zstd-jni-1.5.7-6.jar").touch()
    assert [jar.name for jar in missing_from_spark(resolved, spark_jars=spark)] == ["io.delta_delta-storage-4.4.0.jar"]


@pytest.mark.parametrize(("mirror_of", "used"), [("central", True), ("*,!here", True), ("other", False)])
def test_the_mirror_in_mavens_settings_is_used(tmp_path, mirror_of, used):
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors><mirror>'
        f"<mirrorOf>{mirror_of}</mirrorOf><url>http://mirror.test/maven</url></mirror></mirrors></settings>"
    )
    found = mirror_setting({"HOME": str(tmp_path)})
    assert found == ({"DEFAULT_ARTIFACT_REPOSITORY": "http://mirror.test/maven/"} if used else {})


def test_no_maven_settings_no_mirror(tmp_path):
    assert mirror_setting({"HOME": str(tmp_path)}) == {}


def test_executors_get_what_the_wheel_requires_and_what_that_leads_to(tmp_path):
    wheel = tmp_path / "tessera.zip"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr(
            "tessera-1.dist-info/METADATA",
            "Name: tessera\nRequires-Dist: pandas>=2\nRequires-Dist: pyspark>=4\nRequires-Dist: ruff; extra == 'dev'\n",
        )
    found = closure(required_by(wheel))
    assert {"pandas", "numpy", "python-dateutil", "six"} <= found.keys()
    assert not {"pyspark", "ruff"} & found.keys()


def test_a_number_that_another_program_has_now_is_no_process_of_the_cluster(state):
    cluster = Cluster(state, os.environ)
    state.cluster.mkdir(parents=True)
    for left in (str(os.getpid()), "999999999", ""):
        (state.cluster / "master.pid").write_text(left)
        assert cluster.pid("master") is None
    assert cluster.down() == 0
