"""How many tasks, threads and objects has a gateway, as only its own process can tell?

`python -m bench.soak.observed serve …` is `pointsman serve …` with one more thread, which answers
whoever connects to the socket that `SOCKET_VARIABLE` names with one JSON document. With the word
`types` it also counts what the garbage collector tracks, by type, which stops everything meanwhile.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import socket
import sys
import threading
from collections import Counter
from contextlib import closing
from typing import Any

import uvloop

from pointsman.app import cli

SOCKET_VARIABLE = "POINTSMAN_SOAK_SOCKET"
TYPES = b"types"
MOST_TYPES = 400
RETRIES = 100


class Observer:
    """Knows the event loops that were made, and tells of them."""

    def __init__(self) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._make = uvloop.new_event_loop

    def new_event_loop(self) -> Any:
        loop = self._make()
        self._loops.append(loop)
        return loop

    def serve(self, path: str) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        threading.Thread(target=self._answer_all, args=(listener,), daemon=True).start()

    def _answer_all(self, listener: socket.socket) -> None:
        while True:
            asker, _ = listener.accept()
            with closing(asker):
                document = self._document(asker.recv(16) == TYPES)
                asker.sendall(json.dumps(document).encode())

    def _document(self, with_types: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            "tasks": sum(map(_tasks_of, self._loops)),
            "threads": threading.active_count(),
            "blocks": sys.getallocatedblocks(),
            **_heap(),
        }
        if with_types:
            found["types"] = _types()
        return found


def _tasks_of(loop: asyncio.AbstractEventLoop) -> int:
    """Tasks that are not done. The set changes while another thread copies it, so try again."""
    for _ in range(RETRIES):
        try:
            return len(asyncio.all_tasks(loop))
        except RuntimeError:
            continue
    return 0


class _Heap(ctypes.Structure):
    """`struct mallinfo2` of glibc, in bytes (mallinfo(3))."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def _heap() -> dict[str, float]:
    """What C's allocator has given out, and what it keeps free, in MB; 0 where it does not say."""
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return {"heap_mb": 0.0, "heap_free_mb": 0.0}
    ask.restype = _Heap
    found = ask()
    return {
        "heap_mb": (found.uordblks + found.hblkhd) / 2**20,
        "heap_free_mb": found.fordblks / 2**20,
    }


def _types() -> dict[str, int]:
    # What was there at the start is frozen, and nothing else is in no generation.
    gc.collect()
    counted = Counter(
        f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects()
    )
    return dict(counted.most_common(MOST_TYPES))


def main() -> int:
    observer = Observer()
    uvloop.new_event_loop = observer.new_event_loop
    observer.serve(os.environ[SOCKET_VARIABLE])
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
