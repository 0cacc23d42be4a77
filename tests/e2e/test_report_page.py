"""The page of a report as a real browser shows it: all pictures there, nothing wider than the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from models.report.page import PAGE, report_files
from tests.unit.models.report.test_report import ASKED
from tests.unit.models.report.trained import PLAN, small_trained

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MEASURE = """
<iframe id="screen" src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<pre id="found"></pre>
<script>
onload = () => {{
  const page = document.getElementById("screen").contentDocument;
  const pictures = [...page.images];
  document.getElementById("found").textContent = JSON.stringify({{
    title: page.title, pictures: pictures.length, shown: pictures.filter(one => one.naturalWidth > 0).length,
    wide: page.documentElement.scrollWidth, narrowest: Math.min(...pictures.map(one => one.clientWidth))
  }});
}};
</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A report as it is written, in a folder."""
    found = tmp_path_factory.mktemp("report")
    (found / PAGE).write_bytes(report_files(small_trained(), plan=PLAN, asked=ASKED)[PAGE])
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_the_whole_page(width: int, folder: Path):
    (folder / "measure.html").write_text(MEASURE.format(width=width), encoding="utf-8")
    shown = subprocess.run(
        [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         "--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}", "--dump-dom",
         (folder / "measure.html").as_uri()],
        capture_output=True, text=True, timeout=180, check=True,
    ).stdout  # fmt: skip
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', shown, re.S).group(1))
    assert found["title"].startswith("churn_60d")
    assert found["pictures"] == found["shown"] >= 15
    assert found["wide"] <= width
    assert found["narrowest"] > 250
