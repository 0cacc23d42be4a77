"""What spark-submit runs: `jobs.main`, from the working tree.

spark-submit puts this file's folder and then the shipped wheel first on the path; the driver is to run the
files that the editor shows. Where there is no working tree (a driver on the cluster), the wheel serves.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    runpy.run_module("jobs.main", run_name="__main__", alter_sys=True)
