"""Define the command line of `openvideos-conformance`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from .._core.target import OPTIONS


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    root = argparse.ArgumentParser(
        prog="openvideos-conformance",
        description="Judge servers and clients of the Videos API by its contract.",
        allow_abbrev=False,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands.add_parser("run", help="judge a server", description=_RUN, epilog=_CODES, allow_abbrev=False))
    _add_client(commands.add_parser("client", help="judge a client", description=_CLIENT, allow_abbrev=False))
    compare = commands.add_parser("compare", help="compare the reports of several servers", allow_abbrev=False)
    compare.add_argument("reports", nargs="+", metavar="REPORT", help="a report.json, or NAME=report.json")
    compare.add_argument("--html", type=Path, metavar="FILE", help="write a web page")
    compare.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write Markdown (default: to stdout, if no --html is given)"
    )
    listing = commands.add_parser(
        "requirements", help="list the requirements of servers and clients", allow_abbrev=False
    )
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as docs/requirements.md")
    return root


_RUN: Final = "Judge a server of the Videos API. The run deletes the videos that it has started."
_CODES: Final = "Exit code: 0 no MUST failed; 1 a MUST failed; 2 the server could not be judged."


def _add_run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    for option in OPTIONS:
        add(*option.names, dest=option.dest, metavar=option.metavar, help=option.help)
    add("--expected-failures", type=Path, metavar="FILE", help="a TOML file of expected failures, each with a reason")
    add("--strict", "--should-fails", action="store_true", help="fail the run for a violated SHOULD, too")
    add("--only", action="append", default=[], metavar="ID", help="check only these requirements (ID,ID, repeatable)")
    add("--report", type=Path, metavar="DIR", help="write report.html, report.json, junit.xml and badge.svg there")
    add("--no-color", action="store_true", help="do not use colours (also: NO_COLOR)")


_CLIENT: Final = (
    "Judge a client: run a command that uses it, once for each scenario, against an emulator in which one thing goes "
    "wrong. Exit code: 0 no MUST failed; 1 a MUST failed; 2 the client could not be judged."
)


def _add_client(client: argparse.ArgumentParser) -> None:
    add = client.add_argument
    add(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="run only this scenario (repeatable; default: all)",
    )
    add("--timeout", default="60", metavar="S", help="how long the command may take in a scenario (default: 60)")
    add("--expected-failures", type=Path, metavar="FILE", help="a TOML file of expected failures, each with a reason")
    add("--strict", action="store_true", help="fail the run for a violated SHOULD, too")
    add("--report", type=Path, metavar="DIR", help="write report.html, report.json, junit.xml and badge.svg there")
    add("--no-color", action="store_true", help="do not use colours (also: NO_COLOR)")
    add("argv", nargs="+", metavar="CMD", help="the command and its arguments, after --")
