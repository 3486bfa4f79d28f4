"""Wait for jobs and fetch their files: what several commands have in common."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeVar

import click

from .exit_codes import ExitCode
from .text import harmless, reason_of, sentence

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from .. import NotFoundError, OpenVideos, OpenVideosError, Video
    from .invocation import Invocation

P = ParamSpec("P")
R = TypeVar("R")

SUFFIXES: Final = {"video": ".mp4", "thumbnail": ".webp", "spritesheet": ".jpg"}
"""The suffix of each variant's file, by its media type in the contract."""
LONGEST_NAME: Final = 100
LONGEST_WAIT_S: Final = 10**9
"""The longest wait, some 31 years, as the SDK's."""


def _seconds(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 <= value <= LONGEST_WAIT_S:
        raise click.BadParameter(f"{value:g} is no number of seconds from 0 to {LONGEST_WAIT_S}.", context, parameter)
    return value


timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=float,
    callback=_seconds,
    help="Give up the wait after so many seconds; the job goes on.  [default: an hour]",
)


def complete_files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete the name of a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def existing_file(text: str, name: str) -> Path:
    """Return the path of a file that is there; `name` is that of the option or argument.

    Raises:
        BadParameter: It is not.
    """
    # Unlike Path.is_file, this is no error for a name that is too long.
    if not os.path.isfile(text):  # noqa: PTH113 - as said
        raise click.BadParameter(f"there is no file {text!r}; check the path.", param_hint=f"'{name}'")
    return Path(text)


