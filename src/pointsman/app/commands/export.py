"""How does what is kept get into a spreadsheet, a notebook or another database?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from pointsman.adapters.http.control.export_rows import FIELDS, Line, lines, ndjson, table
from pointsman.app.commands.refusing import EXIT_WRONG_USE, refused
from pointsman.app.commands.writing import instead_of
from pointsman.app.config import load
from pointsman.app.storing import recorded
from pointsman.core.aggregate import first_id
from pointsman.core.errors import ConfigError, StoreError
from pointsman.engine.ports import DecisionQuery

FORMATS = ("ndjson", "csv", "parquet")
ROWS_AT_ONCE = 20_000

DESCRIPTION = """\
Write down decisions or the outcomes of their attempts, newest first, one a line. The gateway may
run meanwhile. Parquet needs the extra `pointsman[analysis]`; DuckDB, pandas and Polars read it."""

EPILOG = """\
examples:
  pointsman export decisions > decisions.ndjson
  pointsman export outcomes fleet.yaml --format csv --since 2026-11-01 --agent coder --out o.csv
  pointsman export outcomes --format parquet --out outcomes.parquet
  duckdb -c "SELECT model_id, avg(latency_ms) FROM 'outcomes.parquet' GROUP BY 1"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("what", choices=list(FIELDS), help="what a line is")
    parser.add_argument(
        "config", nargs="?", type=Path, help="YAML file; none: what serve would use"
    )
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
    parser.add_argument("--since", type=_instant, metavar="TIME", help="made then or later, in UTC")
    parser.add_argument("--until", type=_instant, metavar="TIME", help="made before then, in UTC")
    parser.add_argument("--agent", metavar="ID", help="of this agent only")
    parser.add_argument("--model", metavar="ID", help="chosen or tried for the request")
    parser.add_argument("--out", type=Path, metavar="FILE", help="left out: standard output")


def run(args: argparse.Namespace) -> int:
    try:
        configuration = load(args.config, os.environ)
    except ConfigError as error:
        return refused(error)
    try:
        store = recorded(configuration.store, configuration.server.data_dir)
        if store is None:
            print(f"nothing was ever kept in {configuration.server.data_dir}", file=sys.stderr)
            return EXIT_WRONG_USE
        least_id, before = (
            None if at is None else first_id(at.timestamp()) for at in (args.since, args.until)
        )
        query = DecisionQuery(
            before=before, agent_id=args.agent, model_id=args.model, least_id=least_id
        )
        try:
            _write(args, lines(args.what, store.decisions, query))
        finally:
            store.close()
    except BrokenPipeError:
        raise  # nobody reads any more, and nothing is wrong
    except (StoreError, OSError, LookupError) as error:
        print(f"pointsman export: {error}", file=sys.stderr)
        return 1
    return 0


def _write(args: argparse.Namespace, found: Iterator[Line]) -> None:
    if args.format == "parquet":
        if args.out is None:
            raise LookupError("Parquet is written to a file: say with --out which")
        with instead_of(args.out) as path:
            _write_parquet(path, args.what, found)
        return
    written = ndjson(found) if args.format == "ndjson" else table(FIELDS[args.what], found)
    if args.out is None:
        _write_all(sys.stdout.buffer, written)
        sys.stdout.buffer.flush()
        return
    with instead_of(args.out) as path, path.open("wb") as stream:
        _write_all(stream, written)


def _write_all(stream: BinaryIO, written: Iterable[bytes]) -> None:
    stream.writelines(written)


def _write_parquet(path: Path, what: str, found: Iterator[Line]) -> None:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise LookupError(f"{error}: pip install 'pointsman[analysis]'") from None
    kinds = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    schema = arrow.schema([(name, kinds[kind]) for name, kind in FIELDS[what].items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while rows := list(islice(found, ROWS_AT_ONCE)):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        words = f"{text!r} is no time, such as 2026-11-01 or 2026-11-01T12:00"
        raise argparse.ArgumentTypeError(words) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
