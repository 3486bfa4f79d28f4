"""Serve the static files of the dashboard.

The files contain no jobs, so they need no API key: the page prompts for the key, and sends it with each request for
jobs. The page uses the control endpoints (`control.yaml`), whose reads do not count as polls.
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
    "img-src": "'self' blob:",  # pictures and clips are fetched with the key, which must not be in a URL
    "media-src": "blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",  # no string becomes markup, whatever a prompt contains
}
_HEADERS: Final = {
    "cache-control": "no-cache",  # after an upgrade, the files at the same URL differ
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
        """Read the files; with `needs_key`, the page prompts for the API key when it is loaded."""
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

    def respond(self, method: str, path: str, headers: Headers) -> Response | None:
        """Return the response to a request for a file of the dashboard; None if the path is not one of its files.

        Raises:
            RefusalError: The method is not allowed.
        """
        asset = self._assets.get(path)
        if asset is None:
            return None
        allowed = ", ".join(_METHODS)
        if method not in _METHODS:
            raise RefusalError(
                Reason.METHOD_NOT_ALLOWED,
                f"{shown(method)} is not a method of {path}; use one of {allowed}.",
                code="method_not_allowed",
                headers={"allow": allowed},
            )
        if method == "OPTIONS":
            return Response(status_code=204, headers={"allow": allowed})
        response_headers = {**_HEADERS, "etag": asset.etag}
        if is_unchanged(asset.etag, headers.get("if-none-match")):
            return Response(status_code=304, headers=response_headers)
        return Response(asset.content, media_type=asset.media_type, headers=response_headers)


def is_unchanged(etag: str, if_none_match: str | None) -> bool:
    """Return whether an If-None-Match header matches this entity tag (RFC 9110, section 13.1.2)."""
    known = (if_none_match or "").split(",")
    return any(each.strip().removeprefix("W/") in {etag, "*"} for each in known)
