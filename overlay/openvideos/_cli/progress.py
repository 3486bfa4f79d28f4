"""Show how far jobs and downloads are: bars where stderr is a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from .text import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from .. import Video
    from .invocation import Invocation

ENDED: Final = frozenset({"completed", "failed"})
NARROW: Final = 70
"""Below so many columns, a bar and a prompt have no room beside the id and the status."""
STEP: Final = 10
"""A plain line is written after so many percent, or if the status changes."""
MOST_LINES: Final = 20
"""For more jobs than this, plain lines tell their ends alone."""
SHORT_ID: Final = 16


def shows_bars() -> bool:
    """Return whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


@contextmanager
def job_progress(invocation: Invocation, ids: Sequence[str]) -> Generator[JobProgress]:
    """Yield what shows a change of one of these jobs."""
    if not shows_bars():
        yield _Lines(invocation) if len(ids) <= MOST_LINES else JobProgress()
        return
    console = _console()
    with _bars(invocation, console, _job_columns(console.width)) as bars:
        # One line stays for what the shell has written before.
        yield _Bars(bars, ids) if len(ids) < console.height else _Total(bars, len(ids))


@contextmanager
def download_progress(invocation: Invocation, name: str) -> Generator[Callable[[int, int | None], None] | None]:
    """Yield what shows how many bytes of a file have arrived, and of how many; None where there are no bars."""
    if not shows_bars():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = _console()
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False, table_column=_one_line(ratio=1)),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    ]
    if console.width >= NARROW:
        columns[1:1] = [BarColumn(bar_width=20)]
        columns += [TimeRemainingColumn(compact=True)]
    with _bars(invocation, console, columns) as bars:
        task = bars.add_task(harmless(name), total=None)
        yield lambda received, expected: bars.update(task, completed=received, total=expected)


def _console() -> Console:
    """Return the terminal, with room for the ^C that it shows: a line that wraps could not be erased."""
    from rich.console import Console

    console = Console(stderr=True)
    console.width -= len("^C^C")
    return console


@contextmanager
def _bars(invocation: Invocation, console: Console, columns: Sequence[ProgressColumn]) -> Generator[Progress]:
    """Show bars, which vanish at the end: what stays are the lines that were written meanwhile."""
    from rich.progress import Progress

    # rich would write stdout to the terminal of the bars, too, though it may be a file.
    with Progress(*columns, console=console, transient=True, expand=True, redirect_stdout=False) as bars:
        invocation.above_bars = console
        try:
            yield bars
        finally:
            invocation.above_bars = None


def _one_line(**options: Any) -> Any:
    from rich.table import Column

    return Column(no_wrap=True, overflow="ellipsis", **options)


def _job_columns(width: int) -> list[ProgressColumn]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False, table_column=_one_line()),
        TextColumn("{task.fields[status]}", markup=False, style="cyan", table_column=_one_line()),
        TaskProgressColumn(),
    ]
    if width >= NARROW:
        prompt = TextColumn("{task.fields[prompt]}", markup=False, table_column=_one_line(ratio=1))
        columns[1:1] = [prompt]
        columns[3:3] = [BarColumn(bar_width=20)]
        columns.append(TimeElapsedColumn())
    return columns


class JobProgress:
    """Shows nothing."""

    def update(self, video: Video) -> None:
        """Show a change of a job."""

    def leave_out(self, video_id: str) -> None:
        """Show a job no longer, since the server does not have it."""


class _Bars(JobProgress):
    """A bar for each job."""

    def __init__(self, bars: Progress, ids: Sequence[str]) -> None:
        self._bars = bars
        self._tasks = {each: bars.add_task(_short(each), total=None, status="", prompt="") for each in ids}

    def update(self, video: Video) -> None:
        """Show a change of a job."""
        done = 100 if video.status == "completed" else video.progress
        status, prompt = harmless(video.status, 20), harmless(video.prompt or "", 200)
        total = None if done is None else 100
        self._bars.update(self._tasks[video.id], completed=done or 0, total=total, status=status, prompt=prompt)

    def leave_out(self, video_id: str) -> None:
        """Take the bar of a job away."""
        self._bars.remove_task(self._tasks[video_id])


def _short(video_id: str) -> str:
    """Return the end of an id, since all of a server's begin alike."""
    text = harmless(video_id)
    return text if len(text) <= SHORT_ID else f"…{text[1 - SHORT_ID :]}"


class _Total(JobProgress):
    """One bar for all jobs."""

    def __init__(self, bars: Progress, count: int) -> None:
        self._bars, self._count, self._ended, self._failed = bars, count, 0, 0
        self._task = bars.add_task("", total=count, status="", prompt="")
        self._show()

    def update(self, video: Video) -> None:
        """Count a job that has ended."""
        if video.status in ENDED:
            self._ended += 1
            self._failed += video.status == "failed"
            self._show()

    def leave_out(self, video_id: str) -> None:  # noqa: ARG002 - all count alike
        """Count a job less."""
        self._count -= 1
        self._show()

    def _show(self) -> None:
        what = f"{self._count} jobs"
        status = f"{self._ended}/{self._count} ended" + (f", {self._failed} failed" if self._failed else "")
        self._bars.update(self._task, description=what, total=self._count, completed=self._ended, status=status)


@define
class _Lines(JobProgress):
    """A plain line for each change that is worth one."""

    invocation: Invocation
    last: dict[str, tuple[str, int]] = field(factory=dict["str", "tuple[str, int]"])

    def update(self, video: Video) -> None:
        """Write a line if the status has changed, or the progress by much."""
        step = (video.status, (video.progress or 0) // STEP)
        if self.last.get(video.id) != step:
            self.last[video.id] = step
            percent = "" if video.progress is None else f" {video.progress} %"
            self.invocation.note(f"{video.id}: {video.status}{percent}")
