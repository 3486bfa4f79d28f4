"""The commands that start a job: create, remix, edit and extend."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .invocation import Invocation, common
from .jobs import complete_files, existing_file, start_job, wait_options

if TYPE_CHECKING:
    from .exit_codes import ExitCode

MOST_STDIN: Final = 1 << 20
"""The most bytes of a prompt that are read from stdin: more than any server takes."""
URLS: Final = ("http://", "https://", "data:")
VIDEO_SUFFIXES: Final = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})


def _prompt(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return the prompt, which is read from stdin if it is `-`."""
    if value and value != "-":
        return value
    content = sys.stdin.buffer.read(MOST_STDIN + 1) if value else b""
    problem = f"stdin holds more than {MOST_STDIN} bytes; shorten it." if len(content) > MOST_STDIN else None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text, problem = "", problem or "stdin holds no text in UTF-8; convert it."
    text = text.rstrip("\n")
    if not text:
        problem = problem or "there is none; say what the video shall show."
    if problem is not None:
        raise click.BadParameter(problem, context, parameter)
    return text


prompt_argument = click.argument("prompt", callback=_prompt)


def references_of(inputs: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments of `create` for the pictures that a job starts from.

    Raises:
        BadParameter: A file is missing, or several pictures have no roles.
    """
    from openvideos_raw.models.reference_role import REFERENCE_ROLE_VALUES

    roles = [
        (role, rest) for role, _, rest in (each.partition("=") for each in inputs) if role in REFERENCE_ROLE_VALUES
    ]
    if len(roles) != len(inputs):
        if len(inputs) != 1:
            raise click.BadParameter(
                "several pictures need a role each, such as --input first_frame=a.png --input last_frame=b.png.",
                param_hint="'--input'",
            )
        picture = {"image_url": inputs[0]} if inputs[0].startswith(URLS) else existing_file(inputs[0], "--input")
        return {"input_reference": picture}
    references: list[dict[str, Any]] = [
        {"role": role, "image_url": rest}
        if rest.startswith(URLS)
        else {"role": role, "image": existing_file(rest, "--input")}
        for role, rest in roles
    ]
    return {"references": references} if references else {}


def source_of(text: str) -> str | Path:
    """Return the video that a job starts from: a file if there is one of that name, else an id.

    Raises:
        BadParameter: It looks like the name of a file, and there is none.
    """
    is_path = os.sep in text or Path(text).suffix.lower() in VIDEO_SUFFIXES
    return existing_file(text, "SOURCE") if is_path or os.path.isfile(text) else text  # noqa: PTH113 - an id may be long


@click.command(
    epilog="""\b
Examples:
  openvideos create "A paper boat in the rain" --output boat.mp4
  openvideos create "A kite" --model sora-2 --size 1280x720 --seconds 8 --wait
  openvideos create "It comes to life" --input drawing.png
  openvideos create "From day to night" \\
      --input first_frame=day.png --input last_frame=night.png
  id=$(openvideos create - < prompt.txt)"""
)
@prompt_argument
@click.option("--model", metavar="NAME", help="The model, such as sora-2.")
@click.option("--size", metavar="WxH", help="The size in pixels, such as 1280x720.")
@click.option("--seconds", metavar="N", help="The duration of the clip.")
@click.option(
    "--input",
    "inputs",
    metavar="[ROLE=]FILE",
    multiple=True,
    shell_complete=complete_files,
    help="A picture to start from, or its URL; several with a role each, such as first_frame and last_frame.",
)
@click.option("--negative-prompt", metavar="TEXT", help="What the video shall not show.")
@click.option("--seed", type=int, metavar="N", help="The seed of the noise, for the same picture again.")
@click.option("--fps", type=int, metavar="N", help="The frames per second.")
@click.option("--num-frames", type=int, metavar="N", help="The number of frames, in place of --seconds.")
@wait_options
@common
def create(
    invocation: Invocation,
    prompt: str,
    inputs: tuple[str, ...],
    **options: Any,
) -> ExitCode:
    """Start a job that makes a video of PROMPT, and write its id.

    PROMPT may be -, which reads it from stdin. The server chooses what is left out. Each job costs money at most
    servers; one that was started goes on, whatever happens to this command.
    """
    waiting = {name: options.pop(name) for name in ("wait", "output", "timeout")}
    options |= references_of(inputs)
    return start_job(invocation, lambda client: client.videos.create(prompt=prompt, **options), **waiting)


@click.command(
    epilog="""\b
Example:
  openvideos remix video_123 "The same at night" --output night.mp4"""
)
@click.argument("video_id", metavar="ID")
@prompt_argument
@wait_options
@common
def remix(
    invocation: Invocation,
    video_id: str,
    prompt: str,
    **waiting: Any,
) -> ExitCode:
    """Start a job that makes the completed video ID again, with another PROMPT."""
    return start_job(invocation, lambda client: client.videos.remix(video_id, prompt=prompt), **waiting)


@click.command(
    epilog="""\b
Examples:
  openvideos edit video_123 "Make it snow" --wait
  openvideos edit clip.mp4 "Make it snow" --output snow.mp4"""
)
@click.argument("source", shell_complete=complete_files)
@prompt_argument
@wait_options
@common
def edit(
    invocation: Invocation,
    source: str,
    prompt: str,
    **waiting: Any,
) -> ExitCode:
    """Start a job that changes SOURCE, the id of a completed video or a file, as PROMPT says."""
    video = source_of(source)
    return start_job(invocation, lambda client: client.videos.edit(prompt=prompt, video=video), **waiting)


@click.command(
    epilog="""\b
Example:
  openvideos extend video_123 "The boat reaches the sea" --seconds 4 --wait"""
)
@click.argument("source", shell_complete=complete_files)
@prompt_argument
@click.option("--seconds", metavar="N", required=True, help="The duration to add.")
@wait_options
@common
def extend(
    invocation: Invocation,
    source: str,
    prompt: str,
    seconds: str,
    **waiting: Any,
) -> ExitCode:
    """Start a job that continues SOURCE, the id of a completed video or a file, as PROMPT says."""
    video = source_of(source)
    return start_job(
        invocation, lambda client: client.videos.extend(prompt=prompt, seconds=seconds, video=video), **waiting
    )
