"""Is who guesses keys slowed down wherever they are shown, and nobody else?"""

from __future__ import annotations

from gateway_process import CONTROL, GatewayProcess, Serve, chat_body

RIGHT = "pm-admin-8f1c7b2e5d9a4036"
KEYS = [{"name": "boss", "key": RIGHT, "role": "admin"}]
FLEET = {
    "providers": {"sim": {"type": "simulated"}},
    "models": {"sim/a": {}},
    "keys": KEYS,
}
PLACES = (
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", f"{CONTROL}/decisions"),
    ("POST", f"{CONTROL}/session"),
    ("GET", "/metrics"),
)


def shown(gateway: GatewayProcess, place: tuple[str, str], key: str) -> int:
    method, path = place
    body = chat_body(max_tokens=4) if path.endswith("completions") else None
    return gateway.call(method, path, body, {"authorization": f"Bearer {key}"}).status


def test_guesses_count_wherever_they_are_made_and_a_right_key_works_all_the_while(
    serve: Serve,
) -> None:
    gateway = serve(FLEET)
    told = [shown(gateway, place, f"guess-{n}") for n in range(4) for place in PLACES]
    assert told == [401] * 20
    for place in PLACES:
        refused = shown(gateway, place, "one-more")
        assert refused == 429, place
        assert shown(gateway, place, RIGHT) == 200, place
    nothing_shown = gateway.call("GET", "/v1/models")
    assert nothing_shown.status == 401, "who shows no key has guessed none"
