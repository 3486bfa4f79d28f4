"""Make and check the URLs at which finished files can be fetched without the API key. Pure.

A URL holds the right to fetch one job's video: its signature. It is the same each time that the job is read, and for as
long as the content can be downloaded.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, unquote

from .._model.jobs import Status
from .._model.keys import SIGNATURE, SIGNED, value_of
from .._model.refusals import Reason, RefusalError, shown

if TYPE_CHECKING:
    from starlette.types import Scope

    from .._engine.snapshot import Snapshot

FILES_PREFIX: Final = "/files"
"""The prefix of the paths of files; these are not part of the contract."""

_PATH: Final = re.compile(rf"{FILES_PREFIX}/([^/]+)\.mp4")
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def origin_of(scope: Scope) -> str:
    """Return the scheme and the host by which a client reached the server, such as `http://127.0.0.1:8000`."""
    host = value_of(scope["headers"], b"host").decode("latin-1")
    if _HOST.fullmatch(host) is None:
        return address_of(scope)
    scheme = "https" if scope.get("scheme") == "https" else "http"  # a proxy may say other words
    return f"{scheme}://{host}"


def address_of(scope: Scope) -> str:
    """Return the scheme and the address that the server has itself, such as `http://127.0.0.1:8000`."""
    name, port = scope.get("server") or ("localhost", None)
    return f"http://{f'[{name}]' if ':' in name else name}{f':{port}' if port else ''}"


def in_origin_form(scope: Scope) -> Scope:
    """Return a scope whose path begins with a slash, also if the target is a whole URL (RFC 9112, section 3.2.2)."""
    match = _ABSOLUTE.match(scope.get("raw_path") or b"")
    if match is None:
        return scope
    raw_path = scope["raw_path"][match.end() :] or b"/"
    return {**scope, "raw_path": raw_path, "path": unquote(raw_path)}


def id_in(raw_path: str) -> str | None:
    """Return the id of the job whose file a path names; None if it names none."""
    match = _PATH.fullmatch(raw_path)
    return None if match is None else unquote(match[1])


class MediaUrls:
    """The URLs of the files of one database."""

    def __init__(self, secret: bytes) -> None:
        """Sign with this secret."""
        self._secret = secret

    def url_of(self, snapshot: Snapshot, origin: str) -> str | None:
        """Return the absolute URL of a completed job's video; None for another job."""
        if snapshot.state.status is not Status.COMPLETED:
            return None
        id_ = snapshot.job.id
        return f"{origin}{FILES_PREFIX}/{quote(id_, safe='')}.mp4?{SIGNATURE}={self._signature(id_)}"

    def video_id(self, raw_path: str, query: bytes) -> str:
        """Return the id of the job whose video a request may fetch.

        Raises:
            RefusalError: The path names no file (404), or the signature is missing or wrong (401).
        """
        id_ = id_in(raw_path)
        if id_ is None:
            raise RefusalError(
                Reason.NOT_FOUND,
                f"There is nothing at {shown(raw_path)}; the Video object has the URL of its file.",
                code="unknown_path",
            )
        given = parse_qs(query.decode("latin-1")).get(SIGNATURE, [""])[0]
        if not hmac.compare_digest(given.encode(), self._signature(id_).encode()):
            raise RefusalError(
                Reason.UNAUTHORIZED,
                "The signature of the URL is not valid; retrieve the video, and use the url that it has.",
                code="invalid_signature",
                param=SIGNATURE,
            )
        return id_

    def _signature(self, video_id: str) -> str:
        # A surrogate, which an escape like %ff makes, is in no id, and must not raise.
        text = f"GET {video_id}".encode("utf-8", "replace")
        return SIGNED + hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:40]
