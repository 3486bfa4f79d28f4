"""The commands that fetch files: download and open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .exit_codes import ExitCode
from .invocation import Invocation, common
from .jobs import fetch, output_option
from .text import harmless


def _variants(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the contract's variants that begin so."""
    from openvideos_raw.models.video_variant import VIDEO_VARIANT_VALUES

    return [word for word in sorted(VIDEO_VARIANT_VALUES) if word.startswith(incomplete)]


variant_option = click.option(
    "--variant",
    metavar="VARIANT",
    default="video",
    show_default=True,
    shell_complete=_variants,
    help="Which file: video (the clip), thumbnail (one picture of it), or spritesheet (several in a grid).",
)


def _document(video_id: str, variant: str, path: Path) -> dict[str, Any]:
    return {"video_id": video_id, "variant": variant, "path": str(path), "bytes": path.stat().st_size}


@click.command(
    epilog="""\b
Examples:
  openvideos download video_123 --output boat.mp4
  openvideos download video_123 --variant thumbnail --output pictures/"""
)
@click.argument("video_id", metavar="ID")
@variant_option
@output_option("Save the file here; a folder will do.")
@common
def download(invocation: Invocation, video_id: str, variant: str, output: Path | None) -> None:
    """Save a file of the completed video ID, and write its path.

    It goes on where it stopped when the connection breaks, and the file is complete or absent. Without --output, it is
    named by the id, in this folder; a file of the same name is replaced.
    """
    with invocation.client() as client:
        path = fetch(invocation, client, video_id, output, variant)
    invocation.give(harmless(path), _document(video_id, variant, path))


@click.command(
    name="open",
    epilog="""\b
Example:
  openvideos open video_123""",
)
@click.argument("video_id", metavar="ID")
@variant_option
@common
def open_(invocation: Invocation, video_id: str, variant: str) -> ExitCode:
    """Show a file of the completed video ID in the system's player. It is saved in a temporary folder."""
    import tempfile

    with invocation.client() as client:
        path = fetch(invocation, client, video_id, Path(tempfile.mkdtemp(prefix="openvideos-")), variant)
    invocation.give(harmless(path), _document(video_id, variant, path))
    # xdg-open returns at once, and says whether there is a player; elsewhere, to wait is to wait for the player's end.
    if click.launch(str(path), wait=sys.platform == "linux"):
        raise click.ClickException(f"The system has no player for {path}; open that file yourself.")
    return ExitCode.DONE
