"""Where does it outlive a restart who has signed in?

In a file that only the gateway's own user may read. It holds hashes: neither the cookie nor the key
can be worked out from it.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

FILE_NAME = "sessions.json"
NAME_FILE = "sessions.name"
_NAME = re.compile(r"[0-9a-f]{8}").fullmatch
ONLY_US = 0o600

log = logging.getLogger(__name__)


def new_name() -> str:
    """Eight hexadecimal digits that no other gateway has."""
    return secrets.token_hex(4)


class Session(NamedTuple):
    """Whose key was shown, by its SHA-256, and until when that is good, in seconds since 1970."""

    key_digest: bytes
    ends_at: float


class SessionFile:
    """The sessions of a gateway, by the hashes of their cookies. All methods block."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def read(self) -> dict[bytes, Session]:
        """What was kept; nothing where that cannot be read, since one can sign in again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[bytes, Session])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("who had signed in cannot be read: %s: %s", self._path, error)
            return {}

    def name(self) -> str:
        """What tells this gateway from others on its machine; the same as long as the folder is."""
        path = self._path.with_name(NAME_FILE)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_US)
                with os.fdopen(handle, "w", encoding="ascii") as fresh:
                    fresh.write(new_name())
            found = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("who had signed in will have to again: %s: %s", path, error)
            return new_name()
        return found if _NAME(found) else new_name()

    def write(self, sessions: Mapping[bytes, Session]) -> bool:
        """Keep these and no others, whole or not at all; False, and in the log, where that fails.

        What was kept before is kept on then.
        """
        fresh = self._path.with_name(f"{FILE_NAME}.new")
        try:
            fresh.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_US)
            with os.fdopen(handle, "wb") as stream:
                stream.write(msgspec.json.encode(sessions))
                stream.flush()
                os.fsync(handle)
            fresh.replace(self._path)
        except OSError as error:
            words = "who has signed in cannot be kept over a restart: %s: %s"
            log.warning(words, self._path, error)
            return False
        return True

    def keep_none(self) -> None:
        """Forget all that was kept; where not even that can be done, the log says what follows.

        Room on the disk is not needed for it.
        """
        try:
            self._path.unlink(missing_ok=True)
        except NotADirectoryError:
            return  # and so nothing was ever kept
        except OSError as error:
            words = (
                "who has signed out is taken for signed in again after a restart, for the rest of"
                " the twelve hours: %s can neither be written nor removed (%s): remove it"
            )
            log.error(words, self._path, error)  # noqa: TRY400 - the trace says no more
