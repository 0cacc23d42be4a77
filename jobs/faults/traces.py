"""Stack traces in what a command said: none may be there, however it ended."""

from __future__ import annotations

import re

STACK_TRACE = re.compile(r"^Traceback \(most recent|^\s+at [\w.$]+\(|^\s+File \".*\", line \d+", re.MULTILINE)
SPARK_SHUTS_DOWN = re.compile(r"^.*RejectedExecutionException: .*\[Shutting down.*\n(?:^\s+at .*\n?)*", re.MULTILINE)
"""Scala's own report of a message, such as that of a lost executor, that comes when Spark is about to end."""


def is_trace_in(said: str) -> bool:
    """Whether lines that a command said are a stack trace, of Python or Java, but for Spark's when it shuts down.

    >>> is_trace_in("starting Spark ...\\nTraceback (most recent call last):"), is_trace_in("at 2024-06-01 (orders)")
    (True, False)
    """
    return STACK_TRACE.search(SPARK_SHUTS_DOWN.sub("", said)) is not None
