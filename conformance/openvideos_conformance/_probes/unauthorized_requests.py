"""Call every operation with missing or wrong credentials; each request is sent once per run."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .._core.operations import CREATING, OPERATIONS, capability_of
from .._core.outcomes import NotReachedError
from .._inputs.media_files import NO_VIDEO
from .._inputs.unknown_ids import unknown_like
from .concurrently import eight_at_a_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._core.target import Target
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class UnauthorizedRequest:
    """A request of one operation that is legal except for its key."""

    operation: str
    method: str
    path: str
    is_known: bool = False
    """Whether the id in the path exists."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def what(self) -> str:
        """The method and the path, as messages show them."""
        return f"{self.method} {self.path}"


def unauthorized_requests(
    contract: Contract, target: Target, *, known: str, unknown: str, doomed: str, marker: str
) -> list[UnauthorizedRequest]:
    """Return requests of every operation, with known and unknown ids; those that could cost money come last. Pure.

    `known` is the id of a job, `unknown` is the id of none, and `doomed` is the id of a job that may be lost, or empty.
    The prompts contain `marker`.
    """
    seconds = target.duration(contract)
    prompt: dict[str, Any] = {"prompt": f"{marker} must never be made"}
    source = {"video": {"id": known}}
    bodies: dict[str, dict[str, Any]] = {
        "create_video": {"form": target.choice(**prompt)},
        "remix_video": {"json": prompt},
        "edit_video": {"json": {**prompt, **source}},
        "extend_video": {"json": {**prompt, **source, "seconds": seconds}},
        "create_character": {"form": {"name": marker, "video": NO_VIDEO}},
    }
    made: list[UnauthorizedRequest] = []
    for each in contract.operations:
        if each.id not in OPERATIONS:
            continue  # the operation is new; the generator sends unauthorized requests of it, too
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
    """Return wrong keys, most of them similar to the right one. Pure."""
    near = ["openvideos-conformance-wrong-key", f"{key}x", key[:-1], key.swapcase(), f"x{key}", key[::-1]]
    return [each for each in dict.fromkeys(near) if each and each != key]


def other_schemes(key: str) -> dict[str, str]:
    """Return values of Authorization that contain the right key, but not as a bearer token. Pure."""
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
    """The unauthorized requests of a run, and their exchanges."""

    def __init__(self, client: RecordingClient, offered: Capabilities, *, known: str, doomed: str) -> None:
        """Send nothing yet."""
        self._client, self._offered = client, offered
        self.marker: Final = f"openvideos-conformance-{client.run_id}-unauthorized"
        self.doomed: Final = doomed
        ids = {"known": known, "unknown": unknown_like(known), "doomed": doomed}
        self._requests = unauthorized_requests(client.contract, client.target, marker=self.marker, **ids)
        self._exchanges: dict[tuple[str, str | None], Exchange] = {}

    @property
    def key(self) -> str:
        """The right key.

        Raises:
            NotReachedError: The run has no key.

        """
        if self._client.target.api_key is None:
            raise NotReachedError("no key was given")
        return self._client.target.api_key

    def requests(self, *operations: str) -> list[UnauthorizedRequest]:
        """Return the requests of the operations that the server offers, or of those among `operations`."""
        return [
            request
            for request in self._requests
            if (not operations or request.operation in operations) and self._offers(request.operation)
        ]

    def send_once(self, request: UnauthorizedRequest, authorization: str | None) -> Exchange:
        """Send a request with this value of Authorization, unless it was sent before, and return its exchange."""
        key = (request.what, authorization)
        if key not in self._exchanges:
            self._exchanges[key] = self._client.send(
                request.method, request.path, authorization=authorization, **request.options
            )
        return self._exchanges[key]

    def send_reads(self, *authorizations: str | None, among: Collection[str] = ()) -> None:
        """Send the reads with each of these values of Authorization ahead of their turn: they change nothing."""
        reads = [request for request in self.requests(*among) if request.method == "GET"]
        eight_at_a_time([partial(self.send_once, request, value) for value in authorizations for request in reads])

    def exchanges(self) -> list[Exchange]:
        """Return the exchanges so far."""
        return list(self._exchanges.values())

    def _offers(self, operation: str) -> bool:
        return self._offered.has(capability_of(operation))


def _filled(template: str, value: str) -> str:
    head, _, rest = template.partition("{")
    return head + quote(value, safe="") + rest.partition("}")[2]
