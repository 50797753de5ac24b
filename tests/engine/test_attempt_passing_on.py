"""Does what goes on at once count as what is read, and keep its place?"""

from __future__ import annotations

from scripted import USAGE, After, Script, text, with_usage
from trying import Try


async def test_what_goes_on_at_once_counts_as_what_is_read() -> None:
    reads = (text("a"), After(2.0, text("bb")), After(3.0, text("ccc")), with_usage())
    trial = Try(Script(reads=reads))
    begun = await trial.attempt.begin()
    sent = [await begun.read()]

    def sink(data: bytes) -> bool:
        sent.append(data)
        return True

    assert await begun.read(sink) is None
    assert b"".join(data for data in sent if data) == b"abbccc"
    (ending,) = trial.endings
    assert ending.error is None
    assert (ending.completion_chars, ending.usage, ending.total_s) == (6, USAGE, 5.0)


async def test_what_cannot_go_on_at_once_is_read_in_its_order() -> None:
    trial = Try(Script(reads=(text("a"), text("b"), text("c"))))
    begun = await trial.attempt.begin()
    sent = [await begun.read()]
    takes = [False, True]

    def sink(data: bytes) -> bool:
        if takes.pop(0):
            sent.append(data)
            return True
        return False

    sent.append(await begun.read(sink))
    assert await begun.read(sink) is None
    assert sent == [b"a", b"b", b"c"]
