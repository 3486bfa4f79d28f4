"""Serve the page of the dashboard and what belongs to it.

These files hold no job, so they need no key: the page asks for it, and sends it with each request for jobs. Those are
control endpoints (`control.yaml`), outside of the Videos API, so that to look at jobs moves none of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from .._model.refusals import Reason, RefusalError, shown
from .router import CONTROL_PREFIX

if TYPE_CHECKING:
    from starlette.datastructures import Headers

_PAGE: Final = "page.html"
_ROOT: Final = f"{CONTROL_PREFIX}/dashboard"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' blob:",  # pictures and clips are fetched with the key, which no URL may hold
    "media-src": "blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",  # no string becomes markup, whatever a prompt holds
}
_HEADERS: Final = {
    "cache-control": "no-cache",  # an upgraded emulator has other files at the same port
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_METHODS: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


class Dashboard:
    """The files of the dashboard, by their paths."""

    def __init__(self, *, needs_key: bool) -> None:
        """Read the files; the page says at once that it needs a key, if it does."""
        self._assets: dict[str, _Asset] = {}
        for file in files("openvideos_emulator").joinpath("dashboard").iterdir():
            suffix = file.name[file.name.rfind(".") :]
            if suffix not in _MEDIA_TYPES:
                continue
            content = file.read_bytes()
            if file.name == _PAGE and needs_key:
                content = content.replace(b'data-key="none"', b'data-key="needed"', 1)
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            path = "/" if file.name == _PAGE else f"{_ROOT}/{file.name}"
            self._assets[path] = _Asset(content, _MEDIA_TYPES[suffix], etag)

    def answer(self, method: str, path: str, headers: Headers) -> Response | None:
        """Answer a request for a file of the dashboard; None if it asks for something else."""
        asset = self._assets.get(path)
        if asset is None:
            return None
        allowed = ", ".join(_METHODS)
        if method not in _METHODS:
            message = f"{shown(method)} is not a method of {path}; use one of {allowed}."
            code = "method_not_allowed"
            raise RefusalError(Reason.METHOD_NOT_ALLOWED, message, code=code, headers={"allow": allowed})
        if method == "OPTIONS":
            return Response(status_code=204, headers={"allow": allowed})
        answer_headers = {**_HEADERS, "etag": asset.etag}
        if is_known(asset.etag, headers.get("if-none-match")):
            return Response(status_code=304, headers=answer_headers)
        return Response(asset.content, media_type=asset.media_type, headers=answer_headers)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Tell whether a client that sends this If-None-Match has the content with this entity tag (RFC 9110, 13.1.2)."""
    known = (if_none_match or "").split(",")
    return any(each.strip().removeprefix("W/") in {etag, "*"} for each in known)
