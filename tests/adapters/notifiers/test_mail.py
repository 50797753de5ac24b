"""Do mails get through a real SMTP server, over TLS, as one conversation?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from certificates import certificate_for_localhost

from notices import STARTED, notification
from pointsman.adapters.notifiers.mail import Mail, Server
from pointsman.core.errors import NotifyError

PASSWORD = "pa55word-of-the-relay"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for_localhost(tmp_path_factory.mktemp("certificate"))


class Mailbox:
    """What came, and what the server says to it."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.encrypted: list[bool] = []
        self.answer = "250 OK"
        self.to_recipient = "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.mails.append(message_from_bytes(envelope.original_content or b""))
        return self.answer


@asynccontextmanager
async def serving(
    box: Mailbox, secure: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    """A mail server in this loop; the client is in a thread."""
    loop = asyncio.get_running_loop()

    def made() -> SMTP:
        return SMTP(box, hostname="localhost", loop=loop, **options)

    server = await loop.create_server(made, "localhost", 0, ssl=secure)
    async with server:
        yield server.sockets[0].getsockname()[1]


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def mail(server: Server) -> Mail:
    return Mail(server, "router@example.org", ["a@example.org", "b@example.org"], lambda: STARTED)


async def refusal(server: Server) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        await mail(server).notify(notification())
    return caught.value


def knows(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


async def test_a_mail_is_sent_over_starttls_with_a_login(certificate: Path) -> None:
    box = Mailbox()
    options: dict[str, Any] = {
        "tls_context": tls(certificate),
        "authenticator": knows,
        "auth_required": True,
    }
    async with serving(box, **options) as port:
        server = Server(
            "localhost", port, user="router", password=PASSWORD, ca_file=str(certificate)
        )
        receipt = await mail(server).notify(notification())
        again = await mail(server).notify(notification(id="n2", first=False), receipt)
        with pytest.raises(NotifyError) as caught:
            await mail(server._replace(password="wrong-password")).notify(notification())
    assert caught.value.misconfigured
    assert box.encrypted == [True, True]
    first, later = box.mails
    assert again == receipt == first["Message-ID"]
    assert later["In-Reply-To"] == receipt
    assert first["To"] == "a@example.org, b@example.org"


async def test_a_mail_is_sent_over_tls_from_the_first_byte(certificate: Path) -> None:
    box = Mailbox()
    async with serving(box, secure=tls(certificate)) as port:
        server = Server("localhost", port, security="tls", ca_file=str(certificate))
        await mail(server).notify(notification())
    assert len(box.mails) == 1


async def test_a_server_that_offers_no_encryption_gets_no_mail_unless_that_is_meant() -> None:
    box = Mailbox()
    async with serving(box) as port:
        server = Server("localhost", port)
        with pytest.raises(NotifyError, match="STARTTLS") as caught:
            await mail(server).notify(notification())
        await mail(server._replace(security="none")).notify(notification())
    assert caught.value.misconfigured
    assert box.encrypted == [False]


async def test_a_server_with_a_strange_certificate_gets_no_mail(certificate: Path) -> None:
    box = Mailbox()
    async with serving(box, tls_context=tls(certificate)) as port:
        told = mail(Server("localhost", port)).notify(notification())
        with pytest.raises(NotifyError, match="certificate"):
            await told
    assert not box.mails


@pytest.mark.parametrize(
    ("answer", "retryable", "misconfigured"),
    [
        ("451 try later", True, False),
        ("552 too big", False, False),
        ("554 no", False, False),
        ("530 log in first", True, True),
    ],
)
async def test_what_the_server_says_decides(
    answer: str, retryable: bool, misconfigured: bool
) -> None:
    box = Mailbox()
    box.answer = answer
    async with serving(box) as port:
        caught = await refusal(Server("localhost", port, security="none"))
    assert answer[:3] in str(caught)
    assert (caught.retryable, caught.misconfigured) == (retryable, misconfigured)


async def test_recipients_that_nobody_knows_are_for_the_operator() -> None:
    box = Mailbox()
    box.to_recipient = "550 no such user"
    async with serving(box) as port:
        caught = await refusal(Server("localhost", port, security="none"))
    assert "550" in str(caught)
    assert caught.misconfigured


async def test_nobody_there_may_pass() -> None:
    async with serving(Mailbox()) as unused:
        pass
    with pytest.raises(NotifyError, match="Connection refused") as caught:
        await mail(Server("localhost", unused, security="none")).notify(notification())
    assert caught.value.retryable


async def test_a_server_that_hangs_is_left_when_nobody_waits_any_more() -> None:
    left = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await mail(Server("127.0.0.1", port, security="none")).notify(notification())
        await left.wait()


def test_a_password_is_not_shown() -> None:
    server = Server("localhost", 25, user="router", password=PASSWORD)
    assert PASSWORD not in repr(server)
    assert PASSWORD not in mail(server).preview(notification())
