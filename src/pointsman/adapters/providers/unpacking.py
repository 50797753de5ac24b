"""What does a compressed body say, unpacked in bounded steps?

Compression is never asked for; some upstreams and proxies compress all the same.
"""

from __future__ import annotations

import zlib

from pointsman.adapters.providers.breaks import Broken
from pointsman.core.evidence import Transport

_STEP_BYTES = 256 * 1024
_MOST_BYTES = 256 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class Unpacker:
    """Undoes gzip (RFC 1952) or deflate (RFC 1950, and the bare RFC 1951 that some send).

    `feed` takes what came, `more` gives at most 256 KiB at a time and b"" when it needs more input.
    Both raise `Broken`, also once a body unpacks to more than 256 MiB.
    """

    __slots__ = ("_coding", "_packed", "_stream", "_unpacked_bytes")

    def __init__(self, coding: str) -> None:
        self._coding = coding.strip().lower()
        self._stream: zlib._Decompress | None = None
        self._packed = b""
        self._unpacked_bytes = 0

    @property
    def finished(self) -> bool:
        """Whether what came so far is whole."""
        return self._stream is None or self._stream.eof

    def feed(self, data: bytes) -> None:
        if self._coding not in _CODINGS:
            message = f"compressed with {self._coding!r}, although no compression was asked for"
            raise Broken(Transport.MALFORMED, message)
        self._packed += data

    def more(self) -> bytes:
        unpacked = b""
        while self._packed and not unpacked:
            unpacked = self._step()
        self._unpacked_bytes += len(unpacked)
        if self._unpacked_bytes > _MOST_BYTES:
            raise Broken(Transport.MALFORMED, f"unpacks to more than {_MOST_BYTES} bytes")
        return unpacked

    def _step(self) -> bytes:
        stream = self._stream
        if stream is None or stream.eof:
            # A gzip body may have several members, one after the other (RFC 1952, 2.2).
            stream = self._stream = zlib.decompressobj(self._window())
        try:
            unpacked = stream.decompress(self._packed, _STEP_BYTES)
        except zlib.error as fault:
            raise Broken(Transport.MALFORMED, f"not {self._coding}: {fault}") from None
        self._packed = stream.unused_data or stream.unconsumed_tail
        return unpacked

    def _window(self) -> int:
        if self._coding != "deflate":
            return _GZIP
        wrapped = self._packed[0] & 0x0F == zlib.DEFLATED
        return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
