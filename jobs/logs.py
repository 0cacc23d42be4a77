"""Logs of a run: lines of text for people on stderr, or JSON with the run's id for programs, there or in a file.

A record is one line: at (UTC), level, run_id, job, logger, message, and of a step what it reported.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from featurestore.errors import EnvironmentProblem

PACKAGES = ("featurestore", "models", "jobs")
TEXT, JSON = "text", "json"
FIELDS = "tessera"
"""Under which a record carries what is told beside its message."""


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def __init__(self, *, run_id: str, job: str) -> None:
        super().__init__()
        self.run_id, self.job = run_id, job

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(), "level": record.levelname,
            "run_id": self.run_id, "job": self.job, "logger": record.name, "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }  # fmt: skip
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str, ensure_ascii=False)


class LoggedLines(io.TextIOBase):
    """A stream whose lines become records: what a console prints for people, among the others."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger, self._begun = logger, ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip():
                self.logger.info("%s", line.rstrip())
        return len(text)

    def isatty(self) -> bool:
        return False


def set_up(*, run_id: str, job: str, form: str, file: str | None, verbose: bool) -> TextIO:
    """Send the records of our packages to where the settings say; the stream for what is told to people meanwhile.

    `form`: how they stand on stderr; as text only warnings, all if `verbose`. `file` gets all of them as JSON, after
    what it holds; EnvironmentProblem where it cannot be written.
    """
    handlers = _handlers(run_id=run_id, job=job, form=form, file=file, verbose=verbose)
    for name in PACKAGES:
        logger = logging.getLogger(name)
        for old in [one for one in logger.handlers if hasattr(one, FIELDS)]:  # of a run before in this process
            logger.removeHandler(old)
            old.close()
        for handler in handlers:
            logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if verbose else logging.INFO if handlers else logging.NOTSET)
    return LoggedLines(logging.getLogger("jobs.progress")) if form == JSON else sys.stderr  # type: ignore[return-value]


def _handlers(*, run_id: str, job: str, form: str, file: str | None, verbose: bool) -> list[logging.Handler]:
    if form == TEXT and file is None and not verbose:
        return []  # Python itself says warnings on stderr
    as_json = JsonLines(run_id=run_id, job=job)
    there = logging.StreamHandler(sys.stderr)
    there.setLevel(logging.DEBUG if verbose or form == JSON else logging.WARNING)
    there.setFormatter(as_json if form == JSON else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    setattr(there, FIELDS, True)
    if file is None:
        return [there]
    try:
        kept = logging.FileHandler(file, encoding="utf-8", delay=False)
    except OSError as problem:
        raise EnvironmentProblem(f"log.file {file} cannot be written: {problem.strerror}.\n"
                                 "  Give another one, or none: --set log.file=null.") from None  # fmt: skip
    kept.setFormatter(as_json)
    setattr(kept, FIELDS, True)
    return [there, kept]
