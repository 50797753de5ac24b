"""What does a compressed body say, unpacked in bounded steps?

Compression is never asked for; some upstreams and proxies compress all the same.
"""

from __future__ import annotations

import zlib

from pointsman.adapters.providers.breaks import Broken
from pointsman.core.evidence import Transport

_STEP_BYTES = 64 * 1024
_INPUT_BYTES = 16 * 1024
_MOST_RATIO = 100
_UNRATED_BYTES = 1024 * 1024
_MOST_EMPTY_MEMBERS = 1000
_MOST_BYTES = 256 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class Unpacker:
    """Undoes gzip (RFC 1952) or deflate (RFC 1950, and the bare RFC 1951 that some send).

    `feed` takes what came, `more` gives at most 64 KiB at a time and b"" when it needs more input.
    Both raise `Broken`, also once a body unpacks to more than 256 MiB or, after the first MiB, to
    more than a hundred times its size.
    """

    __slots__ = (
        "_coding",
        "_empty_members",
        "_full",
        "_packed",
        "_packed_bytes",
        "_place",
        "_stream",
        "_unpacked_bytes",
    )

    def __init__(self, coding: str) -> None:
        self._coding = coding.strip().lower()
        self._stream: zlib._Decompress | None = None
        self._packed = b""
        self._place = 0
        self._full = False
        self._empty_members = 0
        self._packed_bytes = self._unpacked_bytes = 0

    @property
    def finished(self) -> bool:
        """Whether what came so far is whole."""
        return self._stream is None or self._stream.eof

    def feed(self, data: bytes) -> None:
        if self._coding not in _CODINGS:
            message = f"compressed with {self._coding!r}, although no compression was asked for"
            raise Broken(Transport.MALFORMED, message)
        self._packed = self._packed[self._place :] + data
        self._place = 0

    def more(self) -> bytes:
        unpacked = b""
        while not unpacked and (self._full or self._place < len(self._packed)):
            unpacked = self._step()
        self._unpacked_bytes += len(unpacked)
        self._check()
        return unpacked

    def _check(self) -> None:
        if self._unpacked_bytes > _MOST_BYTES:
            raise Broken(Transport.MALFORMED, f"unpacks to more than {_MOST_BYTES} bytes")
        rated = self._unpacked_bytes > _UNRATED_BYTES
        if rated and self._unpacked_bytes > _MOST_RATIO * self._packed_bytes:
            raise Broken(Transport.MALFORMED, f"unpacks to more than {_MOST_RATIO} times its size")

    def _step(self) -> bytes:
        stream = self._stream
        if stream is None or stream.eof:
            # A gzip body may have several members, one after the other (RFC 1952, 2.2).
            stream = self._stream = zlib.decompressobj(self._window())
        # A slice at a time, as what is left over of it comes back as a copy.
        given = self._packed[self._place : self._place + _INPUT_BYTES]
        try:
            unpacked = stream.decompress(given, _STEP_BYTES)
        except zlib.error as fault:
            raise Broken(Transport.MALFORMED, f"not {self._coding}: {fault}") from None
        taken = len(given) - len(stream.unused_data or stream.unconsumed_tail)
        self._place += taken
        self._packed_bytes += taken
        # A full step may have left something inside, even where no input is left.
        self._full = len(unpacked) == _STEP_BYTES and not stream.eof
        self._note_member(empty=stream.eof and not unpacked)
        return unpacked

    def _note_member(self, *, empty: bool) -> None:
        self._empty_members += empty
        if self._empty_members > _MOST_EMPTY_MEMBERS:
            raise Broken(Transport.MALFORMED, f"has more than {_MOST_EMPTY_MEMBERS} empty members")

    def _window(self) -> int:
        if self._coding != "deflate":
            return _GZIP
        wrapped = self._packed[self._place] & 0x0F == zlib.DEFLATED
        return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
