"""How do people see what is wrong, take care of it, silence it, and look at rules?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import yaml

from pointsman.app.commands.asking import Document, Gateway
from pointsman.core.alert_silences import matcher
from pointsman.core.errors import ConfigError, Problem


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    more = "also what is over since an hour"
    parser.add_argument("--all", action="store_true", help=more, default=argparse.SUPPRESS)


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=20, help="how many lines (default: 20)")


def add_ack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the alert's id")
    parser.add_argument("--comment", default="", help="what is being done")
    parser.add_argument("--hours", type=float, default=24.0, help="for how long (default: 24)")
    parser.add_argument("--back", action="store_true", help="give it back")


def add_silence_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("matchers", nargs="*", metavar="LABEL=VALUE", help="or !=, =~, !~")
    parser.add_argument("--hours", type=float, default=1.0, help="for how long (default: 1)")
    parser.add_argument("--comment", default="", help="why")
    parser.add_argument("--end", metavar="ID", help="end this silence instead")


def add_rules_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the rule's name")
    parser.add_argument(
        "--try",
        dest="trying",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="what it would have done; FILE has a rule in YAML, without: the one in force",
    )
    turned = parser.add_mutually_exclusive_group()
    turned.add_argument("--on", action="store_true", help="turn it on")
    turned.add_argument("--off", action="store_true", help="turn it off, leaving what it says")
    days = "the same, of so many days (default: 7)"
    parser.add_argument("--days", type=float, help=days)


def show_alerts(gateway: Gateway, args: argparse.Namespace) -> int:
    """What is wrong now."""
    path = "/alerts" if args.all else "/alerts/active"
    return _shown(gateway.ask("GET", path), args)


def show_history(gateway: Gateway, args: argparse.Namespace) -> int:
    """What happened lately."""
    return _shown(gateway.ask("GET", "/alerts/history", limit=args.limit), args)


def acknowledge(gateway: Gateway, args: argparse.Namespace) -> int:
    """Take care of an alert, or give it back."""
    path = f"/alerts/{quote(args.id, safe='')}/ack"
    if args.back:
        return _shown(gateway.ask("DELETE", path), args)
    body = {"comment": args.comment, "hours": args.hours}
    return _shown(gateway.ask("POST", path, body=body), args)


def silence(gateway: Gateway, args: argparse.Namespace) -> int:
    """Silence some alerts, end a silence, or show all."""
    if args.end:
        path = f"/alerts/silences/{quote(args.end, safe='')}"
        return _shown(gateway.ask("DELETE", path), args)
    if not args.matchers:
        return _shown(gateway.ask("GET", "/alerts/silences"), args)
    try:
        wanted = [matcher(each) for each in args.matchers]
    except ValueError as error:
        raise ConfigError([Problem("LABEL=VALUE", str(error))], "silence") from error
    matchers = [
        {"name": each.name, "value": each.value, "operator": each.operator.value} for each in wanted
    ]
    body = {"matchers": matchers, "comment": args.comment, "hours": args.hours}
    return _shown(gateway.ask("POST", "/alerts/silences", body=body), args)


def show_rules(gateway: Gateway, args: argparse.Namespace) -> int:
    """All rules, one of them, one turned on or off, or what one would have done."""
    if args.name is None and (
        args.days is not None or args.trying is not None or args.on or args.off
    ):
        words = "name the rule that is meant; `pointsman alerts rules` lists them"
        raise ConfigError([Problem("NAME", words)], "rule")
    if args.name is None:
        return _shown(gateway.ask("GET", "/alerts/rules"), args)
    path = f"/alerts/rules/{quote(args.name, safe='')}"
    if args.on or args.off:
        answer = gateway.ask("PATCH", path, body={"enabled": args.on})
        return _shown(answer if args.json else {"rules": [answer["rule"]]}, args)
    if args.trying is None and args.days is None:
        return _shown(gateway.ask("GET", path), args)
    body = _written(args.trying) if args.trying is not None and args.trying.name else {}
    query = {"days": f"{7.0 if args.days is None else args.days:g}"}
    return _shown(gateway.ask("POST", f"{path}/dry-run", body=body, **query), args)


def _shown(answer: Document, args: argparse.Namespace) -> int:
    print(json.dumps(answer, indent=2) if args.json else "\n".join(_told(answer)))
    return 0


def _written(path: Path) -> Document:
    """The rule in a file."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        words = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(str(path), words)], "rule") from error
    if not isinstance(found, dict):
        words = "is no rule; write `scope:` and `when:` as below `alerts.rules.<name>`"
        raise ConfigError([Problem(str(path), words)], "rule")
    return found


