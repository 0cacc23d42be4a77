"""What Spark says about an input that cannot be read or mapped, as errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delta.exceptions import DeltaConcurrentModificationException
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from featurestore.errors import ConfigurationError, DataContractError, TesseraError, did_you_mean

WITHOUT_A_CLASS = (
    "FAILED_READ_FILE",
    "CANNOT_MERGE_SCHEMAS",
    "java.lang.ArithmeticException",
    "java.time.DateTimeException",
)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns what Spark says about an input that cannot be read or mapped into our own errors."""
    try:
        yield
    except (TesseraError, DeltaConcurrentModificationException):
        raise
    except PySparkException as error:
        raise _explained(error, error.getCondition() or "", path) from error
    except Py4JJavaError as error:
        # What Spark says about a broken file, and Java about a time or a sum too large, comes without a class of ours.
        known = next((sign for sign in WITHOUT_A_CLASS if sign in str(error)), None)
        if known is None:
            raise
        raise _explained(error, known, path) from error


def _explained(error: Exception, condition: str, path: str) -> Exception:
    text = str(error)
    if condition in ("PATH_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST"):
        return _no_such_input(path)
    if condition in ("UNABLE_TO_INFER_SCHEMA", "DELTA_MISSING_DELTA_TABLE") or "is not a Delta table" in text:
        return DataContractError(f"{path} holds no rows of the configured format: {_first_line(text)}")
    if condition.startswith("CANNOT_MERGE_SCHEMAS"):
        return DataContractError(f"the files of {path} have columns of different types:\n{_before_the_trace(text)}")
    if "CSV header does not conform" in text:
        return DataContractError(
            f"the files of {path} have different headers, or one that names a column twice; one header was expected."
        )
    if re.search(
        r"CAST_INVALID_INPUT|CAST_OVERFLOW|DIVIDE_BY_ZERO|ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE"
        r"|DATETIME_OVERFLOW|java\.lang\.ArithmeticException|java\.time\.DateTimeException",
        condition + text,
    ):
        return DataContractError(
            f"a configured expression fails on a value of {path}: {_first_line(text)}\n"
            f"  Use try_divide, try_multiply, try_add or try_cast, so that the row is quarantined instead."
        )
    if isinstance(error, AnalysisException):
        return ConfigurationError(f"a configured expression does not fit {path}: {_first_line(text)}")
    return DataContractError(f"{path} cannot be read: {_cause(text)}")


def _no_such_input(path: str) -> ConfigurationError:
    folder = Path(path).parent
    near = did_you_mean(Path(path).name, [entry.name for entry in folder.iterdir()]) if folder.is_dir() else ""
    return ConfigurationError(f"the input {path} does not exist. {near}".rstrip())


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


def _before_the_trace(text: str) -> str:
    """What a failure of Java says in its own lines, indented, without those of a call and of the places in the code."""
    said, _, _ = text.partition("\n\tat ")
    lines = [line.removeprefix(": ") for line in said.splitlines() if not line.startswith("An error occurred while")]
    return "\n".join(f"  {line}" for line in lines)


def _cause(text: str) -> str:
    """The deepest cause that a Spark failure names, else its first line."""
    causes = re.findall(r"^Caused by: (.+)$", text, flags=re.MULTILINE)
    return causes[-1] if causes else _first_line(text)
