"""Serve the files that need no key: those of the dashboard, and two that describe the emulator to programs.

They contain no jobs. The page prompts for the key, and sends it with each request for jobs. It uses the control
endpoints (`control.yaml`), whose reads do not count as polls.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from .._contract import contract, contract_file
from .router import CONTROL_PREFIX, check_method

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

    @classmethod
    def of(cls, content: bytes, media_type: str) -> _Asset:
        return cls(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class Assets:
    """The files that need no key, by their paths."""

    def __init__(self, *, needs_key: bool, version: str) -> None:
        """Read the files; with `needs_key`, the page prompts for the API key when it is loaded.

        `version` is that of the emulator.
        """
        health = {"status": "ok", "version": version, "contract": contract().revision}
        self._assets = {
            "/health": _Asset.of(json.dumps(health).encode(), "application/json"),
            "/openapi.yaml": _Asset.of(contract_file(), "application/yaml"),  # RFC 9512
        }
        for file in files("openvideos_emulator").joinpath("dashboard").iterdir():
            suffix = file.name[file.name.rfind(".") :]
            if suffix not in _MEDIA_TYPES:
                continue
            content = file.read_bytes()
            if file.name == _PAGE and needs_key:
                content = content.replace(b'data-key="none"', b'data-key="needed"', 1)
            path = "/" if file.name == _PAGE else f"{_ROOT}/{file.name}"
            self._assets[path] = _Asset.of(content, _MEDIA_TYPES[suffix])

    def has(self, path: str) -> bool:
        """Return whether a path is one of the files'."""
        return path in self._assets

    def respond(self, method: str, path: str, headers: Headers) -> Response | None:
        """Return the response to a request for one of the files; None if the path is not of one of them.

        Raises:
            RefusalError: The method is not allowed.
        """
        asset = self._assets.get(path)
        if asset is None:
            return None
        allowed = check_method(method, path, _METHODS)
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
