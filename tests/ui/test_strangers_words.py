"""Is what a stranger wrote shown as what it is, and never taken for a part of the page?"""

from __future__ import annotations

import copy
from typing import Any

from gateway_process import GatewayProcess, wait_until
from playwright.sync_api import BrowserContext
from seen import Watched

TRAP = "<img src=x onerror=\"window.caught='yes'\"><script>window.caught='yes'</script>"
PAGES = ("overview", "agents", "agents?view=flow", "agents?view=matrix", "models", "decisions")
MORE_PAGES = ("alerts", "analytics", "settings", "agents/coder")


def laid(config: dict[str, Any]) -> dict[str, Any]:
    """The fleet with a trap wherever a text of somebody's choice may stand."""
    trapped = copy.deepcopy(config)
    trapped["agents"]["coder"]["name"] = TRAP[:60]
    for entry in trapped["models"].values():
        entry["display_name"] = TRAP[:60]
    return {**trapped, "store": {"prompt_preview_chars": 500}}


def test_a_trap_in_any_text_is_shown_and_does_not_snap(
    context: BrowserContext, serve: Any, config: dict[str, Any]
) -> None:
    gateway: GatewayProcess = serve(laid(config))
    said = {"messages": [{"role": "user", "content": TRAP}], "user": TRAP}
    identity = {"x-pointsman-agent": "coder", "x-session-id": TRAP.replace('"', "'")}
    answer = gateway.chat(identity, **said)
    wait_until(lambda: gateway.control("/decisions")["decisions"])
    decision = gateway.decision(answer.headers["x-pointsman-decision"])
    assert decision["prompt_preview"] == TRAP
    watched = Watched(context, gateway.url)
    for place in (*PAGES, *MORE_PAGES, f"decisions/{decision['decision_id']}"):
        page = watched.open(place)
        assert page.evaluate("window.caught") is None, place
        assert page.locator("img[src=x]").count() == 0, place
    assert TRAP in page.locator("main").inner_text(), "a preview is shown as it was written"
    watched.is_quiet()
