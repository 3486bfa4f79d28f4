"""Test which requirement a finding of schemathesis violates, and when it violates none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.operations import OPERATIONS
from openvideos_conformance._core.request_validation import Legality
from openvideos_conformance._fuzz.findings import MAPPED, count_exercised, own_failures, requirement_of
from openvideos_conformance._fuzz.generated import Failure, Generated, told_of
from openvideos_conformance._fuzz.illegal import FORBIDDING, forbidding

CONTRACT = contract()
LEGAL = Legality()
ILLEGAL = Legality(flaws=("$.prompt is empty",), fields={"prompt": ""})
DOUBTFUL = Legality(doubts=("the field 'x' is unknown",))


def _exchange(number: int, method: str, path: str, status: int, value: Any = None, **options: Any) -> Exchange:
    operation, ids = CONTRACT.match(method, path)
    media_type = options.pop("media_type", "application/json")
    body = options.pop("body", json.dumps(value if value is not None else {}).encode())
    return Exchange(
        number=number,
        layer="fuzz",
        began=number,
        ended=number + 0.5,
        at=0,
        method=method,
        path=path,
        operation=operation,
        ids=ids,
        status=status,
        headers=(("content-type", media_type), *options.pop("headers", ())),
        body=body,
        length=len(body),
        **options,
    )


def _generated(*exchanges: Exchange, **legality: Legality) -> Generated:
    judged = {each.number: legality.get(f"at_{each.number}", LEGAL) for each in exchanges}
    return Generated(CONTRACT, exchanges, judged, exchanges)


def _requirement(check: str, exchange: Exchange, legality: Legality = LEGAL) -> str | None:
    return requirement_of(
        Failure(check, "wrong", exchange), _generated(exchange, **{f"at_{exchange.number}": legality})
    )


def _refusal_of(generated: Generated) -> str | None:
    """Return the requirement that the last exchange violates, if it refuses a legal request."""
    found = [(requirement, failure.exchange) for requirement, failure in own_failures(generated)]
    return next((requirement for requirement, exchange in found if exchange is generated.exchanges[-1]), None)


def test_mapped_requirements_are_in_the_catalogue_once() -> None:
    assert set(MAPPED) <= set(catalogue())
    assert len(set(MAPPED)) == len(MAPPED)
    assert set(OPERATIONS) == {operation.id for operation in CONTRACT.operations}


@pytest.mark.parametrize(
    ("method", "path", "status", "requirement"),
    [
        ("POST", "/videos", 200, "VID-CREATE-001"),
        ("GET", "/videos/video_1", 200, "VID-RETRIEVE-001"),
        ("GET", "/videos", 200, "VID-LIST-001"),
        ("DELETE", "/videos/video_1", 200, "VID-DELETE-001"),
        ("GET", "/videos/video_1", 404, "VID-ERROR-001"),
        ("POST", "/videos", 500, "VID-ERROR-001"),
    ],
)
def test_a_response_that_does_not_fit_violates_the_operation_or_the_envelope(
    method: str, path: str, status: int, requirement: str
) -> None:
    assert requirement == _requirement("response_schema_conformance", _exchange(1, method, path, status))


def test_a_server_error_is_one_unless_the_server_is_busy_or_lacks_a_variant() -> None:
    assert "VID-ERROR-005" == _requirement("not_a_server_error", _exchange(1, "POST", "/videos", 500))
    for not_offered in (("POST", "/videos"), ("GET", "/videos/video_1/content"), ("PUT", "/videos")):
        assert _requirement("not_a_server_error", _exchange(1, *not_offered, 501)) is None
    offered, refused = _exchange(1, "POST", "/videos", 200), _exchange(2, "POST", "/videos", 501)
    assert "VID-ERROR-005" == requirement_of(Failure("not_a_server_error", "", refused), _generated(offered, refused))
    for status in (429, 503):
        busy = _exchange(1, "POST", "/videos", status)
        checks = ("not_a_server_error", "status_code_conformance", "response_schema_conformance", "unsupported_method")
        assert {None} == {_requirement(check, busy) for check in checks}


def test_an_undocumented_status_is_reported_except_those_of_routers_for_odd_ids() -> None:
    assert "VID-ERROR-009" == _requirement("status_code_conformance", _exchange(1, "POST", "/videos", 201))
    assert "VID-ERROR-009" == _requirement("status_code_conformance", _exchange(1, "GET", "/videos/video_1", 302))
    assert _requirement("status_code_conformance", _exchange(1, "GET", "/videos/a%2Fremix", 301)) is None


def test_a_wrong_media_type_is_reported_by_the_kind_of_response() -> None:
    json_as_text = _exchange(1, "GET", "/videos", 200, {"object": "list"}, media_type="text/plain")
    page_of_a_framework = _exchange(1, "GET", "/videos", 404, body=b"<h1>404</h1>", media_type="text/html")
    assert "VID-HEADER-003" == _requirement("content_type_conformance", json_as_text)
    assert "VID-ERROR-001" == _requirement("content_type_conformance", page_of_a_framework)


@given(statuses=st.lists(st.sampled_from(("queued", "in_progress", "completed")), max_size=4), is_poster=st.booleans())
@example(statuses=["completed"], is_poster=False)
@example(statuses=["queued"], is_poster=False)
def test_only_the_video_of_a_job_that_is_known_to_be_completed_has_to_be_one(
    statuses: list[str], *, is_poster: bool
) -> None:
    reads = [
        _exchange(number, "GET", "/videos/v", 200, {"id": "v", "status": status})
        for number, status in enumerate(statuses, 1)
    ]
    path, query, number = "/videos/v/content", "variant=thumbnail" if is_poster else "", len(reads) + 1
    typeless = _exchange(number, "GET", path, 200, body=b"\x00", media_type="application/octet-stream", query=query)
    untrue = _exchange(number + 1, "GET", path, 200, {"status": "queued"}, media_type="video/mp4", query=query)
    later = _exchange(number + 2, "GET", "/videos/v", 200, {"id": "v", "status": "completed"})
    generated = _generated(*reads, typeless, untrue, later)
    is_wrong = "completed" in statuses and not is_poster
    found = requirement_of(Failure("content_type_conformance", "", typeless), generated)
    assert found == ("VID-CONTENT-001" if is_wrong else None)
    assert is_wrong == any(failure.exchange is untrue for _, failure in own_failures(generated))
    assert count_exercised(generated)["VID-CONTENT-001"] == 2 * is_wrong


@pytest.mark.parametrize(
    ("method", "path", "status", "legality", "requirement"),
    [
        ("POST", "/videos", 400, LEGAL, "VID-VALID-014"),
        ("GET", "/videos", 422, LEGAL, None),
        ("POST", "/videos", 400, DOUBTFUL, None),
        ("POST", "/videos", 400, ILLEGAL, None),
        ("POST", "/videos", 429, LEGAL, None),
        ("POST", "/videos", 500, LEGAL, None),
        ("GET", "/videos", 404, Legality(fields={"after": "video_1"}), None),
        ("GET", "/videos/video_1", 400, LEGAL, None),
        ("POST", "/videos/video_1/remix", 400, LEGAL, None),
    ],
)
def test_a_legal_request_must_be_accepted_where_nothing_else_could_refuse_it(
    method: str, path: str, status: int, legality: Legality, requirement: str | None
) -> None:
    exchange = _exchange(1, method, path, status)
    assert requirement == _refusal_of(_generated(exchange, at_1=legality))


@pytest.mark.parametrize(
    ("query", "fields", "plain", "requirement"),
    [
        ("order=asc", {"order": "asc"}, 200, "VID-VALID-014"),
        ("limit=9", {"limit": "9"}, 200, "VID-LIST-016"),
        ("limit=9", {"limit": "9"}, 400, None),
    ],
)
def test_a_list_that_is_refused_is_judged_where_a_plain_one_is_not(
    query: str, fields: dict[str, str], plain: int, requirement: str | None
) -> None:
    without = _exchange(1, "GET", "/videos", plain)
    refused = _exchange(2, "GET", "/videos", 400, query=query)
    generated = _generated(without, refused, at_2=Legality(fields=fields))
    assert requirement == _refusal_of(generated)


@pytest.mark.parametrize(
    ("method", "path", "flaw", "fields", "requirement"),
    [
        ("POST", "/videos", "$.prompt is missing", {}, "VID-VALID-001"),
        ("POST", "/videos", "$.prompt is 7, not a text", {"prompt": 7}, "VID-VALID-006"),
        ("POST", "/videos", "$.size is 'AAA', …", {"size": "AAA"}, "VID-VALID-004"),
        ("POST", "/videos", "$.seconds is '0', …", {"seconds": "0"}, "VID-VALID-005"),
        ("POST", "/videos", "$.seconds is 0, …", {"seconds": 0}, "VID-VALID-005"),
        ("POST", "/videos", "$.seconds is true, …", {"seconds": True}, "VID-VALID-006"),
        ("POST", "/videos", "$.input_reference has 2 fields", {"input_reference": {}}, "VID-VALID-007"),
        ("POST", "/videos", "the body is not JSON", {}, "VID-VALID-008"),
        ("POST", "/videos", "the body is missing", {}, "VID-VALID-012"),
        ("POST", "/videos", "the body is text/plain", {}, "VID-VALID-010"),
        ("POST", "/videos/video_1/remix", "the body is text/plain", {}, "VID-VALID-010"),
        ("POST", "/videos", "$.seed is 'x', …", {"seed": "x"}, "VID-VALID-014"),
        ("POST", "/videos", "$ has seconds and num_frames, …", {}, "VID-VALID-014"),
        ("POST", "/videos/video_1/remix", "$.prompt is empty", {"prompt": ""}, "VID-REMIX-008"),
        ("POST", "/videos/edits", "$.video is missing", {}, "VID-EDIT-004"),
        ("POST", "/videos/extensions", "$.seconds is empty", {"seconds": ""}, "VID-EXTEND-004"),
        ("POST", "/videos/characters", "$.name is missing", {}, "VID-CHAR-004"),
        ("GET", "/videos", "limit is 0, less than 1", {"limit": "0"}, "VID-LIST-012"),
        ("GET", "/videos", "order is 'up', …", {"order": "up"}, "VID-LIST-013"),
        ("GET", "/videos", "after is empty", {"after": ""}, "VID-LIST-009"),
        ("GET", "/videos/video_1/content", "variant is 'x', …", {"variant": "x"}, "VID-CONTENT-007"),
    ],
)
def test_an_accepted_illegal_request_violates_the_requirement_that_names_its_flaw(
    method: str, path: str, flaw: str, fields: dict[str, Any], requirement: str
) -> None:
    exchange = _exchange(1, method, path, 200, {"id": "video_1"}, media_type="application/json")
    assert requirement == forbidding(exchange, Legality(flaws=(flaw,), fields=fields))
    assert requirement in FORBIDDING
    assert requirement in MAPPED


def test_what_a_server_returns_for_a_job_that_it_should_have_refused_is_not_judged() -> None:
    video = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued", "size": "AAA"}
    created = _exchange(1, "POST", "/videos", 200, video)
    retrieved = _exchange(2, "GET", "/videos/video_1", 200, video)
    page = {"object": "list", "data": [video], "first_id": "video_1", "last_id": "video_1", "has_more": False}
    listed = _exchange(3, "GET", "/videos", 200, page)
    flaw = Legality(flaws=("$.size is 'AAA', …",), fields={"size": "AAA"})
    for exchange in (created, retrieved, listed):
        failure = Failure("response_schema_conformance", "", exchange)
        assert requirement_of(failure, _generated(created, retrieved, listed, at_1=flaw)) is None
        assert requirement_of(failure, _generated(created, retrieved, listed)) is not None


def test_a_failure_is_told_in_words_about_the_server() -> None:
    accepted = _exchange(
        1, "POST", "/videos", 200, {"id": "video_1", "object": "video", "created_at": "now", "model": None}
    )
    failure = Failure("response_schema_conformance", "{…} is not valid under any of the given schemas", accepted)
    told = told_of(failure, _generated(accepted))
    assert told.startswith("returned 200, and ")
    assert "status is missing; created_at is 'now', not a whole number; model is null, not a text" in told


def test_a_method_that_is_not_refused_is_reported_unless_the_id_is_unknown() -> None:
    assert "VID-ERROR-003" == _requirement("unsupported_method", _exchange(1, "PUT", "/videos", 200))
    assert "VID-ERROR-004" == _requirement("unsupported_method", _exchange(1, "PUT", "/videos", 405))
    assert _requirement("unsupported_method", _exchange(1, "PUT", "/videos/video_1", 404)) is None


def test_a_deleted_video_that_is_returned_is_reported_if_it_was_deleted_before() -> None:
    deleted = _exchange(1, "DELETE", "/videos/video_1", 200, {"id": "video_1"})
    undead = _exchange(2, "GET", "/videos/video_1", 200, {"id": "video_1"})
    assert "VID-DELETE-003" == requirement_of(Failure("use_after_free", "", undead), _generated(deleted, undead))
    assert requirement_of(Failure("use_after_free", "", undead), _generated(undead)) is None


def test_an_unknown_new_job_is_reported_unless_it_was_deleted() -> None:
    created = _exchange(1, "POST", "/videos", 200, {"id": "video_1"})
    deleted = _exchange(2, "DELETE", "/videos/video_1", 200)
    unknown = _exchange(3, "GET", "/videos/video_1", 404)
    content = _exchange(3, "GET", "/videos/video_1/content", 404)
    check = "ensure_resource_availability"
    assert "VID-CREATE-010" == requirement_of(Failure(check, "", unknown), _generated(created, unknown))
    assert requirement_of(Failure(check, "", unknown), _generated(created, deleted, unknown)) is None
    assert requirement_of(Failure(check, "", unknown), _generated(unknown)) is None
    assert requirement_of(Failure(check, "", content), _generated(created, content)) is None
    character = _exchange(3, "GET", "/videos/characters/char_1", 404)
    assert "VID-CHAR-002" == _requirement(check, character)


def test_an_exchange_without_a_response_and_an_unknown_check_mean_nothing() -> None:
    assert _requirement("not_a_server_error", _exchange(1, "GET", "/videos", 500, failure="reset")) is None
    assert _requirement("object_level_authorization", _exchange(1, "GET", "/videos", 200)) is None


def test_accepted_illegal_requests_are_found_without_schemathesis() -> None:
    accepted = _exchange(1, "POST", "/videos", 200, {"id": "video_1"})
    refused = _exchange(2, "POST", "/videos", 400)
    doubtful = _exchange(3, "POST", "/videos", 200, {"id": "video_2"})
    unauthorized = _exchange(4, "GET", "/videos", 200, has_key=False)
    found = own_failures(
        _generated(accepted, refused, doubtful, unauthorized, at_1=ILLEGAL, at_2=ILLEGAL, at_3=DOUBTFUL)
    )
    assert [
        ("VID-VALID-002", 1, frozenset({400, 422})),
        ("VID-AUTH-001", 4, frozenset({401})),
    ] == [(requirement, failure.exchange.number, failure.statuses) for requirement, failure in found]


@pytest.mark.parametrize(("body", "is_wrong"), [(b"\x00\x00\x00\x20ftypisom", False), (b"<html>", True), (b"", True)])
def test_files_are_known_by_their_bytes(body: bytes, *, is_wrong: bool) -> None:
    completed = _exchange(1, "GET", "/videos/video_1", 200, {"id": "video_1", "status": "completed"})
    file = _exchange(2, "GET", "/videos/video_1/content", 200, body=body, media_type="video/mp4")
    assert is_wrong == bool(own_failures(_generated(completed, file)))


def test_exercised_requirements_are_counted() -> None:
    created = _exchange(1, "POST", "/videos", 200, {"id": "video_1"}, headers=(("x-request-id", "r"),))
    retrieved = _exchange(2, "GET", "/videos/video_1", 200, {"id": "video_1"})
    wrong = _exchange(3, "PUT", "/videos", 405)
    unauthorized = _exchange(4, "GET", "/videos", 401, has_key=False)
    deleted = _exchange(5, "DELETE", "/videos/video_1", 200)
    gone = _exchange(6, "GET", "/videos/video_1", 404)
    silent = _exchange(7, "GET", "/videos", 200, failure="reset")
    counts = count_exercised(_generated(created, retrieved, wrong, unauthorized, deleted, gone, silent))
    assert {
        "VID-ERROR-005": 6,
        "VID-HEADER-003": 6,
        "VID-ERROR-009": 5,
        "VID-CREATE-001": 1,
        "VID-RETRIEVE-001": 1,
        "VID-DELETE-001": 1,
        "VID-ERROR-001": 2,
        "VID-VALID-014": 3,
        "VID-CREATE-010": 1,
        "VID-ERROR-003": 1,
        "VID-ERROR-004": 1,
        "VID-AUTH-001": 1,
        "VID-DELETE-003": 1,
    } == counts


def test_violations_of_the_lifecycle_are_found_without_schemathesis() -> None:
    created = _exchange(1, "POST", "/videos", 200, {"id": "video_1"})
    unknown = _exchange(2, "GET", "/videos/video_1", 404)
    deleted = _exchange(3, "DELETE", "/videos/video_1", 200)
    gone = _exchange(4, "GET", "/videos/video_1", 404)
    again = _exchange(5, "DELETE", "/videos/video_1", 200)
    never = _exchange(6, "GET", "/videos/video_2", 404)
    found = own_failures(_generated(created, unknown, deleted, gone, again, never))
    assert [
        ("VID-CREATE-010", 2),
        ("VID-DELETE-003", 5),
    ] == [(requirement, failure.exchange.number) for requirement, failure in found]


def test_a_job_may_be_unknown_before_its_create_has_returned() -> None:
    unknown = _exchange(1, "GET", "/videos/video_1", 404)
    created = _exchange(2, "POST", "/videos", 200, {"id": "video_1"})
    assert not own_failures(_generated(unknown, created))
