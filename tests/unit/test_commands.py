"""Commands that are wrong before Spark is needed: the status, and what is said."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from featurestore.errors import EnvironmentProblem
from featurestore.explain import explain_feature
from featurestore.features import VIEWS, feature_set
from jobs.command_line import JOBS
from jobs.failures import as_tessera_error
from jobs.faults.traces import is_trace_in
from jobs.main import main
from jobs.workplace import only_reader, only_writer

ROOT = Path(__file__).resolve().parents[2]

WRONG_COMMANDS = [
    (["ingst"], 2, "Did you mean 'ingest'?"),
    (["build_features", "--setp", "3"], 2, "Did you mean '--set'"),
    (["build_features", "--dates", "2011-02-30"], 2, "is no date"),
    (["build_features", "--dates", " , "], 2, "names no date"),
    (["build_features", "--step", "-7"], 2, "at least 1"),
    (["build_features", "--set", "spark.shuffle_partition=3"], 2, "Did you mean 'shuffle_partitions'"),
    (["build_features", "--set", "spark.shuffle_partitions=many"], 2, "valid integer"),
    (["build_features", "--conf", "locl"], 2, "Did you mean 'local'?"),
    (["sql", "drop table customer_scores"], 2, "queries only"),
    (["score", "--customers", "drop table customer_scores"], 2, "a file (.csv, .txt, .parquet) or a query"),
    (["score", "--customers", "vips.csv", "--changed-only"], 2, "not allowed with"),
    (["sql", "select 1; select 2"], 2, "one query"),
    (["sql", "selec 1"], 2, ""),
    (["sql"], 2, "one of the arguments QUERY --file is required"),
    (["sql", "--file", str(ROOT / "sql" / "models_served.sql"), "select 1"], 2, "not allowed with"),
    (["sql", "--file", "nowhere.sql"], 2, "nowhere.sql cannot be read: No such file"),
    (["sql", "select :a", "--value", "a"], 2, "NAME=VALUE"),
    (["export", "--to", "list.csv", "--columns", " , "], 2, "names no column"),
    (["export", "--to", "list.xlsx"], 2, ".csv or .parquet"),
    (["serve_sql", "--port", "70000"], 2, "is no port"),
    (["bench", "redaers"], 2, "readers"),
    (["bench", "start", "--events", "5"], 2, "bench start takes no --events, but no size"),
    (["bench", "start", "--kind", "disk full"], 2, "bench start takes no --kind; bench faults does"),
    (["bench", "faults", "--kind", "disk ful"], 2, "there are driver killed"),
    (["build_features", "--json", "plan.json"], 2, "--dry-run"),
    (["build_training_set", "--knowledge", "as_knwon"], 2, "as_known"),
    (["build_training_set", "--knowledge", "as_known", "--build"], 2, "Leave --build out"),
    (["build_training_set", "--set", "features.decision_delay_hours={ordrs: 1}"], 2, "Did you mean 'orders'"),
    (["train", "--tune", "--trials", "1"], 2, "at least 2"),
    (["train", "--tune", "--minutes", "-3"], 2, "minutes above 0"),
    (["train", "--tune", "--trials", "5", "--minutes", "5"], 2, "not allowed with"),
    (["train", "--tune", "--stability"], 2, "not allowed with"),
    (["train", "--trials", "5"], 2, "add --tune"),
    (["train", "--tune", "--set", "tuning.trials=null"], 2, "never ends"),
    (["promote", "--rollback"], 2, "say of which head"),
    (["erase", "--customer", "a"], 2, "openssl rand -hex 32"),
    (["erase", "--file", "nowhere.txt"], 2, "nowhere.txt cannot be read"),
    (["maintain", "--keep-days", "0"], 2, "at least 1"),
    (["doctor", "--set", "log.format=xml"], 2, "'text' or 'json'"),
    (["report"], 2, "--label"),
    (["report", "--label", "churn_6d"], 2, "churn_60d"),
    (["report", "--label", "churn_60d", "--scores"], 2, "not allowed with"),
    (["report", "--label", "churn_60d", "--as-of", "2011-12-09"], 2, "goes with --scores"),
    (["explain", "train"], 2, "such as build_features"),
    (["explain", "build_features", "--step", "0"], 2, "at least 1"),
    (["explain", "overdue_ration"], 2, "Did you mean 'overdue_ratio'"),
]


@pytest.mark.parametrize(("words", "status", "said"), WRONG_COMMANDS, ids=lambda value: str(value)[:40])
def test_a_wrong_command_says_what_and_ends_with_its_status(words, status, said, tmp_path, capsys):
    where = [] if words == ["ingst"] else ["--warehouse", str(tmp_path / "w")]
    assert main([*words, *where]) == status
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("job", JOBS)
def test_every_job_that_is_listed_explains_itself(job, capsys):
    assert main([job, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"./spark-submit.sh {job}" in shown
    assert "--warehouse" in shown


def test_the_options_of_all_jobs_are_read_without_an_engine():
    read = (
        "import sys, jobs.command_line as c; [c.parser_of(job) for job in c.JOBS]; "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not {"pyspark", "delta", "deltalake", "pandas", "mlflow", "xgboost", "pydantic"} & set(loaded.split())


def test_help_lists_the_jobs(capsys):
    assert main(["--help"]) == 0
    assert "build_training_set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("orders_count_30d_last_year", "number of distinct orders.order_id over events of orders from 394 to 364 days "
         "before as_of, where amount > 0"),
        ("returned_amount_sum_30d", "sum of orders.amount, signs turned"),
        ("overdue_ratio", "overdue_ratio(recency_days, gap_days_mean_lifetime)"),
        ("total_spent", "orders.amount_sum_lifetime (decimal(18,2), currency), also total_spent"),
        ("order_value_max_90d", "largest sum of orders.amount per orders.order_id over events of orders"),
        ("clv_score", "1 to 100 by yearly_value among all customers of the snapshot, high is 100"),
        ("decline_90d", "1 where      the outcome is < 0.5 * amount_sum_90d in the 90 days from as_of on, else 0"),
        ("conf/labels/spend.yml", "label spend_90d: Net spend"),
        ("days_from_order_to_ticket", "difference(recency_days, days_since_last_ticket)"),
        ("support", "events_support: is_escalated, satisfaction, ticket_event"),
        ("churn_60d", "no order in the 60 days from as_of on"),
        ("churn_60d", "at least one order in the 180 days before as_of"),
    ],
)  # fmt: skip
def test_definitions_are_explained_in_words(name, said, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["explain", name]) == 0
    assert said in capsys.readouterr().out


def test_every_feature_can_be_explained():
    everything = feature_set(VIEWS, rfm_segments=[])
    for view in everything.views:
        for feature in view.features:
            assert len(explain_feature(feature, view)) == 4


READING = [["sql", "select 1"], ["bench", "readers"], ["explain", "build_features"], ["build_features", "--dry-run"]]


@pytest.mark.parametrize("words", READING, ids=str)
def test_what_only_reads_makes_no_warehouse(words, tmp_path, capsys):
    assert main([*words, "--warehouse", str(tmp_path / "w")]) == 3
    assert "spark-submit.sh demo" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()


def test_a_warehouse_that_is_a_file(tmp_path, capsys):
    (tmp_path / "w").write_text("not a folder")
    assert main(["build_features", "--warehouse", str(tmp_path / "w")]) == 4
    assert "is a file" in capsys.readouterr().err


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("place", ["", "below"])
def test_a_warehouse_that_may_not_be_written(place):
    become_nobody = "import jobs.workplace, os; os.setgid(65534); os.setuid(65534); "
    code = "import sys; jobs.workplace.check_writable(sys.argv[1])"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", become_nobody + code, str(Path(folder) / place)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert "EnvironmentProblem" in done.stderr


def test_a_second_writer_waits_and_then_gives_up(tmp_path):
    told = []
    where = str(tmp_path / "w")
    with (
        only_writer(where, wait_seconds=0, tell=told.append),
        pytest.raises(EnvironmentProblem, match="another job"),
        only_writer(where, wait_seconds=0, tell=told.append),
    ):
        pass
    with only_writer(where, wait_seconds=0, tell=told.append):
        assert told == []


def test_a_name_that_no_file_can_have_is_a_wrong_argument():
    with pytest.raises(OSError, match="too long") as raised:
        (ROOT / ("x" * 300)).stat()
    known = as_tessera_error(raised.value)
    assert known is not None and known.exit_code == 2 and "longer than" in str(known)


@pytest.mark.parametrize("said", [
    "Python worker exited unexpectedly (crashed)",
    "EOFException occurred while reading the port number from pyspark.daemon's stdout and terminated with code: 137.",
    "java.io.IOException: Stream closed\n\tat java.base/java.io.OutputStream.write(OutputStream.java:162)\n"
    "\tat org.apache.spark.api.python.PythonWorkerFactory.stopWorker(PythonWorkerFactory.scala:475)",
])  # fmt: skip
def test_a_killed_python_process_is_a_matter_of_the_machine(said):
    known = as_tessera_error(RuntimeError(f"Job aborted due to stage failure:\n{said}\n\tat org.apache.spark..."))
    assert known is not None and known.exit_code == 4 and "was killed" in str(known)
    assert said.splitlines()[0] in str(known) and not is_trace_in(str(known))


def test_a_warehouse_that_goes_away_under_a_writer_is_said_and_not_written_anew(tmp_path):
    where = tmp_path / "w"
    with (
        pytest.raises(EnvironmentProblem, match="moved, removed or unmounted"),
        only_writer(str(where), wait_seconds=0, tell=print) as hold,
    ):
        assert hold.is_there()
        where.rename(tmp_path / "away")
        where.mkdir()
        assert not hold.is_there()
        raise ValueError("what a table that is not there raises")


def test_a_reader_that_fails_says_whether_its_warehouse_went_away(tmp_path):
    where, why = tmp_path / "w", "what a table that is not there raises"
    where.mkdir()
    with pytest.raises(ValueError, match=why), only_reader(str(where)):
        raise ValueError(why)
    with pytest.raises(EnvironmentProblem, match="moved, removed or unmounted"), only_reader(str(where)):
        where.rename(tmp_path / "away")
        raise ValueError(why)
    with pytest.raises(ValueError, match=why), only_reader("s3a://bucket/w"):
        raise ValueError(why)
    where.mkdir()
    with only_reader(str(where)):
        where.rmdir()  # after what was read, it no longer matters
