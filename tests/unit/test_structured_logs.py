"""Logs are one JSON object a line with the run's id, on stderr or in a file; text stays as it is."""

from __future__ import annotations

import argparse
import json
import logging

import pytest

from featurestore.errors import EnvironmentProblem
from jobs.run import Run
from jobs.settings import load_settings


@pytest.fixture(autouse=True)
def afterwards():
    yield
    run_with("log.format=text")


def run_with(*assignments):
    return Run(argparse.Namespace(job="score", verbose=False), load_settings(assignments=assignments))


def test_json_on_stderr_has_steps_and_what_libraries_of_ours_say(capsys):
    run = run_with("log.format=json")
    with run.step("score") as step:
        logging.getLogger("models.train").warning("careful with %d", 3)
        step.results.update(rows=7)
    with pytest.raises(ValueError, match="gone"), run.step("publish"):
        raise ValueError("gone\nmore")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(line["run_id"], line["job"]) for line in lines} == {(run.run_id, "score")}
    assert [line["message"] for line in lines] == [
        "score ...", "careful with 3", "score done", f"score: rows 7; {step.seconds:.1f} s", "publish ...",
        "publish failed",
    ]  # fmt: skip
    done, failed = lines[2], lines[5]
    assert (done["status"], done["results"], failed["error"]) == ("done", {"rows": 7}, "gone")


def test_a_file_gets_json_while_stderr_stays_text_and_grows_run_by_run(tmp_path, capsys):
    file = tmp_path / "tessera.jsonl"
    ids = []
    for _ in range(2):
        run = run_with(f"log.file={file}")
        ids.append(run.run_id)
        with run.step("score"):
            pass
    assert [json.loads(line)["run_id"] for line in file.read_text().splitlines()] == ids
    assert capsys.readouterr().err.startswith("score ...\nscore: ")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        run_with(f"log.file={tmp_path}/no/such.jsonl")


def test_text_without_a_file_leaves_the_loggers_alone(capsys):
    run_with("log.format=json")
    run_with()
    assert logging.getLogger("jobs").handlers == [] and logging.getLogger("jobs").level == logging.NOTSET
