"""Test the webhook receiver, and the judgement of its deliveries."""

from __future__ import annotations

import base64
import dataclasses
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from openvideos_conformance._core.target import Target
from openvideos_conformance._judging.webhook_events import Delivery, misfit, shapeless, too_early, unsigned
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance._server.webhook_receiver import WebhookReceiver

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
EVENT = {"id": "evt_1", "object": "event", "created_at": 1, "type": "video.completed", "data": {"id": "video_1"}}


def response(request: httpx.Request) -> httpx.Response:
    status = "completed" if request.url.path.endswith("video_1") else "in_progress"
    return httpx.Response(200, json={"id": request.url.path.rpartition("/")[2], "status": status})


@pytest.fixture
def client() -> Iterator[RecordingClient]:
    with RecordingClient(Target(base_url="http://127.0.0.1:9/v1"), httpx.MockTransport(response)) as client:
        yield client


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def signed(event: dict[str, Any], *, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Return an event as a body, and the headers that sign it."""
    body, now = json.dumps(event), datetime.now(tz=UTC)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("msg_1", now, body)
    return body.encode(), headers


def delivered(event: dict[str, Any], **known: Any) -> Delivery:
    """Return a delivery of an event."""
    body = json.dumps(event).encode()
    values: dict[str, Any] = {
        "at": -1.0,
        "wall": 0.0,
        "path": "/hook",
        "headers": (),
        "body": body,
        "response_status": 200,
    }
    return Delivery(**(values | known))


def test_the_first_delivery_is_refused_and_each_is_kept_and_verified(client: RecordingClient, port: int) -> None:
    body, headers = signed(EVENT)
    with WebhookReceiver(client, port, SECRET) as receiver, httpx.Client(trust_env=False) as sender:
        url = f"http://127.0.0.1:{port}/hook"
        first = sender.post(url, content=body, headers=headers)
        again = sender.post(url, content=iter([body[:9], body[9:]]), headers=headers)  # in chunks
        other = sender.post(url, content=body + b" ", headers=headers)
        seen = receiver.wait_for(lambda each: bool(each.flaw), 5.0)
    assert [500, 200, 200] == [first.status_code, again.status_code, other.status_code]
    assert [EVENT] * 3 == [each.event for each in receiver.deliveries]
    assert [False, False, True] == [bool(each.flaw) for each in receiver.deliveries]
    assert seen is receiver.deliveries[2]
    assert unsigned(receiver.deliveries[:2]) is None
    assert unsigned(receiver.deliveries) is not None
    assert (None, 3) == too_early(receiver.deliveries, client.history)


def test_a_malformed_secret_is_refused(client: RecordingClient, port: int) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        WebhookReceiver(client, port, "whsec_")


def test_a_port_that_is_in_use_is_an_error(client: RecordingClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r"."):
            WebhookReceiver(client, taken.getsockname()[1], SECRET)


def test_an_event_before_the_end_of_its_job_is_reported(client: RecordingClient) -> None:
    client.get("/videos/video_2")
    early = delivered({**EVENT, "data": {"id": "video_2"}})
    flaw, judged = too_early([early], client.history)
    assert 1 == judged
    assert flaw is not None
    assert "in_progress" in flaw.message
    [running] = client.history
    ended = dataclasses.replace(running, body=running.body.replace(b"in_progress", b"completed"))
    assert (None, 2) == too_early([early], [ended, running])  # it has gone back, which is no fault of the event
    late = delivered({**EVENT, "data": {"id": "video_2"}}, at=client.now() + 1.0)
    assert (None, 0) == too_early([late], client.history)


def test_an_event_fits_the_schema_of_its_type() -> None:
    assert misfit(delivered(EVENT)) is None
    assert misfit(delivered({**EVENT, "type": "video.started", "data": None})) is None
    assert misfit(delivered({**EVENT, "data": {}})) is not None
    assert shapeless(delivered(EVENT)) is None
    assert shapeless(delivered({}, body=b"[1]")) is not None
