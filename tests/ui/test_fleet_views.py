"""Can it be seen who asks whom, drawn and pair by pair, and gone on to what was asked?"""

from __future__ import annotations

from gateway_process import CONTROL, GatewayProcess
from playwright.sync_api import expect
from seen import Watched, press_until


def flows(gateway: GatewayProcess) -> dict[tuple[str, str], int]:
    found = gateway.control("/flows?range=1h")["flows"]
    return {(each["agent_id"], each["model_id"]): each["attempts"] for each in found}


def test_the_flow_has_a_band_for_every_pair_that_leads_to_its_decisions(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("agents?range=1h")
    page.get_by_role("option", name="Flow").click()
    bands = page.locator(".flow a")
    told = flows(busy_gateway)
    expect(bands).to_have_count(len(told))
    assert "view=flow" in page.evaluate("location.hash")
    assert watched.violations() == []
    (agent, model), count = max(
        (each for each in told.items() if each[0][0] == "support"), key=lambda each: each[1]
    )
    del agent
    band = page.get_by_role("link", name=f"Support desk → {name_of(busy_gateway, model)}")
    expect(band).to_have_attribute(
        "aria-label", f"{band_words(busy_gateway, model)} {count} attempts"
    )
    page.get_by_role("button", name="Show as table").click()
    table = page.get_by_role("group", name="Who asks whom")
    expect(table.get_by_role("row")).to_have_count(1 + len(told))
    page.get_by_role("button", name="Show as chart").click()
    band.focus()
    page.keyboard.press("Enter")
    page.locator(".grid-rows [role=row]").first.wait_for()
    assert "agent=support" in page.evaluate("location.hash")


def name_of(gateway: GatewayProcess, model: str) -> str:
    return str(gateway.control(f"/models/{model}")["model"]["display_name"])


def band_words(gateway: GatewayProcess, model: str) -> str:
    return f"Support desk → {name_of(gateway, model)}:"


def test_the_matrix_has_a_cell_for_every_pair_and_shows_who_stands_where(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    body = {"agent_id": "inspector", "model_id": "sim/iris-vision"}
    assert busy_gateway.call("POST", f"{CONTROL}/assignments", body).status == 200
    page = watched.open("agents?range=1h&view=matrix&cell=attempts")
    told = flows(busy_gateway)
    expect(page.locator(".matrix td a")).to_have_count(len(told))
    values = page.locator(".matrix td a").all_inner_texts()
    assert sorted(map(int, values)) == sorted(told.values())
    row = page.get_by_role("row", name="Inspector")
    expect(row.get_by_role("img", name="stands here")).to_have_count(1)
    assert watched.violations() == []
    page.get_by_role("combobox", name="Cells show").select_option("success")
    expect(page.locator(".matrix td a").first).to_contain_text("%")
    assert "cell=success" in page.evaluate("location.hash")


def test_both_are_reached_and_read_by_keyboard_alone(watched: Watched) -> None:
    page = watched.open("overview?range=1h")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.locator(".grid-rows [role=row]").first.wait_for()
    press_until(page, "Tab", "Grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.locator(".flow").wait_for()
    press_until(page, "Tab", " attempts")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decisions", level=2).wait_for()
    page.go_back()
    page.locator(".flow").wait_for()


def test_they_can_be_used_in_the_dark_and_from_right_to_left(watched: Watched) -> None:
    watched.looks("sap_horizon_dark", "ar")
    for view in ("flow", "matrix"):
        page = watched.open(f"agents?range=1h&view={view}")
        page.locator(".flow, .matrix").wait_for()
        assert watched.violations() == [], view


def test_where_nobody_asked_it_says_so(watched: Watched) -> None:
    page = watched.open("agents?view=flow&agent=archivist")
    expect(page.get_by_text("Nobody asked any model in this range.")).to_be_visible()
