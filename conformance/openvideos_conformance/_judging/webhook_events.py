"""Judge the webhook events that a server has delivered. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import Exchange, json_object, videos_of
from .._core.flaws import told
from .._core.operations import ENDED, RUNNING
from .._core.outcomes import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMAS: Final = {
    "video.completed": "#/components/schemas/VideoCompletedEvent",
    "video.failed": "#/components/schemas/VideoFailedEvent",
}


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt of the server to deliver an event, and the status that the receiver returned.

    `at` is when it was received, in seconds since the run began. `flaw` says why its signature is invalid; it is empty
    if the signature is valid.
    """

    at: float
    wall: float
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    response_status: int
    flaw: str = ""

    @cached_property
    def event(self) -> dict[str, Any]:
        """The event; an empty object if the body is not a JSON object."""
        try:
            return json_object(json.loads(self.body.decode("utf-8")))
        except (ValueError, RecursionError):
            return {}

    @property
    def type(self) -> object:
        """The type of the event."""
        return self.event.get("type")

    @property
    def video_id(self) -> object:
        """The id of the job that the event is about."""
        return json_object(self.event.get("data")).get("id")

    @property
    def id(self) -> str | None:
        """The id of the event, which is the same on each attempt; None without one."""
        return next((value for name, value in self.headers if name == "webhook-id"), None)

    @property
    def exchange(self) -> Exchange:
        """The delivery as an exchange, for reports. It is not recorded among the exchanges of the run."""
        return Exchange(
            number=0,
            layer="webhook",
            began=self.at,
            ended=self.at,
            at=self.wall,
            method="POST",
            path=self.path,
            request_headers=self.headers,
            request_body=self.body,
            status=self.response_status,
        )


def misfit(delivery: Delivery) -> Finding | None:
    """Return a finding if an event does not fit the schema of its type. Unknown types are not judged."""
    address = SCHEMAS.get(str(delivery.type))
    if address is None:
        return None
    flaws = contract().flaws(delivery.event, address)
    if not flaws:
        return None
    return Finding(f"an event {delivery.type} does not fit its schema: {told(flaws)}", (delivery.exchange,))


def shapeless(delivery: Delivery) -> Finding | None:
    """Return a finding if a delivery is not an event."""
    if delivery.event and isinstance(delivery.type, str):
        return None
    return Finding("a delivery is not a JSON object with a type", (delivery.exchange,))


def unsigned(deliveries: Iterable[Delivery]) -> Finding | None:
    """Return a finding if a delivery has no valid signature."""
    for delivery in deliveries:
        if delivery.flaw:
            return Finding(
                f"the signature of a delivery is not valid for --webhook-secret: {delivery.flaw}",
                (delivery.exchange,),
            )
    return None


def too_early(deliveries: Sequence[Delivery], history: Iterable[Exchange]) -> tuple[Finding | None, int]:
    """Return a finding if an event was delivered before its job had ended, and how many events could be judged.

    An exchange after a delivery shows the state of the job at the delivery, or later, unless another has shown before
    that the job had ended: then the job has gone back.
    """
    events = {delivery.video_id: delivery for delivery in reversed(deliveries) if delivery.type in SCHEMAS}
    judged, ended = 0, set[str]()
    for exchange in history:
        for video in videos_of(exchange):
            if video.get("status") in ENDED:
                ended.add(str(video.get("id")))
            delivery = events.get(video.get("id"))
            if delivery is None or exchange.began <= delivery.at or exchange.operation == "create_video":
                continue
            judged += 1
            if video.get("status") in RUNNING and str(video.get("id")) not in ended:
                return (
                    Finding(
                        f"an event {delivery.type} was delivered for {video.get('id')}, but a later "
                        f"response says that it is {video.get('status')}",
                        (delivery.exchange, exchange),
                    ),
                    judged,
                )
    return None, judged
