"""What does a process do that speaks to HANA for another?

It opens the database whose address it is told first, carries out one call after the other, and ends
when the other does, however that went. Signals that end the other are not for it: what that has
begun to write is written.

    python -m pointsman.adapters.stores.hana.process DESCRIPTOR
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

from pointsman.adapters.stores.hana.address import hana_address
from pointsman.adapters.stores.hana.line import Call, Done, Failed, Part
from pointsman.adapters.stores.hana.store import HanaStore
from pointsman.adapters.stores.incoming import Incoming
from pointsman.core.errors import StoreError

AT_A_TIME = 1_000
"""So many of a long answer are sent at once."""


def serve(line: Connection) -> None:
    """Carry out the calls that come along a line until its other end is closed."""
    try:
        store = HanaStore(hana_address(line.recv()))
    except EOFError:
        return
    try:
        while True:
            _answer(line, store, line.recv())
    except (EOFError, OSError):
        return  # Nobody is there any more who could be told anything.
    finally:
        store.close()
        line.close()


def _answer(line: Connection, store: HanaStore, call: Call) -> None:
    try:
        value = _callable(store, call)(*call.arguments, **call.named)
        if isinstance(value, Iterator):
            while items := list(islice(value, AT_A_TIME)):
                line.send(Part(items))
            value = None
    except (StoreError, ValueError) as error:
        line.send(Failed(error))
        return
    # Here a call ends: what is wrong with it must not end the others, and is for who made it.
    except Exception as error:  # noqa: BLE001 - may be of a kind that cannot be sent
        line.send(Failed(StoreError(f"a call of {call.method} failed: {error!r}")))
        return
    line.send(Done(value))


def _callable(store: HanaStore, call: Call) -> Callable[..., Any]:
    if call.method == "write":
        return partial(_written, store)
    part = getattr(store, call.part) if call.part else store
    found: Callable[..., Any] = getattr(part, call.method)
    return found


def _written(store: HanaStore, rows: Incoming) -> Mapping[str, int]:
    """Write them; how many of each class were refused for what they are."""
    before = dict(store.unstorable)
    store.write(rows)
    return {name: store.unstorable[name] - before[name] for name in before}


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
