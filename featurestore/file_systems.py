"""Files by their URI, read and removed without Spark: on this machine or on an object store."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from pyarrow import fs

ARROW_SCHEMES = {"s3a": "s3", "s3n": "s3"}


def file_system(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system that `uri` (or a plain path) is on, and its path there.

    >>> file_system("file:///a/b%20c")[1]
    '/a/b c'
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return fs.LocalFileSystem(), unquote(parts.path)
    if parts.scheme == "":
        return fs.LocalFileSystem(), uri
    found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(
        uri.replace(parts.scheme, ARROW_SCHEMES.get(parts.scheme, parts.scheme), 1)
    )
    return found


def remove_folder(uri: str) -> None:
    """Remove a folder with all that is in it; nothing where there is none."""
    system, path = file_system(uri)
    if system.get_file_info(path).type == fs.FileType.Directory:
        system.delete_dir(path)
