"""How is a calibration run through a gateway that runs already?

Over its own HTTP API: questions are chat requests like any other, judgements are feedback. So it
learns at once, and keeps to the limits that hold for everybody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from pointsman.app.calibration.desk import (
    CONTROL,
    Answered,
    CannotCalibrate,
    Mark,
    NotAnswered,
    text_of,
)
from pointsman.core.fleet import Limits, Model, Price, PriceState, Rate

LONGEST_ANSWER_S = 900.0
"""Longer than a gateway waits for an answer itself."""

UNFIT = frozenset({400, 404, 422})
"""Statuses that say that this model cannot answer such a question."""

NO_KEY = frozenset({401, 403})


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def words(self) -> str:
        """What an error says of itself."""
        error = self.document.get("error") if isinstance(self.document, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        return str(message or f"status {self.status}")


class RemoteDesk:
    """The gateway at `url`; `key` is an administrator's, None where it asks for none."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CannotCalibrate(f"{url!r} is no address of a gateway: http://127.0.0.1:8080 is")
        self._url = url
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"

    async def models(self) -> Sequence[Model]:
        reply = await self._control("GET", "/models")
        return tuple(map(_model, reply["models"]))

    async def ask(self, request_id: str, body: Mapping[str, Any]) -> Answered:
        reply = await self._call("POST", "/v1/chat/completions", body, request_id)
        if reply.status == 200:
            cost = reply.headers.get("x-pointsman-cost", "")
            return Answered(
                reply.headers.get("x-pointsman-decision", ""), text_of(reply.document), _usd(cost)
            )
        if reply.status in NO_KEY and "x-pointsman-decision" not in reply.headers:
            raise CannotCalibrate(f"{self._url} refuses the key: {reply.words}")
        wait = reply.headers.get("retry-after", "")
        raise NotAnswered(
            reply.words,
            retry_after_s=float(wait) if wait.replace(".", "", 1).isdecimal() else None,
            unfit=reply.status in UNFIT,
        )

    async def judge(self, decision_id: str, mark: Mark) -> None:
        said = {name: value for name, value in mark._asdict().items() if value is not None}
        await self._control("POST", f"/decisions/{quote(decision_id, safe='')}/feedback", said)

    async def judged(self, request_id: str) -> Mark | None:
        query = f"/decisions?limit=20&request_id={quote(request_id, safe='')}"
        for each in (await self._control("GET", query))["decisions"]:
            if not each["successful"]:
                continue
            one = await self._control("GET", f"/decisions/{quote(each['decision_id'], safe='')}")
            said = one["decision"]["feedback"]
            if said is not None:
                return Mark(said["success"], said["rating"], said["comment"])
        return None

    async def _control(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        reply = await self._call(method, CONTROL + path, body)
        if reply.status == 200 and isinstance(reply.document, dict):
            return reply.document
        remedy = "; it takes an administrator's key" if reply.status in NO_KEY else ""
        raise CannotCalibrate(f"{method} {self._url}{CONTROL}{path}: {reply.words}{remedy}")

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> _Reply:
        headers = self._headers if request_id is None else self._named(request_id)
        data = None if body is None else json.dumps(body).encode()
        try:
            return await asyncio.to_thread(self._exchange, method, path, data, headers)
        except (OSError, HTTPException) as error:
            words = f"{self._url} cannot be reached ({error}); is the gateway running?"
            raise CannotCalibrate(words) from None

    def _named(self, request_id: str) -> dict[str, str]:
        return {**self._headers, "x-request-id": request_id}

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> _Reply:
        kind = HTTPSConnection if self._secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=LONGEST_ANSWER_S)
        try:
            connection.request(method, self._path + path, data, dict(headers))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return _Reply(response.status, named, _document(response.read()))
        finally:
            connection.close()


def _document(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _usd(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _model(shown: Mapping[str, Any]) -> Model:
    price = shown["price"]
    state = PriceState(price["state"])
    return Model(
        shown["model_id"],
        shown["provider"],
        shown["upstream_name"],
        price=Price(
            state,
            _rate(price["input_usd_per_mtok"]) if state is PriceState.KNOWN else None,
            _rate(price["output_usd_per_mtok"]) if state is PriceState.KNOWN else None,
            per_request_usd=Decimal(str(price["per_request_usd"] or 0)),
        ),
        limits=Limits(max_in_flight=shown["max_in_flight"]),
    )


def _rate(usd_per_mtok: float) -> Rate:
    return Rate(Decimal(str(usd_per_mtok)))
