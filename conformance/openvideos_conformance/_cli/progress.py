"""Show a run while it goes on: a line for each check, or on a terminal a line that counts, and lines for what fails."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING, Final, TextIO

import pytest

from .._core.run_result import plural
from .._core.sanitize import one_line
from .._core.verdicts import Outcome, Verdict
from .._pytest.budget import most_jobs
from .._pytest.marker import check_of
from .._reports.terminal import COLOURS, GREY, painted

if TYPE_CHECKING:
    from typing import Any

    from .._pytest.run_state import RunState

_TICK: Final = 0.5
_LOUD: Final = frozenset({"violated", "error"})


class Progress:
    """What is shown of a run, as a plugin of pytest."""

    def __init__(self, state: RunState, stream: TextIO, *, is_coloured: bool, is_live: bool) -> None:
        """Show on a stream; `is_live` if a line on it can be written over."""
        self._state, self._stream = state, stream
        self._is_coloured, self._is_live = is_coloured, is_live
        self._total, self._done, self._loud, self._doing = 0, 0, 0, ""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="openvideos-conformance-progress", daemon=True)

    def say(self, line: str) -> None:
        """Show a line that stays."""
        with self._lock:
            self._write(("\r\x1b[K" if self._is_live else "") + line + "\n")
        self._redraw()

    def stop(self) -> None:
        """Show nothing more that moves."""
        self._stopped.set()
        if self._ticker.is_alive():
            self._ticker.join()
            self._write("\r\x1b[K")

    # ---------------------------------------------------------------- hooks
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say what the run will cost, before it starts a job."""
        pairs = [(check, getattr(item, "fixturenames", ())) for item in session.items if (check := check_of(item))]
        self._total = len(pairs)
        if not pairs:
            return
        state, target = self._state, self._state.target
        most = most_jobs(pairs, state.needed_jobs, target.denied, target.max_videos)
        self.say(
            f"Judging {target.base_url} by {plural(len({check.requirement for check, _ in pairs}), 'requirement')}, "
            f"in {plural(len(pairs), 'check')}."
        )
        self.say(
            f"It starts {plural(most, 'video')} at the most (--max-videos {target.max_videos}), "
            "and deletes them at the end."
        )
        if self._is_live:
            self._ticker.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show which check is at work."""
        self._doing = nodeid.rpartition("::")[2]
        self._redraw()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show how a check ended, once."""
        kept: dict[str, Any] | None = getattr(report, "openvideos", None)
        if kept is None:
            return
        outcome, is_loud = kept["outcome"], kept["outcome"] in _LOUD
        with self._lock:
            self._done += 1
            self._loud += is_loud
        if is_loud or not self._is_live:
            self.say(self._line(kept, Outcome(outcome)))

    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> None:
        """Show that the jobs are being deleted, which may take a while."""
        if nextitem is None:
            self._doing = "deleting the videos"

    # ---------------------------------------------------------------- lines
    def _line(self, kept: dict[str, Any], outcome: Outcome) -> str:
        told = f": {one_line(kept['message'])}" if kept["message"] else ""
        word = painted(f"{outcome.replace('_', ' '):<11}", _COLOURS[outcome], is_coloured=self._is_coloured)
        return f"{word} {kept['requirement']:<16} {one_line(kept['check'])}{told}"

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK):
            self._redraw()

    def _redraw(self) -> None:
        if not self._is_live or self._stopped.is_set() or not self._total:
            return
        seconds = time.time() - self._state.began
        failed = f", {self._loud} failed" if self._loud else ""
        line = f"[{self._done}/{self._total}{failed}, {seconds:.0f} s] {self._doing}"
        width = shutil.get_terminal_size().columns - 1
        with self._lock:
            self._write("\r\x1b[K" + painted(line[:width], GREY, is_coloured=self._is_coloured))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


_COLOURS: Final = {
    Outcome.PASSED: COLOURS[Verdict.PASS],
    Outcome.VIOLATED: COLOURS[Verdict.FAIL],
    Outcome.ERROR: COLOURS[Verdict.ERROR],
    Outcome.NOT_REACHED: GREY,
    Outcome.UNSUPPORTED: GREY,
}
