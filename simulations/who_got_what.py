"""Which agent's prompts went to which model, and why?

Starts a gateway with the simulated fleet (12 models, 8 agents), lets the agents ask in turn, reads
the decisions back and prints who got what. Prompts come from a JSONL file with a `text` per line,
or from the few below.

    make sim ARGS=who_got_what
    make sim ARGS="who_got_what prompts.jsonl --callers 64"
    make sim ARGS="who_got_what --url http://127.0.0.1:8080"      a gateway that already runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

PROMPTS = (
    "Write a function that merges two sorted lists.",
    "A train leaves at noon at 60 km/h. When has it gone 150 km?",
    "Which of two witnesses contradicts the other, and in what?",
    "ترجم إلى العربية: the points are set.",
    "What is the capital of Peru?",
    "Summarise: the box was closed in 1987 and its levers went to a museum.",
    "Plan the steps of moving a database without stopping the service.",
    "Is a whale a fish?",
)
CONTROL = "/api/v1/model-router"
LEDGER_PATIENCE_S = 10.0


class Call(NamedTuple):
    """One prompt sent: which agent asked, and what came back."""

    agent: str
    status: int
    decision_id: str | None


def prompts_of(path: Path | None) -> Sequence[str]:
    if path is None:
        return PROMPTS * 8
    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line.strip()]


@contextmanager
def gateway() -> Iterator[str]:
    """A gateway of its own with the simulated fleet, for as long as the block runs: its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A provider's key in the environment would put real models in the fleet.
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    executable = str(Path(sys.executable).with_name("pointsman"))
    with tempfile.TemporaryDirectory() as folder:
        place = ["--host", "127.0.0.1", "--port", str(port), "--data-dir", folder]
        command = [executable, "serve", *place, "--log-level", "error"]
        process = subprocess.Popen(command, env=quiet, cwd=folder)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


async def is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    """Return once the gateway is ready; end the program when it does not become so."""
    ends_at = time.monotonic() + 30
    while not await is_ready(session, url):
        if time.monotonic() > ends_at:
            sys.exit(f"nothing is ready to serve at {url}")
        await asyncio.sleep(0.05)


async def fetched(session: aiohttp.ClientSession, url: str) -> dict[str, Any] | None:
    """The JSON object at `url`, or None where there is none yet."""
    async with session.get(url) as answer:
        if answer.status == 404:
            return None
        answer.raise_for_status()
        document: dict[str, Any] = await answer.json()
        return document


async def asked(session: aiohttp.ClientSession, url: str, agent: str, prompt: str) -> Call:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 64,
    }
    headers = {"x-pointsman-agent": agent}
    async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()
        return Call(agent, answer.status, answer.headers.get("x-pointsman-decision"))


async def explained(
    session: aiohttp.ClientSession, url: str, decision_id: str
) -> dict[str, Any] | None:
    """The full decision once the ledger has written it down and it is over."""
    ends_at = time.monotonic() + LEDGER_PATIENCE_S
    while time.monotonic() < ends_at:
        document = await fetched(session, f"{url}{CONTROL}/decisions/{decision_id}")
        decision = document and document.get("decision", document)
        if decision and decision["successful"] is not None:
            return dict(decision)
        await asyncio.sleep(0.1)
    return None


def why(decisions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """In words: what made up the score of the usual choice, and what kept others out."""
    usual = Counter(decision["model_id"] for decision in decisions).most_common(1)[0][0]
    chosen = next(decision for decision in decisions if decision["model_id"] == usual)
    if chosen["candidates"]:
        first = chosen["candidates"][0]
        terms = ", ".join(
            f"{term['name']} {term['value']:.1f}"
            + (f" ({term['detail']})" if term["detail"] else "")
            for term in first["terms"]
        )
        yield f"{first['model_id']} {first['score']:.1f} = {terms}"
    out = Counter(
        (rejection["model_id"], rejection["code"])
        for decision in decisions
        for rejection in decision["rejections"]
    )
    codes: dict[str, list[str]] = defaultdict(list)
    for (model, code), count in sorted(out.items()):
        times = "" if count == len(decisions) else f" ×{count}"
        codes[code].append(model.rpartition("/")[2] + times)
    for code, models in codes.items():
        yield f"out, {code}: {', '.join(models)}"


def table(calls: Sequence[Call], decisions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    by_agent: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_agent[call.agent].append(call)
    for agent, own in by_agent.items():
        known = [decisions[key] for key in (c.decision_id or "" for c in own) if key in decisions]
        answered = sum(call.status == 200 for call in own)
        fallbacks = sum(decision["is_fallback"] for decision in known)
        cost_usd = sum(decision["cost_usd"] or 0 for decision in known)
        yield (
            f"\n{agent}: {len(own)} asked, {answered} answered, {fallbacks} by a fallback, "
            f"{cost_usd:.5f} USD"
        )
        served = Counter(str(decision["served_model_id"]) for decision in known)
        yield "  got  " + ", ".join(f"{model} {count}" for model, count in served.most_common())
        yield from (f"  why  {line}" for line in (why(known) if known else ()))


async def simulate(url: str, prompts: Sequence[str], callers: int) -> int:
    """The exit status: 0 when every prompt was answered and every decision could be explained."""
    connector = aiohttp.TCPConnector(limit=callers)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await ready(session, url)
        listed = await fetched(session, f"{url}{CONTROL}/agents") or {}
        agents = [a["agent_id"] for a in listed["agents"] if a["agent_id"] != "default"]
        began = time.monotonic()
        turns = enumerate(prompts)
        calls = await asyncio.gather(
            *(asked(session, url, agents[n % len(agents)], prompt) for n, prompt in turns)
        )
        took_s = time.monotonic() - began
        ids = [call.decision_id for call in calls if call.decision_id]
        found = await asyncio.gather(*(explained(session, url, each) for each in ids))
    decisions = {d["decision_id"]: d for d in found if d}
    print("\n".join(table(calls, decisions)))
    answered = sum(call.status == 200 for call in calls)
    models = len({decision["served_model_id"] for decision in decisions.values()} - {None})
    print(
        f"\n{answered} of {len(calls)} prompts of {len(agents)} agents answered by {models} models"
    )
    print(f"in {took_s:.1f} s; {len(decisions)} decisions read back")
    return 0 if answered == len(calls) == len(decisions) else 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prompts", nargs="?", type=Path, help="JSONL, one `text` per line")
    parser.add_argument("--callers", type=int, default=32, help="requests under way at once")
    parser.add_argument("--url", help="use the gateway that runs there")
    given = parser.parse_args()
    prompts = prompts_of(given.prompts)
    if given.url:
        sys.exit(asyncio.run(simulate(given.url.rstrip("/"), prompts, given.callers)))
    with gateway() as url:
        status = asyncio.run(simulate(url, prompts, given.callers))
    sys.exit(status)


if __name__ == "__main__":
    main()
