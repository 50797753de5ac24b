"""Are quantiles within the promised error, and is merging the same as sketching the union?"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from math import ceil, inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.quantiles import (
    LARGEST,
    MOST_VALUES,
    RELATIVE_ERROR,
    SMALLEST,
    Sketch,
    Threshold,
)
from pointsman.core.varints import put, take

LINES = (Threshold(0.5), Threshold(0.5, inclusive=True), Threshold(2.0, inclusive=True))
QS = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
PLAUSIBLE = st.floats(1e-4, 900.0) | st.sampled_from([0.0, 0.5, 2.0, 1.0, 1e-9, 1e9])
VALUES = st.lists(PLAUSIBLE | ANY_FLOAT, max_size=60)


def sketch(values: list[float]) -> Sketch:
    made = Sketch(LINES)
    made.add_all(values)
    return made


def of_rank(values: list[float], q: float) -> float:
    return sorted(values)[max(1, ceil(q * len(values) - 1e-9)) - 1]


def lognormal(random: Random) -> float:
    return random.lognormvariate(0.0, 1.0)


def bimodal(random: Random) -> float:
    return random.gauss(0.2, 0.02) if random.random() < 0.7 else random.gauss(30.0, 4.0)


def pareto(random: Random) -> float:
    return 0.05 * random.paretovariate(1.1)


@pytest.mark.parametrize("draw", [lognormal, bimodal, pareto], ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("seed", range(5))
def test_the_error_is_at_most_one_point_one_percent(
    draw: Callable[[Random], float], seed: int
) -> None:
    random = Random(seed)
    values = [draw(random) for _ in range(20_000)]
    found = sketch(values).quantiles(QS)
    for q, estimate in zip(QS, found, strict=True):
        assert estimate == pytest.approx(of_rank(values, q), rel=0.011), q
    assert RELATIVE_ERROR < 0.011


@given(st.lists(st.floats(SMALLEST, LARGEST), min_size=1, max_size=50), st.floats(0.0, 1.0))
def test_every_quantile_of_every_sample_is_within_the_error(values: list[float], q: float) -> None:
    found = sketch(values).quantile(q)
    assert found == pytest.approx(of_rank(values, q), rel=RELATIVE_ERROR + 1e-9)
    assert found is not None
    assert min(values) <= found <= max(values)


@given(VALUES, VALUES)
def test_merging_is_sketching_the_union_bit_for_bit(left: list[float], right: list[float]) -> None:
    merged = sketch(left)
    merged.merge(sketch(right))
    assert merged.packed() == sketch(left + right).packed()
    assert merged == sketch(left + right)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(values: list[float], random: Random) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)
    one_by_one = Sketch(LINES)
    for value in shuffled:
        one_by_one.add(value)
    assert one_by_one.packed() == sketch(values).packed()
    assert one_by_one.quantiles(QS) == sketch(values).quantiles(QS)


@given(VALUES)
def test_what_is_packed_comes_back_as_it_was(values: list[float]) -> None:
    made = sketch(values)
    data = b"before" + made.packed() + b"after"
    found, end = Sketch.unpacked(data, LINES, 6)
    assert found == made
    assert found.quantiles(QS) == made.quantiles(QS)
    assert data[end:] == b"after"


@given(st.lists(PLAUSIBLE, max_size=60))
def test_crossings_are_counted_exactly(values: list[float]) -> None:
    made, ordered = sketch(values), sorted(values)
    assert made.exceedances(LINES[0]) == len(values) - bisect_right(ordered, 0.5)
    assert made.exceedances(LINES[1]) == len(values) - bisect_left(ordered, 0.5)
    assert made.exceedances(LINES[2]) == len(values) - bisect_left(ordered, 2.0)


def test_a_threshold_that_was_not_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="index"):
        sketch([1.0]).exceedances(Threshold(7.0))


def test_count_sum_and_ends_are_exact() -> None:
    made = sketch([0.1] * 10 + [0.25])
    assert (made.count, made.least, made.most) == (11, 0.1, 0.25)
    assert made.sum == pytest.approx(1.25, abs=11 * 2**-31)
    assert made.mean == pytest.approx(1.25 / 11)


def test_nothing_has_no_quantile_and_no_mean() -> None:
    made = Sketch()
    assert (made.quantile(0.5), made.quantiles(QS), made.mean) == (None, (), None)
    assert Sketch.unpacked(made.packed()) == (made, 1)


def damaged(first: int, lanes: bytes) -> bytes:
    """A sketch of one value as `packed` begins it, and then something else."""
    data = bytearray(sketch([1.0]).packed()[:17])
    for number in (0, 2**30, first):
        put(data, number)
    return bytes(data) + lanes


def number(value: int) -> bytes:
    data = bytearray()
    put(data, value)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        damaged(0, b"\x04" + number(2**40)),
        damaged(0, b"\x00" + number(2**40)),
        damaged(0, b"\x00\x01\x00" + number(2**40) + b"\x01"),
        damaged(2**40, b"\x01\x01\x01"),
    ],
    ids=["wide", "filled", "far", "first"],
)
def test_damaged_bytes_take_no_memory(data: bytes) -> None:
    with pytest.raises(ValueError, match="more buckets than there are"):
        Sketch.unpacked(data)


def test_odd_values_follow_the_rule() -> None:
    made = sketch([nan, -inf, -3.0, 0.0, SMALLEST / 2, inf, 2 * LARGEST, 1.0])
    assert (made.count, made.zeros, made.least, made.most) == (7, 4, 0.0, LARGEST)
    assert made.quantile(0.5) == 0.0
    assert made.sum == 2 * LARGEST + 1.0
    assert sketch([nan]).count == 0


@pytest.mark.parametrize("q", [-0.1, 1.1, nan])
def test_a_quantile_outside_the_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        sketch([1.0]).quantile(q)


def test_sketches_with_other_thresholds_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="same thresholds"):
        sketch([1.0]).merge(Sketch())
    assert Sketch() != sketch([])
    assert Sketch() != object()


def test_a_sketch_without_thresholds_takes_any_other() -> None:
    made = Sketch()
    made.merge(sketch([1.0, 3.0]))
    assert (made.count, made.sum, made.over) == (2, 4.0, ())


def test_a_full_sketch_says_so_instead_of_counting_wrong() -> None:
    made = Sketch()
    made.add(1.0)
    for _ in range(31):
        twin, _ = Sketch.unpacked(made.packed())
        made.merge(twin)
    assert made.count == 2**31
    twin, _ = Sketch.unpacked(made.packed())
    assert twin == made
    with pytest.raises(OverflowError, match=str(MOST_VALUES)):
        made.merge(twin)


@pytest.mark.parametrize("times", [1, 200, 300, 70_000])
def test_counts_of_every_width_are_packed(times: int) -> None:
    made = Sketch()
    made.add_all([1.0 + step / 40 for step in range(40)])
    made.add_all([1.5] * times)
    found, _ = Sketch.unpacked(made.packed())
    assert found.packed() == made.packed()
    assert found.quantile(0.5) == made.quantile(0.5)


def test_few_values_take_few_bytes_however_far_apart() -> None:
    assert len(sketch([0.001]).packed()) < 40
    assert len(sketch([0.001, 900.0, 900.0]).packed()) < 44
    random = Random(3)
    assert len(sketch([lognormal(random) for _ in range(1_000)]).packed()) < 330


@given(st.lists(st.integers(0, 2**80), max_size=8))
def test_whole_numbers_come_back_from_their_bytes(numbers: list[int]) -> None:
    out = bytearray()
    for number in numbers:
        put(out, number)
    at, found = 0, []
    while at < len(out):
        number, at = take(bytes(out), at)
        found.append(number)
    assert found == numbers
