"""Where the erasure key is: in the environment, or in a file that the settings name; never in a setting itself."""

from __future__ import annotations

import os
from pathlib import Path

from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError
from featurestore.suppression import HOW_TO_GIVE_A_KEY
from jobs.settings import Settings

VARIABLE = "TESSERA_ERASURE_KEY"


def erasure_key(settings: Settings) -> ErasureKey | None:
    """The key, None where there is none; ConfigurationError for a file that cannot be read, or a key too short."""
    file, secret = settings.erasure.key_file, os.environ.get(VARIABLE, "")
    where = f"the environment variable {VARIABLE}"
    if file is not None:
        where = f"erasure.key_file {file}"
        try:
            secret = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigurationError(f"{where} cannot be read: {problem}.\n  {HOW_TO_GIVE_A_KEY}") from None
    if not secret.strip() and file is None:
        return None
    try:
        return ErasureKey(secret.strip().encode())
    except ValueError as problem:
        raise ConfigurationError(f"{where}: {problem}.\n  {HOW_TO_GIVE_A_KEY}") from None


def needed_key(settings: Settings) -> ErasureKey:
    """The key; ConfigurationError where there is none."""
    key = erasure_key(settings)
    if key is None:
        raise ConfigurationError(f"an erasure needs a key, and there is none.\n  {HOW_TO_GIVE_A_KEY}")
    return key
