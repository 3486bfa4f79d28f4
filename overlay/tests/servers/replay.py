"""Answer requests with what servers answered to the like of them, in the order in which they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx

from ..faults.clients import Client

HERE: Final = Path(__file__).parent
CLIP: Final = b"\0\0\0\x14ftypmp42mp42isom\0\0\0\x08moov\0\0\x0f\xfcmdat" + b"clip" * 1021
"""Stands for the recorded video: it begins and is as long as that."""


def recorded(name: str) -> Any:
    """Return a recording."""
    return json.loads(HERE.joinpath(f"{name}.json").read_text("utf-8"))


def response(server_response: dict[str, Any]) -> httpx.Response:
    """Return a response of a recording."""
    if "length" in server_response:
        return httpx.Response(
            server_response["status"], headers=server_response["headers"], content=CLIP[: server_response["length"]]
        )
    if "text" in server_response:
        return httpx.Response(
            server_response["status"], headers=server_response.get("headers"), text=server_response["text"]
        )
    return httpx.Response(
        server_response["status"], headers=server_response.get("headers"), json=server_response["json"]
    )


class Recording:
    """A server that is played from its recording. The last response to a request is given again and again."""

    def __init__(self, name: str) -> None:
        data = recorded(name)
        self.job: str = data["job"]
        self.requests: list[httpx.Request] = []
        self._answers: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for exchange in data["exchanges"]:
            requested = exchange["request"]
            self._answers.setdefault(_key(**requested), []).append(exchange["answer"])

    def responses(self, method: str, target: str) -> list[dict[str, Any]]:
        """Return the responses to a request that are still to be given."""
        return self._answers[_key(method, target)]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self._answers[_key(request.method, str(request.url), request.headers.get("range", ""))]
        return response(found[0] if len(found) == 1 else found.pop(0))


def _key(method: str, target: str, range: str = "", **_: object) -> tuple[str, ...]:
    """Return what tells requests apart: what they carry does not."""
    url = httpx.URL(target)
    return method, url.path, range, *sorted(f"{name}={value}" for name, value in url.params.multi_items())


def client(flavour: str, server: Any) -> Client:
    """Return a client whose requests end at a server's `handle`."""
    transport = httpx.MockTransport(server.handle)
    http = httpx.Client if flavour == "sync" else httpx.AsyncClient
    return Client(flavour, "http://wire.test/v1", http_client=http(transport=transport))
