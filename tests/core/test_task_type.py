"""What does a prompt seem to ask for?"""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pointsman.core
from pointsman.core.fleet import TASK_CAPABILITIES, broad_type
from pointsman.core.task_type import (
    ARABIC,
    CONFIDENT,
    FINE_CONFIDENT,
    READ_HEAD,
    READ_TAIL,
    LinearModel,
    features,
    inferred_type,
    read_model,
    reading,
    shipped_model,
)

CLEAR = [
    ("Write a Python function that removes duplicate rows from a CSV file.", "coding"),
    ("Refactor this:\n```python\ndef f(x):\n    return x+1\n```", "coding"),
    ("How do I fix a null pointer exception in Java?", "coding"),
    ("Find the sum of all positive integers n such that n^2 - 19n + 99 is a square.", "math"),
    ("Mia buys 4 pens at $2 each and 3 books at $7. How much does she pay?", "math"),
    ("Translate to French: the shop is closed today.", "translation"),
    ("How do you say 'see you tomorrow' in Italian?", "translation"),
    ("Summarize the following report in three sentences. Sales rose in spring.", "summarization"),
    ("Please sum up this conversation as bullet points: sales rose, costs fell.", "summarization"),
    ("What is the capital of Australia?", "question_answering"),
    ("Who discovered penicillin?", "question_answering"),
    ("Write a friendly e-mail to my neighbours about the street party.", "general"),
    ("Give me ideas for a birthday present.", "general"),
    ("اكتب رسالة قصيرة إلى صديقي عن السفر", "arabic"),
]


@pytest.mark.parametrize(("text", "kind"), CLEAR)
def test_what_is_clearly_asked_for_is_named(text: str, kind: str) -> None:
    assert broad_type(inferred_type(text).type or "none") == kind


PHOTON = (
    "What is the wavelength of a photon whose energy equals the kinetic energy of an electron "
    "accelerated through a potential difference of 100 volts?"
)
SALE = (
    "A seller orally agreed to sell land to a buyer and later refused to convey it. The buyer "
    "sues the seller for breach of contract. Will the court find for the plaintiff?"
)
INTEREST = (
    "If the central bank raises interest rates, what happens to aggregate demand, the price level "
    "and real output in the short run?"
)
CLIPS = (
    "Natalia sold 48 clips to her friends in April, and then half as many in May. How many clips "
    "did she sell altogether?"
)
FINER = [
    (PHOTON, "reasoning/physics"),
    (SALE, "question_answering/law"),
    (INTEREST, "question_answering/economics"),
    (CLIPS, "math/word_problem"),
]


@pytest.mark.parametrize(("text", "kind"), FINER)
def test_a_finer_type_is_named_where_the_words_tell(text: str, kind: str) -> None:
    guess = inferred_type(text)
    assert guess.type == kind
    assert guess.probability == guess.probabilities[kind] >= FINE_CONFIDENT


@pytest.mark.parametrize("text", ["", "   ", "\x00\xff", "qwxz zzkrt", b"\x80\x81\xfe"])
def test_of_what_says_nothing_nothing_is_named(text: str | bytes) -> None:
    assert inferred_type(text).type is None


def test_every_type_that_can_be_named_is_a_well_known_one() -> None:
    assert {*map(broad_type, shipped_model().labels), ARABIC} == set(TASK_CAPABILITIES)


def test_persian_is_not_taken_for_arabic() -> None:
    assert inferred_type("پایتخت ایران کجاست؟ چگونه می‌توان به آنجا رفت؟").type != ARABIC


def test_an_arabic_word_does_not_make_a_text_arabic() -> None:
    text = "Write a Python function that prints the word سلام and returns its length in bytes."
    assert inferred_type(text).type == "coding"


def test_the_escapes_of_json_change_nothing() -> None:
    text = 'ترجم "هذه الجملة" من فضلك\nإلى اللغة الفرنسية'
    inside = json.dumps(text)[1:-1].encode()
    assert reading(inside) == reading(text)
    assert inferred_type(inside) == inferred_type(text)


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    text = "a" * READ_HEAD + "b" * 100_000 + "c" * READ_TAIL
    expected = b"a" * READ_HEAD + b"\n" + b"c" * READ_TAIL
    assert reading(text) == reading(text.encode()) == expected
    wide = "ع" * 10_000
    assert len(reading(wide)) == len(expected)


