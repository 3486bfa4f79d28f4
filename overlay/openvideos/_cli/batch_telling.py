"""Tell how far a batch is, what it has come to, and what may be done about the rows that are left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from .exit_codes import ExitCode
from .text import age, number

if TYPE_CHECKING:
    from .._batch.opening import Estimate
    from .._batch.running import Progress, Result
    from .invocation import Invocation

MINUTE_S: Final = 60.0
LEAST_WHOLE: Final = 10
LINE_S: Final = 10.0
"""How often a plain line tells how far a batch is."""


class Advice(NamedTuple):
    """What may be done about the rows that are left."""

    go_on: str
    """The command that goes on."""
    status: str
    """The command that names rows."""
    retry: str
    """The command that lets failed rows begin anew."""

    def of(self, result: Result) -> Iterator[str]:
        """Yield what to do, a sentence for each kind of rows that are not done."""
        from .._batch.ledger import GOING
        from .._batch.running import INTERRUPTED

        counts = result.counts
        if result.stopped not in {None, INTERRUPTED}:
            yield f"No more jobs were started: {result.stopped}"
        elif pending := counts.get("pending"):
            is_full = result.stopped is None and result.is_limited
            why = ", since a limit leaves no room: `batch run` takes a greater --max-videos or --max-seconds-of-video"
            yield f"{number(pending, 'row')} not started{why if is_full else ''}."
        if failed := counts.get("failed"):
            yield f"{number(failed, 'row')} failed: {self.status} says why, and {self.retry} may let them begin anew."
        if ambiguous := counts.get("ambiguous"):
            which = f"{number(ambiguous, 'row')} may have a job that is not known"
            yield f"{which}: {self.status} names them, and `openvideos batch resolve --help` says how to decide."
        if result.stopped is not None or any(counts.get(state) for state in GOING):
            yield f"Go on with: {self.go_on}"


def report(invocation: Invocation, result: Result, advice: Advice) -> ExitCode:
    """Tell what a batch has come to, and how to go on."""
    from .._batch.running import INTERRUPTED

    counts = {state: count for state, count in result.counts.items() if count}
    document = {"batch": result.batch, "rows": counts, "videos": result.videos, "seconds": result.seconds}
    invocation.give(line_of(counts, result.videos, result.seconds), {**document, "stopped": result.stopped})
    for sentence in advice.of(result):
        invocation.note(sentence)
    if result.stopped == INTERRUPTED:
        return ExitCode.INTERRUPTED
    if result.stopped is not None:
        return ExitCode.NO_ACCESS
    if counts.get("failed") or counts.get("ambiguous"):
        return ExitCode.JOB_FAILED
    return ExitCode.DONE if counts.keys() <= {"done"} else ExitCode.STILL_RUNNING


def line_of(counts: Any, videos: int, seconds: int) -> str:
    rows = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{rows or 'no rows'}; {number(videos, 'video')} started, {seconds} s of video asked for"


def _pace(progress: Progress) -> str:
    """Return how many rows end in a minute of this run, and how long the rest takes, if that is known yet."""
    if not progress.left:
        return ""
    pace = (sum(progress.counts.values()) - progress.ended) / progress.left * MINUTE_S
    return f"; {pace:,.{0 if pace >= LEAST_WHOLE else 1}f} rows a minute, about {age(progress.left)} left"


def expectation(expected: Estimate) -> str:
    """Return what a run may start, and which limits there are, given now or before."""
    seconds = "" if expected.seconds is None else f", {expected.seconds} s of video"
    limits = limits_of(expected.max_videos, expected.max_seconds_of_video)
    limited = f"; the limit is {limits} in all, and {expected.spent} started before" if limits else ""
    return f"{number(expected.videos, 'video')} to be made{seconds}{limited}."


def limits_of(videos: int | None, seconds: int | None) -> str:
    known = [] if videos is None else [number(videos, "video")]
    known += [] if seconds is None else [f"{seconds} s of video"]
    return " and ".join(known)


def _is_terminal() -> bool:
    return sys.stderr.isatty()


class Teller:
    """Tells how far a batch is: in one line of a terminal, or by a plain line from time to time."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._at = 0.0
        self._trouble: str | None = None
        self._trouble_at = float("-inf")
        self._is_stopping = False
        self._is_terminal = _is_terminal()
        self._is_in_a_line = False

    def tell(self, progress: Progress) -> None:
        """Tell of it, unless it was told a moment ago."""
        from .._batch.running import INTERRUPTED

        now = time.monotonic()
        # A busy server changes what it says all the time.
        if progress.trouble not in {None, self._trouble} and now - self._trouble_at >= LINE_S:
            self._note(str(progress.trouble))
            self._trouble, self._trouble_at = progress.trouble, now
        if progress.stopped == INTERRUPTED and not self._is_stopping:
            self._is_stopping = True
            self._note("No more jobs are started; those that are under way are waited for. Ctrl-C leaves them, too.")
        if now - self._at < (1.0 if self._is_terminal else LINE_S):
            return
        self._at = now
        line = line_of(progress.counts, progress.videos, progress.seconds) + _pace(progress)
        if self._is_terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
            self._is_in_a_line = True
        else:
            self._invocation.note(line)

    def clear(self) -> None:
        """Take the line of a terminal away, so that something else can be written."""
        if self._is_in_a_line:
            click.echo("\r\x1b[K", err=True, nl=False)
        self._is_in_a_line = False

    def _note(self, text: str) -> None:
        self.clear()
        self._invocation.note(text)
