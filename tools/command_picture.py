"""Take the picture of the command at work, docs/cli.svg: it runs on a terminal, against the emulator."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.style import Style
from rich.text import Text
from terminal import Terminal

from openvideos_emulator.testing import OpenVideosServer

PICTURE: Final = Path(__file__).resolve().parent.parent / "docs" / "cli.svg"
COLUMNS: Final = 110
ROWS: Final = 18
KEY: Final = "sk-picture"
DONE: Final = re.compile(r"in_progress +\S+ +[67]\d%")
"""When the picture is taken: the bar is well on its way."""
NAMES: Final = {"brown": "yellow", "default": "default"}
"""What rich calls the colours of pyte, where the two differ."""


@contextmanager
def emulator() -> Generator[OpenVideosServer]:
    """Run an emulator whose jobs take four seconds."""
    command = [sys.executable, "-m", "openvideos_emulator", "--port", "0", "--ephemeral"]
    command += ["--pace", "seconds:4", "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            found = re.search(r"http://\S+/v1", next(iter(process.stdout or ()), ""))
            if found is None:
                raise SystemExit("The emulator does not start.")
            yield OpenVideosServer(found.group(), KEY)
        finally:
            process.terminate()


def seed(server: OpenVideosServer) -> None:
    """Add jobs of some days."""
    now = int(time.time())
    jobs: list[tuple[int, dict[str, Any]]] = [
        (90_000, {"prompt": "A lighthouse in the fog", "seconds": "8"}),
        (4_000, {"prompt": "A kite over the dunes, seen from below", "size": "1280x720"}),
        (600, {"prompt": "A crowd of tin robots", "error": "content_policy_violation"}),
        (40, {"prompt": "Waves crashing on a beach at night", "status": "in_progress", "progress": 35}),
    ]
    for age, job in jobs:
        server.seed(created_at=now - age, **job)


def style_of(character: object) -> Style:
    """Return the style of a character of pyte's screen."""
    colour = str(getattr(character, "fg", "default"))
    colour = f"#{colour}" if re.fullmatch("[0-9a-f]{6}", colour) else NAMES.get(colour, colour)
    return Style(color=colour, bold=bool(getattr(character, "bold", False)))


def drawn(terminal: Terminal) -> str:
    """Return what a terminal shows as SVG, which fetches no fonts."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number in range(len(terminal.text.splitlines())):
        row = [terminal.screen.buffer[number][column] for column in range(COLUMNS)]
        line = Text(no_wrap=True)
        for style, characters in groupby(row, style_of):
            line.append("".join(character.data for character in characters), style)
        line.rstrip()
        console.print(line, soft_wrap=True)
    console.print()  # what is below the line of the last row would be cut off
    return re.sub(r"\s*@font-face \{.*?\}", "", console.export_svg(title="openvideos"), flags=re.DOTALL)


def take(picture: Path) -> None:
    """Run the command, and draw what it shows."""
    with emulator() as server, tempfile.TemporaryDirectory() as folder:
        seed(server)
        os.environ |= {"OPENVIDEOS_BASE_URL": server.base_url, "OPENVIDEOS_API_KEY": KEY, "TERM": "xterm-256color"}
        os.environ |= {"COLORTERM": "truecolor", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        terminal = Terminal(COLUMNS, ROWS, {})
        terminal.show("$ openvideos list\r\n")
        with terminal.start("list") as process:
            if terminal.end_of(process):
                raise SystemExit(f"The command fails: {terminal.text}")
        terminal.show('$ openvideos create "A paper boat in the rain" --seconds 4 --output boat.mp4\r\n')
        arguments = ("--seconds", "4", "--output", str(Path(folder, "boat.mp4")))
        with terminal.start("create", "A paper boat in the rain", *arguments) as process:
            terminal.wait_for(lambda: DONE.search(terminal.text) is not None)
            picture.write_text(drawn(terminal), "utf-8")
            terminal.end_of(process)
        terminal.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
