"""SQL expressions of configurations, as Spark understands them over given columns; no job is started."""

from __future__ import annotations

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from featurestore.errors import ConfigurationError


def require_condition(rows: DataFrame, text: str, *, where: str) -> None:
    """Raises ConfigurationError, naming `where`, for a text that is no condition on the columns of `rows`."""
    kind = _kind(rows, text, where=where)
    if kind != T.BooleanType():
        raise ConfigurationError(f"{where}: where must be a condition, true or false; "
                                 f"'{text}' is a {kind.simpleString()}.")  # fmt: skip


def require_number(rows: DataFrame, text: str, *, where: str) -> None:
    """Raises ConfigurationError, naming `where`, for a text that gives no number on the columns of `rows`."""
    kind = _kind(rows, text, where=where)
    if not isinstance(kind, T.NumericType):
        raise ConfigurationError(f"{where}: a number is expected; '{text}' is a {kind.simpleString()}.")


def _kind(rows: DataFrame, text: str, *, where: str) -> T.DataType:
    try:
        return rows.select(F.expr(text)).schema[0].dataType
    except AnalysisException as problem:
        said = str(problem).splitlines()[0]
        raise ConfigurationError(f"{where}: where: {text}\n  {said}") from None
