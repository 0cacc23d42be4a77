"""Taking in what is new among the files of an input: a folder may be given again and again as it fills.

What was taken is known by content (`ingest_files`, written before the batch it names): given once more, under any
name, it adds nothing and is not read. A file that is cut off or broken is set aside, named and recorded, and the rest
goes on. A batch that was cut off is finished first, from its own files, whatever has come beside them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from featurestore.batch_checks import EPOCH
from featurestore.batch_identity import content_id, described, file_hash, input_key
from featurestore.erasure_key import ErasureKey
from featurestore.errors import DataContractError
from featurestore.file_faults import UNFINISHED, fault
from featurestore.file_records import SET_ASIDE, FileRecord, SeenFile, file_records, remember_files
from featurestore.file_systems import file_system
from featurestore.ingest import NO_RANK, Given, ingest, take_in
from featurestore.ingest_runs import IngestReport, cut_off, feeding, standing, standing_batches
from featurestore.reading import input_files
from featurestore.source_config import SourceConfig
from featurestore.tables import Warehouse

FAULTS_SHOWN = 5
MOST_TASKS = 1000
NANOSECONDS_A_MICROSECOND = 1000
LOOKED_AT = "file string, bytes bigint, modified_us bigint, sha256 string, fault string"


def ingest_files(
    warehouse: Warehouse, config: SourceConfig, input_path: str, *, ingested_at: datetime, restore: bool = False,
    accept_columns: bool = False, erasure_key: ErasureKey | None = None,
) -> tuple[IngestReport, ...]:  # fmt: skip
    """Take in the files of a path, a folder or a glob that have not been; a report a batch, the last with notes.

    Raises as `take_in` does, and DataContractError (nothing written) where no file of the input is whole.
    """
    if config.format == "delta":  # a table, whose files are no things of their own
        report = ingest(warehouse, config, input_path, ingested_at=ingested_at, restore=restore,
                        accept_columns=accept_columns, erasure_key=erasure_key)  # fmt: skip
        return (report,)
    intake = _FileIntake(warehouse, config, input_path, described(config), ingested_at, restore, accept_columns,
                         erasure_key)  # fmt: skip
    return intake.run()


@dataclass(frozen=True)
class _FileIntake:
    """The files of one input on their way into a source, and what the run was told beside."""

    warehouse: Warehouse
    config: SourceConfig
    where: str
    identity: str
    ingested_at: datetime
    restore: bool
    accept_columns: bool
    erasure_key: ErasureKey | None

    @property
    def key(self) -> str:
        return input_key(self.identity)

    def run(self) -> tuple[IngestReport, ...]:
        """What `ingest_files` says."""
        there, faults = self._seen(input_files(self.warehouse.spark, self.config, self.where))
        before = self._all_before(there)
        if before is not None:
            return (before,)
        finished = self._finished(there)
        settled = [one for one in there if not self._is_unsettled(one)]
        new, known, aside = self._told_apart(settled)
        whole, notes = self._sorted_out(new, faults, is_alone=not known)
        notes += [f"set aside before: {one.path}: {one.reason}" for one in aside]
        notes += [f"left for later, it may still be written: {one.path}" for one in there if one not in settled]
        if known:
            notes.append(f"taken in before: {len(known):,} files")
        report = self._taken(whole, of=there) if whole else self._nothing(there)
        return (*finished, replace(report, notes=(*report.notes, *notes)))

    def _records(self) -> list[FileRecord]:
        return file_records(self.warehouse, self.config.source, self.key)

    def _seen(self, uris: Sequence[str]) -> tuple[list[SeenFile], dict[str, str]]:
        """The files by path, and what is wrong with those that no record knows; looked at where the tasks run.

        A file that lies there as it was recorded is not read for it.
        """
        records = self._records()
        look = partial(_looked_at, recorded={one.path: one for one in records},
                       known=frozenset(one.sha256 for one in records), format=self.config.format,
                       options=dict(self.config.options))  # fmt: skip
        listed = self.warehouse.spark.createDataFrame([(uri,) for uri in uris], "file string")
        spread = listed.repartition(min(len(uris), MOST_TASKS), "file")
        rows = spread.mapInArrow(look, LOOKED_AT).collect()  # a row a file
        seen = [SeenFile(row["file"], row["sha256"], row["bytes"], EPOCH + timedelta(microseconds=row["modified_us"]))
                for row in sorted(rows, key=lambda row: str(row["file"]))]  # fmt: skip
        return seen, {row["file"]: row["fault"] for row in rows if row["fault"] is not None}

    def _all_before(self, there: Sequence[SeenFile]) -> IngestReport | None:
        """The report of just this input as it was taken in before, if it was."""
        source = self.config.source
        batch_id = feeding(self.warehouse, source, self._content_id(there), restore=self.restore)
        own = standing(self.warehouse, source=source, batch_id=batch_id).own
        return own.fed_again() if own is not None and own.is_done else None

    def _finished(self, there: Sequence[SeenFile]) -> list[IngestReport]:
        """The batches that were cut off and whose files are all still here, ended."""
        reports, by_hash = [], {one.sha256: one for one in there}
        for begun in cut_off(self.warehouse, self.config.source, self.key):
            its = [one.sha256 for one in self._records() if one.batch_id == begun.batch_id]
            if its and all(sha256 in by_hash for sha256 in its):
                files = [by_hash[sha256] for sha256 in its]
                given = replace(self._given(files, of=there), batch_id=begun.batch_id)
                reports.append(take_in(self.warehouse, self.config, given, ingested_at=self.ingested_at,
                                       accept_columns=True, erasure_key=self.erasure_key))  # fmt: skip
        return reports

    def _is_unsettled(self, file: SeenFile) -> bool:
        is_young = file.modified_at > self.ingested_at - self.config.settled_for
        return file.path.lower().endswith(UNFINISHED) or (bool(self.config.settled_for) and is_young)

    def _told_apart(self, files: Sequence[SeenFile]) -> tuple[list[SeenFile], list[SeenFile], list[FileRecord]]:
        """The files that are new (each content once), those whose batch stands, and the records of those set aside."""
        stands = standing_batches(self.warehouse, self.config.source, restore=self.restore)
        records = {one.sha256: one for one in self._records()}
        new: dict[str, SeenFile] = {}
        known, aside = [], []
        for file in files:
            record = records.get(file.sha256)
            if record is not None and record.status == SET_ASIDE:
                aside.append(replace(record, path=file.path))
            elif (record is not None and record.batch_id in stands) or new.setdefault(file.sha256, file) is not file:
                known.append(file)
        return list(new.values()), known, aside

    def _sorted_out(
        self, new: Sequence[SeenFile], faults: Mapping[str, str], *, is_alone: bool
    ) -> tuple[list[SeenFile], list[str]]:
        """The files that are whole, and what is to be told of the others, which are recorded as set aside."""
        broken = [one for one in new if one.path in faults]
        told = [f"{one.path}: {faults[one.path]}" for one in broken]
        if broken and len(broken) == len(new) and is_alone:
            shown = "\n  ".join(told[:FAULTS_SHOWN])
            raise DataContractError(f"{self.where} cannot be read: no file of it is whole.\n  {shown}")
        remember_files(self.warehouse, broken, source=self.config.source, input_key=self.key,
                       seen_at=self.ingested_at, reasons=[faults[one.path] for one in broken])  # fmt: skip
        return [one for one in new if one.path not in faults], [f"set aside: {one}" for one in told]

    def _taken(self, files: Sequence[SeenFile], *, of: Sequence[SeenFile]) -> IngestReport:
        return take_in(self.warehouse, self.config, self._given(files, of=of), ingested_at=self.ingested_at,
                       restore=self.restore, accept_columns=self.accept_columns,
                       erasure_key=self.erasure_key)  # fmt: skip

    def _given(self, files: Sequence[SeenFile], *, of: Sequence[SeenFile]) -> Given:
        """A batch of `files`; read as the input they are of where that is just these."""
        is_all = len(files) == len(of)
        uris = sorted(one.path for one in files)
        remember = partial(_remember, self.warehouse, list(files), source=self.config.source, input_key=self.key,
                           seen_at=self.ingested_at)  # fmt: skip
        return Given(
            path=self.where if is_all else [_as_path(uri) for uri in uris], files=uris,
            name=PurePosixPath(self.where).name, content_id=self._content_id(files), key=self.key, where=self.where,
            base=None if is_all else _folder(self.where), remember=remember,
        )  # fmt: skip

    def _content_id(self, files: Sequence[SeenFile]) -> str:
        return content_id(self.identity, {one.path: one.sha256 for one in files})

    def _nothing(self, there: Sequence[SeenFile]) -> IngestReport:
        """The report of an input without a new file: no batch of its own."""
        return IngestReport(self.config.source, self._content_id(there), NO_RANK, self.ingested_at,
                            PurePosixPath(self.where).name, already_ingested=True)  # fmt: skip


def _remember(
    warehouse: Warehouse, files: Sequence[SeenFile], batch_id: str, *, source: str, input_key: str, seen_at: datetime
) -> None:
    remember_files(warehouse, files, source=source, input_key=input_key, seen_at=seen_at, batch_id=batch_id)


def _looked_at(
    batches: Iterable[pa.RecordBatch], *, recorded: Mapping[str, FileRecord], known: Collection[str],
    format: str, options: Mapping[str, str | bool],  # noqa: A002
) -> Iterable[pa.RecordBatch]:  # fmt: skip
    """Size, time of change, hash and fault of files; only one that has changed is hashed, only a new one is checked."""
    for batch in batches:
        yield pa.RecordBatch.from_pylist(
            [_look(uri, recorded.get(uri), known, format=format, options=options)
             for uri in batch.column("file").to_pylist()],
            schema=pa.schema([("file", pa.string()), ("bytes", pa.int64()), ("modified_us", pa.int64()),
                              ("sha256", pa.string()), ("fault", pa.string())]),
        )  # fmt: skip


def _look(
    uri: str, record: FileRecord | None, known: Collection[str], *, format: str, options: Mapping[str, str | bool]  # noqa: A002
) -> dict[str, object]:  # fmt: skip
    system, path = file_system(uri)
    info = system.get_file_info(path)
    modified_us = (info.mtime_ns or 0) // NANOSECONDS_A_MICROSECOND
    modified_at = EPOCH + timedelta(microseconds=modified_us)
    is_still = record is not None and record.is_still(uri, info.size, modified_at)
    sha256 = record.sha256 if record is not None and is_still else file_hash(uri)
    why = None if sha256 in known else fault(uri, format=format, options=options)
    return {"file": uri, "bytes": info.size, "modified_us": modified_us, "sha256": sha256, "fault": why}


def _as_path(uri: str) -> str:
    """A URI as Spark's readers take a path: decoded, and nothing in it a pattern.

    >>> _as_path("file:///a%20b/c%5B1%5D.csv")
    'file:///a b/c\\\\[1\\\\].csv'
    """
    parts = urlsplit(uri)
    plain = f"{parts.scheme}://{parts.netloc}{unquote(parts.path)}" if parts.scheme else uri
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", plain)


def _folder(path: str) -> str | None:
    """The input itself, where it is a folder whose subfolders may name columns."""
    system, place = file_system(path)
    is_folder = system.get_file_info(place).type == fs.FileType.Directory
    return path if is_folder else None
