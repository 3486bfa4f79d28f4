"""Send requests with a generated client, and read responses by it: `python wire.py GENERATED CASES`.

The cases are JSON. What does not come out as it went in is printed, a line each; nothing is if all is well.
"""

from __future__ import annotations

import datetime as dt
import email
import importlib
import io
import json
import re
import sys
import types
import typing
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
from openapi_python_client.strings import PythonIdentifier

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BASE_URL = "http://server.test"


def typed(hint: Any, value: Any) -> Any:  # noqa: PLR0911
    """Return a JSON value as the type that a caller passes."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        options = [typed(option, value) for option in typing.get_args(hint)]
        return next((option for option in options if option is not value), value)
    if typing.get_origin(hint) is list and isinstance(value, list):
        return [typed(typing.get_args(hint)[0], item) for item in value]
    if hasattr(hint, "from_dict") and isinstance(value, dict):
        return hint.from_dict(value)
    if getattr(hint, "__name__", "") == "File" and isinstance(value, bytes):
        return hint(io.BytesIO(value))
    if isinstance(value, str) and hint in {dt.datetime, dt.date, uuid.UUID}:
        try:
            read: Any = getattr(hint, "fromisoformat", hint)
            return read(value)
        except ValueError:
            return value
    return value


def plain(value: Any) -> Any:
    """Return what a response was read as, as JSON."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "payload"):
        return value.payload.read()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def text_of(value: Any) -> str:
    """Return a value as text."""
    return value if isinstance(value, str) else json.dumps(value)


def opened(value: Any) -> Any:
    """Return what a case holds, with the bytes of its files."""
    if isinstance(value, dict):
        return (
            value["bytes"].encode("latin-1") if value.keys() == {"bytes"} else {k: opened(v) for k, v in value.items()}
        )
    return [opened(item) for item in value] if isinstance(value, list) else value


def sent(module: Any, case: dict[str, Any]) -> httpx.Request:
    """Return the request that a call comes to."""
    hints = typing.get_type_hints(module.build_request)
    found: list[httpx.Request] = []
    arguments: dict[str, Any] = {}
    for place in ("path", "query", "header", "cookie"):
        for name, value in case[place].items():
            python_name = str(PythonIdentifier(value=name, prefix="field_"))
            arguments[python_name] = typed(hints[python_name], value)
    if "body" in case:
        is_form = case["media_type"] == "multipart/form-data"
        kinds = [kind for kind in typing.get_args(hints["body"]) if hasattr(kind, "to_multipart") == is_form]
        hint = typing.Union[tuple(kinds)] if kinds else hints["body"]  # noqa: UP007 - of some kinds
        arguments["body"] = typed(hint, opened(case["body"]))

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        found.append(request)
        return httpx.Response(500)

    with httpx.Client(transport=httpx.MockTransport(answer), base_url=BASE_URL) as client:
        kwargs = module.build_request(**arguments)
        cookies = kwargs.pop("cookies", {})
        client.cookies.update(cookies)
        client.request(**kwargs)
    return found[0]


def wrong_in_request(request: httpx.Request, case: dict[str, Any]) -> Iterator[str]:
    """Yield what a request has otherwise than the case."""
    for value in case["path"].values():
        if (
            text_of(value) != httpx.URL(request.url).path.split("/")[2]
            and f"/{text_of(value)}/" not in request.url.path
        ):
            yield f"the path is {request.url.path}, and should have {value!r}"
    wanted = sorted(
        (name, text_of(item))
        for name, value in case["query"].items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    )
    query = sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    # httpx writes null in a list as an empty text.
    if wanted != [pair for pair in query if pair[1] or pair in wanted]:
        yield f"the query is {query}, and should be {wanted}"
    for name, value in case["header"].items():
        if request.headers.get(name) != (None if value is None else text_of(value)):
            yield f"the header {name} is {request.headers.get(name)!r}, and should be {value!r}"
    for name, value in case["cookie"].items():
        if value is not None and f"{name}={text_of(value)}" not in request.headers.get("cookie", ""):
            yield f"the cookies are {request.headers.get('cookie')!r}, and should have {name}={value!r}"
    if "body" in case:
        yield from wrong_in_body(request, case["media_type"], opened(case["body"]))


def wrong_in_body(request: httpx.Request, media_type: str, given: Any) -> Iterator[str]:
    """Yield what a body says otherwise than what was given."""
    body = body_of(request, media_type)
    match media_type:
        case "multipart/form-data":
            said: Any = said_in_form(given)
        case "application/x-www-form-urlencoded":
            said = {name: text_of(value) for name, value in given.items() if value != ""}
        case _:
            said = given
    if body != said:
        yield f"the body is {body!r}, and should be {said!r}"


def body_of(request: httpx.Request, media_type: str) -> Any:
    """Return what a body says."""
    if media_type == "application/json":
        return json.loads(request.content)
    if media_type == "application/octet-stream":
        return request.content
    if media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.content.decode()))
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: Any = email.message_from_bytes(head + request.content).get_payload()
    found = [(str(part.get_param("name", header="content-disposition")), part) for part in parts]
    return sorted((name, said_by(part.get_payload(decode=True))) for name, part in found)


def said_by(content: bytes) -> str:
    """Return what a part says: its bytes, or its JSON with sorted keys."""
    try:
        value = json.loads(content)
    except ValueError:
        return repr(content)
    return json.dumps(value, sort_keys=True)


def said_in_form(fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the parts that a form should have."""
    return sorted(
        (name, said_by(item if isinstance(item, bytes) else text_of(item).encode()))
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    )


def problems(case: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a case."""
    module = importlib.import_module(f"openvideos_raw.api.things.{case['operation']}")
    yield from wrong_in_request(sent(module, case), case)
    for status, said in case["responses"]:
        value = opened(said)
        content = (
            value if isinstance(value, bytes) else b"" if value == {"nothing": True} else json.dumps(value).encode()
        )
        if isinstance(said, dict) and "text" in said:
            value = said["text"]
            content = value.encode()
        read = plain(module.parse_response(status, content))
        if read != value and content:
            yield f"the body of {status} was {value!r} and is read as {read!r}"


def main() -> None:
    """Print what is wrong."""
    sys.path.insert(0, sys.argv[1])
    for case in json.loads(Path(sys.argv[2]).read_text("utf-8")):
        try:
            found = list(problems(case))
        except Exception as error:  # noqa: BLE001 - a line of each
            found = [f"{type(error).__name__}: {error}"]
        for line in found:
            print(f"{case['operation']}: {line}"[:400])


if __name__ == "__main__":
    main()
