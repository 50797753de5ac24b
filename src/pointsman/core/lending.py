"""How much may one agent's word count in what is believed of a model by all?

Judgements teach about the agent that gives them first. They are lent to what everybody begins with,
too, but of each agent no more than so many: a single one, mistaken or malicious, is one voice among
the others, however much it says. Its latest words are those that count.
"""

from __future__ import annotations

from collections.abc import Iterable

from pointsman.core.drift import Change
from pointsman.core.posterior import Counts, Fading
from pointsman.core.records import ModelRecord, TagRecord

MOST_LENT = 30.0
"""So many judgements of one agent count among all at most. Ten other agents with as many outvote
it; alone it moves a belief four fifths of the way from the fit on paper, and never all of it."""


def lend(value: float, lent: Counts, shared: Iterable[Counts], now: float, fade: Fading) -> None:
    """One more judgement of an agent: `lent` is what of its judgements counts in all of `shared`.

    What a judgement is worth fades alike in both, so that what is taken out when the room of the
    agent is full is what of it still was there.
    """
    lent.age(now, fade)
    good, total = lent.good, lent.total
    lent.add(value, now, Fading(fade.rate, MOST_LENT))
    for counts in shared:
        counts.age(now, fade)
        counts.good += lent.good - good
        counts.total += lent.total - total
        if counts.total > fade.most:
            counts.good *= fade.most / counts.total
            counts.total = fade.most


def share_lent(own: Counts) -> float:
    """Which share of an agent's judgements counts among all, in (0, 1]."""
    return 1.0 if own.total <= MOST_LENT else MOST_LENT / own.total


def lent_by(record: TagRecord) -> Counts:
    """What of the judgements of an agent, kept in its own record, counts among all."""
    if record.lent is None:
        record.lent = Counts()
    return record.lent


def of_one_agent(model: ModelRecord, change: Change) -> bool:
    """Whether one agent alone has seen it, where others judge the model, too.

    Then the model has not changed: what others know of it stays, be that agent mistaken or
    malicious. Its own watches have seen it, too.
    """
    return model.judges and model.in_a_row >= change.total


def note_judge(model: ModelRecord, agent_id: str) -> None:
    """An agent has judged an answer of the model."""
    if agent_id == model.judge:
        model.in_a_row += 1
        return
    model.judges = model.judge is not None
    model.judge, model.in_a_row = agent_id, 1
