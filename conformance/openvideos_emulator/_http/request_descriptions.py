"""Describe a recorded request: as JSON for the control endpoints, as a line of the log, and as a curl command. Pure."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from .._contract import contract
from .router import subject_of

if TYPE_CHECKING:
    from .._model.keys import Pairs
    from .._model.request_log import Record, SentPart

_BAD: Final = 400
_LONGEST_REASON: Final = 300
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+/\[\]-]+")
_NOT_SENT: Final = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "host"),
        *("transfer-encoding", "user-agent"),
    }
)
"""Headers that curl sends by itself, and the key, which the command reads from the environment."""


def summary_of(record: Record) -> dict[str, Any]:
    """Return what a line of a list shows of a record."""
    return {
        "number": record.number,
        "at": record.at,
        "job_time": record.job_time,
        "method": record.method,
        "path": record.path,
        "query": record.query,
        "operation": subject_of(record.method, record.path).operation,
        "video_id": video_id_of(record),
        "status": record.status,
        "milliseconds": None if record.seconds is None else round(record.seconds * 1000, 1),
        "error": error_of(record),
        "fault": record.fault,
        "is_cut": record.is_cut,
    }


def record_json(record: Record) -> dict[str, Any]:
    """Return a whole record: what was sent and what was answered, as far as it is kept."""
    is_form = record.parts is not None
    return {
        **summary_of(record),
        "headers": _texts(record.headers),
        "fields": _fields(record),
        "files": [_file(part) for part in record.parts or () if part.filename is not None],
        "body": None if is_form else _text(record.body),
        "body_length": record.length,
        "response_headers": _texts(record.response_headers),
        "response_body": _text(record.response_body),
        "response_length": record.response_length,
        "curl": curl(record),
    }


def line_of(record: Record) -> str:
    """Return a record as a line of the log: time, method, path, status, duration, job, what was wrong."""
    at = datetime.fromtimestamp(record.at).astimezone().strftime("%H:%M:%S")
    target = f"{record.path}?{record.query}" if record.query else record.path
    status = "cut" if record.is_cut else record.status
    words = [at, record.method, target, str(status), f"{(record.seconds or 0) * 1000:.0f} ms"]
    video_id, error = video_id_of(record), error_of(record)
    words += [video_id] if video_id is not None and video_id not in record.path else []
    words += [f"[planned: {record.fault}]"] if record.fault is not None else []
    words += [f"- {error}"] if error is not None else []
    return _printable(" ".join(words))


def json_line_of(record: Record) -> str:
    """Return a record as a line of JSON, with the same facts as `line_of`; `time` is UTC."""
    facts = summary_of(record)
    time = datetime.fromtimestamp(facts.pop("at"), tz=UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, **facts})


def video_id_of(record: Record) -> str | None:
    """Return the id of the job that a request has started, else of the one that its path names."""
    subject = subject_of(record.method, record.path)
    told = None
    if subject.operation in _starting() and record.status is not None and record.status < _BAD:
        told = _object(record.response_body).get("id")  # which may be another than here, where a gateway is imitated
    return told if isinstance(told, str) else record.started or subject.job


def error_of(record: Record) -> str | None:
    """Return what was wrong, in the words of the response; None if nothing was."""
    if record.status is None or record.status < _BAD:
        return None
    body = _object(record.response_body)
    error = body.get("error", body)
    said = cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else error
    text = said if isinstance(said, str) else record.response_body.decode("utf-8", "replace")
    return " ".join(text.split())[:_LONGEST_REASON] or None


def curl(record: Record) -> str:
    """Return a shell command that sends a request again; it reads the key from OPENVIDEOS_API_KEY.

    It sends the file BODY where the body is not kept whole, TEXT where a text of a form is not, and FILE in the place
    of a file. Nothing that a client has sent names a file of who runs the command, or a place to send the key to.
    """
    words = ["curl", "-i", "-g", *(["--head"] if record.method == "HEAD" else ["-X", record.method])]
    for name, value in _texts(record.headers):
        if name not in _NOT_SENT and not (record.parts is not None and name == "content-type"):
            words += ["-H", f"{name}: {value}"]
    for part in record.parts or ():
        words += _form_words(part)
    if record.parts is None and record.length:
        text = _text(record.body) if record.is_body_whole else None
        words += ["--data-binary", "@BODY"] if text is None else ["--data-raw", text]
    path = record.path if record.path.startswith("/") else f"/{record.path}"
    target = f"{path}?{record.query}" if record.query else path
    line = shlex.join([*words, record.origin + target])
    has_key = any(name == b"authorization" for name, _ in record.headers)
    return f'{line} -H "Authorization: Bearer $OPENVIDEOS_API_KEY"' if has_key else line


@lru_cache(maxsize=1)
def _starting() -> frozenset[str]:
    """Return the operations that start jobs."""
    return frozenset(each.id for each in contract().operations if each.starts_job)


def _fields(record: Record) -> dict[str, Any]:
    if record.parts is not None:
        return {part.name: part.text for part in record.parts if part.filename is None}
    if record.fields is not None:
        return _object(record.fields)
    return _object(record.body) if record.is_body_whole else {}


def _file(part: SentPart) -> dict[str, Any]:
    return {"name": part.name, "filename": part.filename, "media_type": part.media_type, "length": part.length}


def _form_words(part: SentPart) -> list[str]:
    if part.filename is None and not part.is_cut:
        return ["--form-string", f"{part.name}={part.text or ''}"]
    # Of -F, curl would read more than one file from other names and types.
    name = part.name if _PLAIN.fullmatch(part.name) else "FIELD"
    if part.filename is None:
        return ["-F", f"{name}=<TEXT"]
    kind = f";type={part.media_type}" if _PLAIN.fullmatch(part.media_type or "") else ""
    return ["-F", f"{name}=@FILE{kind}"]


def _object(body: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(body) if body.lstrip().startswith(b"{") else None
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(body: bytes) -> str | None:
    return body.decode("utf-8", "replace") if body else None


def _texts(pairs: Pairs) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs]


def _printable(text: str) -> str:
    """Return a text without control characters, which could change what a terminal shows."""
    return "".join(char if char.isprintable() else "?" for char in text)
