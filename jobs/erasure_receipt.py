"""What an erasure leaves to show: a signed document of what went, from where, and what was searched afterwards."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from featurestore.erasure_key import SIGNATURE, ErasureKey, salted_hash
from featurestore.errors import ConfigurationError, DataContractError

FOLDER = "receipts"
FORMAT = 1
KIND = "tessera erasure receipt"


def receipt_name(erasure_id: str) -> str:
    """Where a receipt lies below its warehouse.

    >>> receipt_name("3f9a")
    'receipts/erasure-3f9a.json'
    """
    return f"{FOLDER}/erasure-{erasure_id}.json"


def hashed_ids(ids: Iterable[str]) -> list[dict[str, str]]:
    """Each id under a salt of its own, in no order that tells of it."""
    salts = [(secrets.token_hex(16), one) for one in ids]
    return [{"salt": salt, "sha256": salted_hash(one, salt)} for salt, one in sorted(salts)]


def covers(receipt: Mapping[str, Any], customer: str) -> bool:
    """Whether a customer is among those of a receipt."""
    return any(salted_hash(customer, one["salt"]) == one["sha256"] for one in receipt["customers"])


def digest(hashes: Mapping[str, str]) -> str:
    """One hash of many files: of their names and hashes, in the order of the names."""
    return sha256("".join(f"{name} {hashes[name]}\n" for name in sorted(hashes)).encode()).hexdigest()


def write_receipt(root: str, document: Mapping[str, Any], key: ErasureKey) -> Path:
    """Sign the document and write it below the warehouse, whole or not at all."""
    file = Path(root) / receipt_name(str(document["erasure_id"]))
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.write_text(json.dumps(key.signed(document), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(file)
    return file


def read_receipt(path: str) -> dict[str, Any]:
    """The receipt in a file, its signature not yet checked; ConfigurationError for any other file."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationError(f"--verify {path} cannot be read: {problem.strerror}.") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("kind") != KIND or SIGNATURE not in found:
        raise ConfigurationError(f"--verify {path} is no receipt of an erasure.")
    return found


def verified(path: str, key: ErasureKey) -> dict[str, Any]:
    """The receipt in a file, signed by `key` as it stands; DataContractError where it is not."""
    found = read_receipt(path)
    if found.get("key_id") != key.key_id:
        raise ConfigurationError(
            f"{path} was signed with key {found.get('key_id')}; the key given is {key.key_id}.\n"
            "  Give the key that the erasure was done with."
        )
    if not key.has_signed(found):
        raise DataContractError(f"{path} is not what was signed: the signature does not fit its contents.")
    return found
