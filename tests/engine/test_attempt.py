"""Does one try on one model end exactly once, in time, and with the right ending?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from fakes import read_all
from scripted import (
    USAGE,
    After,
    FakeClock,
    Hold,
    RealClock,
    Script,
    ScriptedProvider,
    good,
    preamble,
    refused,
    text,
    with_usage,
)
from trying import AMPLE, BROKEN, Try

from pointsman.core.decision import Outcome
from pointsman.core.errors import Blame, FailureKind, UpstreamError
from pointsman.engine.attempt import MOST_HELD_BYTES, Ending
from pointsman.engine.policy import Timeouts
from pointsman.engine.ports import Answer, Call, Piece


async def test_pieces_reach_the_reader_in_order_and_then_the_end() -> None:
    one = Try(good("Hel", "lo"))
    begun = await one.attempt.begin()
    assert one.endings == []
    assert [await begun.read() for _ in range(4)] == [b"Hel", b"lo", b"", None]
    assert one.failure is None
    assert begun.outcome is not None
    assert begun.usage_json == b'{"usage":1}'
    assert begun.upstream_model == "upstream-1"


async def test_what_comes_before_the_first_usable_piece_is_put_in_front_of_it() -> None:
    one = Try(Script(reads=(preamble("<"), preamble("="), text("!"))))
    begun = await one.attempt.begin()
    assert await begun.read() == b"<=!"
    await begun.close()


async def test_an_answer_that_never_comes_to_the_point_is_given_up() -> None:
    half = preamble("." * (MOST_HELD_BYTES // 2))
    one = Try(Script(reads=(half, half, text("!"))))
    begun = await one.attempt.begin()
    assert await begun.read() == half.data * 2 + b"!"
    await begun.close()
    one = Try(Script(reads=(half, half, preamble("."), text("!"))))
    with pytest.raises(UpstreamError, match="nothing usable in the first 1 MiB"):
        await one.attempt.begin()
    assert one.failure is FailureKind.MALFORMED


async def test_the_ending_holds_times_usage_and_size() -> None:
    reads = (After(0.2, preamble()), After(0.3, text("abc")), After(2.0, with_usage()))
    one = Try(Script(opens=After(0.5, None), reads=reads))
    begun = await one.attempt.begin()
    one.clock.t += 100.0
    await read_all(begun)
    (ending,) = one.endings
    assert ending.first_token_s == pytest.approx(1.0)
    assert ending.total_s == pytest.approx(3.0), "time that the caller takes does not count"
    assert (ending.usage, ending.upstream_model, ending.completion_chars) == (
        USAGE,
        "upstream-1",
        3,
    )


async def test_a_plain_answer_is_one_piece() -> None:
    one = Try(Script(reads=(with_usage(),)), stream=False)
    begun = await one.attempt.begin()
    assert await read_all(begun) == b""
    assert one.failure is None


async def test_the_usage_of_a_piece_that_nobody_read_is_known() -> None:
    one = Try(Script(reads=(with_usage(),)), stream=False)
    await (await one.attempt.begin()).close()
    assert one.endings[0].usage == USAGE


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (refused(UpstreamError(FailureKind.RATE_LIMITED)), FailureKind.RATE_LIMITED),
        (Script(reads=(BROKEN,)), FailureKind.RESET),
        (Script(reads=(preamble(), BROKEN)), FailureKind.RESET),
        (Script(), FailureKind.EMPTY),
        (Script(reads=(preamble(), None)), FailureKind.EMPTY),
    ],
    ids=["refused", "broken at once", "broken after a preamble", "empty", "only a preamble"],
)
async def test_a_failure_before_the_first_usable_piece_is_raised_by_begin(
    script: Script, kind: FailureKind
) -> None:
    one = Try(script)
    with pytest.raises(UpstreamError) as caught:
        await one.attempt.begin()
    assert caught.value.kind is kind is one.failure
    assert one.endings[0].first_token_s is None


async def test_a_failure_after_it_is_raised_by_read_and_nothing_follows() -> None:
    one = Try(Script(reads=(text("half"), BROKEN)))
    begun = await one.attempt.begin()
    assert await begun.read() == b"half"
    with pytest.raises(UpstreamError):
        await begun.read()
    await begun.close()
    assert one.failure is FailureKind.RESET


async def test_reading_on_after_the_end_reports_no_second_ending() -> None:
    one = Try(good())
    begun = await one.attempt.begin()
    await read_all(begun)
    assert await begun.read() is None
    await begun.close()
    assert one.failure is None


@pytest.mark.parametrize(
    "script", [good(), Script(reads=(text(), BROKEN)), Script(reads=(BROKEN,)), Script()]
)
async def test_an_ending_whose_report_fails_is_not_reported_again(script: Script) -> None:
    one = Try(script)
    report = one.attempt._ended

    def fails_after(ending: Ending) -> Outcome:
        report(ending)
        raise LookupError("a defect in the report")

    one.attempt._ended = fails_after
    with pytest.raises(LookupError):
        await read_all(await one.attempt.begin())
    assert one.failure is not FailureKind.CANCELLED


@pytest.mark.parametrize("before", [(), (text(),)], ids=["first piece", "later piece"])
async def test_a_defect_of_ours_is_recorded_as_ours_and_logged_with_its_place(
    before: tuple[Piece, ...], caplog: pytest.LogCaptureFixture
) -> None:
    one = Try(Script(reads=(*before, ValueError("a defect"))))
    with pytest.raises(ValueError, match="a defect"):
        await read_all(await one.attempt.begin())
    assert one.failure is FailureKind.INTERNAL
    assert one.failure.blames is Blame.GATEWAY
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


async def test_closing_in_the_middle_counts_as_cancelled_once() -> None:
    one = Try(good("a", "b", "c"))
    begun = await one.attempt.begin()
    await begun.read()
    await begun.close()
    await begun.close()
    assert one.failure is FailureKind.CANCELLED


@pytest.mark.parametrize("where", ["open", "first piece", "later piece"])
async def test_a_caller_who_leaves_cancels_it_wherever_it_waits(where: str) -> None:
    hold = Hold()
    one = Try(
        {
            "open": Script(opens=hold),
            "first piece": Script(reads=(preamble(), hold)),
            "later piece": Script(reads=(text(), hold)),
        }[where]
    )

    async def everything() -> None:
        await read_all(await one.attempt.begin())

    task = asyncio.create_task(everything())
    await hold.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one.failure is FailureKind.CANCELLED


QUICK = Timeouts(first_token_s=0.02)


@pytest.mark.parametrize(
    "script",
    [Script(opens=Hold()), Script(reads=(Hold(),)), Script(reads=(preamble(), Hold()))],
    ids=["never accepted", "silent", "only a preamble"],
)
async def test_what_does_not_begin_in_time_has_failed(script: Script) -> None:
    one = Try(script, QUICK, RealClock())
    with pytest.raises(UpstreamError, match="nothing usable came in"):
        await one.attempt.begin()
    assert one.failure is FailureKind.FIRST_TOKEN_TIMEOUT


@pytest.mark.parametrize("script", [Script(opens=Hold()), Script(reads=(Hold(),))])
async def test_a_plain_answer_that_is_not_whole_in_time_has_failed(script: Script) -> None:
    one = Try(script, Timeouts(total_s=0.02), RealClock(), stream=False)
    with pytest.raises(UpstreamError, match="took longer than"):
        await one.attempt.begin()
    assert one.failure is FailureKind.TOTAL_TIMEOUT


async def test_a_plain_answer_has_the_time_of_a_whole_answer() -> None:
    script = Script(opens=After(0.05, None), reads=(with_usage(),))
    one = Try(script, Timeouts(first_token_s=0.01, total_s=5.0), RealClock(), stream=False)
    await read_all(await one.attempt.begin())
    assert one.failure is None


class Interrupted(ScriptedProvider):
    """Never accepts a call, and does something when it is told to stop."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__(FakeClock())
        self._then = then

    async def open(self, call: Call) -> Answer:
        self.calls.append(call)
        try:
            await Hold().go.wait()
        finally:
            self._then()
        raise AssertionError("nobody lets it go")


