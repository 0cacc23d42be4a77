"""Two trainings that register at once where there is no store yet; no JVM, but too slow for a unit test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from models.heads import CHURN
from models.registry import Registry
from tests.unit.models.bundles import small_bundle

TWO_AT_ONCE = """
import sys
from pathlib import Path
from models.bundle import Bundle
from models.registry import Registry
from models.tracking import RunRecord
folder, bundle = Path(sys.argv[1]), Bundle.load(Path(sys.argv[2]))
registry = Registry(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"))
print(registry.register(bundle, RunRecord()).version)
"""


def test_two_first_registrations_at_once_both_succeed_in_silence(tmp_path: Path) -> None:
    bundle = small_bundle()
    bundle.save(tmp_path / "bundle")
    command = [sys.executable, "-c", TWO_AT_ONCE, str(tmp_path / "lake"), str(tmp_path / "bundle")]
    both = [_started(command) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted(out.strip() for out, _ in outputs) == ["1", "2"]
    assert [err for _, err in outputs] == ["", ""]
    lake = tmp_path / "lake"
    assert Registry(f"sqlite:///{lake}/mlflow.db", str(lake / "artifacts")).load(CHURN).bundle == bundle


def _started(command: list[str]) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root)
