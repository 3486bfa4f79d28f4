"""Judge servers of the Videos API: `openvideos-conformance`, or `python -m openvideos_conformance`."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED: Final = ("av", "jsonschema", "PIL", "pytest", "referencing", "schemathesis", "standardwebhooks", "yaml")
_MISUSE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return 0, 1 if a MUST failed, 2 if nothing could be judged."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        told = f"{', '.join(missing)} is missing; run: pip install 'openvideos[conformance]'"
        sys.stderr.write(f"openvideos-conformance: {told}\n")
        return _MISUSE
    from ._cli.main import command

    return command(argv)


if __name__ == "__main__":
    sys.exit(main())
