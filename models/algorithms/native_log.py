"""What XGBoost's native code says in the workers of a fit: into Python's log, at a level that tells news from noise.

The library prints from C++ whatever its verbosity is, and Spark's workers pass that on to the job's stderr.
"""

from __future__ import annotations

import ctypes
import logging
import re
import sys

from xgboost.callback import TrainingCallback
from xgboost.core import _LIB

log = logging.getLogger(__name__)

_RANK = re.compile(r"Task \S+ got rank \d+\s*$")
"""A line of every worker of every fit that says that all is well."""


class NativeLog(TrainingCallback):
    """Travels with a fit to its workers, and takes over the native log where it arrives, before they meet.

    It does nothing in training. `level` is from which level on a worker prints: by default what the driver's logger
    of this module does.
    """

    def __init__(self, level: int | None = None) -> None:
        self.level = log.getEffectiveLevel() if level is None else level

    def __setstate__(self, state: dict[str, int]) -> None:
        vars(self).update(state)
        take_over(self.level)


def level_of(message: str) -> int:
    """The level of a line of the native log; what is not known to be noise is shown.

    >>> level_of("[13:52:03] Task 1 got rank 1") == logging.DEBUG
    True
    >>> level_of("[13:52:03] WARNING: src/learner.cc:740: ...") == level_of("lost a worker") == logging.WARNING
    True
    """
    return logging.DEBUG if _RANK.search(message) else logging.WARNING


def take_over(level: int) -> None:
    """Send the native log of this thread to this module's logger, which prints from `level` on, to stderr.

    XGBoost keeps one sink a thread; what it raises as an exception does not pass here.
    """
    log.setLevel(level)
    if not log.hasHandlers():
        log.addHandler(logging.StreamHandler(sys.stderr))
    if _LIB.XGBRegisterLogCallback(_SINK):
        raise RuntimeError("XGBoost's native log cannot be taken over")


def _hear(message: bytes) -> None:
    text = message.decode("utf-8", errors="replace").rstrip()
    log.log(level_of(text), "%s", text)


_SINK = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(_hear)
"""Held here, since the library keeps a bare pointer."""
