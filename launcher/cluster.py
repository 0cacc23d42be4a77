"""A small real cluster: Spark's standalone master and two workers, processes of their own that only loopback reaches.

They know nothing of this project: a bare environment, a folder of their own, no Python packages. What a job needs there
must travel with it, as on machines elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from launcher.environment import last_lines, say
from launcher.java import java_home_setting
from launcher.problems import Problem
from launcher.state import State

LOOPBACK = "127.0.0.1"
USUAL_PORT = 7077
MASTER = "master"
WORKERS = ("worker-1", "worker-2")
CLASSES = {MASTER: "org.apache.spark.deploy.master.Master"} | dict.fromkeys(
    WORKERS, "org.apache.spark.deploy.worker.Worker"
)
WORKER_MEMORY = "4g"
LEAST_CORES = 2  # one worker alone can run what needs two slots at once, as a distributed fit does
# Each application leaves an unpacked environment of about a gigabyte with each worker.
CLEAN_UP = "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.interval=60 -Dspark.worker.cleanup.appDataTtl=60"
MOST_SECONDS = 60.0
MOST_SECONDS_TO_END = 15.0
POLL_SECONDS = 0.1


class Cluster:
    """The processes whose ids lie in a folder; started where they are missing, and ended by their ids."""

    def __init__(self, state: State, environ: Mapping[str, str]) -> None:
        self.folder, self.spark_home, self.environ = state.cluster, state.spark_home, environ

    def up(self) -> str:
        """Start what is not running; the URL of the master once it has all its workers."""
        if not self.pid(MASTER):
            self.down()  # workers of a master that is gone
            self._start_master()
        url = self._kept("master.url")
        for name in WORKERS:
            if not self.pid(name):
                self._start_worker(name, url)
        self._wait(lambda: self._workers_alive() == len(WORKERS), WORKERS[-1], "its workers did not come")
        return url

    def down(self) -> int:
        """End all of them, with their executors; how many were running."""
        pids = [pid for name in (*WORKERS, MASTER) if (pid := self.pid(name))]
        for pid in pids:
            _end(pid)
        for name in CLASSES:
            self._pid_file(name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        return len(pids)

    def pid(self, name: str) -> int | None:
        """The process of that name; None where it does not run, or another program has its number now."""
        try:
            pid = int(self._kept(f"{name}.pid"))
        except (OSError, ValueError):
            return None
        return pid if CLASSES[name] in _words_of(pid) else None

    def _start_master(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        port, ui = _free_port(USUAL_PORT), _free_port(0)
        (self.folder / "ui.url").write_text(f"http://{LOOPBACK}:{ui}")
        (self.folder / "master.url").write_text(f"spark://{LOOPBACK}:{port}")
        self._start(MASTER, "--port", str(port), "--webui-port", str(ui))
        self._wait(lambda: self._workers_alive() is not None, MASTER, "the master does not answer")

    def _start_worker(self, name: str, url: str) -> None:
        cores = max(LEAST_CORES, os.cpu_count() or 1)
        work = self.folder / "work" / name
        work.mkdir(parents=True, exist_ok=True)
        self._start(name, "--webui-port", "0", "--cores", str(cores), "--memory", WORKER_MEMORY,
                    "--work-dir", str(work), url)  # fmt: skip

    def _start(self, name: str, *words: str) -> None:
        command = [str(self.spark_home / "bin" / "spark-class"), CLASSES[name], "--host", LOOPBACK, *words]
        with self._log(name).open("w") as log:
            started = subprocess.Popen(
                command, env=self._bare_environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._pid_file(name).write_text(str(started.pid))

    def _bare_environment(self) -> dict[str, str]:
        """Java, Spark and the system's own tools; nothing of what the caller's shell has."""
        home = java_home_setting(self.environ)["JAVA_HOME"]
        java = Path(home) / "bin" if home else Path(shutil.which("java", path=self.environ.get("PATH")) or "").parent
        return {
            "PATH": f"{java}:/usr/bin:/bin",
            "JAVA_HOME": home,
            "LANG": "C.UTF-8",
            "SPARK_HOME": str(self.spark_home),
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_LOCAL_DIRS": str(self.folder / "work"),
            "SPARK_WORKER_OPTS": CLEAN_UP,
        }

    def _workers_alive(self) -> int | None:
        """How many workers the master counts; None while it does not answer."""
        asking = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is behind no proxy
        try:
            with asking.open(f"{self._kept('ui.url')}/json/", timeout=5) as answer:
                return int(json.load(answer)["aliveworkers"])
        except (OSError, ValueError):
            return None

    def _wait(self, reached: Callable[[], bool], name: str, otherwise: str) -> None:
        deadline = time.monotonic() + MOST_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise Problem.cluster_not_up(otherwise, said=last_lines(self._log(name), marker="ERROR"),
                                             log=self._log(name))  # fmt: skip
            time.sleep(POLL_SECONDS)

    def _kept(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def cluster_up(state: State, environ: Mapping[str, str]) -> None:
    """Start the cluster, or what is missing of it, and say how to use it."""
    cluster = Cluster(state, environ)
    url = cluster.up()
    say(f"Master and {len(WORKERS)} workers are up; logs in {cluster.folder}. Go on with:")
    print(f"./spark-submit.sh demo --master {url}", flush=True)


def cluster_down(state: State, environ: Mapping[str, str]) -> None:
    """End the cluster."""
    say(f"{Cluster(state, environ).down()} processes ended.")


def _words_of(pid: int) -> str:
    """What a process was started with; empty where there is none of that number."""
    if Path("/proc/self").exists():
        told = Path(f"/proc/{pid}/cmdline")
        return told.read_text() if told.exists() else ""
    asked = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def _end(pid: int) -> None:
    """SIGTERM to the process and its executors; SIGKILL to what is left after a while."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + MOST_SECONDS_TO_END
        while time.monotonic() < deadline:
            try:
                os.killpg(pid, sent)
                os.waitpid(pid, os.WNOHANG)  # if it is a child of this very process
            except ProcessLookupError:
                return
            except ChildProcessError:
                pass
            time.sleep(POLL_SECONDS)


def _free_port(wanted: int) -> int:
    """`wanted` if it is free, else any."""
    for port in (wanted, 0):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise OSError(f"no port of {LOOPBACK} is free")
