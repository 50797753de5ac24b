"""Does every channel keep the contract with a real receiver: delivered, refused, secret, again?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from notices import STARTED, notice, notification
from pointsman.adapters.notifiers.alertmanager import Alertmanager
from pointsman.adapters.notifiers.long_tail import Apprise
from pointsman.adapters.notifiers.pagerduty import PagerDuty
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.slack import SlackBot, SlackHook
from pointsman.adapters.notifiers.teams import Teams
from pointsman.adapters.notifiers.webhook import Webhook, signing_key
from pointsman.core.errors import NotifyError
from pointsman.core.notification import NoticeState
from pointsman.engine.delivery_ports import Notifier
from receiver import Receiver, receiving

# A module that Apprise imports where there is one.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

RESOLVED = NoticeState.RESOLVED
SECRET = "s3cret-value-of-the-channel"
NEW, OLD = b"n" * 32, b"o" * 32


def now() -> datetime:
    return STARTED


def poster(receiver: Receiver, path: str = "") -> Poster:
    return Poster(f"{receiver.url}{path}", now, allow_private=True, secrets=[SECRET])


MAKERS: dict[str, Callable[[Receiver], Notifier]] = {
    "webhook": lambda r: Webhook(
        poster(r, "/" + SECRET), now, keys=[NEW], headers={"Authorization": SECRET}
    ),
    "slack hook": lambda r: SlackHook(poster(r, "/" + SECRET)),
    "slack bot": lambda r: SlackBot(poster(r), SECRET, "C1"),
    "teams": lambda r: Teams(poster(r, "/" + SECRET)),
    "pagerduty": lambda r: PagerDuty(poster(r), SECRET),
    "alertmanager": lambda r: Alertmanager([poster(r)], now, {"Authorization": SECRET}),
    "apprise": lambda r: Apprise([f"json://127.0.0.1:{r.port}/{SECRET}"]),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


@pytest.fixture(params=MAKERS)
def notifier(request: pytest.FixtureRequest, receiver: Receiver) -> Notifier:
    return MAKERS[request.param](receiver)


async def test_a_notification_is_delivered(notifier: Notifier, receiver: Receiver) -> None:
    receiver.behave(answer='{"ok": true, "channel": "C1", "ts": "1.2"}')
    await notifier.notify(notification())
    (got,) = receiver.taken
    assert "low_success_rate" in got.body or "acme/model-0 succeed" in got.body


@pytest.mark.parametrize("status", [302, 401, 429, 500, 503])
async def test_what_may_pass_is_to_be_tried_again(
    notifier: Notifier, receiver: Receiver, status: int
) -> None:
    receiver.behave(status=status, answer=f"not {SECRET}")
    with pytest.raises(NotifyError) as caught:
        await notifier.notify(notification())
    assert caught.value.retryable
    assert SECRET not in f"{caught.value}{caught.value.__cause__}"


async def test_a_reset_is_to_be_tried_again(notifier: Notifier, receiver: Receiver) -> None:
    receiver.behave(reset=True)
    with pytest.raises(NotifyError) as caught:
        await notifier.notify(notification())
    assert caught.value.retryable


def test_nothing_secret_is_in_a_preview_or_a_representation(notifier: Notifier) -> None:
    shown = (
        notifier.preview(notification()) + repr(notifier) + repr(getattr(notifier, "_poster", 0))
    )
    assert SECRET not in shown
    assert "acme/model-0" in shown


async def test_a_webhook_is_signed_with_all_keys_and_has_the_same_id_when_sent_again(
    receiver: Receiver,
) -> None:
    at = [STARTED]
    hook = Webhook(poster(receiver), lambda: at[0], keys=[NEW, OLD])
    receiver.behave(status=500, times=1)
    with pytest.raises(NotifyError):
        await hook.notify(notification())
    at[0] += timedelta(seconds=9)
    await hook.notify(notification())
    first, again = receiver.received
    assert first.id == again.id == "ntf-0001"
    stamp = again.headers["webhook-timestamp"]
    assert stamp == str(int(at[0].timestamp()))
    content = f"ntf-0001.{stamp}.{again.body}".encode()
    signed = [
        "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        for key in (NEW, OLD)
    ]
    assert again.headers["webhook-signature"].split() == signed


async def test_a_webhook_without_keys_is_not_signed(receiver: Receiver) -> None:
    await Webhook(poster(receiver), now).notify(notification())
    assert "webhook-signature" not in receiver.received[0].headers


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of standardwebhooks.com, as its reference libraries have it in their tests."""
    from pointsman.adapters.notifiers.webhook import signature_headers

    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, STARTED.tzinfo)
    headers = signature_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["whsec_", "whsec_%%%", "c2hvcnQ=", "ümlaut"])
