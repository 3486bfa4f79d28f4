"""The commands that read jobs: get, list and wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from .. import ConfigurationError, InvalidArgumentError, NotFoundError
from .exit_codes import ExitCode
from .invocation import Invocation, common
from .jobs import ended_jobs, failed, timeout_option
from .telling import tell
from .text import age_of, harmless, moment, reason_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from .. import Video

LIMIT: Final = 20
LARGEST_PAGE: Final = 100
NARROWEST_PROMPT: Final = 20
"""With fewer columns for the prompts, there is no table: each video has two lines, so that its id stays whole."""
LONGEST_PROMPT: Final = 200
"""The most characters of a prompt that a table holds, so that a long list needs little memory."""
BETWEEN: Final = 3
"""The blanks between two columns of a table."""
STYLES: Final = {"completed": "green", "failed": "red", "in_progress": "cyan", "processing": "cyan", "queued": "yellow"}


@click.command(
    epilog="""\b
Examples:
  openvideos get video_123
  openvideos get video_123 --json | jq -r .status"""
)
@click.argument("video_id", metavar="ID")
@common
def get(invocation: Invocation, video_id: str) -> None:
    """Show the job ID, and its thumbnail in terminals that show pictures (kitty, iTerm2, sixel)."""
    with invocation.client() as client:
        video = client.videos.retrieve(video_id)
        invocation.give("\n".join(described(video, time.time())), video.model_dump())
        if video.status == "completed" and not invocation.as_json:
            from .pictures import show_thumbnail

            show_thumbnail(invocation, client, video.id)


def described(video: Video, now: float) -> Iterator[str]:
    """Yield the lines that describe a job: what is known of it, and nothing else."""
    progress: object = video.progress
    when = f"{moment(video.created_at)} ({age_of(video, now)} ago)"
    known = {
        "id": video.id,
        "status": video.status,
        "progress": None if progress is None else f"{progress} %",
        "model": video.model,
        "size": video.size,
        "seconds": video.seconds,
        "seed": video.seed,
        "created": when if moment(video.created_at) != "-" else None,
        "ended": moment(video.completed_at),
        "expires": moment(video.expires_at),
        "remix of": video.remixed_from_video_id,
        "prompt": video.prompt,
        "error": reason_of(video) if video.status == "failed" else None,
    }
    for name, value in known.items():
        if value not in (None, "", "-"):
            yield f"{name + ':':<10}{harmless(value)}"


def _statuses(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the contract's words for a status that begin so; a server may have others."""
    from openvideos_raw.models.video_status import VIDEO_STATUS_VALUES

    return [word for word in sorted(VIDEO_STATUS_VALUES) if word.startswith(incomplete)]


