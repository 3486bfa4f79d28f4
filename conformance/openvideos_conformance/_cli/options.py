"""Read the command line of `openvideos-conformance`."""

from __future__ import annotations

import argparse
import math
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from .._core.capability_words import declared
from .._core.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_PORT: Final = 65_535
_KEY: Final = "OPENVIDEOS_API_KEY"
_URL: Final = "OPENVIDEOS_BASE_URL"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="openvideos-conformance",
        description="Judge servers and clients of the Videos API by its contract.",
        allow_abbrev=False,
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands.add_parser("run", help="judge a server", description=_RUN, epilog=_CODES, allow_abbrev=False))
    _add_client(commands.add_parser("client", help="judge a client", description=_CLIENT, allow_abbrev=False))
    compare = commands.add_parser("compare", help="lay the reports of servers side by side", allow_abbrev=False)
    compare.add_argument("reports", nargs="+", metavar="REPORT", help="a report.json, or NAME=report.json")
    compare.add_argument("--html", type=Path, metavar="FILE", help="write a web page")
    compare.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write Markdown (default: to stdout, if no --html is given)"
    )
    listing = commands.add_parser("requirements", help="list what servers and clients promise", allow_abbrev=False)
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as docs/requirements.md")
    return root


_RUN: Final = "Judge a server that speaks the Videos API. What the run starts there, it deletes at its end."
_CODES: Final = "Exit code: 0 no MUST failed; 1 some did; 2 the server could not be judged."


def _add_run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add("--base-url", metavar="URL", help=f"where the API is, such as http://127.0.0.1:8000/v1 (default: {_URL})")
    add("--api-key", metavar="KEY", help=f"the key (default: {_KEY}, which other users of the machine cannot see)")
    add("--model", help="a model that the server offers (default: the contract's)")
    add("--size", help="a size that it offers, such as 720x1280; the smaller, the cheaper")
    add("--seconds", help="a duration that it offers; the shorter, the cheaper")
    add("--failing-prompt", metavar="PROMPT", help="a prompt that makes a job fail; without one, failures go unjudged")
    add(
        "--capabilities",
        type=_capabilities,
        default=(frozenset(), frozenset()),
        metavar="WORDS",
        help="what the server offers and what not, such as remix,-edits (default: found out)",
    )
    add("--max-videos", type=_natural, default=40, metavar="N", help="how many videos it may start (default: 40)")
    add("--deadline", type=_seconds, default=600.0, metavar="S", help="how long to wait for videos (default: 600)")
    add("--timeout", type=_seconds, default=30.0, metavar="S", help="how long to wait for an answer (default: 30)")
    add("--expected-failures", type=Path, metavar="FILE", help="failures that are known, in TOML, each with a reason")
    add("--strict", action="store_true", help="let a violated SHOULD fail, too")
    add("--only", action="append", default=[], metavar="ID", help="check these requirements alone (ID,ID, repeatable)")
    add("--seed", type=_seed, default=None, metavar="N", help="the seed of generated requests (default: 0)")
    add("--webhook-port", type=_port, metavar="PORT", help="where the server sends its events, on this machine")
    add("--webhook-secret", metavar="SECRET", help="the secret that it signs them with")
    add("--report", type=Path, metavar="DIR", help="write report.html, report.json, junit.xml and badge.svg there")
    add("--no-color", action="store_true", help="use no colours (also: NO_COLOR)")


_CLIENT: Final = (
    "Judge a client: run a command that uses it, once for each scenario, against an emulator in which one thing goes "
    "wrong. Exit code: 0 no MUST failed; 1 some did; 2 the client could not be judged."
)


def _add_client(client: argparse.ArgumentParser) -> None:
    add = client.add_argument
    add(
        "--scenario", action="append", default=[], metavar="NAME", help="play this one alone (repeatable; default: all)"
    )
    add("--timeout", type=_seconds, default=60.0, metavar="S", help="how long the command may take (default: 60)")
    add("--expected-failures", type=Path, metavar="FILE", help="failures that are known, in TOML, each with a reason")
    add("--strict", action="store_true", help="let a violated SHOULD fail, too")
    add("--report", type=Path, metavar="DIR", help="write report.html, report.json, junit.xml and badge.svg there")
    add("--no-color", action="store_true", help="use no colours (also: NO_COLOR)")
    add("argv", nargs="+", metavar="CMD", help="the command and its arguments, behind --")


def target_of(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Target:
    """Return what the options of `run` point at.

    Raises:
        ValueError: They cannot be used; the message says why, and shows no secret.

    """
    base_url = options.base_url or environment.get(_URL) or ""
    _check_url(base_url)
    wanted, denied = options.capabilities
    return Target(
        base_url=base_url,
        api_key=_key(options.api_key if options.api_key is not None else environment.get(_KEY)),
        model=options.model,
        size=options.size,
        seconds=options.seconds,
        failing_prompt=options.failing_prompt,
        declared=wanted,
        denied=denied,
        max_videos=options.max_videos,
        deadline=options.deadline,
        timeout=options.timeout,
        seed=options.seed or 0,
        webhook_port=options.webhook_port,
        webhook_secret=options.webhook_secret,
    )


def _check_url(text: str) -> None:
    if not text:
        message = f"give the server to judge with --base-url, or set {_URL}"
        raise ValueError(message)
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url, parts = False, urlsplit("")
    if "@" in text:  # it may hold a password, so it is not shown
        message = "--base-url holds a name or a password; give the key with --api-key"
        raise ValueError(message)
    if not is_url or parts.query or parts.fragment or not text.isprintable() or " " in text:
        message = f"--base-url {text!r} is no URL of an API; give one such as http://127.0.0.1:8000/v1"
        raise ValueError(message)


def _key(key: str | None) -> str | None:
    if not key:
        return None
    if not all("!" <= char <= "~" for char in key):
        message = f"the key must be printable ASCII without spaces; see --api-key and {_KEY}"
        raise ValueError(message)
    return key


def _capabilities(text: str) -> tuple[frozenset[str], frozenset[str]]:
    try:
        return declared(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _natural(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text[:9]) > 0 and len(text) < 9:  # noqa: PLR2004 - enough
        return int(text)
    message = f"{text!r} is not a number of videos; use 1 or more"
    raise argparse.ArgumentTypeError(message)


def _seed(text: str) -> int:
    if text == "random":
        return secrets.randbelow(1 << 31)
    if text.isascii() and text.isdecimal() and len(text) < 16:  # noqa: PLR2004 - enough
        return int(text)
    message = f"{text!r} is no seed; use a number from 0 on, or random"
    raise argparse.ArgumentTypeError(message)


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_PORT)) and 0 < int(text) <= _MAX_PORT:
        return int(text)
    message = f"{text!r} is not a port; use a number from 1 to {_MAX_PORT}"
    raise argparse.ArgumentTypeError(message)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 < seconds < 1e6:  # noqa: PLR2004 - eleven days; a NaN is not
        return seconds
    message = f"{text!r} is not a time in seconds; use a number above 0"
    raise argparse.ArgumentTypeError(message)
