"""Print the changes from one contract to another, and whether they break callers or readers.

A contract is a file, or REF:PATH as git names it, of OpenAPI 3.0, 3.1 or 3.2: ours, or a vendor's. From the project's
root: `python -m tools.contract_diff OLD NEW`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import output
from .changes import compare
from .document import InvalidSpecError, lines_of, parse, read
from .ignoring import Ignored, InvalidListError, ignored_of, reasons
from .model import SEVERITY, Class, printable
from .scope import EmptyScopeError, Scope


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return 0, 1 if a change is as grave as --fail-on says, 2 for what cannot be read."""
    try:
        return run(parser().parse_args(arguments))
    except BrokenPipeError:  # whoever reads has read enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run(options: argparse.Namespace) -> int:
    """Compare what the options name, and print what they ask for."""
    try:
        old, text = parse(options.old, read(options.old)), read(options.new)
        new, scope = parse(options.new, text), Scope(options.prefix, tuple(options.only))
        scope.refuse_nothing({options.old: old, options.new: new})
        changes = compare(old, new, scope)
        ignored, stale = reasons(changes, listed(options.ignore) if options.ignore else [])
        match options.format:
            case "json":
                print(output.as_json(changes, ignored))
            case "markdown":
                print(output.markdown(changes, ignored))
            case "github":
                file = options.new if Path(options.new).exists() else options.new.partition(":")[2]
                print(output.github(changes, ignored, file, lines_of(options.new, text)))
            case _:
                print(output.text(changes, ignored))
    except (InvalidSpecError, InvalidListError, EmptyScopeError) as problem:
        print(printable(f"contract_diff: {problem}"), file=sys.stderr)
        return 2
    for entry in stale:
        what = f"{entry.what} ({entry.where})"
        print(printable(f"contract_diff: {options.ignore}: no change is {what}; remove the entry"), file=sys.stderr)
    sys.stdout.flush()
    gravest = SEVERITY.index(options.fail_on) if options.fail_on else len(SEVERITY)
    return int(any(SEVERITY.index(change.worst) >= gravest for change in changes if change not in ignored))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="contract_diff", description=(__doc__ or "").splitlines()[0])
    found.add_argument("old", help="a file, or REF:PATH")
    found.add_argument("new", help="a file, or REF:PATH")
    found.add_argument("--format", choices=("text", "json", "markdown", "github"), default="text", help="how to print")
    found.add_argument("--fail-on", type=Class, choices=[*Class], help="exit with 1 if a change is this, or graver")
    found.add_argument("--ignore", metavar="FILE", help="a list of changes to ignore, such as contract-changes.toml")
    found.add_argument("--prefix", default="", help="what paths, or the URLs of servers, begin or end with: /v1")
    found.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATH",
        help="compare this path and those below it; what has no slash is the beginning of the name of a webhook",
    )
    return found


def listed(name: str) -> list[Ignored]:
    """Return the ignored changes in a file. Raises InvalidListError if it cannot be read."""
    try:
        return ignored_of(name, Path(name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidListError(f"{name}: cannot be read: {problem}") from problem


if __name__ == "__main__":
    sys.exit(main())
