"""Run the command: `openvideos`, or `python -m openvideos`. Without the extra `cli`, it says how to install it."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED: Final = ("PIL", "click", "jsonschema", "referencing", "rich", "textual_image", "yaml")
"""What the extra `cli` brings."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, those of this process if they are None, and return the exit code."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f"openvideos: {', '.join(missing)} is missing; run: pip install 'openvideos[cli]'\n")
        return 2
    from ._cli.main import command

    return command(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
