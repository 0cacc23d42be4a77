"""What Spark, Java and Python raise, as the errors that our exit codes speak of."""

from __future__ import annotations

import errno

from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem, TesseraError

KILLED = "a Python process of Spark was killed, most often by a system short of memory"
ENVIRONMENT = {
    "No space left on device": "the disk is full",
    "Disk quota exceeded": "the disk quota is used up",
    "File too large": "a file may not grow any further (the limit of a user or of a file system)",
    "Read-only file system": "a folder is on a read-only file system",
    "Permission denied": "a folder may not be written or read by this user",
    "Mkdirs failed": "a folder may not be made by this user",
    "Could not bind": "a port is taken",
    "Address already in use": "a port is taken",
    "database or disk is full": "the disk of the model registry's database is full",
    "unable to open database file": "the model registry's database cannot be opened",
    "attempt to write a readonly database": "the model registry's database is read-only",
    "java.net.UnknownHostException": "a host name cannot be resolved",
    "Python worker exited unexpectedly": KILLED,
    "reading the port number from pyspark.daemon": KILLED,
    "PythonWorkerFactory.stopWorker": KILLED,
    "ExecutorLostFailure": "executors were lost, too often to go on",
}
DAMAGED = ("FAILED_READ_FILE", "CANNOT_READ_FILE_FOOTER", "is not a Parquet file", "Parquet error",
           "Parquet magic bytes", "DELTA_TRUNCATED_TRANSACTION_LOG", "DELTA_VERSIONS_NOT_CONTIGUOUS",
           "DELTA_STATE_RECOVER_ERROR", "DELTA_LOG_FILE_NOT_FOUND", "Kernel error")  # fmt: skip
"""What Spark, Delta and delta-rs say of a file that is cut short, overwritten or gone."""
DATA = {
    "DELTA_VIOLATE_CONSTRAINT": "rows break a CHECK constraint of their table",
    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED": "rows lack a required value",
    "ValueOverflow": "a sum leaves the range that money may have",
}


def as_tessera_error(error: BaseException) -> TesseraError | None:
    """`error` itself if it is ours, else the one that its text tells of, else None."""
    if isinstance(error, TesseraError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return ConfigurationError(f"'{str(error.filename)[:80]}...' is longer than the name of any file can be.")
    text = f"{type(error).__name__}: {error}"
    for sign, meaning in ENVIRONMENT.items():
        if sign in text:
            return EnvironmentProblem(f"{meaning}: {_line_with(sign, text)}\n  Nothing half-written is visible; "
                                      "mend it and run the job again.")  # fmt: skip
    for sign in DAMAGED:
        if sign in text:
            return EnvironmentProblem.damaged("a file", said=_line_with(sign, text))
    if "featurestore.errors.DataContractError" in text:
        return DataContractError(_line_with("featurestore.errors.DataContractError", text).split(": ", 1)[-1])
    for sign, meaning in DATA.items():
        if sign in text:
            return DataContractError(f"{meaning}: {_line_with(sign, text)}")
    return None


def _line_with(sign: str, text: str) -> str:
    """The line that has the sign, or, where that is a place in the code, the last one before that says something."""
    lines = [line.strip() for line in text.splitlines()]
    at = next(at for at, line in enumerate(lines) if sign in line)
    said = [line for line in lines[: at + 1] if not line.startswith("at ")]
    return (said[-1] if said else lines[at])[:400]