def _output(context: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """Return where to save a file, which can be written there: this is seen before a job is paid for."""
    problem = None if value is None else _problem_with(value)
    if problem is not None:
        raise click.BadParameter(f"{value!r} {problem}.", context, parameter)
    return None if value is None else Path(value)


def _problem_with(text: str) -> str | None:
    """Return why no file can be written to a path, or to a folder of this name; None if one can."""
    output = Path(text)
    try:
        mode = output.stat().st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as error:
        return f"cannot be written: {getattr(error, 'strerror', None) or error}; name another file"
    is_folder = mode is not None and stat.S_ISDIR(mode)
    folder = output if is_folder else output.parent
    problem = None
    if text in {"", "-"}:
        problem = "is no file; name one, since a video is checked before it is complete"
    elif not is_folder and os.path.basename(text) in {"", "."}:  # noqa: PTH119 - pathlib drops this sign of a folder
        problem = "is no folder: make it first, or name a file"
    elif not folder.is_dir():
        problem = f"is in no folder: make {str(folder)!r} first"
    elif not (mode is None or is_folder or stat.S_ISREG(mode)):
        problem = "is a pipe or a device, which a file would replace; name a file"
    elif not os.access(folder, os.W_OK | os.X_OK):
        problem = f"cannot be written: you may not write in {str(folder)!r}; name another folder"
    return problem


def output_option(words: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add the option that says where to save a file; `words` are its help."""
    return click.option("--output", "-o", metavar="FILE", callback=_output, shell_complete=complete_files, help=words)


def wait_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add the options of a command that starts a job: whether to wait for it, and where to save its file."""
    wait = click.option("--wait", is_flag=True, help="Wait until the job has ended.")
    output = output_option("Wait, and save the video here; a folder will do.")
    return wait(output(timeout_option(function)))


def raised(error: NotFoundError) -> NoReturn:
    """Let a job that the server does not have end the wait."""
    raise error


def ended_jobs(
    invocation: Invocation,
    client: OpenVideos,
    jobs: Sequence[str | Video],
    timeout: float | None,
    on_not_found: Callable[[NotFoundError], None] = raised,
) -> Generator[Video]:
    """Yield each job as it ends, and show meanwhile how far they are.

    Raises:
        OpenVideosError: A job cannot be read, or did not end in time.
    """
    from .progress import job_progress

    ids = list(dict.fromkeys(each if isinstance(each, str) else each.id for each in jobs))
    limit = None if timeout is None else timeout * 1000
    with job_progress(invocation, ids) as progress:

        def leave_out(error: NotFoundError) -> None:
            progress.leave_out(str(error.video_id))
            on_not_found(error)

        waiting = client.videos.wait_many(
            jobs, poll_timeout_ms=limit, on_update=progress.update, on_not_found=leave_out
        )
        with closing(waiting) as ended:
            yield from ended


def start_job(
    invocation: Invocation,
    send: Callable[[OpenVideos], Video],
    *,
    wait: bool,
    output: Path | None,
    timeout: float | None,
) -> ExitCode:
    """Start a job, and wait for it and save its file if that is asked for.

    The id is written as soon as it is known, and every way out of here tells how to go on with the job.

    Raises:
        UsageError: The options do not fit together.
        OpenVideosError: The job was not started, cannot be read, or did not end in time; or its file cannot be saved.
    """
    if timeout is not None and not wait and output is None:
        raise click.UsageError("--timeout limits a wait; give --wait or --output, too.")
    with invocation.client() as client:
        video = _started(invocation, client, send, output)
        if wait or output is not None:
            return _ended(invocation, client, video, output, timeout)
        if sys.stderr.isatty():
            invocation.note(f"Wait for it with: {invocation.command_line('wait', video.id)}")
        invocation.give(harmless(video.id), video.model_dump())
        return ExitCode.DONE


def _started(
    invocation: Invocation, client: OpenVideos, send: Callable[[OpenVideos], Video], output: Path | None
) -> Video:
    """Start a job, and tell its id."""
    invocation.hint = (
        f"The server may have started the job; it is in the list if it has: {invocation.command_line('list')}"
    )
    try:
        video = send(client)
    except Exception:
        invocation.hint = None  # the exception itself says what is known of the job
        raise
    invocation.video_id = video.id
    words = invocation.command_line("wait", video.id)
    if output is not None:
        words += f" && {invocation.command_line('download', video.id, output=output)}"
    invocation.hint = f"The job {harmless(video.id)} goes on at the server; wait for it with: {words}"
    parts = (video.status, video.model, video.size, f"{video.seconds} s" if video.seconds else None)
    invocation.note(f"{video.id}: {', '.join(str(part) for part in parts if part)}")
    return video


def _ended(
    invocation: Invocation, client: OpenVideos, started: Video, output: Path | None, timeout: float | None
) -> ExitCode:
    """Wait for a job, save its file if that is asked for, and write the result."""
    (video,) = ended_jobs(invocation, client, [started], timeout)
    invocation.hint = None
    if video.status == "failed":
        if invocation.as_json:
            invocation.give("", video.model_dump())
        raise failed([video])
    text, document = harmless(video.id), video.model_dump()
    if output is not None:
        words = invocation.command_line("download", video.id, output=output)
        invocation.hint = f"The video {harmless(video.id)} is made; save it with: {words}"
        path = fetch(invocation, client, video.id, output, "video")
        text, document = harmless(path), {**document, "path": str(path)}
    invocation.give(text, document)
    return ExitCode.DONE


def failed(videos: Sequence[Video]) -> OpenVideosError:
    """Return the exception for jobs that have failed."""
    from .. import VideoFailedError

    first, count = videos[0], len(videos)
    what = f"The video {first.id} has failed" if count == 1 else f"{count} videos have failed, the first {first.id}"
    return VideoFailedError(f"{what}: {sentence(reason_of(first))}", video=first)


def target_of(output: Path | None, video_id: str, variant: str) -> Path:
    """Return the file to save a variant of a video in: in a folder, it is named by the id."""
    if output is not None and not output.is_dir():
        return output
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", video_id)[:LONGEST_NAME] or "video"
    return (output or Path()) / (name + SUFFIXES.get(variant, ""))


def fetch(invocation: Invocation, client: OpenVideos, video_id: str, output: Path | None, variant: str) -> Path:
    """Save a file of a video, and show meanwhile how far it is.

    Raises:
        OpenVideosError: The file does not arrive completely, or cannot be written.
    """
    from .progress import download_progress

    invocation.video_id = video_id
    target = target_of(output, video_id, variant)
    with download_progress(invocation, target.name) as on_progress:
        options: dict[str, Any] = {} if variant == "video" else {"variant": variant}
        return client.videos.download(video_id, target, on_progress=on_progress, **options)
