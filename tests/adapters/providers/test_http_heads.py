"""Is the head of a request what was meant, and can nothing be smuggled into it?"""

from __future__ import annotations

import pytest
from channels import OK, answer_to, asked, body_of, channel, says
from hypothesis import given
from hypothesis import strategies as st
from reaching import saying

from pointsman.adapters.providers.http_heads import Heads, address_of, header_lines
from pointsman.adapters.providers.transport import Channel


async def test_a_post_arrives_with_its_headers_and_its_body_and_nothing_else() -> None:
    async with channel(saying(says(b"ok")), {"X-Own": "1", "Content-Type": "a/b"}) as (made, up):
        response = await asked(made, b"hello", {"X-Session": "s"})
        assert await body_of(response) == b"ok"
        host = up.url.removeprefix("http://")
    (request,) = up.requests
    assert request.line == "POST /ask HTTP/1.1"
    assert request.body == b"hello"
    assert {name: value for name, value in request.headers.items() if name} == {
        "host": host,
        "user-agent": "pointsman",
        "accept": "*/*",
        "x-own": "1",
        "content-type": "a/b",
        "content-length": "5",
        "x-session": "s",
    }


async def test_a_get_has_neither_body_nor_content_type() -> None:
    async with channel(saying(says(b"ok")), {"Content-Type": "a/b"}) as (made, up):
        response = await made.get(b"/list?a=b", 2.0)
        assert await body_of(response) == b"ok"
    assert up.requests[0].line == "GET /list?a=b HTTP/1.1"
    assert not {"content-type", "content-length"} & up.requests[0].headers.keys()


async def test_an_endpoint_may_name_another_host_and_user_agent() -> None:
    async with channel(saying(says(b"")), {"Host": "inner.test", "User-Agent": "me"}) as (made, up):
        await answer_to(made)
    assert up.requests[0].headers["host"] == "inner.test"
    assert up.requests[0].headers["user-agent"] == "me"


async def test_a_login_in_the_address_becomes_basic_credentials() -> None:
    async with channel(saying(says(b""))) as (_, up):
        address = address_of(up.url.replace("//", "//me:p%40ss@"))
        for headers in ({}, {"Authorization": "Bearer b"}):
            made = Channel(address, headers)
            await answer_to(made)
            await made.close()
    sent = [request.headers["authorization"] for request in up.requests]
    assert sent == ["Basic bWU6cEBzcw==", "Bearer b"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\x00b"),
        ("x", "secret \u20ac"),
        ("x y", "value-1"),
        ("x:", "value-1"),
        ("", "value-1"),
        ("x\r\n", "value-1"),
        ("Content-Length", "7"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
    ],
)
def test_a_header_that_could_change_the_request_is_refused_without_quoting_it(
    name: str, value: str
) -> None:
    with pytest.raises(ValueError, match=r"header") as caught:
        Heads("house.test", {name: value})
    assert value not in str(caught.value)


@given(st.text(), st.text())
def test_no_header_ends_a_line_but_its_own(name: str, value: str) -> None:
    try:
        line = header_lines({name: value})
    except ValueError:
        return
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert line.endswith(b"\r\n")
    assert b"\x00" not in line


@pytest.mark.parametrize(
    ("url", "host_header", "place", "path"),
    [
        ("http://a.test", "a.test", "a.test:80", ""),
        ("https://A.test:443/v1", "a.test", "a.test:443", "/v1"),
        ("https://a.test:80/v1", "a.test:80", "a.test:80", "/v1"),
        ("http://[::1]:8000/a b", "[::1]:8000", "[::1]:8000", "/a%20b"),
        ("http://b\u00fccher.test/%41?x#y", "xn--bcher-kva.test", "xn--bcher-kva.test:80", "/%41"),
    ],
)
def test_an_address_is_taken_apart(url: str, host_header: str, place: str, path: str) -> None:
    address = address_of(url)
    assert (address.host_header, address.place, address.path) == (host_header, place, path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test",
        "a.test",
        "http://",
        "http://a b/",
        "http://a.test:99999/",
        "http://u:secret@/",
        "http://" + "a" * 70 + ".test/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort") as caught:
        address_of(url)
    assert "secret" not in str(caught.value)


async def test_header_names_of_a_response_know_no_case_and_repeats_are_joined() -> None:
    lines = b"X-One: a\r\nx-ONE: b\r\nLatin: \xe4\r\ncontent-length: 0\r\n\r\n"
    async with channel(saying(OK + lines)) as (made, _):
        response = await asked(made)
    assert response.headers == {"x-one": "a, b", "latin": "\xe4", "content-length": "0"}
    assert response.header(b"x-one") == "a, b"
    assert response.header(b"absent") == ""
    assert response.reason == "OK"
