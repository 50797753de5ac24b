"""Who is calling, and what may they do?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from pointsman.core.errors import AccessDenied, UnknownAgent
from pointsman.core.fleet import DEFAULT_AGENT, Agent, AgentStatus, Fleet

AGENT_HEADER = b"x-pointsman-agent"
BORROWED_AGENT_HEADERS = (
    b"x-litellm-agent-id",
    b"x-claude-code-agent-id",
    b"x-switchyard-agent-id",
)
"""Headers of other ecosystems that name an agent. Their values are not ours to judge: an unknown
name there is the default agent, while in our own header it is a mistake worth telling."""

_BORROWED = frozenset(BORROWED_AGENT_HEADERS)


class Role(StrEnum):
    """`caller` may send requests, `viewer` may look, `admin` may do both and change things."""

    CALLER = "caller"
    VIEWER = "viewer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """An API key by its SHA-256 digest. `agents` are those it may speak for; empty means all."""

    name: str
    digest: bytes
    role: Role = Role.CALLER
    agents: tuple[str, ...] = ()


ANYBODY = Key("anonymous", b"", Role.ADMIN)
"""Who calls when no keys are configured; then only this machine can."""


class KeyRing:
    """All configured keys. Without any, everybody is `ANYBODY`."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._by_digest = {key.digest: key for key in keys}

    @property
    def empty(self) -> bool:
        return not self._by_digest

    def holder(self, headers: Mapping[bytes, bytes]) -> Key:
        """The key that the request shows. Raises `AccessDenied`."""
        if not self._by_digest:
            return ANYBODY
        secret = _shown(headers)
        if not secret:
            raise AccessDenied(
                "No API key was sent. Send a key of this gateway as 'Authorization: Bearer <key>'.",
                known=False,
            )
        # Finding the entry takes time that depends on the digest alone, which tells nothing of any
        # key; the comparison that decides takes the same time wherever the digests differ.
        digest = sha256(secret).digest()
        key = self._by_digest.get(digest)
        if key is None or not compare_digest(key.digest, digest):
            raise AccessDenied("The API key is not known to this gateway.", known=False)
        return key


def _shown(headers: Mapping[bytes, bytes]) -> bytes:
    """The secret in the request: a bearer token, or what Azure's and Anthropic's clients send."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and token:
        return token.strip()
    return headers.get(b"api-key") or headers.get(b"x-api-key") or b""


def require(key: Key, *roles: Role) -> None:
    """Raises `AccessDenied` unless the key has one of the roles."""
    if key.role not in roles:
        wanted = " or ".join(role.value for role in roles)
        raise AccessDenied(
            f"The key {key.name!r} has the role {key.role.value}; this takes {wanted}.",
            known=True,
            code="role_not_sufficient",
        )


def agent_of(key: Key, named: str | None, headers: Mapping[bytes, bytes], fleet: Fleet) -> Agent:
    """The agent that a request speaks for: the one it names, else the one its key is bound to.

    `named` is what the body or the model name says. Raises `UnknownAgent` or `AccessDenied`.
    """
    named = named or _text(headers, AGENT_HEADER)
    agent = fleet.agents[_agent_id(key, named, headers, fleet)]
    if agent.status is not AgentStatus.ONLINE:
        raise AccessDenied(
            f"The agent {agent.id!r} is {agent.status.value}. An operator can set it online.",
            known=True,
            code="agent_not_online",
        )
    return agent


def _agent_id(key: Key, named: str, headers: Mapping[bytes, bytes], fleet: Fleet) -> str:
    if named:
        if key.agents and named not in key.agents:
            raise AccessDenied(
                f"The key {key.name!r} may not speak for the agent {named!r}.",
                known=True,
                code="agent_not_allowed",
            )
        if named not in fleet.agents:
            raise UnknownAgent(
                f"The agent {named!r} is not declared. Declared: {', '.join(fleet.agents)}.",
                param="x-pointsman-agent",
                code="unknown_agent",
            )
        return named
    if not _BORROWED.isdisjoint(headers):
        allowed = key.agents or fleet.agents
        for header in BORROWED_AGENT_HEADERS:
            borrowed = _text(headers, header)
            if borrowed in allowed:
                return borrowed
    return key.agents[0] if key.agents else DEFAULT_AGENT


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    value = headers.get(name)
    return value.decode("latin-1").strip() if value else ""
