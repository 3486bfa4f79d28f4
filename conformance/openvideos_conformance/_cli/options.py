"""Define the command line of `openvideos-conformance`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from .._core.run_result import suite_version
from .._core.target import OPTIONS


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    root = argparse.ArgumentParser(
        prog="openvideos-conformance",
        description="Judge servers and clients of the Videos API by its contract.",
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {suite_version()}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands.add_parser("run", help="judge a server", description=_RUN, epilog=_CODES, allow_abbrev=False))
    _add_client(commands.add_parser("client", help="judge a client", description=_CLIENT, allow_abbrev=False))
    compare = commands.add_parser(
        "compare", help="compare the reports of several servers or runs", epilog=_COMPARED, allow_abbrev=False
    )
    compare.add_argument("reports", nargs="+", metavar="REPORT", help="a report.json, or NAME=report.json")
    compare.add_argument("--html", type=Path, metavar="FILE", help="write a web page")
    compare.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write Markdown (default: to stdout, if no --html is given)"
    )
    compare.add_argument(
        "--changed", action="store_true", help="show only what differs, and exit with 1 if something fails that passed"
    )
    listing = commands.add_parser(
        "requirements", help="list the requirements of servers and clients, or explain one", allow_abbrev=False
    )
    listing.add_argument("id", nargs="?", metavar="ID", help="explain this requirement, such as VID-LIST-003")
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as docs/requirements.md")
    listing.add_argument("--profile", metavar="NAME", help="only those of a profile: core, standard or full")
    return root


_RUN: Final = "Judge a server of the Videos API. The run deletes the videos that it has started."
_CODES: Final = "Exit code: 0 no MUST failed; 1 a MUST failed; 2 the server could not be judged."


_COMPARED: Final = (
    "Exit code: 0; 1 with --changed, if a requirement that passes in the first report fails in a later one; 2 if a "
    "file is not a report, or cannot be written."
)


def _add_run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    for option in OPTIONS:
        add(*option.names, dest=option.dest, metavar=option.metavar, help=option.help)
    add("-v", "--verbose", action="store_true", help="write a line for each check, also where it is no terminal")
    add("--expected-failures", type=Path, metavar="FILE", help="a TOML file of expected failures, each with a reason")
    add("--strict", "--should-fails", action="store_true", help="fail the run for a SHOULD that fails, too")
    add("--only", action="append", default=[], metavar="ID", help="check only these requirements (ID,ID, repeatable)")
    add(
        "--report",
        type=Path,
        metavar="DIR",
        help="write the reports there, for people, programs and CI",
    )
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
    add(
        "--timeout",
        default="60",
        metavar="S",
        help="how long the command may take in a scenario, beside what that makes it wait (default: 60)",
    )
    add("--jobs", type=int, default=4, metavar="N", help="how many scenarios are run at a time (default: 4)")
    add(
        "--own",
        action="append",
        default=[],
        metavar="PART",
        help="what the program does itself, and not the client: polls, retries, lists, files (repeatable)",
    )
    add("--show-output", action="store_true", help="show what the command writes")
    add("--keep", type=Path, metavar="DIR", help="keep the traffic (HAR), the output and the files of each scenario")
    add(
        "--host",
        default="127.0.0.1",
        metavar="NAME",
        help="the name of this machine for the command, as in a container; the server then listens on all addresses",
    )
    add("--expected-failures", type=Path, metavar="FILE", help="a TOML file of expected failures, each with a reason")
    add("--strict", action="store_true", help="fail the run for a SHOULD that fails, too")
    add(
        "--report",
        type=Path,
        metavar="DIR",
        help="write the reports there, for people, programs and CI",
    )
    add("--no-color", action="store_true", help="do not use colours (also: NO_COLOR)")
    add("argv", nargs="+", metavar="CMD", help="the command and its arguments, after --")
