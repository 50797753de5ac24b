"""How does an assignment or a run become a row, and a row the same value again?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pointsman.adapters.stores.rows import Row, instant, json_text, microseconds, storable
from pointsman.adapters.stores.schema import RUNS
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import (
    Assignment,
    Change,
    Chosen,
    Described,
    Figures,
    Match,
    Means,
    Run,
    RunKind,
    RunState,
    Status,
    Trial,
    Usage,
)
from pointsman.engine.ports import RunQuery

ASSIGNMENT_COLUMNS = (
    "ASSIGNMENT_ID",
    "AGENT_ID",
    "AGENT_NAME",
    "AGENT_TYPE",
    "AGENT_CAPABILITIES_JSON",
    "MODEL_ID",
    "MODEL_NAME",
    "MODEL_CAPABILITIES_JSON",
    "MATCH_SCORE",
    "CAPABILITY_OVERLAP_JSON",
    "STATUS",
    "ASSIGNMENT_METHOD",
    "ASSIGNMENT_RANK",
    "CAPABILITY_SCORE",
    "PERFORMANCE_SCORE",
    "PERFORMANCE_WEIGHT",
    "CAPABILITY_WEIGHT",
    "EVIDENCE",
    "ASSIGNED_BY",
    "ASSIGNED_AT",
    "LAST_UPDATED",
    "NOTES",
    "RUN_ID",
    "VALID_UNTIL",
    "TRIAL_JSON",
)
"""What a decision about the fleet writes. Usage is counted by `usage.py`, and never overwritten."""

MATCH_COLUMNS = (
    "AGENT_NAME",
    "AGENT_TYPE",
    "AGENT_CAPABILITIES_JSON",
    "MODEL_NAME",
    "MODEL_CAPABILITIES_JSON",
    "MATCH_SCORE",
    "CAPABILITY_OVERLAP_JSON",
    "CAPABILITY_SCORE",
    "PERFORMANCE_SCORE",
    "PERFORMANCE_WEIGHT",
    "CAPABILITY_WEIGHT",
    "EVIDENCE",
)
"""Of these what follows what is known of a pair, whoever decided what."""

USAGE_COLUMNS = (
    "TOTAL_REQUESTS",
    "SUCCESSFUL_REQUESTS",
    "AVG_LATENCY_MS",
    "TOTAL_WORTH",
    "LAST_USED_AT",
)
RUN_COLUMNS = (
    "RUN_ID",
    "RUN_AT",
    "KIND",
    "STATE",
    "SETTLED_AT",
    "DECIDED_BY",
    "REASON",
    "STRATEGY",
    "CONFIG_VERSION",
    "MOVES",
    "UNDOES",
    "CHANGES_JSON",
    "FIGURES_JSON",
    "POINT_JSON",
)

MARK = f"SELECT COUNT(*), MAX(SETTLED_AT), MAX(RUN_ID) FROM {RUNS}"  # noqa: S608
"""What of all runs together is another after each that is kept."""

LARGEST_PROBLEM_BYTES = 256_000_000
"""A stored problem that unfolds to more is damaged: 2,000 agents and 200 models take 40 MB."""

_names = msgspec.json.Decoder(tuple[str, ...])
_strengths = msgspec.json.Decoder(dict[str, float])
_trial = msgspec.json.Decoder(Trial)
_changes = msgspec.json.Decoder(tuple[Change, ...])
_figures = msgspec.json.Decoder(Figures)
_point = msgspec.json.Decoder(Chosen)
_problem = msgspec.json.Decoder(Problem)


def assignment_row(each: Assignment) -> Row:
    match, said = each.match, each.described
    values = (
        each.id,
        each.agent_id,
        said.agent_name,
        said.agent_kind,
        json_text(said.agent_capabilities),
        each.model_id,
        said.model_name,
        json_text(dict(said.model_capabilities)),
        100.0 * match.score,
        json_text(said.overlap),
        each.status.value,
        each.means.value,
        each.rank,
        _percent(match.capability),
        _percent(match.performance),
        match.performance_weight,
        1.0 - match.performance_weight,
        match.evidence,
        each.by,
        microseconds(each.at),
        microseconds(each.changed_at),
        each.notes,
        each.run_id,
        None if each.until is None else microseconds(each.until),
        None if each.trial is None else json_text(each.trial),
    )
    return tuple(storable(value) if isinstance(value, str) else value for value in values)


def match_row(each: Assignment) -> Row:
    """The columns are `MATCH_COLUMNS`, then the id."""
    row = dict(zip(ASSIGNMENT_COLUMNS, assignment_row(each), strict=True))
    return tuple(row[name] for name in (*MATCH_COLUMNS, "ASSIGNMENT_ID"))


def stored_assignment(row: Sequence[Any]) -> Assignment:
    """The columns are `ASSIGNMENT_COLUMNS`, then `USAGE_COLUMNS`."""
    usage = row[len(ASSIGNMENT_COLUMNS) :]
    return Assignment(
        agent_id=row[1],
        model_id=row[5],
        status=Status(row[10]),
        means=Means(row[11]),
        at=instant(row[19]),
        changed_at=instant(row[20]),
        by=row[18],
        run_id=row[22],
        rank=row[12],
        match=Match(row[8] / 100.0, _share(row[13]), _share(row[14]), row[17], row[15]),
        described=Described(
            row[2], row[3], _names.decode(row[4]), row[6], _strengths.decode(row[7])
        ),
        notes=row[21],
        until=_instant(row[23]),
        trial=None if row[24] is None else _trial.decode(row[24]),
        usage=Usage(
            usage[0],
            usage[1],
            (usage[2] or 0.0) / 1000.0 * usage[1],
            usage[3],
            _instant(usage[4]),
        ),
    )


def run_row(run: Run) -> Row:
    values = (
        run.id,
        microseconds(run.at),
        run.kind.value,
        run.state.value,
        microseconds(run.settled_at),
        run.by,
        run.reason,
        run.strategy,
        run.config_version,
        len(run.moves),
        run.undoes,
        json_text(run.changes),
        None if run.plan is None else json_text(run.plan),
        None if run.point is None else json_text(run.point),
    )
    return tuple(storable(value) if isinstance(value, str) else value for value in values)


def tests_of(query: RunQuery) -> dict[str, str | int]:
    """What a run must be to be listed: conditions, each with the value of its mark."""
    tests: dict[str, str | int | None] = {
        "RUN_ID < ?": query.before,
        "STATE = ?": query.state,
        "KIND = ?": query.kind,
        "STRATEGY = ?": query.strategy,
        "DECIDED_BY = ?": query.by,
        "RUN_AT >= ?": None if query.since is None else microseconds(query.since),
        "RUN_AT < ?": None if query.until is None else microseconds(query.until),
    }
    return {
        test: storable(value) if isinstance(value, str) else value
        for test, value in tests.items()
        if value is not None
    }


def mark_of(row: Sequence[Any]) -> str:
    """The columns are those of `MARK`."""
    return " ".join(str(each) for each in row)


def stored_run(row: Sequence[Any]) -> Run:
    """The columns are `RUN_COLUMNS`."""
    return Run(
        id=row[0],
        at=instant(row[1]),
        kind=RunKind(row[2]),
        state=RunState(row[3]),
        by=row[5],
        config_version=row[8],
        changes=_changes.decode(row[11]),
        settled_at=instant(row[4]),
        reason=row[6],
        strategy=row[7],
        plan=None if row[12] is None else _figures.decode(row[12]),
        point=None if row[13] is None else _point.decode(row[13]),
        undoes=row[10],
    )


def packed(problem: Problem) -> bytes:
    """The problem, small: most of its numbers are alike."""
    return zlib.compress(msgspec.json.encode(problem, enc_hook=_plain), 1)


def unpacked(data: bytes) -> Problem:
    """Raises `ValueError` for what no `packed` has made."""
    unfolding = zlib.decompressobj()
    try:
        text = unfolding.decompress(data, LARGEST_PROBLEM_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    return _problem.decode(text)


def _plain(value: Any) -> Any:
    """A mapping that nobody can change is one all the same."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON stands for {type(value).__name__}")


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100.0


def _instant(us: int | None) -> datetime | None:
    return None if us is None else instant(us)
