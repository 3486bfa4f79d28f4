"""Test that a new operation of the contract is requested, and that a server without it violates nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from openvideos_conformance._core.contract import Contract, contract
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.request_validation import Legality
from openvideos_conformance._core.target import Target
from openvideos_conformance._fuzz.document import adapted
from openvideos_conformance._fuzz.findings import count_exercised, requirement_of
from openvideos_conformance._fuzz.generated import Failure, Generated
from openvideos_conformance._probes.unauthorized_requests import unauthorized_requests

BASE = "http://server.invalid/v1"


@pytest.fixture
def changed() -> Contract:
    """Return the contract with PATCH /videos/{video_id}, which accepts a form with a file, and a link to it."""
    document = copy.deepcopy(contract().document)
    document["paths"]["/videos/{video_id}"]["patch"] = {
        "operationId": "update_video",
        "responses": {"200": {"description": "It."}, "default": {"description": "Another."}},
        "requestBody": {
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "cover": {"type": "string", "format": "binary"},
                            "video": {"type": "string", "format": "binary"},
                            "name": {"type": "string"},
                        },
                    }
                }
            }
        },
    }
    document["components"]["links"]["Update"] = {"operationId": "update_video"}
    document["paths"]["/videos"]["post"]["responses"]["200"]["links"]["Update"] = {"$ref": "#/components/links/Update"}
    return Contract(document)


def _exchange_with_status(status: int) -> Exchange:
    known = {"layer": "fuzz", "began": 1.0, "ended": 2.0, "at": 0.0, "method": "PATCH", "path": "/videos/video_1"}
    return Exchange(number=1, operation="update_video", ids={"video_id": "video_1"}, status=status, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("check", ["not_a_server_error", "status_code_conformance", "response_schema_conformance"])
def test_a_server_without_the_new_operation_violates_nothing(changed: Contract, check: str, status: int) -> None:
    exchange = _exchange_with_status(status)
    made = Generated(changed, [exchange], {1: Legality()}, [exchange])
    assert requirement_of(Failure(check, "wrong", exchange), made) is None


def test_a_server_error_of_the_new_operation_is_a_violation(changed: Contract) -> None:
    exchange = _exchange_with_status(500)
    made = Generated(changed, [exchange], {1: Legality()}, [exchange])
    assert "VID-ERROR-005" == requirement_of(Failure("not_a_server_error", "wrong", exchange), made)


def test_responses_of_a_new_operation_count(changed: Contract) -> None:
    for status, envelope in ((200, 0), (404, 1)):
        exchange = replace(_exchange_with_status(status), has_key=False)
        counts = count_exercised(Generated(changed, [exchange], {1: Legality()}, [exchange]))
        assert (counts["VID-AUTH-001"], counts["VID-ERROR-009"], counts["VID-ERROR-001"]) == (1, 1, envelope)


def test_unauthorized_requests_are_those_of_known_operations(changed: Contract) -> None:
    """Only the generator knows legal requests of a new operation; it sends them without a key, too."""
    ids = {"known": "video_1", "unknown": "video_2", "doomed": "", "marker": "m"}
    after, before = (unauthorized_requests(each, Target(base_url=BASE), **ids) for each in (changed, contract()))
    assert after == before
    assert {request.operation for request in after} == {operation.id for operation in contract().operations}


def test_files_and_links_of_the_new_operation_are_adapted(changed: Contract) -> None:
    known = {operation.id for operation in contract().operations}
    target = Target(base_url=BASE)
    document = adapted(changed, target, offered={"json", "update_video", *known}, picture=b"PNG")
    form = document["paths"]["/videos/{video_id}"]["patch"]["requestBody"]["content"]["multipart/form-data"]
    assert {"cover": {"contentType": "image/png"}, "video": {"contentType": "video/mp4"}} == form["encoding"]
    for offered, is_there in (({"update_video", *known}, True), (known, False)):
        links = adapted(changed, target, offered=offered, picture=b"PNG")["paths"]["/videos"]["post"]["responses"]
        assert ("Update" in links["200"]["links"]) == is_there
