"""What XGBoost's workers print: nothing where all is well, their warnings, and everything at debug level."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# A process of its own: the library keeps its sink as long as the thread lives.
WORKER = """
import pickle, sys
from threading import Thread

import numpy as np
import xgboost
from xgboost.collective import CommunicatorContext
from xgboost.tracker import RabitTracker

from models.algorithms.native_log import NativeLog

pickle.loads(pickle.dumps(NativeLog(int(sys.argv[1]))))  # as Spark hands it to a worker
tracker = RabitTracker(n_workers=1, host_ip="127.0.0.1", sortby="task")
tracker.start()
Thread(target=tracker.wait_for, daemon=True).start()
with CommunicatorContext(dmlc_task_id="0", **tracker.worker_args()):
    xgboost.train({"mistyped": 3}, xgboost.DMatrix(np.zeros((2, 1)), label=[0, 1]), 1)
"""


@pytest.mark.parametrize(("level", "is_told"), [(30, False), (10, True)])
def test_a_worker_tells_its_rank_at_debug_level_and_its_warnings_always(level, is_told):
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(level)],
        cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == ""
    assert ("got rank 0" in done.stderr) == is_told
    assert 'Parameters: { "mistyped" } are not used' in done.stderr
