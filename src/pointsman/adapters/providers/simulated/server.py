"""How do the simulated models serve over HTTP, with the faults of a real wire?

`POST /v1/chat/completions`, `GET /v1/models` and `/livez` speak OpenAI's dialect. For tests,
`PUT /simulate/faults` orders faults for a model, `DELETE` withdraws them, and `GET` and
`DELETE /simulate/log` show and clear what was received. Headers: see `directives`.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import msgspec
import uvicorn

from pointsman.adapters.providers.simulated.asking import BadRequest, fields_of
from pointsman.adapters.providers.simulated.connection import (
    BodyTooLarge,
    Connection,
    Headers,
    HungUp,
    Receive,
    Scope,
    Send,
    TransportInScope,
)
from pointsman.adapters.providers.simulated.directives import (
    FAULT_HEADER,
    LATENCY_HEADER,
    fault_control,
    header_latency,
    header_order,
)
from pointsman.adapters.providers.simulated.journal import KEPT_BODY_BYTES, Entry, Journal
from pointsman.adapters.providers.simulated.models import Prepared, SimulatedModels
from pointsman.adapters.providers.simulated.performance import Performance, refuse
from pointsman.adapters.providers.simulated.refusals import (
    Refusal,
    no_such_model,
    not_understood,
    server_error,
    wrong_key,
)
from pointsman.adapters.providers.simulated.sse import Head

Reply = Callable[[Connection, bytes], Awaitable[None]]

_JSON = [(b"content-type", b"application/json")]


class Simulator:
    """The ASGI application. With an `api_key`, `/v1` asks for it as a bearer token."""

    def __init__(self, models: SimulatedModels, *, api_key: str | None = None) -> None:
        self.models = models
        self.journal = Journal()
        self._api_key = api_key
        self._created = int(time.time())
        self._control: Mapping[tuple[str, str], Reply] = {
            ("GET", "/livez"): self._live,
            ("GET", "/v1/models"): self._catalogue,
            ("PUT", "/simulate/faults"): self._order,
            ("DELETE", "/simulate/faults"): self._revoke,
            ("GET", "/simulate/log"): self._log,
            ("DELETE", "/simulate/log"): self._clear_log,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        try:
            await self._route(scope, connection)
        except HungUp:
            return
        except BodyTooLarge:
            await _send_refusal(connection, server_error(413))
        finally:
            connection.release()

    async def _route(self, scope: Scope, connection: Connection) -> None:
        method, path = scope["method"], scope["path"]
        admitted = self._admitted(scope) or not path.startswith("/v1/")
        if admitted and (method, path) == ("POST", "/v1/chat/completions"):
            await self._chat(scope, connection)
            return
        body = await connection.body()
        reply = self._control.get((method, path))
        if not admitted:
            await _send_refusal(connection, wrong_key())
        elif reply:
            await reply(connection, body)
        else:
            refused = server_error(404)._replace(message=f"Invalid URL ({method} {path})")
            await _send_refusal(connection, refused)

    def _admitted(self, scope: Scope) -> bool:
        if self._api_key is None:
            return True
        given = _header(scope, "authorization") or ""
        wanted = f"Bearer {self._api_key}"
        return hmac.compare_digest(given.encode(), wanted.encode())

    async def _chat(self, scope: Scope, connection: Connection) -> None:
        started_s = time.monotonic()
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = self.journal.note(at, scope["path"], scope["headers"])
        try:
            body = await connection.body()
            entry.body_bytes = len(body)
            entry.body = body[:KEPT_BODY_BYTES].decode(errors="replace")
            await self._serve(scope, connection, entry, body)
        except HungUp:
            entry.ended = "hung_up"
            raise
        finally:
            entry.bytes_sent = connection.bytes_sent
            entry.total_s = round(time.monotonic() - started_s, 4)

    async def _serve(self, scope: Scope, connection: Connection, entry: Entry, body: bytes) -> None:
        headers = [(b"x-request-id", f"req_{secrets.token_hex(16)}".encode())]
        try:
            fields = fields_of(body)
            name = entry.model = _model_name(fields)
        except BadRequest as error:
            await refuse(connection, entry, not_understood(error), headers)
            return
        if refused := self.models.enter(name):
            await refuse(connection, entry, refused, headers)
            return
        try:
            prepared = self._prepare(scope, name, fields)
            if isinstance(prepared, Refusal):
                await refuse(connection, entry, prepared, headers)
                return
            head = Head(prepared.id, int(time.time()), name, prepared.asked.include_usage)
            await Performance(prepared, head, connection, entry, headers).run()
        finally:
            self.models.leave(name)

    def _prepare(self, scope: Scope, name: str, fields: Mapping[str, bytes]) -> Prepared | Refusal:
        fault, latency = _header(scope, FAULT_HEADER), _header(scope, LATENCY_HEADER)
        try:
            order = header_order(fault) if fault else None
            hurry = header_latency(latency) if latency else None
        except BadRequest as error:
            return not_understood(error)
        return self.models.prepare(name, fields, time.monotonic(), order=order, latency=hurry)

    async def _live(self, connection: Connection, _body: bytes) -> None:
        await _send_json(connection, {"status": "ok"})

    async def _catalogue(self, connection: Connection, _body: bytes) -> None:
        rows = [
            {
                "id": name,
                "object": "model",
                "created": self._created,
                "owned_by": "simulated",
                "context_window": persona.context_window,
                "max_output_tokens": persona.max_output_tokens,
            }
            for name, persona in self.models.personas.items()
        ]
        await _send_json(connection, {"object": "list", "data": rows})

    async def _order(self, connection: Connection, body: bytes) -> None:
        try:
            control = fault_control(body)
            order = control.order()
            if control.model not in self.models.personas:
                await _send_refusal(connection, no_such_model(control.model))
                return
            if order is None:
                self.models.orders.revoke(control.model)
            else:
                self.models.orders.place(control.model, order, control.count)
        except ValueError as error:
            await _send_refusal(connection, not_understood(BadRequest(str(error))))
            return
        await _send_json(connection, {"model": control.model, "fault": control.fault})

    async def _revoke(self, connection: Connection, _body: bytes) -> None:
        self.models.orders.revoke()
        await _send_json(connection, {"revoked": True})

    async def _log(self, connection: Connection, _body: bytes) -> None:
        await _send_json(connection, self.journal.document())

    async def _clear_log(self, connection: Connection, _body: bytes) -> None:
        self.journal.clear()
        await _send_json(connection, {"cleared": True})


def uvicorn_server(app: Simulator) -> uvicorn.Server:
    """A server for the simulator, not yet running; its sockets are given to `run`."""
    config = uvicorn.Config(
        app,
        http=TransportInScope,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def _model_name(fields: Mapping[str, bytes]) -> str:
    try:
        return msgspec.json.decode(fields.get("model", b""), type=str)
    except msgspec.MsgspecError as error:
        raise BadRequest("you must provide a model parameter", "model") from error


def _header(scope: Scope, name: str) -> str | None:
    wanted = name.encode()
    found: bytes | None = next((value for key, value in scope["headers"] if key == wanted), None)
    return None if found is None else found.decode("latin-1")


async def _send_json(connection: Connection, document: object) -> None:
    headers: Headers = _JSON
    await connection.answer(200, msgspec.json.encode(document), headers)


async def _send_refusal(connection: Connection, refused: Refusal) -> None:
    await refuse(connection, Entry(0, "", "", {}), refused, [])
