"""How does a log record become one line, without secrets, without waiting, and without lies?

Nothing that a stranger sends may add a line to the log or steer a terminal, no secret may leave,
and a reader who does not read must never hold up a request: records go through a bounded queue to
one thread that writes them, and those that find it full are counted and gone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Literal, TextIO

from pointsman.app.log_lines import ConsoleFormatter, LineFormatter
from pointsman.app.scrubbing import Scrubber

Format = Literal["auto", "console", "json"]

QUEUE_RECORDS = 10_000
STOP_S = 2.0

_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class Logs:
    """The logging of this process, from `configure` to `stop`."""

    def __init__(self, level: str, out: logging.Handler, scrubber: Scrubber) -> None:
        self._handler = _Entrance(Queue(QUEUE_RECORDS), scrubber)
        self._listener = _Listener(self._handler.queue, out)
        self._root = logging.getLogger()
        self._before = (self._root.level, list(self._root.handlers))
        self._root.handlers[:] = [self._handler]
        self.set_level(level)
        _adopt_server_loggers()
        self._listener.start()

    @property
    def dropped(self) -> int:
        """How many records were lost because they came faster than they were read."""
        return self._handler.dropped

    def set_level(self, level: str) -> None:
        """`level` is one of debug, info, warning, error; it holds from now on."""
        self._root.setLevel(level.upper())

    def stop(self) -> None:
        """Write what waits, for at most `STOP_S` seconds, and put the root logger back."""
        level, handlers = self._before
        self._root.handlers[:] = handlers
        self._root.setLevel(level)
        self._listener.stop()


def configure(
    level: str = "info",
    format: Format = "auto",  # noqa: A002 - the name that the configuration has for it
    *,
    secrets: Callable[[], Iterable[str]] = tuple,
    stream: TextIO | None = None,
) -> Logs:
    """Send all logging to `stream` (standard error) from now on.

    `auto` is `console` on a terminal and `json` elsewhere. `secrets` is asked again and again, as
    a reload may bring new ones.
    """
    stream = stream or sys.stderr
    out = _Exit(stream)
    console = format == "console" or (format == "auto" and stream.isatty())
    out.setFormatter(ConsoleFormatter() if console else LineFormatter())
    return Logs(level, out, Scrubber(secrets))


def _adopt_server_loggers() -> None:
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


class _Entrance(QueueHandler):
    """Takes records off the hands of whoever logs: scrubs them and queues them."""

    queue: Queue[logging.LogRecord]

    def __init__(self, queue: Queue[logging.LogRecord], scrubber: Scrubber) -> None:
        super().__init__(queue)
        self._scrubber = scrubber
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return self._scrubber.scrubbed(record)

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except Full:
            self.dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - named by logging
        """Say where a record could not be formatted; the standard one prints its secrets too."""
        place = f"{record.name}:{record.lineno}"
        self.enqueue(
            logging.LogRecord(
                record.name,
                record.levelno,
                record.pathname,
                record.lineno,
                "a log record could not be formatted (%s)",
                (place,),
                None,
            )
        )


class _Exit(logging.StreamHandler[TextIO]):
    """Writes lines; a stream that is gone is nothing that a log line could help."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - named by logging
        pass


class _Listener(QueueListener):
    """Writes what is queued. A reader that is stuck does not keep the process from ending."""

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self.enqueue_sentinel()
        except Full:  # nobody reads: there is nothing to wait for
            return
        thread.join(STOP_S)
