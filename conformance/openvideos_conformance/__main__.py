"""Start the command line: `openvideos-conformance`, or `python -m openvideos_conformance`."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED: Final = ("av", "jsonschema", "PIL", "pytest", "referencing", "schemathesis", "standardwebhooks", "yaml")
_MISUSE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 if a MUST failed, or 2 if nothing could be judged."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        problem = (
            f"this needs the extra conformance, which brings {', '.join(missing)}; add it from where openvideos came, "
            "such as a clone: python -m pip install '.[conformance]'"
        )
        sys.stderr.write(f"openvideos-conformance: {problem}\n")
        return _MISUSE
    from ._cli.main import command

    return command(argv)


if __name__ == "__main__":
    sys.exit(main())
