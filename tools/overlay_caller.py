"""Call the overlay as a plan says, and print what it sends: `python overlay_caller.py PLAN DIRECTORY...`.

The plan is JSON. The directories hold the packages. Nothing is sent anywhere: a transport in memory keeps each request
and refuses it.
"""

from __future__ import annotations

import asyncio
import email
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

PICTURE = b"\x89PNG\r\n\x1a\n"
SECRET = "whsec_cHJvYmUtcHJvYmUtcHJvYmUtcHJvYmU="  # noqa: S105 - of nobody
BASE_URL = "http://server.test/v1"


def main() -> None:
    """Carry out the plan."""
    plan, *directories = sys.argv[1:]
    sys.path[:1] = directories
    for name in [name for name in os.environ if name.startswith(("OPENVIDEOS_", "OPENAI_"))]:
        del os.environ[name]
    wanted = json.loads(Path(plan).read_text("utf-8"), object_hook=with_file)
    print(
        json.dumps({"calls": asyncio.run(called(wanted["calls"])), "events": [read(each) for each in wanted["events"]]})
    )


async def called(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what each call comes to: a request, or an error."""
    import httpx

    from openvideos import AsyncOpenVideos, OpenVideos

    requests: list[Any] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        return httpx.Response(400, json={"error": {"message": "No", "type": "x", "param": None, "code": None}})

    async def refuse_async(request: httpx.Request) -> httpx.Response:
        await request.aread()
        requests.append(request)
        return httpx.Response(400, json={"error": {"message": "No", "type": "x", "param": None, "code": None}})

    options: dict[str, Any] = {"base_url": BASE_URL, "api_key": "sk-overlay-0123456789", "max_retries": 0}
    blocking = httpx.Client(transport=httpx.MockTransport(refuse))
    awaited = httpx.AsyncClient(transport=httpx.MockTransport(refuse_async))
    found: list[dict[str, Any]] = []
    with OpenVideos(http_client=blocking, **options) as one:
        async with AsyncOpenVideos(http_client=awaited, **options) as other:
            for call in calls:
                requests.clear()
                error = ""
                try:
                    result = getattr((other if call["is_async"] else one).videos, call["method"])(**call["arguments"])
                    if inspect.isawaitable(result):
                        await result
                except Exception as problem:  # noqa: BLE001 - whatever it is, it is told
                    error = f"{type(problem).__name__}: {problem}"[:300]
                found.append(said(requests[0]) if requests else {"error": error or "nothing was sent"})
    return found


def with_file(node: dict[str, Any]) -> Any:
    """Return an object of the plan, or the bytes of a file that it stands for."""
    return PICTURE if "$file" in node else node


def said(request: Any) -> dict[str, Any]:
    """Return what a request says: the names of a form's parts with their texts, None for a file."""
    media_type = request.headers.get("content-type", "").partition(";")[0]
    found: dict[str, Any] = {
        "path": request.url.raw_path.decode().partition("?")[0],
        "query": parse_qsl(request.url.query.decode(), keep_blank_values=True),
        "media_type": media_type,
    }
    if media_type == "application/json":
        found["json"] = json.loads(request.content)
    elif media_type == "multipart/form-data":
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts: list[Any] = email.message_from_bytes(head + request.content).get_payload()  # type: ignore[assignment]
        found["form"] = [
            (
                part.get_param("name", header="content-disposition"),
                None if part.get_filename() else part.get_payload(decode=True).decode("utf-8", "replace"),
            )
            for part in parts
        ]
    return found


def read(body: Any) -> str:
    """Return the name of the class that an event is read as, or the error that it comes to."""
    from openvideos import OpenVideos, sign

    payload = json.dumps(body)
    try:
        with OpenVideos(base_url=BASE_URL, api_key="sk-overlay-0123456789", webhook_secret=SECRET) as client:
            return type(client.webhooks.unwrap(payload, sign(payload, secret=SECRET))).__name__
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is told
        return f"{type(problem).__name__}: {problem}"[:300]


if __name__ == "__main__":
    main()
