"""Run a client by its name: `python -m openvideos_mutants.clients NAME`. It is a command for the judge of clients."""

from __future__ import annotations

import sys

from .defects import DEFECTS, RIGHT

if __name__ == "__main__":
    (name,) = sys.argv[1:]
    known = RIGHT | {each.name: each.client for each in DEFECTS.values()}
    if name not in known:
        sys.exit(f"there is no client {name!r}; there are {', '.join(known)}")
    sys.exit(known[name]().main())
