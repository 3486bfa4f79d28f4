"""Test which jobs of a run are gone: those whose deletion was confirmed to whom they belong to."""

from __future__ import annotations

from typing import Any

import pytest

from openvideos_conformance._core.exchange import CLEANUP, OTHER_CALLER, Exchange
from openvideos_conformance._core.own_jobs import deleted_ids, undeleted_ids
from openvideos_conformance._history.registry import Traffic

from .runs import exchange

CREATED = exchange(status=200, body=b'{"id": "video_1"}', has_key=True)


def deletion(**known: Any) -> Exchange:
    values = {"method": "DELETE", "path": "/videos/video_1", "operation": "delete_video", "request_body": b""}
    return exchange(**{**values, "number": 2, "began": 1.0, "ended": 1.1, "ids": {"video_id": "video_1"}, **known})


@pytest.mark.parametrize(
    ("known", "is_gone"),
    [
        ({"status": 200, "has_key": True, "body": b"{}"}, True),
        ({"status": 204, "has_key": True, "body": b""}, True),
        ({"status": 200, "has_key": True, "body": b'{"deleted": false}'}, False),
        ({"status": 404, "has_key": True}, False),
        ({"status": 200, "has_key": False, "body": b"{}"}, False),
        ({"status": 200, "has_key": False, "body": b"{}", "layer": OTHER_CALLER}, False),
        ({"status": 200, "has_key": False, "body": b"{}", "layer": CLEANUP}, True),
    ],
)
def test_a_job_is_gone_if_its_owner_was_told_so(known: dict[str, Any], is_gone: bool) -> None:  # noqa: FBT001 - a parameter
    history = (CREATED, deletion(**known))
    assert ([] if is_gone else ["video_1"]) == undeleted_ids(history)
    assert ({"video_1"} if is_gone else set()) == deleted_ids(history)
    assert not Traffic(history).deletions or is_gone
