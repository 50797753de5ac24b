"""Who is calling, and what may they do?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from pointsman.core.errors import AccessDenied, RequestError, UnknownAgent
from pointsman.core.fleet import DEFAULT_AGENT, Agent, AgentStatus, Fleet

KEY_IN_SCOPE = "pointsman.key"
"""Where in the scope of a request the `Key` stands that it showed."""


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

    def known(self, digest: bytes) -> Key | None:
        """The key with that digest as it is configured now."""
        return self._by_digest.get(digest)

    def holder(self, headers: Mapping[bytes, bytes]) -> Key:
        """The key that the request shows. Raises `AccessDenied`, or `RequestError` where it shows
        several: one of them may be all that a proxy before us has looked at.
        """
        if not self._by_digest:
            return ANYBODY
        secrets = secrets_shown(headers)
        if len(secrets) > 1:
            _require_one(secrets)
        secret = next(iter(secrets.values()), b"")
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


KEY_HEADERS = (b"authorization", b"api-key", b"x-api-key")
"""Where a key is shown: as a bearer token, or as Azure's and Anthropic's clients send it."""


def secrets_shown(headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The secrets in the request, by the names of their headers."""
    found = {}
    bearer, *others = KEY_HEADERS
    scheme, _, token = headers.get(bearer, b"").partition(b" ")
    if scheme.lower() == b"bearer" and (token := token.strip()):
        found[bearer] = token
    for name in others:
        if secret := headers.get(name, b"").strip():
            found[name] = secret
    return found


def _require_one(secrets: Mapping[bytes, bytes]) -> None:
    """Raises `RequestError` when they differ. Said twice, a key is still one."""
    (first, secret), *others = ((name.decode(), each) for name, each in secrets.items())
    for name, other in others:
        if not compare_digest(other, secret):
            raise RequestError(
                f"{first!r} and {name!r} hold different keys. A request shows one key: leave out "
                "one of these headers.",
                param=name,
                code="conflicting_keys",
            )


def require(key: Key, *roles: Role) -> None:
    """Raises `AccessDenied` unless the key has one of the roles."""
    if key.role not in roles:
        wanted = " or ".join(role.value for role in roles)
        raise AccessDenied(
            f"The key {key.name!r} has the role {key.role.value}; this takes {wanted}.",
            known=True,
            code="role_not_sufficient",
        )


def agent_of(key: Key, named: Mapping[str, str], hints: Iterable[str], fleet: Fleet) -> Agent:
    """The agent that a request speaks for.

    `named` has every place of the request that names one, with the name there; `hints` are names
    that count only where they mean an agent. Without either it is the first that the key is bound
    to, else the default. Raises `RequestError`, `UnknownAgent` or `AccessDenied`.
    """
    agent = fleet.agents[_agent_id(key, named, hints, fleet)]
    if agent.status is not AgentStatus.ONLINE:
        raise AccessDenied(
            f"The agent {agent.id!r} is {agent.status.value}. An operator can set it online.",
            known=True,
            code="agent_not_online",
        )
    return agent


def _agent_id(key: Key, named: Mapping[str, str], hints: Iterable[str], fleet: Fleet) -> str:
    if named:
        return _named_id(key, named, fleet)
    allowed = key.agents or fleet.agents
    hint = next((name for name in hints if name in allowed), None)
    return hint or (key.agents[0] if key.agents else DEFAULT_AGENT)


def _named_id(key: Key, named: Mapping[str, str], fleet: Fleet) -> str:
    (place, name), *others = named.items()
    for other_place, other in others:
        if other != name:
            raise RequestError(
                f"{place!r} names the agent {name!r}, but {other_place!r} names {other!r}. "
                "A request speaks for one agent.",
                param=other_place,
                code="conflicting_agents",
            )
    if key.agents and name not in key.agents:
        raise AccessDenied(
            f"The key {key.name!r} may not speak for the agent {name!r}.",
            known=True,
            code="agent_not_allowed",
        )
    if name not in fleet.agents:
        raise UnknownAgent(
            f"The agent {name!r} is not declared. Declared: {', '.join(fleet.agents)}.",
            param=place,
            code="unknown_agent",
        )
    return name
