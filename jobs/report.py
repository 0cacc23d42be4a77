"""Write the page of a registered model to a file."""

from __future__ import annotations

from pathlib import Path

from featurestore.errors import ConfigurationError
from jobs.learning import head_of
from jobs.model_registry import registry_of
from jobs.run import Run
from models.report.page import PAGE


def run(run: Run) -> None:
    """Do what the arguments say."""
    head = head_of(run.arguments.label)
    out = Path(run.arguments.out or f"{head.label}.html")
    page = registry_of(run).file(head, PAGE, alias=run.arguments.alias)
    try:
        out.write_bytes(page)
    except OSError as problem:
        raise ConfigurationError(f"--out: '{out}' cannot be written ({problem.strerror}).") from problem
    run.out.print(f"{out}: {len(page) / 1e6:.1f} MB, opens in any browser")
