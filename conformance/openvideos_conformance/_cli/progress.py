"""Show the progress of a run: a line for each failure, or for each check if asked; on a terminal, a counter, too."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING, Final, TextIO

import pytest

from .._core.catalogue import Level, catalogue
from .._core.run_result import plural
from .._core.sanitize import one_line
from .._core.verdicts import Outcome, Verdict
from .._pytest.marker import check_of, denial
from .._reports.terminal import COLOURS, GREY, OUTCOMES, painted

if TYPE_CHECKING:
    from typing import Any

    from .._pytest.run_state import RunState

_TICK: Final = 0.5
_FAILED: Final = frozenset({"violated", "error"})


class Progress:
    """Shows the progress of a run, as a pytest plugin."""

    def __init__(
        self, state: RunState, stream: TextIO, *, is_coloured: bool, is_live: bool, is_verbose: bool = False
    ) -> None:
        """Write to a stream; `is_live` says whether a line on it can be overwritten."""
        self._is_verbose = is_verbose
        self._state, self._stream = state, stream
        self._is_coloured, self._is_live = is_coloured, is_live
        self._total, self._done, self._failed, self._current = 0, 0, 0, ""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="openvideos-conformance-progress", daemon=True)

    def write_line(self, line: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._write(("\r\x1b[K" if self._is_live else "") + line + "\n")
        self._redraw()

    def stop(self) -> None:
        """Stop the counter, and remove it."""
        self._stopped.set()
        if self._ticker.is_alive():
            self._ticker.join()
            self._write("\r\x1b[K")

    # ---------------------------------------------------------------- hooks
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write how many videos the run starts at most, before it starts the first."""
        selected = [check for item in session.items if (check := check_of(item))]
        self._total = len(selected)
        if not selected:
            return
        state, target = self._state, self._state.target
        judged = [check for check in selected if not denial(check, target)]
        self.write_line(
            f"Judging {target.base_url} by {plural(len({check.requirement for check in judged}), 'requirement')}, "
            f"in {plural(len(judged), 'check')}."
        )
        self.write_line(
            f"The run starts {plural(state.most_videos, 'video')} at most (--max-videos {target.max_videos}), "
            "and deletes them at the end, if the server can."
        )
        if self._is_live:
            self._ticker.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show which check is running."""
        self._current = nodeid.rpartition("::")[2]
        self._redraw()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show how a check ended."""
        kept: dict[str, Any] | None = getattr(report, "openvideos", None)
        if kept is None:
            return
        outcome, is_failed = kept["outcome"], kept["outcome"] in _FAILED
        with self._lock:
            self._done += 1
            self._failed += is_failed
        if is_failed or self._is_verbose:
            self.write_line(self._line(kept, Outcome(outcome)))

    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> None:
        """Show that the jobs are being deleted, which may take time."""
        if nextitem is None:
            self._current = "deleting the videos"

    # ---------------------------------------------------------------- lines
    def _line(self, kept: dict[str, Any], outcome: Outcome) -> str:
        message = f": {one_line(kept['message'])}" if kept["message"] else ""
        name, colour = OUTCOMES[outcome], _COLOURS[outcome]
        is_should = catalogue()[kept["requirement"]].level is Level.SHOULD
        if outcome is Outcome.VIOLATED and is_should and not self._state.strict:
            name, colour = "warn", COLOURS[Verdict.WARN]
        word = painted(f"{name:<13}", colour, is_coloured=self._is_coloured)
        return f"{word} {kept['requirement']:<16} {one_line(kept['check'])}{message}"

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK):
            self._redraw()

    def _redraw(self) -> None:
        if not self._is_live or self._stopped.is_set() or not self._total:
            return
        seconds = time.time() - self._state.began
        failed = f", {self._failed} failed" if self._failed else ""
        line = f"[{self._done}/{self._total}{failed}, {seconds:.0f} s] {self._current}"
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
