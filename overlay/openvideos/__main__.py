"""Run the command: `openvideos`, or `python -m openvideos`. Without the extra `cli`, it says how to install it."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED: Final = ("PIL", "click", "jsonschema", "referencing", "rich", "textual_image", "yaml")
"""What the extra `cli` brings."""


def _write_whole_lines() -> None:
    """Give stdout the buffer that PYTHONUNBUFFERED takes away: Python would drop what a pipe does not take at once."""
    stdout = sys.stdout
    raw = getattr(stdout, "buffer", None)
    if isinstance(stdout, io.TextIOWrapper) and isinstance(raw, io.RawIOBase):
        settings = stdout.encoding, stdout.errors
        stdout.detach()
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), *settings, write_through=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, those of this process if they are None, and return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = (
            f"this needs the extra cli, which brings {', '.join(missing)}; add it from where openvideos came, such as "
            "a clone: python -m pip install '.[cli]'"
        )
        known = dict.fromkeys(("go_on", "video_id", "request_id"))
        error = {"type": "MissingExtra", "message": message, "exit_code": 2, **known}
        sys.stderr.write(f"{json.dumps({'error': error}) if '--json' in words else f'openvideos: {message}'}\n")
        return 2
    if argv is None:
        _write_whole_lines()
    from ._cli.main import command

    return command(words)


if __name__ == "__main__":
    sys.exit(main())
