"""The key of erasures: what customers who were erased are known by afterwards, and what signs the receipts."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

SHORTEST_KEY = 32
SIGNATURE, KEY_ID = "signature", "key_id"


@dataclass(frozen=True)
class ErasureKey:
    """A secret; its `repr` tells nothing of it.

    >>> key = ErasureKey(b"k" * 32)
    >>> key.hash_of("13085") == key.hash_of("13085"), key.hash_of("13085") == key.hash_of("13086")
    (True, False)
    >>> key
    ErasureKey()
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY:
            raise ValueError(f"the erasure key has {len(self.secret)} characters; at least {SHORTEST_KEY} are needed")

    @property
    def key_id(self) -> str:
        """16 hex digits that tell this key from another, and nothing else."""
        return self._mac("tessera key id", b"")[:16]

    def hash_of(self, customer: str) -> str:
        """64 hex digits: HMAC-SHA256 of a customer's id. Without the key no id can be tried against it."""
        return self._mac("tessera customer", customer.encode())

    def signed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """`document` (plain JSON values) with the id of the key and the signature of all the rest."""
        whole = {**document, KEY_ID: self.key_id}
        return {**whole, SIGNATURE: self._mac("tessera receipt", _canonical(whole))}

    def has_signed(self, document: Mapping[str, Any]) -> bool:
        """Whether `document` is, to the letter, what this key has signed.

        >>> key = ErasureKey(b"k" * 32)
        >>> receipt = key.signed({"ids": 2})
        >>> key.has_signed(receipt), key.has_signed({**receipt, "ids": 3})
        (True, False)
        """
        rest = {name: value for name, value in document.items() if name != SIGNATURE}
        expected = self._mac("tessera receipt", _canonical(rest))
        return hmac.compare_digest(expected, str(document.get(SIGNATURE, "")))

    def _mac(self, purpose: str, message: bytes) -> str:
        # One secret, several uses: the purpose keeps them apart.
        return hmac.digest(self.secret, purpose.encode() + b"\0" + message, sha256).hex()


def salted_hash(customer: str, salt: str) -> str:
    """SHA-256 of a salt (hex) and an id: who knows the id can find it again, nobody else can read it.

    >>> salted_hash("a", "00")[:8]
    '022a6979'
    """
    return sha256(bytes.fromhex(salt) + customer.encode()).hexdigest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
