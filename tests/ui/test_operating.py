"""Can what an operator comes for be done, by mouse and by keyboard alone?"""

from __future__ import annotations

from itertools import pairwise

from gateway_process import GatewayProcess, Serve
from playwright.sync_api import BrowserContext, expect
from seen import Watched, press_until

ADMIN, VIEWER = "pm-admin-8f1c7b2e5d9a4036", "pm-viewer-8f1c7b2e5d9a4036"
KEYS = [
    {"name": "boss", "key": ADMIN, "role": "admin"},
    {"name": "guest", "key": VIEWER, "role": "viewer"},
]

CUT_MS, WHOLE_MS = 2_000, 5_000
"""Within so long a cut is seen, and all is well once the gateway is back."""


def standing(gateway: GatewayProcess) -> dict[str, str]:
    """The model that each agent stands on."""
    rows = gateway.control("/assignments?page_size=500")["assignments"]
    return {row["agent_id"]: row["model_id"] for row in rows if row["rank"] == 0}


def test_a_plan_is_looked_at_put_in_place_and_taken_back(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("agents")
    page.get_by_role("button", name="Auto-assign").click()
    page.get_by_role("button", name="Show the plan").click()
    moves = page.get_by_role("group", name="Who moves")
    expect(moves.get_by_role("row")).to_have_count(9)  # eight agents and the head
    assert standing(busy_gateway) == {}
    page.get_by_role("button", name="Apply to 8 agents").click()
    page.get_by_text("Applied: 8 agents").wait_for()
    assert len(standing(busy_gateway)) == 8
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    page.get_by_text("Undone: everybody").wait_for()
    assert standing(busy_gateway) == {}


def test_the_same_by_keyboard_alone(watched: Watched, busy_gateway: GatewayProcess) -> None:
    page = watched.open("overview")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.get_by_role("heading", name="Agents", level=2).wait_for()
    for button, then in (
        ("Auto-assign", "Works out which model"),
        ("Show the plan", "mean match"),
        ("Apply to 8 agents", "Applied: 8 agents"),
    ):
        press_until(page, "Tab", button)
        page.keyboard.press("Enter")
        page.get_by_text(then).first.wait_for()
    assert len(standing(busy_gateway)) == 8
    press_until(page, "Tab", "Undo")
    page.keyboard.press("Enter")
    page.get_by_text("Undone: everybody").wait_for()
    assert standing(busy_gateway) == {}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_agent_is_put_on_a_model_by_hand_with_a_reason_and_released(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("agents/coder")
    page.get_by_role("button", name="Put here: Forge Mini").click()
    page.get_by_label("Why (kept").fill("the others are being looked at")
    page.get_by_role("combobox", name="For how long").select_option("8")
    page.get_by_role("button", name="Put it there").click()
    page.get_by_role("heading", name="Stands on Forge Mini").wait_for()
    expect(page.get_by_text("the others are being looked at")).to_be_visible()
    assert standing(busy_gateway) == {"coder": "sim/forge-mini"}
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    (stands,) = busy_gateway.control("/agents/coder/assignment")["in_force"]
    assert stands["assignment_method"] == "AUTO", "a plan may move it again"


def test_from_the_overview_to_why_one_model_was_chosen_by_keyboard(watched: Watched) -> None:
    page = watched.open("overview")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.locator(".grid-rows [role=row]").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("coder answered")
    rows = page.locator(".grid-rows [role=row]")
    expect(rows.first).to_contain_text("Coder")
    expect(rows.filter(has_not_text="answered")).to_have_count(0)  # until it has been looked for
    press_until(page, "Tab", "JSON")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.index") == "0":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Why: every candidate").wait_for()
    scores = page.locator(".is-chosen .standing-score").first.inner_text()
    page.locator(".is-chosen summary").first.focus()
    page.keyboard.press("Enter")
    terms = page.locator(".is-chosen tbody td:nth-child(2)").all_inner_texts()
    whole = sum(float(each.replace("−", "-").strip("\u2066\u2069")) for each in terms)
    assert abs(whole - float(scores)) < 0.25, "the bars do not add up"
    press_until(page, "Tab", "Decide again")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Today's ranking").wait_for()


def test_what_if_asks_nobody_and_shows_who_would_serve(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    before = busy_gateway.control("/stats")["attempts"]["total_requests"]
    page = watched.open("settings")
    page.get_by_role("combobox", name="Agent").select_option("coder")
    page.get_by_role("combobox", name="Strategy").select_option("cost")
    page.get_by_role("button", name="Who would serve it?").click()
    page.get_by_role("heading", name="Why: every candidate").wait_for()
    page.get_by_label("Chat request (JSON)").fill('{"model": "auto", "messages": 5}')
    page.get_by_role("button", name="Who would serve it?").click()
    expect(page.locator("main [role=alert]")).to_contain_text("messages")
    watched.said = [words for words in watched.said if "400" not in words]
    assert busy_gateway.control("/stats")["attempts"]["total_requests"] == before


def test_a_viewer_sees_everything_and_changes_nothing(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    gateway = serve({**config, "keys": KEYS})
    watched = Watched(context, gateway.url)
    page = watched.page
    page.goto(gateway.url)
    page.get_by_label("Key").fill("guessed")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main [role=alert]")).to_contain_text("not known")
    watched.said.clear()  # the browser complains of the refusal
    page.get_by_label("Key").fill(VIEWER)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".connection")).to_have_text("Live")
    assert watched.violations() == []
    watched.open("settings")
    apply = page.locator("ui5-button", has_text="Apply")
    expect(apply).to_have_attribute("disabled", "")
    expect(page.get_by_text("Only an admin can change this.")).to_be_visible()
    gateway.kill()
    gateway.start()
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    watched.said.clear()  # while there was no gateway
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    watched.is_quiet()


def test_a_page_outlives_a_restart_of_the_gateway(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    gateway = serve({**config, "store": {"durability": "strict"}})
    watched = Watched(context, gateway.url)
    page = watched.open("overview?every=1")
    connection = page.locator(".connection")
    count = page.locator("[data-card=requests] .card-more")
    gateway.chat(max_tokens=8)
    expect(count).to_contain_text("1 in range")
    expect(connection).to_have_text("Live")
    gateway.kill()
    expect(connection).to_contain_text("Reconnecting", timeout=CUT_MS)
    gateway.start()
    expect(connection).to_have_text("Live", timeout=WHOLE_MS)
    gateway.chat(max_tokens=8)
    expect(count).to_contain_text("2 in range")  # the one from before is read back, and not twice
    page.get_by_role("button", name="Show as table: Latency").click()
    heads = page.locator(".figures tbody th")
    told = [second_of_day(words) for words in reversed(heads.all_inner_texts())]
    assert len(told) == 30
    steps = {(b - a) % 86_400 for a, b in pairwise(told)}
    assert steps == {10}, "a step of the course is missing, or there twice"
    refused = (
        "Failed to load resource",
        "ERR_",
    )  # said by the browser, of the gateway that is gone
    assert [words for words in watched.said if not any(each in words for each in refused)] == []
    assert watched.asked_elsewhere == []


def second_of_day(words: str) -> int:
    """The second of the day that is written as the last of `words`."""
    hours, minutes, seconds = words.strip("\u2066\u2069").split()[-1].split(":")
    return 3_600 * int(hours) + 60 * int(minutes) + int(seconds)