@given(st.text() | st.binary())
@example("\ud800")
@example("\\ud83d\\")
@example(b"\\u0627" * 1000)
def test_any_text_has_probabilities_that_sum_to_one(text: str | bytes) -> None:
    guess = inferred_type(text)
    shares = guess.probabilities
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in shares.values())
    assert 0.0 <= guess.probability <= 1.0
    if guess.type is not None:
        broad = broad_type(guess.type)
        whole = sum(share for kind, share in shares.items() if broad_type(kind) == broad)
        assert whole >= CONFIDENT - 1e-12
        assert guess.probability == pytest.approx(
            whole if broad == guess.type else shares[guess.type]
        )


def test_a_type_is_as_probable_as_all_that_is_of_it() -> None:
    text = "labels\ta\ta/x\ta/y\tb\nbiases\t0\t0.2\t0\t0\nscale\t0.1\ngo\tPPPP\nfine\tPxPP\n"
    model = read_model(text)
    unsure = model.guess({b"go"})
    assert unsure.type == "a"
    assert unsure.probability == pytest.approx(0.763, abs=1e-3)
    sure = model.guess({b"fine"})
    assert (sure.type, sure.probability) == ("a/x", sure.probabilities["a/x"])
    assert sure.probability > 0.9
    assert model.guess({b"unknown"}).type is None


@given(st.text(max_size=200))
def test_the_same_text_has_the_same_answer_as_text_and_as_bytes(text: str) -> None:
    assert inferred_type(text) == inferred_type(text)
    assert inferred_type(text) == inferred_type(text.encode("utf-8", "surrogatepass"))


@given(st.sets(st.sampled_from([b"a", b"b", b"c", b"?"])))
def test_a_sum_of_packed_weights_is_the_sum_of_the_weights(found: set[bytes]) -> None:
    weights = {b"a": (127, -127), b"b": (-3, 90), b"c": (0, 0)}
    known = [weights[word] for word in found & weights.keys()]
    one, other = (sum(row[place] for row in known) for place in (0, 1))
    scale = 0.01 / max(len(known), 1) ** 0.5
    shares = LinearModel(("x", "y"), (0.5, 0.0), 0.01, weights).probabilities(found)
    odds = (0.5 + scale * one) - scale * other
    assert shares["x"] / shares["y"] == pytest.approx(2.718281828459045**odds)


@given(
    st.binary(max_size=300) | st.text(st.sampled_from("what is the sum def =?12 "), max_size=300)
)
def test_looking_for_what_the_model_knows_finds_what_all_features_say(text: bytes | str) -> None:
    read = reading(text)
    assert shipped_model().guess_of(read) == shipped_model().guess(features(read))


def test_words_count_by_place_and_in_pairs_and_digits_are_alike() -> None:
    found = features(b"Add 12 and 34; return = $5")
    assert {b"add", b"00", b"^add", b">0", b"add 00", b"$", b"="} <= found
    assert b"12" not in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "labels\ta\tb\nbiases\t0\t0\n",
        "labels\ta\nbiases\t0\nscale\t1\t2\n",
        "labels\ta\tb\nbiases\t0\nscale\t1\n",
        "labels\nbiases\nscale\t1\n",
        "labels\ta\nbiases\t0\nscale\t1\nword\tPP\n",
        "labels\ta\nbiases\t0\nscale\t1\nword\t\n",
        "labels\ta\nbiases\t0\nscale\t1\nword\té\n",
    ],
)
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each piece of it says so in its own words
        read_model(text)


def test_a_model_is_read_with_its_comments_left_out() -> None:
    model = read_model("# why\nlabels\tx\ty\nbiases\t0.5\t-0.5\nscale\t0.1\nto%0Ago\tx(\n")
    assert model.labels == ("x", "y")
    assert model.guess({b"to\ngo"}).type == "x"
    assert model.guess({b"unknown"}).type is None


def test_the_shipped_model_is_small_and_says_where_it_comes_from() -> None:
    text = (files(pointsman.core) / "task_type.tsv").read_text("utf-8")
    assert len(text) < 70_000
    assert "Apache-2.0" in text
