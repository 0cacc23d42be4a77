"""Where a database is: a JDBC address that holds neither secrets nor anything that the driver would load or run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from featurestore.errors import ConfigurationError, did_you_mean

SCHEME = "jdbc:"
SHAPE = re.compile(r"jdbc:postgresql://(?P<hosts>[A-Za-z0-9._,:\[\]-]+)/(?P<database>[\w.-]+)(?:\?(?P<options>.*))?")
OPTIONS = frozenset({"sslmode", "sslrootcert", "connectTimeout", "socketTimeout", "targetServerType"})
"""What an address may say beside where: others name classes, files and statements that the driver would act on."""


@dataclass(frozen=True)
class Address:
    """A database: `url` as the driver takes it, `identity` what it is known by, without the options."""

    url: str
    identity: str


def is_address(text: str) -> bool:
    """Whether an input is a database and no path.

    >>> is_address("jdbc:postgresql://localhost/shop"), is_address("s3a://bucket/shop")
    (True, False)
    """
    return text.startswith(SCHEME)


def address(text: str) -> Address:
    """The database that `text` names.

    >>> address("jdbc:postgresql://db.example:5432/shop?sslmode=require").identity
    'jdbc:postgresql://db.example:5432/shop'

    Raises ConfigurationError, without repeating what may be a secret, for anything else.
    """
    found = SHAPE.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            "the address of a database reads jdbc:postgresql://HOST[:PORT]/DATABASE[?option=value&...].\n"
            "  User and password are no part of it: the source's configuration says in which environment variables or "
            "files they are."
        )
    for option in (found["options"] or "").split("&"):
        name = option.partition("=")[0]
        if option and name not in OPTIONS:
            raise ConfigurationError(
                f"the address of a database takes no option '{name}'. {did_you_mean(name, OPTIONS)}\n"
                "  User and password are read from where the source's configuration says, never from an address."
            )
    return Address(text, f"jdbc:postgresql://{found['hosts']}/{found['database']}")
