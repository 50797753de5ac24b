"""How is a plan of assignments shown to people and to programs?

Scores are 0 to 100, durations milliseconds, costs US dollars, as in the control API.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pointsman.core.assignment.easing import words_of_easing
from pointsman.core.assignment.pareto import Point
from pointsman.core.assignment.plan import Plan, words_of_gap
from pointsman.core.assignment.relaxation import Relaxation
from pointsman.core.assignment.shadow import Shadow, words_of_shadow
from pointsman.core.assignment.stability import Move, moves
from pointsman.core.assignment.standby import standbys
from pointsman.engine.assign import Stated
from pointsman.engine.solving import plan_id


def plan_record(stated: Stated, plan: Plan) -> dict[str, Any]:
    """The plan for programs; costs and latencies that nobody knows are null."""
    return {
        "success": True,
        "strategy": plan.method.value,
        "assignments": list(_assignments(stated, plan)),
        "total_assignments": plan.placed,
        "avg_match_score": round(100.0 * plan.mean_score, 2),
        "usd_per_day": round(plan.usd_per_day, 4),
        "unpriced": [stated.agents[agent].id for agent in plan.unpriced],
        "optimality_gap": plan.gap,
        "unassigned": [
            {"agent_id": stated.agents[left.agent].id, "reasons": list(left.reasons)}
            for left in plan.unplaced
        ],
        "moved": [_move_record(stated, move) for move in moves_of(stated, plan)],
        "notes": list(plan.notes),
    }


def moves_of(stated: Stated, plan: Plan) -> tuple[Move, ...]:
    """Who stands elsewhere than before; nobody where it is not known where they stood."""
    before = [needs.current for needs in stated.problem.agents]
    if all(model is None for model in before):
        return ()
    return moves(stated.problem, before, plan.chosen)


def _assignments(stated: Stated, plan: Plan) -> Iterator[dict[str, Any]]:
    problem = stated.problem
    ready = standbys(problem, plan.chosen)
    for number, model in enumerate(plan.chosen):
        if model is None:
            continue
        agent, latency = stated.agents[number], problem.expected.latency_s[number][model]
        candidate = stated.candidates[number](model)
        estimate = candidate.estimate
        yield {
            "agent_id": agent.id,
            "agent_name": agent.name,
            "model_id": stated.models[model].id,
            "fallbacks": [stated.models[other].id for other in ready[number]],
            "assignment_method": "AUTO" if agent.pinned is None else "MANUAL",
            "match_score": round(100.0 * problem.scores[number][model], 2),
            "quality": round(100.0 * problem.expected.quality[number][model], 2),
            "latency_ms": None if latency is None else round(1000.0 * latency, 1),
            "usd_per_day": _rounded(problem.usd_per_day(number, model)),
            "evidence": 0.0 if estimate is None else round(estimate.evidence, 1),
            "terms": [
                {"name": term.name, "value": round(100.0 * term.value, 4), "detail": term.detail}
                for term in candidate.terms
            ],
        }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 4)


def _move_record(stated: Stated, move: Move) -> dict[str, Any]:
    return {
        "agent_id": stated.agents[move.agent].id,
        "from": None if move.source is None else stated.models[move.source].id,
        "to": None if move.target is None else stated.models[move.target].id,
        "gain": None if move.gain is None else round(100.0 * move.gain, 2),
    }


def plan_text(stated: Stated, plan: Plan) -> str:
    """The plan for people: a table, what it comes to, and who has no model and why."""
    rows = [("agent", "model", "score", "USD/day", "seen", "stands by")]
    for record in _assignments(stated, plan):
        usd = record["usd_per_day"]
        by_hand = " (pinned)" if record["assignment_method"] == "MANUAL" else ""
        rows.append(
            (
                record["agent_id"],
                record["model_id"] + by_hand,
                f"{record['match_score']:.2f}",
                "unknown" if usd is None else f"{usd:.2f}",
                f"{record['evidence']:.0f}",
                ", ".join(record["fallbacks"]) or "-",
            )
        )
    free = [NO_COST] if plan.placed and not plan.usd_per_day and not plan.unpriced else []
    lines = [_table(rows), "", _summary(plan), *free, *_left_out(stated, plan), *plan.notes]
    return "\n".join(lines)


NO_COST = "nothing is spent as far as is declared: agents without a `load` ask for nothing"
"""Said where a plan costs 0.00, which looks like a mistake to whoever sees it first."""


def _summary(plan: Plan) -> str:
    gap = "" if plan.gap is None else f", {words_of_gap(plan.gap)}"
    unpriced = f" and {len(plan.unpriced)} without a price" if plan.unpriced else ""
    return (
        f"{plan.method.value}: {plan.placed} assigned, mean score {100 * plan.mean_score:.2f}, "
        f"{plan.usd_per_day:.2f} USD per day{unpriced}{gap}"
    )


def _left_out(stated: Stated, plan: Plan) -> Iterator[str]:
    for left in plan.unplaced:
        yield f"{stated.agents[left.agent].id} has no model:"
        yield from (f"  {reason}" for reason in left.reasons)


def moves_text(stated: Stated, plan: Plan) -> str:
    """What changes against where the agents stood, a line each."""
    lines = []
    for record in (_move_record(stated, move) for move in moves_of(stated, plan)):
        gain = "" if record["gain"] is None else f" ({record['gain']:+.2f} points)"
        sides = f"{record['from'] or 'no model'} -> {record['to'] or 'no model'}"
        lines.append(f"moves {record['agent_id']}: {sides}{gain}")
    return "\n".join(lines)


def relaxation_text(stated: Stated, found: Relaxation) -> str:
    """The smallest set of decisions, as a list; who is beyond help is named."""
    easings = [words_of_easing(stated.problem, easing) for easing in found.easings]
    hopeless = [f"nobody can help {stated.agents[agent].id}" for agent in found.hopeless]
    if not easings:
        return "\n".join(hopeless)
    lines = [f"  {words}" for words in easings]
    whom = "everybody else" if hopeless else "everybody"
    together = ", decided together" if len(lines) > 1 else ""
    return "\n".join([f"what would give {whom} a model{together}:", *lines, *hopeless])


def shadows_text(stated: Stated, found: Sequence[Shadow]) -> str:
    """What more of each limit in the way would bring, a line each."""
    if not found:
        return ""
    lines = [f"  {words_of_shadow(stated.problem, shadow)}" for shadow in found]
    return "\n".join(["what more would bring, each for itself:", *lines])


def front_record(stated: Stated, points: Sequence[Point]) -> dict[str, Any]:
    """The points that nothing beats, dearest first, each with its plan."""
    return {
        "success": True,
        "strategy": "pareto",
        "points": [
            {
                "plan_id": plan_id(stated, point.plan),
                "quality": round(100.0 * point.quality, 2),
                "latency_ms": round(1000.0 * point.latency_s, 1) if _timed(stated) else None,
                "usd_per_day": round(point.usd_per_day, 4),
                "knee": point.knee,
                "assignments": {
                    stated.agents[agent].id: stated.models[model].id
                    for agent, model in enumerate(point.plan.chosen)
                    if model is not None
                },
            }
            for point in points
        ],
    }


def _timed(stated: Stated) -> bool:
    """Whether anything at all is known of latencies."""
    return any(s is not None for row in stated.problem.expected.latency_s for s in row)


def front_text(stated: Stated, points: Sequence[Point]) -> str:
    """The points as a table."""
    rows = [("plan", "quality", "latency ms", "USD/day", "")]
    rows += [
        (
            plan_id(stated, point.plan),
            f"{100 * point.quality:.2f}",
            f"{1000 * point.latency_s:.0f}" if _timed(stated) else "unknown",
            f"{point.usd_per_day:.2f}",
            "<- knee" if point.knee else "",
        )
        for point in points
    ]
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in padded)
