"""Where do values that do not stand in the file come from, and how do secret ones stay secret?

`${NAME}` and `${NAME:-default}` are replaced from the environment in any text, `$${` is a plain
`${`. At a place that holds a secret the value may also be `file:/path`, read once at load, and the
result is a `Secret`: it can be compared and fingerprinted, but shows itself only through `reveal`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Literal, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from pointsman.app.yamltree import Path, ScalarError

MASK = "***"

SECRET_PLACES: tuple[tuple[str, ...], ...] = (
    ("providers", "*", "api_key"),
    ("providers", "*", "headers", "*"),
    ("keys", "*", "key"),
    ("store", "url"),
    ("alerts", "channels", "*", "url"),
    ("alerts", "channels", "*", "urls", "*"),
    ("alerts", "channels", "*", "signing_keys", "*"),
    ("alerts", "channels", "*", "headers", "*"),
    ("alerts", "channels", "*", "token"),
    ("alerts", "channels", "*", "routing_key"),
    ("alerts", "channels", "*", "password"),
)

MIN_SCRUBBED_CHARS = 8
"""A shorter value is not scrubbed from logs: it would blot out innocent words."""

MAX_FILE_BYTES = 65_536

Origin = Literal["literal", "environment", "file"]

_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)


class Secret:
    """A value that does not show itself in a log, a traceback or a representation.

    `origin` says whether it stood in the configuration itself, in the environment or in a file.
    """

    __slots__ = ("__value", "origin")

    def __init__(self, value: str, origin: Origin = "literal") -> None:
        self.__value = value
        self.origin = origin

    def reveal(self) -> str:
        """The value itself. Every call of this is a place to review."""
        return self.__value

    @property
    def sha256(self) -> str:
        """The SHA-256 of the value in UTF-8, as 64 hexadecimal digits."""
        return hashlib.sha256(self.__value.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled: it would leave this process")

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: type[Any], _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string"}


def is_secret(path: Path) -> bool:
    """Whether the configuration holds a secret at this path."""
    return any(
        len(place) == len(path)
        and all(want in ("*", step) for want, step in zip(place, path, strict=True))
        for place in SECRET_PLACES
    )


@dataclass(slots=True)
class Expansion:
    """Replaces references while a document is read, and remembers the files it read.

    `base` is the folder against which relative `file:` paths are read. Call it with a path and a
    text (see `yamltree.Expand`); it raises `ScalarError` for a reference that leads nowhere.
    """

    environ: Mapping[str, str]
    base: FilePath
    files: list[FilePath] = field(default_factory=list)

    def __call__(self, path: Path, text: str) -> object:
        expanded = _REFERENCE.sub(self._referenced, text)
        if not is_secret(path) or text in ("~", "null"):
            return expanded
        origin: Origin = "environment" if expanded != text else "literal"
        if expanded.startswith("file:"):
            expanded, origin = self._from_file(expanded.removeprefix("file:")), "file"
        return self._secret(expanded.strip(), origin)

    def _referenced(self, match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match["bad"]:
            raise ScalarError(
                "this reference is not closed or has no proper name",
                "write ${NAME} or ${NAME:-default}, and $${ for a plain ${",
            )
        if name is None:
            return "${"
        # As in a shell, `:-` also stands in for a variable that is set but empty.
        value = self.environ.get(name, "") or default
        if value is None and name not in self.environ:
            remedy = f"set it, or write ${{{name}:-default}}"
            raise ScalarError(f"the environment variable {name} is not set", remedy)
        return value or ""

    def _from_file(self, name: str) -> str:
        place = self.base / name
        # Noted before it is read: a file that is still missing is one to wait for.
        self.files.append(place)
        remedy = "give an absolute path to a readable text file that holds nothing but the secret"
        try:
            with place.open("rb") as stream:
                content = stream.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "this is no path"
            raise ScalarError(f"the secret's file cannot be read: {reason}", remedy) from error
        if len(content) > MAX_FILE_BYTES:
            raise ScalarError(f"the secret's file is larger than {MAX_FILE_BYTES} bytes", remedy)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ScalarError("the secret's file is not UTF-8 text", remedy) from error

    @staticmethod
    def _secret(value: str, origin: Origin) -> Secret:
        if not value:
            raise ScalarError("the secret is empty", f"{_REFILL[origin]}, or remove this line")
        if not value.isprintable() or not value.isascii():
            # It is sent in an HTTP header, where a line break would begin another header.
            raise ScalarError(
                "the secret holds a line break or a character that HTTP headers cannot carry",
                f"{_REFILL[origin]} with printable ASCII",
            )
        return Secret(value, origin)


_REFILL: Mapping[Origin, str] = {
    "literal": "fill it in",
    "environment": "set the variable",
    "file": "fill the file",
}
