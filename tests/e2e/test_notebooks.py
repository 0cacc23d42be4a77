"""The notebooks run unchanged as plain scripts."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT


def test_quickstart_runs_as_a_script(spark, tmp_path):
    environment = {**os.environ, "TESSERA_WAREHOUSE": str(tmp_path / "w"), "TESSERA_CUSTOMERS": "500",
                   "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(ROOT / "notebooks" / "quickstart.py")],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "w" / "quickstart.png").stat().st_size > 10_000
