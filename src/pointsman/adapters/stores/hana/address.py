"""Which HANA database is meant by an address, and how is it named without its password?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = frozenset({"hana", "hana+hdbcli"})

OPTIONS = frozenset(
    {
        "communicationTimeout",
        "connectTimeout",
        "currentSchema",
        "databaseName",
        "encrypt",
        "sslCryptoProvider",
        "sslHostNameInCertificate",
        "sslTrustStore",
        "sslValidateCertificate",
    }
)
"""Of the driver's; a misspelled one would be ignored."""


class HanaAddress(NamedTuple):
    """A database of SAP HANA. `arguments` hold the password, so they are shown to nobody."""

    place: str
    arguments: Mapping[str, str | int]

    def __str__(self) -> str:
        return self.place

    def __repr__(self) -> str:
        return f"HanaAddress({self.place!r})"


def hana_address(url: str) -> HanaAddress:
    """The database that a URL means: `hana://user:password@host:39017/?currentSchema=NAME&…`.

    Raises `ValueError` that says what is wrong with it, and never says the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it cannot be read: write hana://user:password@host:39017/") from None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"it begins with {parts.scheme or 'no scheme'}:, not with hana://")
    if not parts.hostname or port is None:
        raise ValueError("it needs a host and the SQL port of the tenant, as in …@host:39017/")
    if parts.path.strip("/"):
        raise ValueError("a tenant is named by ?databaseName=, a schema by ?currentSchema=")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - OPTIONS)
    if unknown:
        known = ", ".join(sorted(OPTIONS))
        raise ValueError(f"it has the option {unknown[0]}, which is none of {known}")
    named = "".join(
        f"/{options[key]}" for key in ("databaseName", "currentSchema") if key in options
    )
    arguments: dict[str, str | int] = {"address": parts.hostname, "port": port, **options}
    if parts.username:
        arguments |= {"user": unquote(parts.username), "password": unquote(parts.password or "")}
    return HanaAddress(f"hana://{parts.hostname}:{port}{named}", arguments)
