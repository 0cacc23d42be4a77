"""What the files of a model were when it was registered: one hash, kept with the version and not beside the files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from models.errors import BrokenModel


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files of a folder."""
    whole = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        whole.update(f"{file.relative_to(folder).as_posix()}\n{len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def refuse_changed(folder: Path, *, registered: str | None, what: str) -> None:
    """BrokenModel where a folder's files are not those whose hash was `registered`; None is of before there were any.

    A folder that is not there is its reader's to tell of.
    """
    if registered is not None and folder.is_dir() and digest_of(folder) != registered:
        raise BrokenModel.files(what, where=str(folder), reason="they are not the files that were registered")
