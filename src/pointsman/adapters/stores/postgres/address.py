"""Which database is meant by an address, and how is it named without its password?"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

SCHEMES = frozenset({"postgresql", "postgres"})
PORT = 5432

KNOWN_OPTIONS = frozenset(
    {
        "application_name",
        "host",
        "krbsrvname",
        "options",
        "passfile",
        "port",
        "search_path",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslpassword",
        "sslrootcert",
        "target_session_attrs",
        "user",
    }
)
"""A misspelled option would be sent as a setting to the server, which then refuses the session."""
FILES = frozenset({"passfile", "sslcert", "sslcrl", "sslkey", "sslrootcert"})
"""Options that name a file; of one that is not there the driver would only say that much."""


CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
}
"""What else a server would be asked for in vain, again and again, while records wait."""


class Address(NamedTuple):
    """A database of PostgreSQL. `url` holds the password, so it is shown to nobody; `str` is."""

    url: str
    place: str

    def __str__(self) -> str:
        return self.place

    def __repr__(self) -> str:
        return f"Address({self.place!r})"


def address_of(url: str) -> Address:
    """The database that a URL means: `postgresql://user:password@host:port/database?sslmode=…`.

    Raises `ValueError` that says what is wrong with it, and never says the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
    except ValueError:
        raise ValueError(
            "it cannot be read: write postgresql://user:password@host:5432/database, with any of"
            " / @ : ? # in the password as %2F %40 %3A %3F %23"
        ) from None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"it begins with {parts.scheme or 'no scheme'}:, not with postgresql://")
    if parts.fragment:
        raise ValueError("it has a #, which ends a URL: in a password write it as %23")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - KNOWN_OPTIONS)
    if unknown:
        known = ", ".join(sorted(KNOWN_OPTIONS))
        raise ValueError(f"it has the option {unknown[0]}, which is none of {known}")
    for option in FILES & options.keys():
        if not Path(options[option]).is_file():
            raise ValueError(f"its {option} is no file that is there: {options[option]}")
    for option, choices in CHOICES.items():
        if options.get(option, choices[0]) not in choices:
            raise ValueError(f"its {option} is {options[option]}, not one of {', '.join(choices)}")
    name = parts.path.strip("/")
    if not name or "/" in name:
        raise ValueError("it names no database: write one after the host, as in …@host:5432/name")
    host = parts.hostname or options.get("host") or "localhost"
    ports = str(options.get("port", port))
    _check_host(host)
    _check_ports(ports)
    return Address(url, f"postgresql://{host}:{ports}/{name}")


def _check_host(hosts: str) -> None:
    """Several are parted by commas; a path is the folder of a socket."""
    for host in hosts.split(","):
        try:
            host.encode("utf-8" if host.startswith("/") else "idna")
        except UnicodeError:
            raise ValueError(f"its host cannot be one: {host}") from None


def _check_ports(ports: str) -> None:
    for port in ports.split(","):
        if not (port.isdecimal() and 0 < int(port) < 65_536):
            raise ValueError(f"its port is {port}, not a number from 1 to 65535")
