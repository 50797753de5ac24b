"""Does the gateway tell what it really runs with, and where each value comes from?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve
from simulated_upstream import SimulatedUpstream

SAID = {"host": "127.0.0.1", "log_level": "info", "log_format": "json"}
ARGUMENTS = ("--host", "127.0.0.1", "--log-level", "info", "--log-format", "json")


def server_of(gateway: GatewayProcess) -> tuple[dict[str, Any], dict[str, str]]:
    """The section `server` as it is told, and whence each of its values that is no default."""
    shown = gateway.control("/config")
    origins = {
        path.removeprefix("server."): each["origin"]
        for path, each in shown["origins"].items()
        if path.startswith("server.")
    }
    return shown["config"]["server"], origins


def test_what_the_command_line_says_is_shown_in_place_of_the_file(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    in_file = {"port": 9, "host": "127.0.0.2", "log_level": "debug", "shutdown_grace_s": 7.5}
    gateway = serve(fleet(upstream.url, server=in_file), arguments=ARGUMENTS)
    for _ in range(2):
        server, origins = server_of(gateway)
        assert {name: server[name] for name in SAID} == SAID
        assert (server["port"], server["shutdown_grace_s"]) == (0, 7.5)
        assert Path(server["data_dir"]) == gateway.data_dir
        by_command = dict.fromkeys((*SAID, "port", "data_dir"), "command_line")
        assert origins == {**by_command, "shutdown_grace_s": "file"}
        gateway.configure(fleet(upstream.url, server={**in_file, "keep_decisions_days": 3}))
        gateway.reload()
        assert server_of(gateway)[0]["keep_decisions_days"] == 3
        gateway.configure(fleet(upstream.url, server=in_file))
        gateway.reload()


def test_a_folder_is_told_whole_wherever_it_was_named(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    given = ("--data-dir", "here/data")
    gateway = serve(fleet(upstream.url), arguments=given)
    assert server_of(gateway)[0]["data_dir"] == str(gateway.folder / "here" / "data")
    assert tmp_path in (gateway.folder / "here").parents


def test_a_level_that_was_set_over_http_is_told_until_the_file_changes(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, server={"log_level": "info"}))
    assert gateway.call("PUT", f"{CONTROL}/log-level", {"level": "debug"}).status == 200
    server, origins = server_of(gateway)
    assert (server["log_level"], origins["log_level"]) == ("debug", "api")
    gateway.configure(fleet(upstream.url, server={"log_level": "info", "keep_decisions_days": 3}))
    gateway.reload()
    server, origins = server_of(gateway)
    assert (server["log_level"], origins["log_level"]) == ("info", "file")
