"""Do references lead to their values, and do secrets stay unseen?"""

from __future__ import annotations

import copy
import hashlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.app.secrets import MAX_FILE_BYTES, Expansion, Secret, is_secret
from pointsman.app.yamltree import ScalarError

KEY = ("providers", "openai", "api_key")
NAME = ("agents", "coder", "name")


def expand(text: str, environ: dict[str, str] | None = None, base: Path = Path()) -> object:
    return Expansion(environ or {}, base)(NAME, text)


def secret(text: str, environ: dict[str, str] | None = None, base: Path = Path()) -> Secret:
    found = Expansion(environ or {}, base)(KEY, text)
    assert isinstance(found, Secret)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain $HOME", "plain $HOME"),
        ("${A}", "one"),
        ("<${A}|${B}>", "<one|>"),
        ("${B:-two}", "two"),
        ("${C:-}", ""),
        ("${C:-http://x/$y}", "http://x/$y"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
    ],
)
def test_references_are_replaced_as_in_a_shell(text: str, value: str) -> None:
    assert expand(text, {"A": "one", "B": ""}) == value


@pytest.mark.parametrize("text", ["${C}", "${C", "${}", "${1}", "${A:?no}"])
def test_a_reference_that_leads_nowhere_says_what_to_do(text: str) -> None:
    with pytest.raises(ScalarError) as caught:
        expand(text, {"A": "one"})
    assert caught.value.remedy


@given(st.text())
def test_text_without_a_dollar_sign_is_left_as_it_is(text: str) -> None:
    assert expand(text.replace("$", "")) == text.replace("$", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (KEY, True),
        (("providers", "x", "headers", "X-Key"), True),
        (("keys", 0, "key"), True),
        (("keys", 0, "name"), False),
        (("providers", "x", "base_url"), False),
        (("providers",), False),
    ],
)
def test_the_places_of_secrets_are_known(path: tuple[str | int, ...], expected: bool) -> None:
    assert is_secret(path) is expected


@pytest.mark.parametrize("shown", [repr, str, "{}".format, lambda value: f"{[value]!r:>40}"])
def test_a_secret_does_not_show_itself(shown: object) -> None:
    assert callable(shown)
    assert "canary" not in shown(secret("canary"))


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret("canary"))


def test_a_copied_secret_is_the_same_one() -> None:
    one = secret("canary")
    assert copy.deepcopy([one])[0] is one


def test_secrets_are_compared_by_value_and_known_by_their_hash() -> None:
    assert secret("canary") == secret("${K}", {"K": "canary"})
    assert len({secret("a"), secret("a"), secret("b")}) == 2
    assert secret("a") != "a"
    assert secret("a").sha256 == hashlib.sha256(b"a").hexdigest()


def test_a_secret_knows_whether_it_stood_in_the_file_itself() -> None:
    assert secret("canary").origin == "literal"
    assert secret("${K}", {"K": "canary"}).origin == "environment"


def test_a_secret_made_of_digits_is_still_a_secret() -> None:
    assert secret("1234").reveal() == "1234"


def test_a_key_that_is_null_counts_as_left_out() -> None:
    assert Expansion({}, Path())(KEY, "null") == "null"


def test_a_file_is_read_without_its_line_end_and_then_watched(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfcanary\r\n")
    expansion = Expansion({"DIR": str(tmp_path)}, Path("/elsewhere"))
    found = expansion(KEY, "file:${DIR}/key")
    assert isinstance(found, Secret)
    assert (found.reveal(), found.origin) == ("canary", "file")
    assert expansion.files == [tmp_path / "key"]


def test_a_relative_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary")
    assert secret("file:key", base=tmp_path).reveal() == "canary"


def test_the_environment_may_name_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary")
    assert secret("${K}", {"K": f"file:{tmp_path}/key"}).reveal() == "canary"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"x" * (MAX_FILE_BYTES + 1), "larger than"),
        (b"a\nb", "line break"),
        ("schlüssel".encode(), "HTTP headers"),
    ],
)
def test_a_file_that_holds_no_usable_secret_is_a_mistake(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ScalarError, match=message) as caught:
        secret("file:key", base=tmp_path)
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["missing", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_a_mistake_and_still_watched(
    tmp_path: Path, name: str
) -> None:
    expansion = Expansion({}, tmp_path)
    with pytest.raises(ScalarError, match="cannot be read"):
        expansion(KEY, f"file:{name}")
    assert expansion.files == [tmp_path / name]


def test_file_means_nothing_where_no_secret_is_kept() -> None:
    assert expand("file:/etc/passwd") == "file:/etc/passwd"
