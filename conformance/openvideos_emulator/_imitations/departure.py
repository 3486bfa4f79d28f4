"""Say what a departure is, one way in which a server differs from the contract, and lay departures over an app."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .wrapping import Request, ServerResponse, wrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .wrapping import App, Handler

    Memory = dict[Any, Any]
    Departing = Callable[[Request, Handler, Memory], Awaitable[ServerResponse]]
    """Takes a request, a function that asks the server below, and the departure's memory; returns a response."""

DEPARTURES: Final = "x-imitated"
"""The header of a response that names the departures in it."""

TELLING: Final = frozenset({"create_video", "retrieve_video", "remix_video", "edit_video", "extend_video"})
"""The operations whose response is a Video."""
STARTING: Final = TELLING - {"retrieve_video"}
_RARE: Final = frozenset({"url", "duration"})
"""What a Video may have, and the imitated servers do not send, unless a departure says so."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which a server differs from the contract. `what` says it in a sentence."""

    name: str
    what: str
    depart: Departing


def departure(depart: Departing) -> Departure:
    """Make a function a departure; its name is the departure's, its docstring says what it does."""
    return Departure(depart.__name__, (depart.__doc__ or "").strip(), depart)


def imitating(app: App, departures: Sequence[Departure], *, max_body_bytes: int | None = None) -> App:
    """Lay departures over an app, the first one outermost."""

    def change(request: Request, ask: Handler) -> Awaitable[ServerResponse]:
        return handler_over(ask)(request)

    memories: list[Memory] = [{} for _ in departures]

    def handler_over(ask: Handler) -> Handler:
        ask = partial(with_videos, ask=ask, change=_without_rare)
        for each, memory in reversed(list(zip(departures, memories, strict=True))):
            ask = _over(each, memory, ask)
        return ask

    return wrapped(app, change, max_body_bytes=max_body_bytes)


def _without_rare(video: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in video.items() if key not in _RARE}


def _over(laid: Departure, memory: Memory, ask: Handler) -> Handler:
    async def handler(request: Request) -> ServerResponse:
        asked: list[ServerResponse] = []

        async def asking(changed: Request) -> ServerResponse:
            response = await ask(changed)
            asked.extend([response] if changed is request else [])
            return response

        response = await laid.depart(request, asking, memory)
        if any(_are_same(response, each) for each in asked):
            return response
        before = response.header(DEPARTURES)
        return response.with_header(DEPARTURES, f"{before}, {laid.name}" if before else laid.name)

    return handler


def _are_same(one: ServerResponse, other: ServerResponse) -> bool:
    """Whether two responses are equal, however their JSON is written."""
    same_body = one.body == other.body or (one.json is not None and one.json == other.json)
    return same_body and (one.status, one.is_last, sorted(one.headers)) == (
        other.status,
        other.is_last,
        sorted(other.headers),
    )


def control_request(request: Request, path: str, method: str = "GET") -> Request:
    """Return a request to a control endpoint of the emulator, with the key of this one."""
    key = request.header("authorization")
    headers = [] if key is None else [("authorization", key)]
    return Request(request.scope, method, f"/_emulator/{path}", [], headers, b"", is_changed=True)


async def refused(request: Request, ask: Handler, refusal: ServerResponse) -> ServerResponse:
    """Refuse a request, whose key is asked for first."""
    response = await ask(control_request(request, "faults"))
    return refusal if response.is_ok else response


async def with_videos(
    request: Request, ask: Handler, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> ServerResponse:
    """Change each Video in a response, also in lists."""
    return changed_videos(request, await ask(request), change)


def changed_videos(
    request: Request, response: ServerResponse, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> ServerResponse:
    """Return a response with each Video changed, also in lists."""
    content = response.object
    if "id" in content and "status" in content and request.operation in TELLING | {"delete_video"}:
        return response.with_json(change(content))
    if request.operation == "list_videos" and response.is_ok and content.get("data"):
        return response.with_fields(data=[change(video) for video in content["data"]])
    return response
