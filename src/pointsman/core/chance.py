"""Which random numbers does one decision draw?

Those of its own seed and no others, so that a decision can be made again exactly as it was. Making
a `random.Random` costs more than a whole decision; this generator costs nothing to begin.
"""

from __future__ import annotations

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_STEP = 0x9E37_79B9_7F4A_7C15


class Draws:
    """Uniform numbers in [0, 1): SplitMix64 (Steele, Lea and Flood, 2014), of which 53 bits count.

    Good enough to spread requests evenly; not for secrets.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def __call__(self) -> float:
        self._state = state = (self._state + _STEP) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
        return ((state ^ (state >> 31)) >> 11) * (1.0 / (1 << 53))
