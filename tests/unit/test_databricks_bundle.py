"""The asset bundle as far as it can be checked where there is no platform: every name in it is one that exists."""

from __future__ import annotations

import ast
import re
from importlib import import_module

import pytest
import yaml

from jobs.command_line import asked
from jobs.settings import load_settings
from tests.conftest import ROOT

TEXT = (ROOT / "databricks.yml").read_text(encoding="utf-8")
BUNDLE = yaml.safe_load(TEXT)
JOBS = BUNDLE["resources"]["jobs"]
TASKS = {f"{job} {task['task_key']}": task for job, declared in JOBS.items() for task in declared["tasks"]}
WHEELS = {name: task["python_wheel_task"] for name, task in TASKS.items() if "python_wheel_task" in task}


def entry_points() -> dict[str, str]:
    """Names of commands that setup.py declares, and where they are."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    found = [word.value for word in ast.walk(tree) if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    return dict(one.split("=", 1) for one in found if re.fullmatch(r"\w+=[\w.]+:\w+", one))


def test_every_variable_is_declared_and_used():
    assert set(re.findall(r"\$\{var\.(\w+)\}", TEXT)) == set(BUNDLE["variables"])


def test_every_task_runs_on_a_cluster_of_its_job_after_tasks_of_it():
    for name, job in JOBS.items():
        clusters = {one["job_cluster_key"] for one in job["job_clusters"]}
        keys = [task["task_key"] for task in job["tasks"]]
        assert len(set(keys)) == len(keys), name
        for task in job["tasks"]:
            assert task["job_cluster_key"] in clusters
            assert {before["task_key"] for before in task.get("depends_on", ())} <= set(
                keys[: keys.index(task["task_key"])]
            )
        assert job["max_concurrent_runs"] == 1


@pytest.mark.parametrize("task", WHEELS.values(), ids=WHEELS)
def test_every_wheel_task_gives_a_command_that_is_one(task):
    module, _, function = entry_points()[task["entry_point"]].partition(":")
    assert callable(getattr(import_module(module), function))
    words = re.sub(r"\$\{var\.(\w+)\}", r"https://\1", "\n".join(task["parameters"])).split("\n")
    arguments = asked(words)
    settings = load_settings(arguments.conf, assignments=arguments.assignments)
    assert settings.registry.tracking_uri and settings.registry.artifact_root


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_every_notebook_is_a_task(notebook):
    assert notebook.read_text(encoding="utf-8").startswith("# Databricks notebook source")
    paths = [task["notebook_task"]["notebook_path"] for task in TASKS.values() if "notebook_task" in task]
    assert f"notebooks/{notebook.name}" in paths and all((ROOT / path).is_file() for path in paths)
