"""The SQL server where it cannot be; what it answers is asked in tests/e2e/test_serve_sql.py."""

from __future__ import annotations

import socket

import pytest

from featurestore.errors import EnvironmentProblem
from jobs.serve_sql import start


def test_a_port_that_is_taken_is_said(spark):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(EnvironmentProblem, match="(?s)cannot listen at 127.0.0.1:.*another --port"),
    ):
        start(spark, host="127.0.0.1", port=taken.getsockname()[1])
