"""Judge what a command makes of downloads. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.outcomes import NotReachedError, ViolationError
from .rule import GAVE_UP, need, rule

if TYPE_CHECKING:
    from .command_run import CommandRun

FILE: Final = "video.mp4"
"""The name of the file that a command downloads."""

BREAKING: Final = ("truncated-download", "lasting-truncation", "stalled-download", "changed-content")
"""The scenarios in which downloads break off."""

_KEPT: Final = 0.5
"""The part of a file by which the memory of a command may grow."""


@rule("CLI-CONTENT-001")
def reports_a_broken_file(run: CommandRun) -> str | None:
    """Compare the file of a command that reports success with the right one."""
    downloads = [*run.of("download_video_content"), *run.foreign]
    need(downloads, "download")
    need(run.accepted(), "create that this server accepted")
    kept = run.files.get(FILE)
    right = run.right_files()
    if not run.is_done:
        return GAVE_UP if run.has_given_up and (kept is None or kept.digest not in right) else None
    if kept is None or kept.digest not in right:
        what = "there is no" if kept is None else f"{kept.size} bytes are in"
        whose = ""
        if kept is not None and any(kept.digest in each for each in run.media.values()):
            whose = ", which are those of another video"
        raise ViolationError(
            f"the command reported success, and {what} {FILE}{whose}; the right file has {run.media_size} bytes",
            *downloads[-1:],
        )
    return None


@rule("CLI-CONTENT-002", *BREAKING)
def leaves_no_part(run: CommandRun) -> None:
    """Look for a part of the file under its final name."""
    cut = [each for each in run.of("download_video_content") if each.failure]
    need(cut, "download that broke off")
    kept = run.files.get(FILE)
    if kept is not None and kept.digest not in run.right_files():
        raise ViolationError(
            f"the command left a part of the file as {FILE}, with {kept.size} bytes; the file has {run.media_size}",
            cut[-1],
        )


@rule("CLI-CONTENT-003", "huge-file")
def holds_no_file_in_memory(run: CommandRun) -> None:
    """Compare the memory of the command with that of one that downloads a small file."""
    downloads = [each for each in run.of("download_video_content") if each.is_ok]
    need(downloads, "download that was returned")
    if not run.memory:
        raise NotReachedError("the memory of a command cannot be measured on this system")
    if not run.usual_memory:
        raise NotReachedError("it is not known how much memory the command uses otherwise; run `plain`, too")
    if run.memory - run.usual_memory > run.media_size * _KEPT:
        raise ViolationError(
            f"for a file of {run.media_size >> 20} MiB, the command used {run.memory >> 20} MiB of memory, and "
            f"{run.usual_memory >> 20} MiB otherwise",
            downloads[-1],
        )
