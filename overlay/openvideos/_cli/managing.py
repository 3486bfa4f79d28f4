"""The commands that delete videos, and store and show characters."""

from __future__ import annotations

import sys

import click

from .. import ConflictError, GoneError, NotFoundError
from .exit_codes import ExitCode
from .invocation import Invocation, common
from .jobs import complete_files, existing_file
from .telling import tell
from .text import harmless, moment


@click.command(
    epilog="""\b
Examples:
  openvideos delete video_123
  openvideos delete video_123 video_456 --yes"""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@common
def delete(invocation: Invocation, *, ids: tuple[str, ...], is_sure: bool) -> ExitCode:
    """Delete videos with their files, and write the ids of those that are deleted. It asks before.

    An id that the server does not have, or whose job it does not end (409), is told on stderr, and stops no other. The
    exit code is that of the first, 5 or 6.
    """
    if not is_sure:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask on; give --yes to delete without a question.")
        what = harmless(ids[0]) if len(ids) == 1 else f"{len(ids)} videos"
        if not click.confirm(f"Delete {what} for good?", err=True):
            invocation.note("Nothing is deleted.")
            return ExitCode.PROBLEM
    codes: list[ExitCode] = []
    with invocation.client() as client:
        for video_id in dict.fromkeys(ids):
            try:
                deletion = client.videos.delete(video_id)
            except (NotFoundError, GoneError, ConflictError) as error:  # it is about this video, not about all
                codes.append(tell(invocation, error))
            else:
                invocation.give(harmless(deletion.id), deletion.model_dump())
    return codes[0] if codes else ExitCode.DONE


@click.group()
def characters() -> None:
    """Store characters that prompts can feature, and show them."""


@characters.command(
    name="create",
    epilog="""\b
Example:
  openvideos characters create Ada ada.mp4""",
)
@click.argument("name")
@click.argument("file", shell_complete=complete_files)
@common
def create_character(invocation: Invocation, name: str, file: str) -> None:
    """Store the character NAME, whom the video FILE shows, and write its id."""
    video = existing_file(file, "FILE")
    with invocation.client() as client:
        character = client.videos.create_character(name=name, video=video)
    invocation.give(harmless(character.id), character.model_dump())


@characters.command(
    name="get",
    epilog="""\b
Example:
  openvideos characters get char_123""",
)
@click.argument("character_id", metavar="ID")
@common
def get_character(invocation: Invocation, character_id: str) -> None:
    """Show the character ID."""
    with invocation.client() as client:
        character = client.videos.get_character(character_id)
    lines = {"id": character.id, "name": character.name, "created": moment(character.created_at)}
    text = "\n".join(f"{name + ':':<10}{harmless(value)}" for name, value in lines.items())
    invocation.give(text, character.model_dump())
