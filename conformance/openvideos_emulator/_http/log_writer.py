"""Write lines to stderr in a thread: one for each request, and what the server warns of.

The event loop writes no line itself, so that a reader of stderr that is slow, or has stopped, holds up no response.
"""

from __future__ import annotations

import io
import json
import logging
import queue
import threading
from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING, Final, TextIO

from .request_descriptions import json_line_of, line_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._model.request_log import Record, RequestLog

_MOST_WAITING: Final = 4 << 20  # bytes of lines that wait for a slow reader; more are counted, and left out
_CLOSE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.05  # lines that come meanwhile are written at once: to be woken for each costs more
_LOG = logging.getLogger("openvideos_emulator")


class LogWriter:
    """Write the lines of logs to a stream, from `start` to `close`."""

    def __init__(self, stream: TextIO, *, log_format: str) -> None:
        """Write to `stream` as `log_format` says: `text` or `json`."""
        self._stream = stream
        # At its end Python flushes the buffer of stderr, and would wait for a thread that waits for a reader.
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED, there is no buffer
        self._raw = raw if isinstance(raw, io.RawIOBase) else None
        is_json = log_format == "json"
        self._line_of = json_line_of if is_json else line_of
        self._formatter = _JsonFormatter() if is_json else logging.Formatter(_TEXT)
        self.handler: Final[logging.Handler] = _Handler(self._add_warning)
        self._waiting: queue.SimpleQueue[tuple[int, Record | logging.LogRecord] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = self._left_out = 0
        self._thread = threading.Thread(target=self._write_all, name="request-log", daemon=True)

    def start(self) -> None:
        """Start to write."""
        self._thread.start()

    def follow(self, log: RequestLog) -> None:
        """Write a line for each record of this log from now on."""
        log.watch(lambda record: self._add(record.size, record))

    def close(self) -> None:
        """Write what waits, and stop; give up when the reader takes nothing more."""
        self._waiting.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _add_warning(self, warning: logging.LogRecord) -> None:
        # The text is made now, with the traceback: what it is made of may change, or take much memory.
        warning.msg, warning.args = warning.getMessage(), None
        if warning.exc_info:
            warning.exc_text = logging.Formatter().formatException(warning.exc_info)
            warning.exc_info = None
        self._add(len(warning.msg) + len(warning.exc_text or ""), warning)

    def _add(self, size: int, what: Record | logging.LogRecord) -> None:
        with self._lock:
            if self._waiting_bytes > _MOST_WAITING:
                self._left_out += 1
                return
            self._waiting_bytes += size
        self._waiting.put((size, what))

    def _write_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            size, what = waiting
            is_written = self._write(what)
            with self._lock:
                self._waiting_bytes -= size
                left_out = self._left_out + (not is_written)
                self._left_out = 0 if is_written else left_out
            if is_written and left_out and not self._write(_notice(left_out)):
                with self._lock:
                    self._left_out += left_out
            if self._waiting.empty():
                sleep(_PAUSE_SECONDS)

    def _write(self, what: Record | logging.LogRecord) -> bool:
        """Write a line; return whether the stream took it."""
        line = self._formatter.format(what) + "\n" if isinstance(what, logging.LogRecord) else self._described(what)
        try:
            self._write_text(line)
        except (OSError, ValueError):  # its disk is full, or nobody reads it any more; that may pass
            return False
        return True

    def _write_text(self, text: str) -> None:
        if self._raw is None:
            self._stream.write(text)
            if self._waiting.empty():
                self._stream.flush()
            return
        left = text.encode(self._stream.encoding, "backslashreplace")
        while left:
            left = left[self._raw.write(left) or 0 :]

    def _described(self, record: Record) -> str:
        try:
            return f"{self._line_of(record)}\n"
        except Exception:  # noqa: BLE001 - one line that cannot be made is no reason to end the log
            _LOG.exception("the request %d cannot be described", record.number)
            return ""


_TEXT: Final = "openvideos-emulator: %(levelname)s: %(message)s"


class _JsonFormatter(logging.Formatter):
    """Make a line of JSON of a warning; its `time` is written as in the line of a request."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        facts = {"time": time, "level": record.levelname, "message": record.getMessage()}
        return json.dumps(facts | ({"traceback": record.exc_text} if record.exc_text else {}))


class _Handler(logging.Handler):
    """Hand on what is logged."""

    def __init__(self, add: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._add = add

    def emit(self, record: logging.LogRecord) -> None:
        self._add(record)


def _notice(left_out: int) -> logging.LogRecord:
    # A line may still come that the stream could not take at first.
    text = f"up to {left_out} lines are left out: what reads them was too slow, or did not take them"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