def fails() -> None:
    raise ValueError("a defect in tidying up")


async def test_a_defect_while_time_runs_out_is_not_taken_for_slowness() -> None:
    one = Try(Script(), QUICK)
    one.attempt._provider = Interrupted(fails)
    with pytest.raises(ValueError, match="tidying up"):
        await one.attempt.begin()
    assert one.failure is FailureKind.INTERNAL
    await asyncio.sleep(0)


async def test_a_caller_who_leaves_while_time_runs_out_has_left() -> None:
    one = Try(Script(), QUICK)
    task = asyncio.create_task(one.attempt.begin())
    one.attempt._provider = Interrupted(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert one.failure is FailureKind.CANCELLED


async def test_after_a_time_out_the_task_can_wait_again() -> None:
    one = Try(Script(opens=Hold()), QUICK)
    with pytest.raises(UpstreamError):
        await one.attempt.begin()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_deadline_that_is_shorter_than_our_patience_blames_the_caller() -> None:
    one = Try(Script(reads=(Hold(),)), AMPLE, RealClock())
    with pytest.raises(UpstreamError, match="deadline"):
        await one.attempt.begin(0.02)
    assert one.failure is FailureKind.DEADLINE


async def test_a_deadline_that_runs_out_in_mid_stream_blames_the_caller_too() -> None:
    one = Try(Script(reads=(text(), Hold())), AMPLE, RealClock())
    begun = await one.attempt.begin(0.03)
    with pytest.raises(UpstreamError):
        await read_all(begun)
    assert one.failure is FailureKind.DEADLINE


@pytest.mark.parametrize(
    ("timeouts", "kind"),
    [
        (Timeouts(between_tokens_s=0.02), FailureKind.STALLED),
        (Timeouts(total_s=0.02), FailureKind.TOTAL_TIMEOUT),
        (Timeouts(between_tokens_s=0.02, total_s=0.01), FailureKind.TOTAL_TIMEOUT),
    ],
    ids=["between pieces", "in all", "whichever is first"],
)
async def test_a_stream_that_falls_silent_is_given_up(
    timeouts: Timeouts, kind: FailureKind
) -> None:
    one = Try(Script(reads=(text(), Hold())), timeouts, RealClock())
    begun = await one.attempt.begin()
    with pytest.raises(UpstreamError):
        await read_all(begun)
    assert one.failure is kind


async def test_patience_is_neither_lost_early_nor_late() -> None:
    """Silence is timed from the moment we wait, whenever that is between two looks of the timer."""
    clock = RealClock()
    one = Try(Script(reads=(text(), text(), Hold())), Timeouts(between_tokens_s=0.03), clock)
    begun = await one.attempt.begin()
    await begun.read()
    await asyncio.sleep(0.02)
    await begun.read()
    began = clock.monotonic()
    with pytest.raises(UpstreamError):
        await begun.read()
    assert clock.monotonic() - began >= 0.028
    assert one.failure is FailureKind.STALLED


async def test_a_caller_who_reads_slowly_is_no_stall() -> None:
    one = Try(good("a", "b", "c"), Timeouts(between_tokens_s=0.1, total_s=0.2), RealClock())
    begun = await one.attempt.begin()
    assert [await begun.read(), await begun.read()] == [b"a", b"b"]
    await asyncio.sleep(0.25)
    assert await read_all(begun) == b"c"
    assert one.failure is None


async def test_many_quick_pieces_still_end_at_the_total() -> None:
    chatter = [After(0.002, text())] * 1000
    timeouts = Timeouts(between_tokens_s=2.0, total_s=0.03)
    one = Try(Script(reads=chatter), timeouts, RealClock())
    begun = await one.attempt.begin()
    with pytest.raises(UpstreamError):
        await read_all(begun)
    assert one.failure is FailureKind.TOTAL_TIMEOUT
    assert one.endings[0].total_s >= 0.028


async def test_a_reported_cost_survives() -> None:
    usage = USAGE._replace(reported_cost_usd=Decimal("0.5"))
    one = Try(Script(reads=(text(), with_usage(usage))))
    await read_all(await one.attempt.begin())
    assert one.endings[0].usage == usage
