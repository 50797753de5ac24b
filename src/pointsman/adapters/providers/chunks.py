"""How do an upstream's chunks become pieces of our answer, and when is the answer complete?

What is said goes on at once and in its order. Why a choice ended is held back until the upstream
has proven that it is done with all of them, so a stream that was cut can never look complete. Some
houses name a reason in every chunk, or long before the last: the last one counts. Usage is taken
out and kept for the end.
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from pointsman.adapters.providers.deltas import ABSENT, PLAIN_STOPS, Choice, Chunk, chars_said
from pointsman.adapters.providers.ends import End, index_of, parted, reason_of
from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.failures import ODD, broken, odd, upstream_error, words_of
from pointsman.adapters.providers.pattern import EVENT, EVENT_END, Pattern, pattern_of
from pointsman.adapters.providers.splice import Splicer
from pointsman.adapters.providers.usage import normalised
from pointsman.core.blame import Transport
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.halves import marked, unmarked
from pointsman.engine.ports import Piece

DONE = b"[DONE]"
MOST_PATTERNS = 4
"""A stream whose chunks do not resemble each other by then never will."""
MOST_HELD_BYTES = 4 * 1024 * 1024
MOST_CHOICES = 1024
_NULL = b"null"
_NO_ERROR = frozenset({b"null", b'""', b"{}", b"false"})


class _GroqExtra(msgspec.Struct):
    usage: msgspec.Raw = ABSENT


_CHUNK = msgspec.json.Decoder(Chunk)
_GROQ = msgspec.json.Decoder(_GroqExtra)


class ChunkTranslator:
    """One streamed answer: takes the data of events, gives pieces.

    A failure is kept in `failure` until everything before it was handed out. `complete` says that
    the upstream is done and the last piece was given. `may_be_empty`: the caller named a text to
    stop at, and what stops at once says nothing.
    """

    __slots__ = (
        "_chars",
        "_done_required",
        "_ends",
        "_halves",
        "_held_bytes",
        "_may_be_empty",
        "_out",
        "_pattern",
        "_patterns_left",
        "_seen",
        "_shape",
        "_splicer",
        "_spoke",
        "_usable",
        "_usage",
        "complete",
        "failure",
    )

    def __init__(
        self, splicer: Splicer, *, done_required: bool, may_be_empty: bool = False
    ) -> None:
        self._splicer = splicer
        self._done_required = done_required
        self._may_be_empty = may_be_empty
        self._halves = False
        self._out: list[bytes] = []
        self._seen: set[int] = set()
        self._ends: dict[int, End] = {}
        self._held_bytes = 0
        self._pattern: Pattern | None = None
        self._shape: Pattern | None = None
        self._patterns_left = MOST_PATTERNS
        self._usage: bytes | None = None
        self._spoke = self._usable = False
        self._chars = 0
        self.complete = False
        self.failure: UpstreamError | None = None

    def alike(self, event: bytes) -> Piece | None:
        """The piece that this event makes if it differs from earlier ones in its text alone.

        That is what most reads bring. None when `event` is anything else: `take` is for that.
        """
        if self._shape is None or self._ends:
            return None
        known = self._shape.match(event)
        if known is None:
            return None
        self._spoke = True
        return Piece(known[0], True, None, None, self._splicer.claimed, known[1])

    def take(self, payloads: list[bytes]) -> Piece | None:
        """The piece that these events make, or None when they hold nothing to send on.

        Raises `UpstreamError` when they show a failure and nothing came before it.
        """
        try:
            for payload in payloads:
                if _is_done(payload):
                    return self._end()
                self._add(payload)
        except UpstreamError as failure:
            self.failure = failure
            if not self._out:
                raise
        return self._piece(None) if self._out else None

    def end(self, payloads: list[bytes]) -> Piece:
        """The last piece, once the connection has ended cleanly; `payloads` are what was left over.

        Raises `UpstreamError` when the answer is not complete.
        """
        for payload in payloads:
            if _is_done(payload):
                return self._end()
            try:
                self._add(payload)
            except UpstreamError as failure:
                # Half an event shows a cut, not another dialect; an error is an error.
                if failure.kind is FailureKind.MALFORMED:
                    _cut()
                raise
        if self._done_required:
            _cut()
        return self._end()

    def _end(self) -> Piece:
        if len(self._ends) < max(1, len(self._seen)):
            # Proxies exist that write [DONE] whatever happened behind them.
            _cut()
        reasons = {end.reason for end in self._ends.values()}
        if not (self._spoke or self._may_be_empty) and reasons <= PLAIN_STOPS:
            raise broken(Transport.EMPTY, "the stream was complete and said nothing")
        self.complete = self._usable = True
        self._out += [end.chunk for end in self._ends.values()]
        return self._piece(self._usage)

    def _piece(self, usage_json: bytes | None) -> Piece:
        data = EVENT + (EVENT_END + EVENT).join(self._out) + EVENT_END
        self._out.clear()
        if self._halves:
            data = unmarked(data)
        usage = normalised(usage_json) if usage_json else None
        piece = Piece(data, self._usable, usage, usage_json, self._splicer.claimed, self._chars)
        self._usable = False
        self._chars = 0
        return piece

    def _add(self, payload: bytes) -> None:
        if self._pattern is not None and not self._ends:
            known = self._pattern.match(payload)
            if known is not None:
                ours, chars = known
                self._out.append(ours)
                self._chars += chars
                self._spoke = self._usable = True
                return
        # An event without data, sent to keep the connection alive, says nothing.
        if payload.strip():
            self._read(payload)

    def _read(self, payload: bytes) -> None:
        try:
            self._take_apart(payload)
        except ODD as fault:
            # The chunk is foreign: what it breaks in us is its own fault, and no reason to stop.
            raise odd(fault) from None

    def _take_apart(self, payload: bytes) -> None:
        try:
            chunk = _CHUNK.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            readable = marked(payload)
            if readable is None:
                self._not_a_chunk(payload, fault)
            self._halves = True
            self._take_apart(readable)
            return
        if chunk.error is not ABSENT and bytes(chunk.error) not in _NO_ERROR:
            raise _error(payload)
        if chunk.usage is not ABSENT or chunk.x_groq is not ABSENT:
            self._keep_usage(chunk)
        if not chunk.choices:
            if chunk.object == "error":
                raise _error(payload)
            return
        finishing = self._weigh(chunk.choices)
        if finishing is None:
            return
        ours = self._splicer.spliced(payload, chunk)
        if finishing:
            self._part(ours, chunk.choices)
            return
        self._out.append(ours)
        if self._patterns_left and _is_plain(chunk):
            self._patterns_left -= 1
            self._pattern = pattern_of(payload, ours)
            self._shape = self._pattern and self._pattern.framed()

    def _part(self, ours: bytes, choices: list[Choice]) -> None:
        """Send on what a chunk says, and hold what it ends."""
        if len(choices) == 1 and self._spoke and not _says(choices):
            self._hold(index_of(choices[0]), End(reason_of(choices[0]), ours))
            return
        going_on, ends = parted(ours, choices)
        if not self._spoke or _says(choices) or len(ends) < len(choices):
            self._out.append(going_on)
        for index, end in ends.items():
            self._hold(index, end)

    def _hold(self, index: int, end: End) -> None:
        self._let_go(index)
        self._held_bytes += len(end.chunk)
        if self._held_bytes > MOST_HELD_BYTES:
            raise broken(Transport.MALFORMED, f"ends with more than {MOST_HELD_BYTES} bytes")
        self._ends[index] = end

    def _let_go(self, index: int) -> None:
        """Forget how a choice ended, since it goes on or ends again."""
        end = self._ends.pop(index, None)
        if end is not None:
            self._held_bytes -= len(end.chunk)

    def _not_a_chunk(self, payload: bytes, fault: Exception) -> NoReturn:
        if b'"error"' in payload and words_of(payload).message:
            raise _error(payload)
        raise broken(Transport.MALFORMED, f"not a chunk of a chat completion: {fault}")

    def _keep_usage(self, chunk: Chunk) -> None:
        """The last usage counts: some upstreams repeat the sum so far in every chunk."""
        if chunk.usage is not ABSENT:
            usage_json = bytes(chunk.usage)
            self._usage = self._usage if usage_json == _NULL else usage_json
        elif b'"usage"' in bytes(chunk.x_groq):
            usage = _GROQ.decode(chunk.x_groq).usage
            if usage is not ABSENT:
                self._usage = bytes(usage)

    def _weigh(self, choices: list[Choice]) -> bool | None:
        """Whether the chunk carries a finish reason; None when it is a mere echo of the end."""
        finishing = False
        said = None
        for choice in choices:
            chars = None if choice.delta is None else chars_said(choice.delta)
            if chars is not None:
                said = chars + (said or 0)
            self._see(choice, chars)
            finishing = finishing or bool(choice.finish_reason)
        if said is not None:
            self._spoke = self._usable = True
            self._chars += said
        elif not finishing and self._ends and len(self._ends) == len(self._seen):
            # After the end some houses add an empty choice to the usage.
            return None
        return finishing

    def _see(self, choice: Choice, chars: int | None) -> None:
        """Note that there is such a choice, and that it has not ended if it says more."""
        if choice.finish_reason == "error":
            raise broken(Transport.ERROR_IN_STREAM, "the upstream ended the stream with an error")
        index = index_of(choice)
        self._seen.add(index)
        if len(self._seen) > MOST_CHOICES:
            raise broken(Transport.MALFORMED, f"has more than {MOST_CHOICES} choices")
        if chars and not choice.finish_reason:
            self._let_go(index)


def _says(choices: list[Choice]) -> bool:
    """Whether any of them holds something that a caller wants."""
    return any(each.delta and chars_said(each.delta) is not None for each in choices)


def whole_stream(body: bytes, translator: ChunkTranslator) -> Piece:
    """The one piece that a whole body of events makes. Raises `UpstreamError` when it is bad."""
    decoder = EventDecoder()
    first = translator.take(decoder.feed(body))
    if translator.failure is not None:
        raise translator.failure
    if first is None:
        return translator.end(decoder.finish())
    if translator.complete:
        return first
    last = translator.end(decoder.finish())
    chars = first.completion_chars + last.completion_chars
    return last._replace(data=first.data + last.data, completion_chars=chars)


def _is_done(payload: bytes) -> bool:
    return payload[:6] == DONE and not payload[6:].strip()


def _is_plain(chunk: Chunk) -> bool:
    """True for a chunk that carries one choice, some text for it, and no figures."""
    if chunk.usage is not ABSENT and bytes(chunk.usage) != _NULL:
        return False
    if chunk.x_groq is not ABSENT or chunk.choices is None or len(chunk.choices) != 1:
        return False
    delta = chunk.choices[0].delta
    return delta is not None and isinstance(delta.content, str)


def _cut() -> NoReturn:
    raise broken(Transport.TRUNCATED, "the stream ended before it was complete")


def _error(payload: bytes) -> UpstreamError:
    return upstream_error(words_of(payload), status=200, transport=Transport.ERROR_IN_STREAM)
