"""What is kept back for the day the disk is full?

To delete takes room too: SQLite first writes down what it is about to change. So a file that holds
nothing takes some of the disk as long as there is plenty. What must be written is written in its
place; whatever can wait waits until it could be set aside again.
"""

from __future__ import annotations

import os
from pathlib import Path

ENDING = "-reserve"
_BLOCK = b"\0" * 65_536


class Reserve:
    """A file of `size` bytes beside the one at `path`. With size 0 there is none, and no need."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path.with_name(path.name + ENDING)
        self._size = size
        self.held = self._is_whole()

    def hold(self) -> bool:
        """Set it aside, if that is not done. False when the disk has too little room for it."""
        if not self.held:
            self.held = self._made()
        return self.held

    def release(self) -> bool:
        """Let its room be used. False when there was nothing to let go of."""
        had = self.held and self._size > 0
        self.held = self._size == 0
        self._path.unlink(missing_ok=True)
        return had

    def _is_whole(self) -> bool:
        try:
            return self._path.stat().st_size == self._size if self._size else True
        except OSError:
            return False

    def _made(self) -> bool:
        if self._is_whole():
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _fill(descriptor, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True


def _fill(descriptor: int, size: int) -> None:
    """Take room for so many bytes; a file with a hole would hold none."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for start in range(0, size, len(_BLOCK)):  # macOS has no such call
        os.write(descriptor, _BLOCK[: size - start])
