"""Make ids and JSON bodies that may break servers. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH: Final = 100_000
"""The depth of JSON that a recursive parser cannot read."""

LONG: Final = 4000
"""The length of a long id; servers accept a request line of at least 8,000 bytes."""


def hostile_ids(known: str) -> dict[str, str]:
    """Return path segments that name no video, as they are sent, by descriptions. `known` is the id of a video."""
    return {
        "a slash": "openvideos%2Fnone",
        "a parent directory": "..%2F..%2F..%2Fetc%2Fpasswd",
        "a parent directory with backslashes": "..%5C..%5Cwindows",
        "dots": "...",
        "a space": "openvideos%20none",
        "a percent sign": "100%25",
        "a double escape": "%252e%252e%252f",
        "a quotation mark": "%27%20OR%20%271%27%3D%271",
        "a wildcard": "%25",
        "another script": "%E8%A7%86%E9%A2%91",
        "an emoji": "%F0%9F%9A%A4",
        "bytes that are not UTF-8": "%ff%fe",
        "a NUL": "openvideos%00none",
        "a line break": "openvideos%0d%0ax-openvideos-injected:%201",
        "a known id and a NUL": f"{known}%00",
        "a known id and a space": f"{known}%20",
        "braces": "%7Bvideo_id%7D",
        "a word": "undefined",
        "thousands of characters": "v" * LONG,
    }


def hostile_json(prompt: str, rest: Mapping[str, str]) -> dict[str, bytes]:
    """Return bodies that are JSON or nearly JSON, but not a create, by descriptions.

    `rest` are more fields, so that a server which accepts such a body makes the video that the operator has chosen.
    """
    text = json.dumps(prompt)
    more = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in rest.items())
    end = f"{more}}}".encode()
    return {
        "arrays that are nested deeply": b"[" * DEPTH + b"]" * DEPTH,
        "objects that are nested deeply": b'{"prompt":' * DEPTH + b"1" + b"}" * DEPTH,
        "a prompt of arrays that are nested deeply": b'{"prompt": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
        "an array": f"[{text}]".encode(),
        "an array of creates": f'[{{"prompt": {text}{more}}}]'.encode(),
        "null": b"null",
        "a number": b"1",
        "a text": text.encode(),
        "true": b"true",
        "a prompt with an unpaired surrogate": f'{{"prompt": "{prompt} \\ud800"'.encode() + end,
        "a prompt with surrogates in the wrong order": f'{{"prompt": "{prompt} \\udc00\\ud800"'.encode() + end,
        "a prompt that is not UTF-8": f'{{"prompt": "{prompt} '.encode() + b'\xff\xfe"' + end,
        "a prompt in Latin-1": f'{{"prompt": "{prompt} '.encode() + b'caf\xe9"' + end,
    }
