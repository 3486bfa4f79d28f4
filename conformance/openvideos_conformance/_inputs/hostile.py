"""Make ids and bodies that break servers: those that are hostile, and those that only look so. Pure."""

from __future__ import annotations

import json
from typing import Final

DEPTH: Final = 100_000
"""How deep JSON is nested that no parser may follow by recursion."""

LONG: Final = 4000
"""How long an id is that is too long; servers take at least 8,000 bytes of a request line."""


def hostile_ids(known: str) -> dict[str, str]:
    """Return steps of a path that name no video, as they are sent, by what they are. `known` is the id of one."""
    return {
        "a slash": "openvideos%2Fnone",
        "a way up": "..%2F..%2F..%2Fetc%2Fpasswd",
        "a way up in backslashes": "..%5C..%5Cwindows",
        "dots": "...",
        "a space": "openvideos%20none",
        "a percent sign": "100%25",
        "what looks escaped": "%252e%252e%252f",
        "a quotation mark": "%27%20OR%20%271%27%3D%271",
        "a wildcard": "%25",
        "another script": "%E8%A7%86%E9%A2%91",
        "an emoji": "%F0%9F%9A%A4",
        "bytes that are no UTF-8": "%ff%fe",
        "a NUL": "openvideos%00none",
        "a line break": "openvideos%0d%0ax-openvideos-injected:%201",
        "a known id and a NUL": f"{known}%00",
        "a known id and a space": f"{known}%20",
        "braces": "%7Bvideo_id%7D",
        "a word": "undefined",
        "a great length": "v" * LONG,
    }


def hostile_json(prompt: str) -> dict[str, bytes]:
    """Return bodies that are JSON, or nearly, and no create, by what they are."""
    text = json.dumps(prompt)
    return {
        "arrays that are nested deep": b"[" * DEPTH + b"]" * DEPTH,
        "objects that are nested deep": b'{"prompt":' * DEPTH + b"1" + b"}" * DEPTH,
        "a prompt of arrays that are nested deep": b'{"prompt": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
        "an array": f"[{text}]".encode(),
        "an array of creates": f'[{{"prompt": {text}}}]'.encode(),
        "null": b"null",
        "a number": b"1",
        "a text": text.encode(),
        "true": b"true",
        "a prompt with an unpaired surrogate": f'{{"prompt": "{prompt} \\ud800"}}'.encode(),
        "a prompt with surrogates in the wrong order": f'{{"prompt": "{prompt} \\udc00\\ud800"}}'.encode(),
        "a prompt that is no UTF-8": f'{{"prompt": "{prompt} '.encode() + b'\xff\xfe"}',
        "a prompt in Latin-1": f'{{"prompt": "{prompt} '.encode() + b'caf\xe9"}',
    }
