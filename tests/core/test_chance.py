"""Draws: the published sequence, evenly spread, the same for the same seed."""

from pointsman.core.chance import Draws


def test_the_sequence_is_splitmix64() -> None:
    # The first outputs of the reference implementation for seed 1234567.
    outputs = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    draws = Draws(1234567)
    assert [draws() for _ in outputs] == [(output >> 11) / (1 << 53) for output in outputs]


def test_the_same_seed_draws_the_same_numbers() -> None:
    one, other = Draws(7), Draws(7 + (1 << 64))
    assert [one() for _ in range(10)] == [other() for _ in range(10)]


def test_numbers_are_spread_evenly_over_the_unit_interval() -> None:
    draws = Draws(0)
    tenths = [0] * 10
    for _ in range(20_000):
        tenths[int(draws() * 10)] += 1
    assert min(tenths) > 1_850
    assert max(tenths) < 2_150


def test_first_draws_of_neighbouring_seeds_are_spread_evenly_too() -> None:
    tenths = [0] * 10
    for seed in range(20_000):
        tenths[int(Draws(seed)() * 10)] += 1
    assert min(tenths) > 1_850
    assert max(tenths) < 2_150
