"""How does the explanation of a decision read in a terminal?

From the same JSON that programs get. Scores are of 100 points, and whatever is shown as a sum adds
up as it is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

BAR_POINTS = 2.5
"""So many points are one character of a bar."""

SHADES = "█▓▒░▞▚"
PLAIN_SHADES = "#=+:%*"
MOST_SHOWN = 12

Document = dict[str, Any]


def told(decision: Document, *, dry: bool = False) -> str:
    """The explanation as text. `dry`: nothing was called."""
    parts = [
        _head(decision, dry=dry),
        _scores(decision),
        _expectations(decision),
        _out(decision),
        _what_if(decision),
        [] if dry else _attempts(decision),
        _said(decision),
    ]
    return "\n".join("\n".join(part) for part in parts if part)


def _head(decision: Document, *, dry: bool) -> list[str]:
    task = decision["task"]
    facts = [
        f"agent {decision['agent_id']}",
        f"asked for {decision['asked_model'] or 'nothing'}",
        _task(task),
        "streamed" if task["stream"] else "plain",
        f"about {task['prompt_tokens']} tokens of prompt",
    ]
    if decision["session"]:
        facts.append(f"session {decision['session']}")
    current = "" if decision["config_is_current"] else ", which is no longer in force"
    verb = "Would choose" if dry else "Chose"
    chosen = decision["model_id"] or "nobody"
    lines = [
        f"{decision['decision_id']}  {decision['timestamp']}",
        f"  {', '.join(facts)}",
        f"  configuration {decision['config_version']}{current}",
        "",
        f"{verb} {chosen}: {decision['reason']['words']}.",
    ]
    footing = decision.get("assignment")  # which gateways of before assignments do not tell
    if footing is not None and footing["code"] != "unassigned":
        lines.append(f"  {footing['words']}.")
    if decision["propensity"] < 1.0:
        lines.append(f"  It had a chance of {decision['propensity']:.1%}.")
    return lines


def _task(task: Document) -> str:
    """Its type, and how sure that is where nobody has said it."""
    sure = task["type_probability"]
    guessed = "" if sure is None else f" (inferred, {sure:.0%} sure)"
    return f"task {task['type'] or 'of any type'}{guessed}"


def _scores(decision: Document) -> list[str]:
    candidates = decision["candidates"]
    if not candidates:
        return []
    weights = decision["weights"]
    how = f"strategy {decision['strategy']}"
    if weights:
        how += ": " + ", ".join(f"{name} {share:.0%}" for name, share in weights.items())
    names = list(dict.fromkeys(term["name"] for c in candidates for term in c["terms"]))
    rows = [_score_row(candidate, names) for candidate in candidates[:MOST_SHOWN]]
    head = ["", "score", *names, ""]
    lines = ["", f"Scores ({how})", *_table([head, *rows])]
    if len(candidates) > MOST_SHOWN:
        lines.append(f"  and {len(candidates) - MOST_SHOWN} more")
    shades = _shades()
    key = [f"{shades[place % len(shades)]} {name}" for place, name in enumerate(names)]
    return [*lines, f"  {'  '.join(key)}"]


def _score_row(candidate: Document, names: Sequence[str]) -> list[str]:
    values = {term["name"]: term["value"] for term in candidate["terms"]}
    total, shown = 0.0, []
    for name in names:
        # Each is shown as the difference of two rounded sums, so that the row adds up.
        before, total = round(total, 1), total + values.get(name, 0.0)
        shown.append(f"{round(total, 1) - before:.1f}" if name in values else "")
    return [candidate["model_id"], f"{round(total, 1):.1f}", *shown, _bar(values, names)]


def _bar(values: dict[str, float], names: Sequence[str]) -> str:
    """What adds up to the score; what was taken away is cut off at its end."""
    bar, total = "", 0.0
    for place, name in enumerate(names):
        total += values.get(name, 0.0)
        length = max(0, round(total / BAR_POINTS))
        shade = _shades()[place % len(SHADES)]
        bar = bar[:length] + shade * (length - len(bar))
    return bar


def _expectations(decision: Document) -> list[str]:
    """What the scores of the first and of who was compared with it rest on."""
    wanted = {decision["model_id"], (decision["counterfactual"] or {}).get("model_id")}
    lines: list[str] = []
    for candidate in decision["candidates"]:
        if candidate["model_id"] not in wanted:
            continue
        lines.append(f"  {candidate['model_id']}")
        lines += [f"    {t['name']}: {t['detail']}" for t in candidate["terms"] if t["detail"]]
        if candidate["estimate"]:
            lines.append(f"    evidence: {candidate['estimate']['evidence_words']}")
    return ["", "What they rest on", *lines] if lines else []


def _out(decision: Document) -> list[str]:
    rows = [
        [
            rejection["model_id"],
            rejection["code"],
            rejection["words"],
            "" if rejection["score"] is None else f"would score {rejection['score']:.1f}",
        ]
        for rejection in decision["rejections"][:MOST_SHOWN]
    ]
    if not rows:
        return []
    more = len(decision["rejections"]) - len(rows)
    return ["", "Out", *_table(rows), *([f"  and {more} more"] if more else [])]


def _what_if(decision: Document) -> list[str]:
    what_if = decision["counterfactual"]
    if not what_if:
        return []
    others = [f"  or if {change['words']}" for change in what_if["changes"][1:]]
    return ["", "What if", f"  {what_if['words']}", *others]


def _attempts(decision: Document) -> list[str]:
    rows = [list(_attempt_row(outcome)) for outcome in decision["outcomes"]]
    if not rows:
        return ["", "Under way: nothing has come of it yet."] if decision["model_id"] else []
    cost = "unknown" if decision["cost_usd"] is None else f"{decision['cost_usd']:.6f} USD"
    return ["", f"Attempts (together {cost})", *_table(rows)]


def _attempt_row(outcome: Document) -> Iterator[str]:
    yield str(outcome["attempt"])
    yield outcome["model_id"]
    if outcome["successful"]:
        yield "answered"
    else:
        yield f"{outcome['failure']}, which blames the {outcome['blames']}"
    yield f"{outcome['latency_ms'] / 1000:.2f} s"
    first = outcome["first_token_ms"]
    yield "" if first is None else f"first token after {first / 1000:.2f} s"
    cost = outcome["cost_usd"]
    yield "cost unknown" if cost is None else f"{cost:.6f} USD"


def _said(decision: Document) -> list[str]:
    said = decision["feedback"]
    if not said:
        return []
    words = [] if said["rating"] is None else [f"rated {said['rating']} of 5"]
    if said["success"] is not None:
        words.append("served its purpose" if said["success"] else "did not serve its purpose")
    if said["comment"]:
        words.append(repr(said["comment"]))
    return ["", f"Said of the answer: {', '.join(words)}"]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side; those of figures are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if _is_figure(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _is_figure(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).isdigit()


def _shades() -> str:
    """Blocks, where the terminal has them."""
    try:
        SHADES.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return PLAIN_SHADES
    return SHADES
