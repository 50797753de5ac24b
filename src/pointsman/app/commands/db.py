"""At which revision is the database, and how does it get to another?"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.exc import SQLAlchemyError

from pointsman.adapters.stores.conformance.scratch import EMBEDDED
from pointsman.adapters.stores.conformance.verify import Finding, Verification
from pointsman.adapters.stores.hana.rendering import without_driver
from pointsman.adapters.stores.holding import Held
from pointsman.adapters.stores.migrations.running import DIALECTS, revisions, statements
from pointsman.adapters.stores.schema import HEAD
from pointsman.app.clock import SystemClock
from pointsman.app.commands.refusing import EXIT_WRONG_USE, refused
from pointsman.app.config import load
from pointsman.app.databases import Database, FileDatabase, Unmovable, database_of
from pointsman.app.keeping import StoreSettings
from pointsman.app.storing import recorded, waiting
from pointsman.core.audit import Act, act_id
from pointsman.core.errors import ConfigError, StoreError
from pointsman.version import VERSION

EXIT_BEHIND = 1
COMMAND = "pointsman db"
"""Who acts where no key was shown."""
UNCHANGED = "nothing was changed"

DESCRIPTION = """\
Look after the database. The embedded one, a file in `server.data_dir`, brings itself up to date
when the gateway starts; one that `store.url` names is brought up to date by `upgrade`."""

EPILOG = """\
actions:
  status      which revision it is at, and what newer ones would add
  upgrade     bring it to the newest revision, or to --to
  downgrade   take it back to an earlier one, --to; what only later ones know is deleted
  backup      copy the embedded one to --file while it is in use
  forget      delete what is kept of --agent: decisions, outcomes, feedback, figures
  verify      make sure that a database does all that pointsman relies on, in a scratch schema that
              is removed again; it also takes a URL: postgresql:, hana: or sqlite:FOLDER
  sql         print the statements of the steps --from ... --to for a --dialect; changes nothing

upgrade and downgrade of the embedded one, and forget, are refused while a gateway runs in that
folder.

exit status: 0 done, 1 it is not up to date (status) or it failed, 2 wrong use

