"""Write the shell command that sends a recorded request again, without the key. Pure."""

from __future__ import annotations

import base64
import gzip
import re
import shlex
from typing import TYPE_CHECKING, Final

from .exchange import RECORDED
from .sanitize import printable
from .target import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .exchange import Exchange

_READABLE: Final = 4096
_LONGEST_PACKED: Final = 1 << 15
_OMITTED: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-schemathesis-testcaseid",
    }
)
"""The headers that curl sends by itself, the one with the key, and the one by which a generated case is found."""
_QUOTED: Final = re.compile(r'[\\"$`]')


def curl(exchange: Exchange, base_url: str, body: bytes) -> str:
    """Return a shell command that sends a request again, with this body; it reads the key from OPENVIDEOS_API_KEY."""
    if exchange.elsewhere and exchange.operation is None:
        # The query of a Video's url is a secret, and no variable holds it.
        return (
            f"curl -i -g --path-as-is --location {shlex.quote(exchange.elsewhere)}  # with the query of the Video's url"
        )
    words = ["curl", "-i", "-g", "--path-as-is", "-X", exchange.method]
    if exchange.method == "HEAD":
        words = ["curl", "--head", "-g", "--path-as-is"]  # with -X HEAD, curl would wait for a body
    if exchange.elsewhere:
        words.append("--location")  # curl keeps the key from another host, too
    media_type = exchange.request_header("content-type")
    form = _form(exchange, media_type or "", body)
    for name, value in exchange.request_headers:
        if name not in _OMITTED and not (form and name == "content-type"):
            words += ["-H", f"{name}: {value}" if value else f"{name};"]
    before, after = "", ""
    if form:
        words += form
    elif body:
        if media_type is None:
            words += ["-H", "content-type:"]  # or else curl would call it a form
        before, data, after = _body(exchange, body)
        words += data
    line = before + shlex.join([*words, base_url.rstrip("/") + exchange.target])
    if exchange.request_header("authorization") is not None or (exchange.elsewhere and exchange.has_key):
        line += f' -H "Authorization: {exchange.credential or f"Bearer ${KEY_VARIABLE}"}"'
    return line + after


def credential(value: str, keys: Mapping[str, str | None]) -> str:
    """Return the value of an Authorization header as the inside of a double-quoted word of the shell.

    `keys` gives the key in each environment variable. What was made of a key is made of its variable again, so that the
    text holds neither the key nor most of it.
    """
    spellings = {text: made for name, key in keys.items() if key for text, made in _spellings(name, key).items()}
    # The longest come first: most of the key is also a part of the key.
    found = sorted((spelling for spelling in spellings if spelling), key=len, reverse=True)
    pattern = "|".join(map(re.escape, found)) or r"(?!)"
    pieces: list[str] = []
    end = 0
    for match in re.finditer(pattern, value):
        pieces += [_in_quotes(value[end : match.start()]), spellings[match[0]]]
        end = match.end()
    made = "".join([*pieces, _in_quotes(value[end:])])
    return re.sub(r"\$\{(\w+)\}$", r"$\1", made)  # at the end, the name needs no braces


def _spellings(name: str, key: str) -> dict[str, str]:
    """Return what requests with a wrong key make of the right one, each with how the shell makes it."""
    piped = f'printf %s "${name}" |'
    return {
        base64.b64encode(f"{of}{key}{end}".encode("utf-8", "surrogateescape")).decode(): (
            f"$(printf '{of}%s{end}' \"${name}\" | base64 | tr -d '\\n')"
        )
        for of, end in (("", ":"), ("user:", ""))
    } | {
        key[::-1]: f"$({piped} rev)",
        key.swapcase(): f"$({piped} tr A-Za-z a-zA-Z)",
        key[:-1]: f"${{{name}%?}}",
        key: f"${{{name}}}",
    }


def _in_quotes(text: str) -> str:
    """Return a text for a double-quoted word; what is not ASCII as the bytes of Latin-1, in which headers are sent."""
    quoted = _QUOTED.sub(lambda found: f"\\{found[0]}", text)
    return "".join(char if char.isascii() else f"$(printf '\\{ord(char) & 0xFF:03o}')" for char in quoted)


def _form(exchange: Exchange, media_type: str, body: bytes) -> list[str]:
    """Return the options that send a form of texts again; none where its bytes matter, or are no texts."""
    fields = exchange.request_fields
    boundary = media_type.partition("multipart/form-data; boundary=")[2].encode()
    is_whole = bool(boundary and fields) and body.endswith(b"--" + boundary + b"--\r\n")
    if not is_whole or body.count(b"--" + boundary) != len(fields) + 1:
        return []
    if not all(_is_readable(name, value, body) for name, value in fields.items()):
        return []
    return [word for name, value in fields.items() for word in ("--form-string", f"{name}={value}")]


def _is_readable(name: str, value: object, body: bytes) -> bool:
    """Tell whether a field of a form can be read in a report, and is in its body as it is."""
    is_text = isinstance(value, str) and len(value) <= _READABLE and _stays(value)
    return is_text and re.fullmatch(r"[\w.\[\]-]+", name) is not None and str(value).encode() in body


def _stays(text: str) -> bool:
    return "\r" not in text and printable(text) == text


def _body(exchange: Exchange, body: bytes) -> tuple[str, list[str], str]:
    """Return what stands before a command that sends a body, its options, and what stands after it."""
    text = body.decode("utf-8", "replace") if len(body) <= _READABLE else ""
    if text and text.encode() == body and _stays(text):
        return "", ["--data-raw", text], ""
    length = exchange.request_header("content-length") or ""
    is_cut = len(body) >= RECORDED or (length.isdecimal() and len(length) < 12 and int(length) > len(body))  # noqa: PLR2004 - a length
    packed = "" if is_cut else base64.b64encode(gzip.compress(body, mtime=0)).decode()
    if is_cut or len(packed) > _LONGEST_PACKED:
        too_many = f"  # BODY is a file of the {length or len(body)} bytes, which are too many for a line"
        return "", ["--data-binary", "@BODY"], too_many
    return f"echo {packed} | base64 -d | gunzip | ", ["--data-binary", "@-"], ""
