"""How is the gateway started from the command line?"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from pointsman.adapters.http.app import is_loopback
from pointsman.app.additions import Additions, added_beside
from pointsman.app.commands.arguments import port
from pointsman.app.commands.refusing import refused
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.listening import address_of, listening_at
from pointsman.app.logs import configure
from pointsman.app.origins import ValueOrigin
from pointsman.app.reloading import Load
from pointsman.app.running import Running
from pointsman.app.server import HttpServer
from pointsman.core.errors import ConfigError, PointsmanError, Problem
from pointsman.version import VERSION

log = logging.getLogger(__name__)

EXIT_FAILED = 1

DESCRIPTION = """\
Serve an OpenAI-compatible gateway that chooses a model for every request.

Without CONFIG: serves the models of each provider whose key is in the environment (OPENAI_API_KEY,
GROQ_API_KEY, MISTRAL_API_KEY, DEEPSEEK_API_KEY, TOGETHER_API_KEY, OPENROUTER_API_KEY); with no key
set, a simulated fleet of 12 models and 8 agents, so that there is something to try.

The configuration is read again on SIGHUP and when its file changes; one with mistakes is reported
and not used. SIGTERM lets running requests finish; a second one cuts them."""

EPILOG = """\
examples:
  pointsman serve                                    try it without any key
  pointsman serve fleet.yaml --port 9000             your own fleet
  curl localhost:8080/v1/chat/completions -d '{"model": "auto", "messages":
      [{"role": "user", "content": "Hello"}]}'       one routed request"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("config", nargs="?", type=Path, help="YAML file, see `pointsman init`")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=port, help="port to listen on, 0 for any (default: 8080)")
    parser.add_argument("--data-dir", type=Path, help="where decisions are kept")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--log-format", choices=["auto", "console", "json"])


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop. Returns the exit status."""

    def read(additions: Additions | None = None) -> Configuration:
        added = added_beside(args.data_dir, additions)
        return _overridden(load(args.config, os.environ, added), args)

    try:
        configuration = read()
        settings = configuration.server
        listening = listening_at(settings.host, settings.port, configuration.source)
    except ConfigError as error:
        return refused(error)
    return _serve(configuration, read, listening)


def _serve(configuration: Configuration, read: Load, listening: socket.socket) -> int:
    secrets = [configuration.secrets]
    settings = configuration.server
    logs = configure(settings.log_level, settings.log_format, secrets=lambda: secrets[0])

    def read_again(additions: Additions | None = None) -> Configuration:
        # New secrets are known to the scrubber before anything can be logged about them.
        fresh = read(additions)
        secrets[0] |= fresh.secrets
        _refuse_exposure(fresh, listening.getsockname()[0])
        return fresh

    def announce(running: Running) -> None:
        print("\n".join(_greeting(running.configuration, listening)), flush=True)
        for warning in running.configuration.warnings:
            log.warning("%s", warning)

    http = HttpServer(configuration, read_again, logs, announce)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            ended_well = runner.run(http.run(listening))
    except KeyboardInterrupt:
        ended_well = True
    except PointsmanError as error:
        print(error, file=sys.stderr)
        ended_well = False
    finally:
        logs.stop()
    return 0 if ended_well else EXIT_FAILED


def _overridden(configuration: Configuration, args: argparse.Namespace) -> Configuration:
    """What the command line says wins over the file. Raises `ConfigError`."""
    given = {
        "host": args.host,
        "port": args.port,
        "data_dir": args.data_dir,
        "log_level": args.log_level,
        "log_format": args.log_format,
    }
    given = {name: value for name, value in given.items() if value is not None}
    overridden = replace(
        configuration,
        server=replace(configuration.server, **given),
        redacted=_shown_over(configuration.redacted, given),
        origins={
            **configuration.origins,
            **{f"server.{name}": ValueOrigin("command_line") for name in given},
        },
    )
    _refuse_exposure(overridden, overridden.server.host)
    return overridden


def _shown_over(redacted: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The effective file, with what the command line says of the server in it."""
    shown = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in given.items()
    }
    return {**redacted, "server": {**redacted["server"], **shown}}


def _refuse_exposure(configuration: Configuration, host: str) -> None:
    """Raises `ConfigError` if others than this machine could reach `host` and there are no keys.

    After a reload `host` is what is listened on since the start, whatever the file says now.
    """
    if configuration.keys or is_loopback(host):
        return
    problem = Problem(
        "server.host",
        "without keys only this machine may be served",
        "add `keys` (`pointsman keys new` makes one), or listen on 127.0.0.1 from a restart on",
        host,
    )
    raise ConfigError([problem], configuration.source)


def _greeting(configuration: Configuration, listening: socket.socket) -> list[str]:
    address = address_of(listening)
    fleet = configuration.fleet
    agents = len(fleet.agents)
    who = "holders of a key" if configuration.keys else "this machine only, since there are no keys"
    return [
        f"pointsman {VERSION} is listening on http://{address}",
        f"  OpenAI base URL  http://{address}/v1   (model: auto)",
        f"  configuration    {configuration.source}, version {configuration.version}",
        f"  fleet            {len(fleet.models)} models, {agents} agents",
        f"  serves           {who}",
        f"  data             {configuration.server.data_dir}",
    ]