@click.command(
    name="list",
    epilog="""\b
Examples:
  openvideos list
  openvideos list --status failed --limit 5
  openvideos list --all --json | jq -r 'select(.seconds == "8") | .id'""",
)
@click.option("--all", "is_all", is_flag=True, help="List all videos.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"The most to list.  [default: {LIMIT}]")
@click.option(
    "--status", metavar="STATUS", shell_complete=_statuses, help="List those with this status, such as completed."
)
@common
def list_(invocation: Invocation, *, is_all: bool, limit: int | None, status: str | None) -> None:
    """List videos, newest first: status, age, size and prompt.

    Where stdout is no terminal, each is a line of id, status, progress, time of creation, model, size, seconds and
    prompt, with tabs between them.
    """
    if is_all and limit is not None:
        raise click.UsageError("--all lists all videos, and --limit some of them; give one of the two.")
    most = limit or LIMIT
    page_size = LARGEST_PAGE if is_all or status is not None else min(most + 1, LARGEST_PAGE)
    with invocation.client() as client:
        found = (
            video
            for video in client.videos.list(limit=page_size)
            if status is None or video.status.casefold() == status.casefold()
        )
        listed = found if is_all else islice(found, most)
        show = _show_lines if invocation.as_json or not sys.stdout.isatty() else _show_table
        count = show(invocation, listed)
        # To look for one more of a status could take all pages of the list.
        has_more = not is_all and count == most and (status is not None or next(found, None) is not None)
    if has_more:
        what = "more than" if status is None else "perhaps more than"
        invocation.note(f"There are {what} {most}; --all lists them, or a larger --limit.")


def _show_lines(invocation: Invocation, videos: Iterator[Video]) -> int:
    """Write a line for each video, and return how many there are."""
    count = 0
    for video in videos:
        invocation.give("\t".join(row_of(video)), video.model_dump())
        count += 1
    return count


def row_of(video: Video) -> list[str]:
    """Return the fields of a line, "-" for what the server does not tell."""
    progress: object = video.progress
    fields = [video.id, video.status, progress, moment(video.created_at), video.model, video.size, video.seconds]
    return [harmless("-" if each in (None, "") else each) for each in (*fields, video.prompt)]


def _show_table(_invocation: Invocation, videos: Iterator[Video]) -> int:
    """Write a table of the videos, and return how many there are."""
    from rich.console import Console
    from rich.text import Text

    console, now = Console(), time.time()
    rows = [[Text(cell, style) for cell, style in _cells(video, now)] for video in videos]
    columns = [max((cell.cell_len for cell in column), default=0) for column in zip(*rows, strict=True)][:-1]
    if not rows:
        console.print("There are no videos.")
    elif sum(columns) + BETWEEN * len(columns) + NARROWEST_PROMPT <= console.width:
        console.print(_table(rows))
    else:
        for video_id, status, when, size, seconds, prompt in rows:
            console.print(video_id, soft_wrap=True)  # whoever copies it gets no line break, however narrow it is
            console.print(
                Text("  ").join([Text(), status, when, size, seconds.append(" s"), prompt]),
                no_wrap=True,
                overflow="ellipsis",
            )
    return len(rows)


def _cells(video: Video, now: float) -> Iterator[tuple[str, str]]:
    """Yield what a row of a table holds, each with its style: the id, four short texts, and the prompt."""
    progress: object = video.progress
    status = f"{video.status} {progress} %" if video.status == "in_progress" and progress else video.status
    yield harmless(video.id), ""
    yield harmless(status, 24), STYLES.get(video.status, "")
    for each in (age_of(video, now), video.size, video.seconds):
        yield harmless(each or "-", 20), ""
    yield harmless(video.prompt or "-", LONGEST_PROMPT), ""


def _table(rows: list[list[Text]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("id", no_wrap=True)
    for name in ("status", "age", "size", "s"):
        table.add_column(name, no_wrap=True, justify="right" if name in {"age", "s"} else "left")
    table.add_column("prompt", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        table.add_row(*row)
    return table


@click.command(
    epilog="""\b
Examples:
  openvideos wait video_123 video_456
  openvideos wait video_123 --timeout 600 && openvideos download video_123"""
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@timeout_option
@common
def wait(invocation: Invocation, ids: tuple[str, ...], timeout: float | None) -> ExitCode:
    """Wait until all jobs have ended, and write a line for each when it has: id, status, and why it failed.

    An id that the server does not have is told on stderr at once, and stops no other. The exit code is 9 if a job has
    failed, else 5 if one was not there.
    """
    problems: list[Video] = []
    missing: list[NotFoundError] = []

    def on_not_found(error: NotFoundError) -> None:
        missing.append(error)
        tell(invocation, error)

    words = f"with: {invocation.command_line('wait', *ids)}" if len(ids) <= LIMIT else "with the same command."
    invocation.hint = f"The jobs go on at the server; wait for them {words}"
    try:
        with invocation.client() as client:
            for video in ended_jobs(invocation, client, ids, timeout, on_not_found):
                fields = [harmless(video.id), harmless(video.status)]
                if video.status == "failed":
                    fields.append(reason_of(video))
                    problems.append(video)
                invocation.give("\t".join(fields), video.model_dump())
    except (ConfigurationError, InvalidArgumentError):
        invocation.hint = None  # the same command would end alike
        raise
    invocation.hint = None
    if problems:
        raise failed(problems)
    return ExitCode.NOT_FOUND if missing else ExitCode.DONE