examples:
  pointsman db status fleet.yaml
  pointsman db backup --file /backup/pointsman.db
  pointsman db downgrade --to 3 --yes
  pointsman db forget fleet.yaml --agent coder --yes
  pointsman db verify hana://user:password@host:39017/
  pointsman db sql --dialect postgresql > schema.sql"""


class _Refusal(Exception):
    """The words tell what is wrong and what would be right."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("action", choices=list(_ACTIONS), metavar="ACTION", help="see below")
    parser.add_argument("config", nargs="?", help="YAML file; none: what serve would use")
    parser.add_argument("--to", type=int, metavar="N", help="the revision to come to; 0: no tables")
    parser.add_argument(
        "--from", dest="start", type=int, default=0, metavar="N", help="sql: the one to start from"
    )
    parser.add_argument("--dialect", choices=DIALECTS, default=DIALECTS[0], help="sql: for which")
    parser.add_argument("--file", type=Path, metavar="COPY", help="backup: where the copy goes")
    parser.add_argument(
        "--yes", action="store_true", help="downgrade, forget: yes, delete it for good"
    )
    parser.add_argument("--agent", metavar="ID", help="forget: whose data are deleted")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(args: argparse.Namespace) -> int:
    try:
        return _ACTIONS[args.action](args)
    except ConfigError as error:
        return refused(error, as_json=args.json)
    except (_Refusal, Unmovable) as error:
        print(f"pointsman db {args.action}: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    except BrokenPipeError:
        raise  # nobody reads any more; what was to be done is done
    except (SQLAlchemyError, sqlite3.Error, StoreError, OSError) as error:
        done = "some may be deleted, do it again" if args.action == "forget" else UNCHANGED
        print(f"pointsman db {args.action}: {done}: {error}", file=sys.stderr)
        return 1


def _status(args: argparse.Namespace) -> int:
    database = _database(args)
    revision = database.revision()
    pending = [each for each in revisions() if each.number > revision]
    if args.json:
        record = {
            "database": str(database),
            "exists": database.exists(),
            "revision": revision,
            "newest": HEAD,
            "pending": [each._asdict() for each in pending],
        }
        print(json.dumps(record, indent=2))
    else:
        place = "" if database.exists() else " (not there yet)"
        print(f"{database}{place}\nrevision {revision}, the newest is {HEAD}")
        for each in pending:
            print(f"  {each.number}  {each.question}")
    return EXIT_BEHIND if pending and database.exists() else 0


def _upgrade(args: argparse.Namespace) -> int:
    return _moved(args, _target(args, HEAD), up=True)


def _downgrade(args: argparse.Namespace) -> int:
    if args.to is None:
        raise _Refusal("say with --to N which revision to go back to; status tells where it is")
    if not args.yes:
        raise _Refusal("what only later revisions know is deleted; add --yes if that is meant")
    return _moved(args, _target(args, HEAD), up=False)


def _moved(args: argparse.Namespace, target: int, *, up: bool) -> int:
    database, before = _existing(args)
    if before and (target < before) is up and target != before:
        other = "downgrade" if up else "upgrade"
        raise _Refusal(f"{database} is at revision {before}; to come to {target} use {other}")
    database.move(target)
    if args.json:
        print(json.dumps({"database": str(database), "before": before, "revision": target}))
    else:
        print(f"{database}: revision {before} -> {target}")
    return 0


def _backup(args: argparse.Namespace) -> int:
    if args.file is None:
        raise _Refusal("say with --file COPY where the copy goes")
    database, revision = _existing(args)
    if not isinstance(database, FileDatabase):
        raise _Refusal(f"{database} is backed up by what its server has for that, such as pg_dump")
    # The copy may name people and projects as the original does.
    descriptor = os.open(args.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    try:
        with database.reading() as db:
            db.execute("VACUUM INTO ?", (str(args.file),))
    except BaseException:
        args.file.unlink()  # a part of a copy is none
        raise
    size = args.file.stat().st_size
    if args.json:
        print(json.dumps({"copy": str(args.file), "revision": revision, "bytes": size}))
    else:
        print(f"{args.file}: {size:,} bytes, revision {revision}")
    return 0


def _forget(args: argparse.Namespace) -> int:
    if not args.agent:
        raise _Refusal("say with --agent ID whose data are to be deleted")
    if not args.yes:
        raise _Refusal(f"all that is kept of {args.agent} is deleted; add --yes if that is meant")
    configuration = load(_config(args), os.environ)
    settings, folder = configuration.store, configuration.server.data_dir
    database = database_of(configuration)
    if not database.exists():
        raise _Refusal(f"nothing was ever kept in {folder}")
    if (revision := database.revision()) < HEAD:
        raise _Refusal(
            f"{database} is at revision {revision}, this pointsman works with {HEAD}: bring it up"
            " to date first with `pointsman db upgrade`"
        )
    with closing(Held(folder)):
        count = _forgotten(settings, folder, args.agent)
    if args.json:
        print(json.dumps({"agent_id": args.agent, "decisions": count}))
    else:
        print(f"{count} decisions of {args.agent} and what belongs to them are deleted")
    return 0


def _forgotten(settings: StoreSettings, folder: Path, agent_id: str) -> int:
    """How many decisions of that agent there were."""
    if number := waiting(settings, folder):
        raise _Refusal(
            f"{number} records in {folder} wait for the database, some perhaps of {agent_id}:"
            " start the gateway until they are there"
        )
    store = recorded(settings, folder, reading=False)
    assert store is not None  # noqa: S101 - whoever calls has looked
    with closing(store):
        now = SystemClock().now()
        name = act_id(now, secrets.randbits(64))
        store.audit.record(Act(name, now, COMMAND, "agent_data.delete", agent_id))
        return store.forget_agent(agent_id)


def _verify(args: argparse.Namespace) -> int:
    try:
        verification = Verification(_url(args))
    except ValueError as error:
        raise _Refusal(f"that is no address of a database: {error}") from None
    findings: list[Finding] = []
    try:
        for finding in verification.findings():
            findings.append(finding)
            if not args.json:
                print(_told(finding), flush=True)
    finally:
        verification.close()
    broken = sum(not each.holds for each in findings)
    if args.json:
        record = {
            "database": verification.name,
            "pointsman": VERSION,
            "revision": HEAD,
            "findings": [each._asdict() for each in findings],
        }
        print(json.dumps(record, indent=2))
    else:
        verdict = f"{broken} of {len(findings)} promises are broken" if broken else "all hold"
        print(f"{verification.name}: {verdict}")
    return 1 if broken else 0


def _told(finding: Finding) -> str:
    said = f"{'ok    ' if finding.holds else 'BROKEN'} {finding.seconds:7.2f} s  {finding.promise}"
    return said if finding.holds else f"{said}\n       {finding.words}"


def _url(args: argparse.Namespace) -> str:
    """The URL that was given, or that of the configuration."""
    given = args.config or ""
    if "://" in given or given.startswith(f"{EMBEDDED}:"):
        return str(given)
    url = load(_config(args), os.environ).store.url
    return f"{EMBEDDED}:" if url is None else url.reveal()


def _sql(args: argparse.Namespace) -> int:
    start = _known("--from", args.start)
    try:
        with without_driver() if args.dialect == "hana" else nullcontext():
            text = statements(args.dialect, start=start, target=_target(args, HEAD))
    except LookupError:
        raise _Refusal(
            "writing for SAP HANA takes its dialect, and not its driver: "
            "pip install --no-deps 'sqlalchemy-hana>=5,<6'"
        ) from None
    print(json.dumps({"dialect": args.dialect, "sql": text}) if args.json else text)
    return 0


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "status": _status,
        "upgrade": _upgrade,
        "downgrade": _downgrade,
        "backup": _backup,
        "forget": _forget,
        "verify": _verify,
        "sql": _sql,
    }
)


def _target(args: argparse.Namespace, default: int) -> int:
    return default if args.to is None else _known("--to", args.to)


def _known(option: str, number: int) -> int:
    if not 0 <= number <= HEAD:
        raise _Refusal(f"{option} {number}: there are revisions 0 (no tables) to {HEAD}")
    return number


def _existing(args: argparse.Namespace) -> tuple[Database, int]:
    database = _database(args)
    if not database.exists():
        raise _Refusal(f"{database} is not there: the gateway makes it when it first starts")
    return database, database.revision()


def _database(args: argparse.Namespace) -> Database:
    return database_of(load(_config(args), os.environ))


def _config(args: argparse.Namespace) -> Path | None:
    return None if args.config is None else Path(args.config)
