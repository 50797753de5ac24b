"""How are people told of alerts by e-mail?

By SMTP, in a thread, because the standard library's client waits for its server. What follows on a
group answers the first message on it, so that mail programs show it as one conversation.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from pointsman.adapters.notifiers.wording import text_within, title
from pointsman.core.errors import NotifyError
from pointsman.core.notification import Notification

MOST_ALERTS = 100
MOST_CHARS = 100_000
"""At twelve bytes each, the most that a mail makes of a character, still far below what any server
takes."""

# 5xx that say something about an address or a login, not about this message.
_FOR_THE_OPERATOR = frozenset({521, 523, 525, 530, 532, 534, 535, 538, 550, 551, 553, 556})


class Server(NamedTuple):
    """An SMTP server. `security` is `starttls`, `tls` (from the first byte) or `none`."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = ""
    timeout_s: float = 10.0
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


class Mail:
    """People with an e-mail address. A receipt is the Message-ID of the first on a group."""

    one_by_one = False

    def __init__(
        self, server: Server, sender: str, to: Sequence[str], now: Callable[[], datetime]
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = tuple(to)
        self._now = now

    def preview(self, notification: Notification) -> str:
        return self._message(notification, "").as_string()

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        root = "" if notification.first else earlier
        told = self._message(notification, root)
        sending = _Sending(self._server, self._password_free)
        try:
            await asyncio.to_thread(sending.send, told)
        except asyncio.CancelledError:
            sending.abort()
            raise
        return root or str(told["Message-ID"])

    def _message(self, notification: Notification, root: str) -> EmailMessage:
        return message(notification, self._sender, self._to, self._now(), root=root)

    def _password_free(self, text: str) -> str:
        password = self._server.password
        return text.replace(password, "***") if password else text


def message(
    notification: Notification, sender: str, to: Sequence[str], at: datetime, *, root: str = ""
) -> EmailMessage:
    """The mail; its id follows from the notification's, so a server may drop a second one."""
    mail = EmailMessage()
    mail["Subject"] = title(notification)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(at)
    domain = sender.rpartition("@")[2].rstrip(">")
    mail["Message-ID"] = f"<{notification.id}@{domain}>"
    if root:
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Pointsman-Notification"] = notification.id
    mail.set_content(text_within(notification, most=MOST_ALERTS, max_chars=MOST_CHARS))
    return mail


class _Sending:
    """One mail on its way, in a thread; `abort` may be called from another."""

    def __init__(self, server: Server, shown: Callable[[str], str]) -> None:
        self._server = server
        self._shown = shown
        self._client: smtplib.SMTP | None = None

    def send(self, told: EmailMessage) -> None:
        """Send it. Raises `NotifyError` unless somebody will get it."""
        server = self._server
        try:
            with self._connected() as client:
                if server.security == "starttls":
                    client.starttls(context=_trusting(server.ca_file))
                if server.user:
                    client.login(server.user, server.password)
                client.send_message(told)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
            words = f"{server.host}:{server.port}: {self._shown(str(error))}"
            raise NotifyError(words, misconfigured=True) from None
        except (smtplib.SMTPException, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            words = f"no mail through {server.host}:{server.port}: {self._shown(reason)}"
            raise NotifyError(words) from None

    def abort(self) -> None:
        """Nobody waits for this any more; whatever it waits for fails."""
        sock = getattr(self._client, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> smtplib.SMTP:
        host, port, timeout_s = self._server.host, self._server.port, self._server.timeout_s
        if self._server.security == "tls":
            context = _trusting(self._server.ca_file)
            self._client = smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=context)
        else:
            self._client = smtplib.SMTP(host, port, timeout=timeout_s)
        return self._client

    def _refused(self, code: int, said: bytes | str) -> NotifyError:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        words = f"the mail server answered {code}: {self._shown(' '.join(text.split()))[:200]}"
        operator = code in _FOR_THE_OPERATOR
        return NotifyError(words, retryable=operator or code < 500, misconfigured=operator)


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