# What is printed -------------------------------------------------------------------------------


def _told(answer: Document) -> Iterator[str]:
    """The gateway's answer for people: by what it holds."""
    for name, tell in _TOLD.items():
        if name in answer:
            yield from tell(answer)
            return
    yield str(answer.get("message", "done"))


def _alerts(answer: Document) -> Iterator[str]:
    if not answer["alerts"]:
        yield "nothing is wrong"
    for alert in answer["alerts"]:
        marks = [alert["state"]] if alert["state"] != "firing" else []
        if alert["acknowledged"]:
            marks.append(f"taken by {alert['acknowledged']['by']}")
        marks += ["silenced"] * bool(alert["silenced_by"])
        marks += ["hidden"] * bool(alert["inhibited_by"]) + ["flapping"] * alert["flapping"]
        marked = f"  [{', '.join(marks)}]" if marks else ""
        yield f"{_mark(alert['severity'])} {alert['alert_type']:20} {alert['message']}{marked}"
        yield f"  {alert['alert_id']}  rule {alert['rule']}, since {alert['starts_at']}"
    more = answer["total_count"] - len(answer["alerts"])
    if more:
        yield f"... and {more} more"


def _mark(severity: str) -> str:
    return f"{severity:8}"


def _events(answer: Document) -> Iterator[str]:
    if not answer["events"]:
        yield "nothing has happened yet"
    for event in answer["events"]:
        by = f" by {event['actor']}" if event["actor"] else ""
        what = f"{event['step']:14}{_mark(event['severity'])} {event['message']}{by}"
        yield f"{event['timestamp']}  {what}"


def _silences(answer: Document) -> Iterator[str]:
    if not answer["silences"]:
        yield "nothing is silent"
    for silence in answer["silences"]:
        yield from _one_silence(silence)


def _one_silence(silence: Document) -> Iterator[str]:
    matchers = " ".join(
        f"{each['name']}{each['operator']}{each['value']}" for each in silence["matchers"]
    )
    yield f"{silence['silence_id']}  {silence['state']:8} until {silence['ends_at']}  {matchers}"
    yield f"  {silence['created_by']}: {silence['comment']}"


def _set_silence(answer: Document) -> Iterator[str]:
    yield from _one_silence(answer["silence"])
    hides = answer["hides"]
    yield f"  hides {hides} open alert{'' if hides == 1 else 's'} now"


def _all_rules(answer: Document) -> Iterator[str]:
    for rule in answer["rules"]:
        on = f"{rule['open_alerts']} open" if rule["enabled"] else "off"
        yield f"{rule['name']:28} {rule['alert_type']:20} {rule['origin']:14} {on}"


def _tried(answer: Document) -> Iterator[str]:
    yield answer["message"]
    for episode in answer["episodes"]:
        yield f"  {episode['starts_at']}  {_mark(episode['severity'])} {episode['message']}"
    if answer["not_judged"]:
        yield f"not judged, since it is not in the record: {', '.join(answer['not_judged'])}"


def _rule(answer: Document) -> Iterator[str]:
    yield yaml.safe_dump(answer["rule"], sort_keys=False).rstrip()


_TOLD: Mapping[str, Callable[[Document], Iterator[str]]] = {
    "alerts": _alerts,
    "events": _events,
    "silences": _silences,
    "silence": _set_silence,
    "rules": _all_rules,
    "fired": _tried,
    "rule": _rule,
}
