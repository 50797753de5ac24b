"""What is sent upstream for a call?

The caller's values are passed on as the bytes they came in. Only the fields that are ours to
decide are written anew: the model, whether to stream, and that usage is reported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from pointsman.adapters.providers.presets import Endpoint, Quirks
from pointsman.engine.ports import Call

_encode = msgspec.json.encode
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OURS = frozenset({"model", "stream", "stream_options"})
_LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_PLAIN_SESSION = re.compile(r"[\w.:@/+=\-]{1,128}", re.ASCII)


def encoded_body(call: Call, quirks: Quirks) -> bytes:
    """The JSON document of the request."""
    parts = [b'{"model":', _encode(call.model.upstream_name)]
    fields = call.fields
    renamed = _other_spelling(quirks)
    for name, value in fields.items():
        if name in _OURS or name in quirks.drop_fields:
            continue
        if name != renamed:
            parts += (_key(name), value)
        elif quirks.max_tokens_field not in fields:
            parts += (_key(quirks.max_tokens_field), value)
    if call.stream:
        parts.append(b',"stream":true')
        options = _stream_options(fields.get("stream_options"), quirks)
        if options:
            parts += (b',"stream_options":', options)
    parts.append(b"}")
    return b"".join(parts)


def endpoint_headers(endpoint: Endpoint) -> dict[str, str]:
    """The headers of every call; of the caller's own only the trace reaches the upstream."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    key, auth = endpoint.api_key, endpoint.quirks.auth
    if key and auth == "bearer":
        headers["Authorization"] = f"Bearer {key}"
    if key and auth == "api-key":
        headers["api-key"] = key
    return headers | dict(endpoint.headers)


def call_headers(call: Call, quirks: Quirks) -> Mapping[str, str] | None:
    """The session, where the upstream can use it to find its warm cache, and the trace."""
    trace = None if call.traceparent is None else {"traceparent": call.traceparent}
    if quirks.affinity_header is None or not call.session:
        return trace
    session = call.session
    if not _PLAIN_SESSION.fullmatch(session):
        session = hashlib.sha256(session.encode()).hexdigest()
    return {quirks.affinity_header: session, **(trace or {})}


@lru_cache(maxsize=256)
def _key(name: str | None) -> bytes:
    return b",%b:" % _encode(name)


def _other_spelling(quirks: Quirks) -> str | None:
    return _LIMITS[quirks.max_tokens_field] if quirks.max_tokens_field else None


def _stream_options(asked: bytes | None, quirks: Quirks) -> bytes:
    """The caller's options, with usage always asked for where that is allowed."""
    if asked is None and quirks.usage_in_stream:
        return b'{"include_usage":true}'
    try:
        options = _OBJECT.decode(asked or b"{}")
    except msgspec.DecodeError:
        options = {}
    options.pop("include_usage", None)
    if quirks.usage_in_stream:
        options["include_usage"] = msgspec.Raw(b"true")
    return _encode(options) if options else b""
