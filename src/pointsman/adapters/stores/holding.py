"""Which process may write to a folder, when several would?"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from weakref import finalize

from pointsman.core.errors import StoreError

NAME = "pointsman.lock"
LONGEST = 200
"""So much is read of who holds a folder."""

log = logging.getLogger(__name__)


class Held:
    """A folder that this process alone writes to, until it lets go of it or ends, however it ends.

    The folder is made if there is none. Raises `StoreError` that names the holder when another
    process has it, and when the folder cannot be used. What is only read needs no holding.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be opened: {error.strerror}") from error
        self._let_go = finalize(self, os.close, descriptor)
        try:
            self._take(descriptor)
        except BaseException:
            self._let_go()
            raise

    def close(self) -> None:
        self._let_go()

    def _take(self, descriptor: int) -> None:
        folder = self._path.parent
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder} is in use by {_holder(descriptor)}, which alone may write to it:"
                " stop that one first, or take another folder (server.data_dir, --data-dir)"
            ) from None
        except OSError as error:
            if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP}:
                raise StoreError(f"{self._path} cannot be locked: {error.strerror}") from error
            log.warning("%s cannot be locked: see to it that nobody else uses it", folder)
        with suppress(OSError):  # on a full disk the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())


def _holder(descriptor: int) -> str:
    process, _, machine = os.read(descriptor, LONGEST).decode("utf-8", "replace").partition(" ")
    return f"process {process} on {machine.strip()}" if machine else "another process"
