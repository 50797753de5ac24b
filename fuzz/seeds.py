"""Where does each target begin: what is sound, and what once was not?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pointsman.core.period import Period
from pointsman.core.quantiles import Sketch

KEPT = Path(__file__).parent / "kept"
"""Inputs that have shown a defect, a folder for each target: they are tried for ever."""

_CHUNK = (
    b'{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"w"},"finish_reason":null}]}'
)
_STOP = _CHUNK.replace(b'{"content":"w"}', b"{}").replace(b":null", b':"stop"')
_STREAM = b"".join(b"data: " + each + b"\n\n" for each in (_CHUNK, _CHUNK, _STOP, b"[DONE]"))
_WHOLE = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello \\ud83d\\ude00"},"finish_reason":"stop"}],"usage":'
    b'{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"cost":0.00001}}'
)
_ERROR = b'{"error":{"message":"too many","type":"rate_limit_error","param":null,"code":"429"}}'
_ASKED: Mapping[str, object] = MappingProxyType(
    {
        "model": "auto",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "é\u0000"}]},
            {"role": "tool", "content": "1"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "max_tokens": 5,
        "models": ["a/b"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "pointsman": {"agent": "coder", "weights": {"quality": 1.0}, "deadline_ms": 5},
        "metadata": {"session_id": "s"},
    }
)
_HALVES = (
    b'{"model":"auto","messages":[{"role":"user","content":"\\ud83d"},{"content":"\\udc00x"}]}'
)
_POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\n"
_YAML = """\
server: {port: 8080, log_level: info}
providers:
  sim: {type: simulated, seed: 7}
  up: {type: openai_compatible, base_url: "http://h:1/v1", api_key: "${KEY:-abcdefghijkl}"}
models:
  sim/atlas-large: &a {}
  up/m: {price: free, context_window: 8192, capabilities: {general: 0.5}}
aliases: {gpt: auto:quality}
agents: {coder: {requires: [coding], weights: {quality: 1, latency: 0, cost: 0}}}
keys: [{name: a, sha256: "%s"}]
alerts: {rules: {}, channels: {}}
""" % ("0" * 64)


def _sketch() -> bytes:
    made = Sketch()
    made.add_all([0.001, 0.2, 0.2, 3.0, 55.0])
    return made.packed()


def _period() -> bytes:
    return Period().packed()


SEEDS: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "events": (_STREAM, _STREAM.replace(b"\n", b"\r\n"), _STREAM.replace(b"\n", b"\r"),
                   b"\xef\xbb\xbf: hi\n\nevent: x\ndata: a\ndata: b\n\ndata:c"),
        "streams": (_STREAM, b"data: " + _ERROR + b"\n\n", _STREAM.replace(b"\n", b"\r\n"), _WHOLE),
        "chat": (json.dumps(dict(_ASKED)).encode(), _HALVES, b'{"model":"a/b","messages":[]}'),
        "answers": (_WHOLE, _STREAM, _ERROR, b'{"choices":[]}', b"<html>502</html>",
                    _WHOLE.replace(b"\\ude00", b"")),
        "responses": (
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n"
            b"0\r\n\r\n"),
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 No\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08",
        ),
        "requests": (
            _POST + b"content-length: 2\r\n\r\n{}GET /livez HTTP/1.1\r\nhost: h\r\n\r\n",
            _POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: y\r\n\r\n",
            _POST + b"expect: 100-continue\r\nupgrade: h2c\r\nconnection: upgrade\r\n"
            b"content-length: 1\r\n\r\n1",
            b"GET /a%20b?c=%ff HTTP/1.0\r\n\r\n",
        ),
        "configuration": (_YAML.encode(), b"a: &x [*x]\n", b"<<: {a: 1}\nb: 1e999\n? [1]\n: 2\n"),
        "figures": (_sketch(), _period(), b"\x05", b""),
    }
)  # fmt: skip

WORDS: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "events": (b"data:", b"\r", b"\n", b"\r\n", b"\n\n", b":", b"\xef\xbb\xbf", b"id: 1\n"),
        "json": (b"null", b"{}", b"[]", b'""', b"1e999", b"-0", b"\\ud83d", b"\\u0000", b"NaN",
                 b"99999999999999999999", b"true", b'"\\', b"\xed\xa0\x80", b"[" * 50),
        "http": (b"\r\n", b"\n", b"content-length: 3\r\n", b"transfer-encoding: chunked\r\n",
                 b"connection: close\r\n", b"upgrade: x\r\n", b"0\r\n\r\n", b"\0", b" ", b"\t",
                 b"HTTP/1.0", b"ffffffff", b"expect: 100-continue\r\n", b"host: h\r\n"),
        "yaml": (b"&a ", b"*a", b"!!binary ", b"<<: ", b"? ", b"- ", b"${X}", b"file:/etc/passwd",
                 b"---\n", b"|\n", b"0x1", b".inf", b"~", b"{", b"[", b"\t"),
        "bytes": (b"\xff" * 9, b"\x80" * 9 + b"\x01", b"\0", b"\x7f", b"\x01"),
    }
)  # fmt: skip
"""What is put in at random, since chance alone would hardly find it."""

VOCABULARY: Mapping[str, str] = MappingProxyType(
    {
        "events": "events", "streams": "json", "chat": "json", "answers": "json",
        "responses": "http", "requests": "http", "configuration": "yaml", "figures": "bytes",
    }
)  # fmt: skip


def corpus(target: str) -> list[bytes]:
    """What is sound, and what has once shown a defect."""
    kept = sorted((KEPT / target).glob("*"))
    return [*SEEDS[target], *(path.read_bytes() for path in kept)]
