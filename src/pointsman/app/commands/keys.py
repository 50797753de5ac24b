"""How does an operator make a key for a caller?"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import secrets

from pointsman.adapters.http.auth import Role
from pointsman.app.commands.refusing import refused
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.secret_shapes import KEY_PREFIX

DESCRIPTION = """\
Make an API key. It is shown once and stored nowhere: what goes into the configuration is its
SHA-256, from which nobody can get it back. A key has 256 bits of chance, so its plain hash is as
good as a salted one."""

EPILOG = """\
roles: caller sends requests; viewer reads the control API and metrics; admin may do all

example:
  pointsman keys new ci --agent coder --agent reviewer"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("action", choices=["new"], help="new: make a key")
    parser.add_argument("name", help="whose key it is; shown in logs")
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.CALLER.value)
    parser.add_argument(
        "--agent",
        action="append",
        default=[],
        metavar="ID",
        help="an agent it may speak for, the first by default; may be given more than once",
    )
    parser.add_argument("--json", action="store_true", help="print the key and its entry as JSON")


def run(args: argparse.Namespace) -> int:
    if not re.fullmatch(r"[\w.@ -]{1,64}", args.name):
        words = "is not a name that can stand in a log"
        remedy = "give 1 to 64 letters, digits, spaces, or any of . @ _ -"
        return refused(
            ConfigError([Problem("name", words, remedy, repr(args.name))], "keys new"),
            as_json=args.json,
        )
    key = f"{KEY_PREFIX}{secrets.token_urlsafe(32)}"
    entry = {
        "name": args.name,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "role": args.role,
        "agents": args.agent,
    }
    if args.json:
        print(json.dumps({"key": key, "entry": entry}, indent=2))
        return 0
    # JSON is YAML, so this line can be pasted whatever the name holds.
    print(f"{key}\n")
    print("Give this key to the caller; it is not shown again. In the configuration:\n")
    print(f"keys:\n  - {json.dumps(entry)}")
    return 0
