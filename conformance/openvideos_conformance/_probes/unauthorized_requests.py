"""Ask every operation as somebody without a right key would. What is asked is made once in a run, and shared."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .._core.operations import CREATING, OPERATIONS, capability_of
from .._core.outcomes import NotReachedError, UnsupportedError
from .._inputs.media_files import NO_VIDEO
from .._inputs.unknown_ids import unknown_like

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._core.target import Target
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class UnauthorizedRequest:
    """A legal request of one operation, but for its key."""

    operation: str
    method: str
    path: str
    is_known: bool = False
    """Whether the id in the path is one that the server gave out."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def what(self) -> str:
        """The request, as a message names it."""
        return f"{self.method} {self.path}"


def unauthorized_requests(
    contract: Contract, target: Target, *, known: str, unknown: str, doomed: str, marker: str
) -> list[UnauthorizedRequest]:
    """Return requests of every operation, with ids that are known and ids that are not; what costs comes last. Pure.

    `known` is the id of a job, `unknown` none, and `doomed` that of one which may be lost, empty if there is none;
    `marker` is in the prompts.
    """
    seconds = target.duration(contract)
    wish: dict[str, Any] = {"prompt": f"{marker} must never be made"}
    source = {"video": {"id": known}}
    bodies: dict[str, dict[str, Any]] = {
        "create_video": {"form": target.choice(**wish)},
        "remix_video": {"json": wish},
        "edit_video": {"json": {**wish, **source}},
        "extend_video": {"json": {**wish, **source, "seconds": seconds}},
        "create_character": {"form": {"name": marker, "video": NO_VIDEO}},
    }
    made: list[UnauthorizedRequest] = []
    for each in contract.operations:
        if each.id not in OPERATIONS:
            continue  # what a legal request of it is, only the generator knows, whose requests knock, too
        options = bodies.get(each.id, {})
        if "{" not in each.path:
            made.append(UnauthorizedRequest(operation=each.id, method=each.method, path=each.path, options=options))
            continue
        ids = {"delete_video": doomed, "retrieve_character": ""}
        for video_id in filter(None, (unknown, ids.get(each.id, known))):
            path = _filled(each.path, video_id)
            is_known = video_id != unknown
            made.append(
                UnauthorizedRequest(
                    operation=each.id, method=each.method, path=path, is_known=is_known, options=options
                )
            )
    order = {"GET": 0, "DELETE": 1}
    return sorted(
        made, key=lambda request: (order.get(request.method, 2), request.operation in CREATING, request.is_known)
    )


def wrong_keys(key: str) -> list[str]:
    """Return keys that are near the right one, and are not it. Pure."""
    near = ["openvideos-conformance-wrong-key", f"{key}x", key[:-1], key.swapcase(), f"x{key}", key[::-1]]
    return [each for each in dict.fromkeys(near) if each and each != key]


def other_schemes(key: str) -> dict[str, str]:
    """Return values of Authorization that hold the right key, and not as a bearer token. Pure."""
    pair = base64.b64encode(f"{key}:".encode()).decode()
    user = base64.b64encode(f"user:{key}".encode()).decode()
    return {
        "the key under Basic": f"Basic {key}",
        "the key as the user of Basic": f"Basic {pair}",
        "the key as the password of Basic": f"Basic {user}",
        "the key under Token": f"Token {key}",
        "the key without a scheme": key,
        "an empty bearer token": "Bearer",
    }


class UnauthorizedRequests:
    """What those without a right key are answered."""

    def __init__(self, client: RecordingClient, offered: Capabilities, *, known: str, doomed: str) -> None:
        """Ask nothing yet."""
        self._client, self._offered = client, offered
        self.marker: Final = f"openvideos-conformance-{client.run_id}-stranger"
        self.doomed: Final = doomed
        ids = {"known": known, "unknown": unknown_like(known), "doomed": doomed}
        self._requests = unauthorized_requests(client.contract, client.target, marker=self.marker, **ids)
        self._responses: dict[tuple[str, str | None], Exchange] = {}

    @property
    def key(self) -> str:
        """The right key.

        Raises:
            NotReachedError: None was given.

        """
        if self._client.target.api_key is None:
            raise NotReachedError("no key was given")
        return self._client.target.api_key

    def requests(self, *operations: str) -> list[UnauthorizedRequest]:
        """Return the requests of what the server offers, of these operations if any is named."""
        return [
            request
            for request in self._requests
            if (not operations or request.operation in operations) and self._offers(request.operation)
        ]

    def send_once(self, request: UnauthorizedRequest, authorization: str | None) -> Exchange:
        """Return what a request with this value of Authorization is answered; None sends none."""
        at = (request.what, authorization)
        if at not in self._responses:
            self._responses[at] = self._client.send(
                request.method, request.path, authorization=authorization, **request.options
            )
        return self._responses[at]

    def responses(self) -> list[Exchange]:
        """Return what was answered so far."""
        return list(self._responses.values())

    def _offers(self, operation: str) -> bool:
        try:
            self._offered.require(capability_of(operation))
        except (UnsupportedError, NotReachedError):
            return False
        return True


def _filled(template: str, value: str) -> str:
    head, _, rest = template.partition("{")
    return head + quote(value, safe="") + rest.partition("}")[2]
