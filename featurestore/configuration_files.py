"""Files of configuration as text: those that the package ships, and those that somebody names."""

from __future__ import annotations

import errno
from importlib.resources.abc import Traversable

from featurestore.errors import ConfigurationError


def text_of(file: Traversable, *, where: str) -> str | None:
    """The text of a file, None where there is none; ConfigurationError, naming `where`, if it cannot be read.

    >>> from pathlib import Path
    >>> text_of(Path("no such file"), where="example.yml")
    """
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{where} is no text in UTF-8: byte {error.start + 1:,} cannot be read.\n  Save it as UTF-8."
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # no file can be called so
            return None
        raise ConfigurationError(f"{where} cannot be read: {error.strerror}.") from None
