"""The pages of models and of scores as a real browser shows them: all pictures there, nothing wider than the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from models.publication.summary import Summary
from models.report.page import PAGE, report_files
from models.report.scores import score_page
from tests.unit.models.publication.pictured import before
from tests.unit.models.report.test_report import ASKED
from tests.unit.models.report.test_scores_page import MOVES, later
from tests.unit.models.report.trained import PLAN, small_trained
from tests.unit.models.report.trained_amounts import ASKED as ASKED_OF_SPEND
from tests.unit.models.report.trained_amounts import PLAN as PLAN_OF_SPEND
from tests.unit.models.report.trained_amounts import small_amounts

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MEASURE = """
<iframe id="screen" src="{page}" style="width:{width}px;height:900px;border:0"></iframe>
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
    """A report of each kind of head as it is written, and the page of a scored date, in a folder."""
    found = tmp_path_factory.mktemp("report")
    pages = {
        "churn_60d": report_files(small_trained(), plan=PLAN, asked=ASKED),
        "spend_90d": report_files(small_amounts(), plan=PLAN_OF_SPEND, asked=ASKED_OF_SPEND),
    }
    for label, files in pages.items():
        (found / f"{label}.html").write_bytes(files[PAGE])
    scores = score_page(Summary(later(), before(), MOVES, "published", [], "GBP"))
    (found / "scores.html").write_text(scores, encoding="utf-8")
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("page", "title", "pictures"),
    [("churn_60d", "churn_60d", 15), ("spend_90d", "spend_90d", 15), ("scores", "Scores of 2024-01-29", 7)],
)
def test_a_browser_shows_the_whole_page(page: str, title: str, pictures: int, width: int, folder: Path):
    (folder / "measure.html").write_text(MEASURE.format(width=width, page=f"{page}.html"), encoding="utf-8")
    shown = subprocess.run(
        [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         "--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}", "--dump-dom",
         (folder / "measure.html").as_uri()],
        capture_output=True, text=True, timeout=180, check=True,
    ).stdout  # fmt: skip
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', shown, re.S).group(1))
    assert found["title"].startswith(title)
    assert found["pictures"] == found["shown"] >= pictures
    assert found["wide"] <= width
    assert found["narrowest"] > 250