def test_a_key_that_is_none_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="a signing key") as caught:
        signing_key(text)
    assert text not in str(caught.value)


async def test_a_bot_posts_replies_and_changes_the_first_message_when_it_is_over(
    receiver: Receiver,
) -> None:
    bot = SlackBot(poster(receiver), SECRET, "#alerts")
    receiver.behave(answer='{"ok": true, "channel": "C1", "ts": "1.2"}')
    receipt = await bot.notify(notification())
    assert receipt == "C1 1.2"
    later = await bot.notify(notification(id="n2", first=False), receipt)
    over = notification(id="n3", first=False, alerts=(notice(state=RESOLVED),))
    assert await bot.notify(over, later) == receipt
    posted, reply, update = receiver.received
    assert posted.path == reply.path == "/chat.postMessage"
    assert posted.headers["authorization"] == f"Bearer {SECRET}"
    assert posted.document["channel"] == "#alerts"
    assert (reply.document["thread_ts"], reply.document["reply_broadcast"]) == ("1.2", True)
    assert update.path == "/chat.update"
    assert (update.document["channel"], update.document["ts"]) == ("C1", "1.2")
    assert "RESOLVED" in update.document["text"]


async def test_a_bot_posts_anew_when_the_first_message_cannot_be_changed(
    receiver: Receiver,
) -> None:
    bot = SlackBot(poster(receiver), SECRET, "C1")
    receiver.behave(answer='{"ok": false, "error": "message_not_found"}', times=1)
    over = notification(first=False, alerts=(notice(state=RESOLVED),))
    with pytest.raises(NotifyError, match="something else"):
        await bot.notify(over, "C1 1.2")
    assert [each.path for each in receiver.received] == ["/chat.update", "/chat.postMessage"]


@pytest.mark.parametrize(
    ("answer", "retryable", "misconfigured"),
    [
        ('{"ok": false, "error": "invalid_auth"}', True, True),
        ('{"ok": false, "error": "internal_error"}', True, False),
        ('{"ok": false, "error": "invalid_blocks"}', False, False),
        ('{"ok": false}', True, False),
        ("not JSON", True, False),
        ("[]", True, False),
    ],
)
async def test_slack_means_what_it_says_and_not_its_status(
    receiver: Receiver, answer: str, retryable: bool, misconfigured: bool
) -> None:
    receiver.behave(answer=answer)
    with pytest.raises(NotifyError) as caught:
        await SlackBot(poster(receiver), SECRET, "C1").notify(notification())
    assert (caught.value.retryable, caught.value.misconfigured) == (retryable, misconfigured)


async def test_a_bot_without_a_receipt_says_so(receiver: Receiver) -> None:
    receiver.behave(answer='{"ok": true}')
    assert await SlackBot(poster(receiver), SECRET, "C1").notify(notification()) == ""


async def test_one_alertmanager_of_a_cluster_is_enough(receiver: Receiver) -> None:
    gone = Poster("http://127.0.0.1:9/", now, allow_private=True)
    await Alertmanager([gone, poster(receiver)], now).notify(notification(3))
    (got,) = receiver.received
    assert got.path == "/api/v2/alerts"
    assert len(got.document) == 3
    with pytest.raises(NotifyError, match="no connection"):
        await Alertmanager([gone, gone], now).notify(notification())


async def test_alerts_that_fire_are_said_again(receiver: Receiver) -> None:
    manager = Alertmanager([poster(receiver)], now)
    await manager.refresh([notice(1), notice(2)])
    await manager.refresh([])
    assert [json.loads(each.body)[0]["labels"]["model"] for each in receiver.received] == [
        "acme/model-1"
    ]


def test_an_address_that_apprise_does_not_know_is_not_shown() -> None:
    with pytest.raises(ValueError, match="address number 2") as caught:
        Apprise(["json://127.0.0.1/", f"nonsense://{SECRET}"])
    assert SECRET not in str(caught.value)
