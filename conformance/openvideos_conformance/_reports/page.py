"""Make a web page that contains its style and its script, and allows no others. Pure."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final

from .._core.sanitize import printable

PROJECT: Final = "openvideos"


@lru_cache
def _asset(name: str) -> str:
    return files("openvideos_conformance._reports").joinpath(name).read_text(encoding="utf-8")


def page(title: str, body: str, *, has_script: bool = False) -> str:
    """Return a complete page; `body` is HTML, `title` is text."""
    style = _asset("report.css")
    script = _asset("report.js") if has_script else ""
    policy = f"default-src 'none'; style-src '{_hash(style)}'"
    if script:
        policy += f"; script-src '{_hash(script)}'"
    policy += "; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{shown(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}"
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def shown(text: object) -> str:
    """Return any value as escaped HTML text."""
    return escape(printable(str(text)))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
