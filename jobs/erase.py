"""Take customers out of the warehouse for good, prove it by a search of every file, and sign a receipt."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from featurestore.erasure import announce, delete_rows, say_swept, sweep
from featurestore.erasure_key import ErasureKey
from featurestore.erasure_plan import ErasurePlan, forget_plan, keep_plan, make_plan, unfinished_plan
from featurestore.erasure_records import DONE, mark_training_sets, write_erasure
from featurestore.errors import ConfigurationError
from featurestore.suppression import refuse_other_key
from featurestore.table_history import Cut
from featurestore.tables import is_local
from jobs.erasure_files import Cleaned, Searched, clean_files, search_all
from jobs.erasure_keys import needed_key
from jobs.erasure_receipt import FORMAT, KIND, covers, digest, hashed_ids, receipt_name, verified, write_receipt
from jobs.model_registry import registry_of
from jobs.run import Run
from jobs.sql import local_tables
from models.registered_versions import Version, versions_since


@dataclass(frozen=True)
class Erased:
    """What an erasure has done: what went by table, and beside the tables; the search; what rests on the former rows.

    `sets` are training sets by name and version, `models` registered versions.
    """

    cut: Mapping[str, Cut]
    cleaned: Cleaned
    searched: Searched
    sets: Sequence[tuple[str, int]]
    models: Sequence[Version]


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = _ids_asked(run)
    # What is recorded of this run must not name whom it erases.
    run.arguments.customer = [f"{len(run.arguments.customer)} ids"] if run.arguments.customer else []
    key = needed_key(run.settings)
    if run.arguments.verify:
        _verify(run, key, asked)
        return
    if not is_local(run.warehouse.root):
        raise ConfigurationError(f"erase removes files of a warehouse in a folder; {run.warehouse.root} is none.")
    _refuse_key_inside(run)
    refuse_other_key(run.warehouse, key)
    if run.arguments.dry_run:
        _tell_plan(run, _plan(run, asked))
        return
    pending = unfinished_plan(run.warehouse)
    if pending is not None:
        run.out.print(f"erasure {pending.erasure_id} of {pending.started_at:%Y-%m-%d %H:%M} was cut off; ending it")
        _erase(run, pending, key)
        asked = sorted({*asked} - {*pending.ids})
    if asked:
        _erase(run, _plan(run, asked), key)
    elif pending is None:
        raise ConfigurationError("give --customer ID ... or --file FILE: whom to erase.")


def _ids_asked(run: Run) -> list[str]:
    ids = list(run.arguments.customer)
    if run.arguments.file:
        try:
            ids += Path(run.arguments.file).read_text(encoding="utf-8-sig").splitlines()
        except OSError as problem:
            raise ConfigurationError(f"--file {run.arguments.file} cannot be read: {problem.strerror}.") from None
    return sorted({one.strip() for one in ids} - {""})


def _refuse_key_inside(run: Run) -> None:
    file = run.settings.erasure.key_file
    if file is not None and Path(file).resolve().is_relative_to(Path(run.warehouse.root).resolve()):
        raise ConfigurationError(f"erasure.key_file {file} lies below the warehouse, where whoever reads the list of "
                                 "hashes reads the key, too.\n  Keep it elsewhere.")  # fmt: skip


def _plan(run: Run, asked: Sequence[str]) -> ErasurePlan:
    columns = run.settings.erasure.columns
    tables = local_tables(run.warehouse)
    for name in columns:
        if name not in tables:
            raise ConfigurationError.unknown_name("table", name, known=tables, where="erasure.columns")
    return make_plan(run.warehouse, asked, tables=tables, columns=columns, erasure_id=uuid.uuid4().hex[:12],
                     started_at=run.started_at)  # fmt: skip


def _tell_plan(run: Run, plan: ErasurePlan) -> None:
    run.out.print(f"{plan.asked:,} ids asked for, {len(plan.ids):,} with those of the same persons")
    for table, rows in plan.rows.items():
        run.out.print(f"  {table}: {rows:,} rows")


def _erase(run: Run, plan: ErasurePlan, key: ErasureKey) -> None:
    """All of an erasure, from wherever an earlier try ended."""
    with run.step("erase") as step:
        keep_plan(run.warehouse, plan)
        announce(run.warehouse, plan, key, run_id=run.run_id)
        delete_rows(run.warehouse, plan)
        cleaned = clean_files(run, plan)
        cut, searched = _swept_and_searched(run, plan, cleaned)
        searched.refuse_left(plan)
        sets = mark_training_sets(run.warehouse, _swept(plan, cut), plan.erasure_id)
        models = versions_since(registry_of(run).tracking_uri, plan.first_day) if plan.first_day else []
        done = Erased(cut, cleaned, searched, sets, models)
        receipt = _receipt(run, plan, done)
        file = write_receipt(run.warehouse.root, receipt, key)
        write_erasure(run.warehouse, plan.erasure_id, ids=len(plan.ids), tables=_swept(plan, cut), status=DONE,
                      receipt=receipt_name(plan.erasure_id), started_at=plan.started_at, run_id=run.run_id)  # fmt: skip
        forget_plan(run.warehouse)
        step.results.update(ids=len(plan.ids), rows=sum(plan.rows.values()), files_searched=searched.scan.files,
                            places_left=0, receipt=receipt_name(plan.erasure_id))  # fmt: skip
    _tell(run, plan, done, file)


def _swept(plan: ErasurePlan, cut: Mapping[str, Cut]) -> list[str]:
    return sorted({*plan.rows, *cut})


def _swept_and_searched(run: Run, plan: ErasurePlan, cleaned: Cleaned) -> tuple[dict[str, Cut], Searched]:
    """Former versions go of the tables that lost rows, then of those in whose former versions the search finds ids."""
    cut = sweep(run.warehouse, [*plan.rows, *cleaned.tables])
    searched = search_all(run, plan)
    late = searched.former_versions(swept=cut)
    if late:
        say_swept(run.warehouse, plan, late, run_id=run.run_id)
        cut |= sweep(run.warehouse, late)
        searched = search_all(run, plan)
    return cut, searched


def _receipt(run: Run, plan: ErasurePlan, done: Erased) -> dict[str, object]:
    cut, searched = done.cut, done.searched
    files = searched.by_table()
    tables = [
        {"table": name, "rows_removed": plan.rows.get(name, 0), "version_before": plan.versions.get(name),
         "version_after": run.warehouse.version(name), "files_removed": cut[name].files if name in cut else 0,
         "live_files": len(files[name]), "live_files_sha256": digest(files[name])}
        for name in _swept(plan, cut)
    ]  # fmt: skip
    return {
        "kind": KIND, "format": FORMAT, "erasure_id": plan.erasure_id, "run_id": run.run_id,
        "started_at": plan.started_at.isoformat(), "finished_at": datetime.now(UTC).isoformat(),
        "asked": plan.asked, "customers": hashed_ids(plan.ids), "tables": tables,
        "raw_copies": [{"file": name, "records_removed": gone} for name, gone in done.cleaned.records.items()],
        "documents": [{"file": name, "texts_changed": changed} for name, changed in done.cleaned.documents.items()],
        "search": {"files": searched.scan.files, "bytes": searched.scan.bytes, "text_values": searched.scan.values,
                   "customers_found": 0, "files_sha256": digest(searched.scan.hashes),
                   "same_text_elsewhere": [asdict(one) for one in searched.elsewhere()]},
        "training_sets_that_cannot_be_replayed": [{"name": name, "version": version} for name, version in done.sets],
        "models_that_may_have_learned_from_them": [asdict(one) for one in done.models],
    }  # fmt: skip


def _tell(run: Run, plan: ErasurePlan, done: Erased, file: Path) -> None:
    searched = done.searched
    _tell_plan(run, plan)
    run.out.print(f"{searched.scan.files:,} files ({searched.scan.bytes / 2**20:,.1f} MiB, "
                  f"{searched.scan.values:,} texts of Parquet) searched: none names them")  # fmt: skip
    for one in searched.elsewhere():
        run.out.print(f"  the same text stands elsewhere: {one.path} {one.column} ({max(one.equal, one.words):,}). If "
                      "that names a customer, say so (erasure.columns), or remove the file", markup=False)  # fmt: skip
    if done.sets:
        named = ", ".join(f"{name} version {version}" for name, version in done.sets)
        run.out.print(f"can no longer be replayed: {named}")
    for version in done.models:
        holds = f" ({', '.join(version.aliases)})" if version.aliases else ""
        run.out.print(f"may have learned from them: {version.model} version {version.version}{holds}")
    run.out.print(f"receipt: {file}", markup=False)


def _verify(run: Run, key: ErasureKey, asked: Sequence[str]) -> None:
    receipt = verified(run.arguments.verify, key)
    run.out.print(f"erasure {receipt['erasure_id']} of {receipt['started_at']}: signed as it stands; "
                  f"{len(receipt['customers']):,} ids, {len(receipt['tables'])} tables, "
                  f"{receipt['search']['files']:,} files searched")  # fmt: skip
    for one in asked:
        run.out.print(f"{one}: {'erased' if covers(receipt, one) else 'not among them'}", markup=False)
