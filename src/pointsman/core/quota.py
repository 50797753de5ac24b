"""How much of what a provider allows per minute has been spent, and when is there room again?"""

from __future__ import annotations

WINDOW_S = 60
_SLOTS = WINDOW_S + 1


class LastMinute:
    """What was spent in the last minute, by the second.

    A second counts until all of it is more than a minute ago. So no 60 seconds, wherever they
    begin, ever hold more than was allowed, however the provider cuts its own minutes.
    """

    __slots__ = ("_second", "_slots", "_spent")

    def __init__(self) -> None:
        self._slots = [0] * _SLOTS
        self._second = 0
        self._spent = 0

    def spent(self, now_s: float) -> int:
        """What counts at `now_s`, in seconds on a clock that never runs backwards."""
        self._advance(int(now_s))
        return self._spent

    def spend(self, amount: int, now_s: float) -> int:
        """Take note of something spent; returns the second that it counts for."""
        self._advance(int(now_s))
        self._slots[self._second % _SLOTS] += amount
        self._spent += amount
        return self._second

    def correct(self, second: int, change: int) -> None:
        """What was spent in `second` was more or less than noted; too long ago, it is no matter."""
        if self._second - second < _SLOTS:
            self._slots[second % _SLOTS] += change
            self._spent += change

    def certainly_takes(self, amount: int, limit: int) -> bool:
        """Whether `amount` more stays within `limit`, also if nothing has become old since."""
        return self._spent + min(amount, limit) <= limit

    def wait_s(self, amount: int, limit: int, now_s: float) -> float:
        """How long until `amount` more stays within `limit`; 0 when it does now.

        More than the whole limit waits for an empty minute: what then becomes of it is the
        provider's to say.
        """
        over = self.spent(now_s) + min(amount, limit) - limit
        if over <= 0:
            return 0.0
        second = self._second - _SLOTS
        while over > 0:  # No more is over than was spent, and all of that is in the slots.
            second += 1
            over -= self._slots[second % _SLOTS]
        return second + _SLOTS - now_s

    def _advance(self, second: int) -> None:
        passed = min(second - self._second, _SLOTS)
        for back in range(passed):
            place = (second - back) % _SLOTS
            self._spent -= self._slots[place]
            self._slots[place] = 0
        self._second = max(second, self._second)
