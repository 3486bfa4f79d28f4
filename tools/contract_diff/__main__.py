"""Print the changes from one contract to another, and whether they break callers or readers.

A contract is a file, or REF:PATH as git names it. From the project's root: `python -m tools.contract_diff OLD NEW`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from .changes import compare
from .document import InvalidSpecError, load
from .model import Change
from .report import table


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return 0, or 2 for a contract that is invalid."""
    parser = argparse.ArgumentParser(prog="contract_diff", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", help="a file, or REF:PATH")
    parser.add_argument("new", help="a file, or REF:PATH")
    parser.add_argument("--json", action="store_true", help="print the changes as JSON")
    options = parser.parse_args(arguments)
    try:
        changes = compare(load(options.old), load(options.new))
    except InvalidSpecError as problem:
        print(f"contract_diff: {problem}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(change) for change in changes], indent=2) if options.json else listed(changes))
    return 0


def listed(changes: list[Change]) -> str:
    """Return the changes as a table for a person."""
    rows = [(change.callers or "-", change.readers or "-", change.what, change.where) for change in changes]
    return table(("callers", "readers", "change", "where"), rows) if rows else "nothing changes"


if __name__ == "__main__":
    sys.exit(main())
