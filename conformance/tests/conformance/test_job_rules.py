"""Test the rules for creates, retrieves, remixes, edits, extensions and characters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.exchange import OTHER_CALLER
from openvideos_conformance._core.own_jobs import present_ids

from .histories import NOW, Log, breaks, broken, judged, keeps, video

LONG = "é" * 40


def _without(name: str, **fields: Any) -> dict[str, Any]:
    return {key: value for key, value in video(**fields).items() if key != name}


@pytest.mark.parametrize(
    ("path", "requirement"),
    [
        ("/videos", "VID-CREATE-001"),
        ("/videos/video_0/remix", "VID-REMIX-001"),
        ("/videos/edits", "VID-EDIT-001"),
        ("/videos/extensions", "VID-EXTEND-001"),
    ],
)
def test_accepted_jobs_are_200_and_fit(path: str, requirement: str) -> None:
    log = Log()
    log.add("POST", path, json=_without("model"))
    assert "model is missing" in judged(requirement, log).findings[0].message
    for status in (201, 202):
        log = Log()
        log.add("POST", path, status, json=video())
        assert f"POST {path} -> {status}, not 200" == judged(requirement, log).findings[0].message
    log = Log()
    log.add("POST", path, json=[])
    assert "the body is not a JSON object" in judged(requirement, log).findings[0].message
    log = Log()
    log.add("POST", path, json=video(remixed_from_video_id="video_0" if "remix" in path else None))
    keeps(log, requirement)


def test_an_edit_of_a_file_is_distinguished_from_one_by_id() -> None:
    log = Log()
    log.add("POST", "/videos/edits", json={}, sent={"content-type": "multipart/form-data; boundary=x"})
    assert "VID-EDIT-002" in broken(log)
    assert "VID-EDIT-001" not in broken(log)


@pytest.mark.parametrize(
    ("field", "requested", "returned", "requirement"),
    [
        ("prompt", LONG, LONG[:20], "VID-CREATE-004"),
        ("prompt", "“静かな湖” 🚤", "????", "VID-CREATE-004"),
        ("prompt", " A boat\n", "A boat", "VID-CREATE-004"),
        ("size", "1280x720", "720x1280", "VID-CREATE-005"),
        ("seconds", "8", "4", "VID-CREATE-006"),
        ("model", "sora-2-pro", "sora-2", "VID-CREATE-007"),
    ],
)
def test_a_job_has_the_requested_values(field: str, requested: str, returned: str, requirement: str) -> None:
    log = Log()
    wrong = log.created(request_fields={field: requested}, **{field: returned})
    finding = breaks(log, requirement)
    assert f"create_video requested {field} {requested!r}, and the job has {returned!r}" == finding.message
    assert finding.exchanges == (wrong,)
    log = Log()
    log.created(request_fields={field: requested}, **{field: requested})
    keeps(log, requirement)


def test_a_requested_value_is_compared_with_the_first_returned_one() -> None:
    log = Log()
    log.created(request_fields={"size": "1280x720"}, size=None)
    late = log.retrieved("video_1", "queued", size="720x1280")
    assert breaks(log, "VID-CREATE-005").exchanges[-1] is late


@pytest.mark.parametrize(
    "request_fields",
    [
        {"seconds": 8, "size": ["1"], "model": None, "prompt": {}},
        {"seconds": "08", "size": "big", "model": "", "prompt": ""},
        {"prompt": "\ud800"},
        {"prompt": "x" * 40_000},
        {"prompt": b"bytes"},
        {},
    ],
)
def test_illegal_requested_values_are_not_compared(request_fields: dict[str, Any]) -> None:
    log = Log()
    log.created(request_fields=request_fields)
    keeps(log)


def test_seconds_are_compared_as_numbers() -> None:
    log = Log()
    log.created(request_fields={"seconds": "4"}, seconds="4.0")
    keeps(log, "VID-CREATE-006")


def test_a_job_of_a_used_key_need_not_have_the_requested_values() -> None:
    log = Log()
    log.created(sent={"idempotency-key": "k"})
    log.created(sent={"idempotency-key": "k"}, request_fields={"prompt": "Another"})
    keeps(log)
    log = Log()
    log.created(
        layer="fuzz", sent={"idempotency-key": "0"}, request_fields={"prompt": "Another"}, created_at=NOW - 9999
    )
    keeps(log)


def test_keys_that_overlap_may_each_be_the_first() -> None:
    log = Log()
    log.created(began=1, ended=3, sent={"idempotency-key": "k"}, request_fields={"prompt": "A ship"})
    log.created(began=2, ended=4, sent={"idempotency-key": "k"})
    keeps(log)


def test_ids_are_unique() -> None:
    log = Log()
    first, second = log.created(), log.created()
    finding = breaks(log, "VID-CREATE-009")
    assert "the id video_1 of a new job was that of another job before" == finding.message
    assert finding.exchanges == (first, second)
    log = Log()
    log.created(began=1, ended=3)
    log.created(began=2, ended=4, sent={"idempotency-key": "k"})
    breaks(log, "VID-CREATE-009")
    log = Log()
    old = log.listed(video("video_7", created_at=NOW - 60))
    log.created("video_7", created_at=NOW - 60)
    assert breaks(log, "VID-CREATE-009").exchanges[0] is old


def test_repeated_keys_and_concurrent_lists_may_have_the_id_of_a_new_job() -> None:
    log = Log()
    log.created(sent={"idempotency-key": "k"}, began=1, ended=3)
    log.listed(video(), began=1.5, ended=2)
    log.created("video_2")
    log.created(sent={"idempotency-key": "k"})
    keeps(log, "VID-CREATE-009")


def test_a_new_job_is_known_immediately() -> None:
    log = Log()
    created = log.created()
    missed = log.refused("GET", "/videos/video_1", 404)
    log.retrieved()
    finding = breaks(log, "VID-CREATE-010")
    assert "the job video_1 was created, and then retrieved: 404" == finding.message
    assert finding.exchanges == (created, missed)


def test_a_job_that_nobody_deletes_stays() -> None:
    log = Log()
    log.created()
    log.retrieved()
    log.deleted("video_2")
    gone = log.refused("GET", "/videos/video_1", 404)
    finding = breaks(log, "VID-DELETE-007")
    assert "was retrieved, was not deleted, and then was unknown" in finding.message
    assert finding.exchanges[-1] is gone


def test_a_job_may_be_unknown_for_a_reason() -> None:
    log = Log()
    log.refused("GET", "/videos/video_1", 404)
    log.created(began=2, ended=4)
    log.refused("GET", "/videos/video_1", 404, began=3, ended=5)  # it overlaps the create
    log.refused("GET", "/videos/video_1", 404, has_key=False)
    log.retrieved(began=8, ended=10)
    log.add("DELETE", "/videos/video_1", None, failure="ReadTimeout", headers={"x-request-id": None}, began=9, ended=11)
    log.refused("GET", "/videos/video_1", 404)
    assert {"VID-ERROR-005"} == broken(log).keys()  # for the deletion alone


@pytest.mark.parametrize(("status", "is_broken"), [(409, False), (401, True), (404, True), (422, True)])
def test_a_refused_deletion_deletes_nothing_unless_it_may_be_under_way(status: int, is_broken: bool) -> None:  # noqa: FBT001 - pytest passes it
    log = Log()
    log.created()
    log.retrieved()
    log.refused("DELETE", "/videos/video_1", status, headers={"www-authenticate": "Bearer"})
    log.refused("GET", "/videos/video_1", 404)
    assert ("VID-DELETE-007" in broken(log)) is is_broken


def test_a_job_that_another_caller_deleted_has_not_vanished() -> None:
    log = Log()
    log.created()
    log.retrieved()
    log.deleted("video_1", layer=OTHER_CALLER)
    log.refused("GET", "/videos/video_1", 404)
    assert "VID-DELETE-007" not in broken(log)
    assert [] == present_ids(log.exchanges)


def test_a_job_may_expire() -> None:
    log = Log()
    log.created(expires_at=NOW + 10)
    log.retrieved("video_1", "queued", expires_at=NOW + 10)
    log.refused("GET", "/videos/video_1", 404, began=20)
    assert "VID-DELETE-007" not in broken(log)


def test_a_new_job_is_no_remix_and_has_no_error() -> None:
    log = Log()
    log.created(remixed_from_video_id="video_0")
    assert "its remixed_from_video_id is 'video_0'" in breaks(log, "VID-CREATE-014").message
    log = Log()
    log.created()
    log.retrieved("video_1", "queued", remixed_from_video_id="video_0")
    breaks(log, "VID-CREATE-014")
    log = Log()
    log.created(error={"code": "x", "message": "y"})
    breaks(log, "VID-CREATE-014", "VID-LIFE-010")
    log = Log()
    log.created(status="failed", error={"code": "x", "message": "y"}, completed_at=NOW)
    keeps(log, "VID-CREATE-014")


def test_retrieved_jobs_fit() -> None:
    log = Log()
    log.retrieved(returned=_without("created_at"))
    assert "created_at is missing" in breaks(log, "VID-RETRIEVE-001").message
    log = Log()
    log.retrieved("video_1", "")
    assert "status is empty" in breaks(log, "VID-RETRIEVE-001").message


def test_a_job_may_have_a_status_that_the_contract_does_not_know() -> None:
    log = Log()
    log.created()
    log.retrieved("video_1", "rendering")
    keeps(log)


@pytest.mark.parametrize(("status", "names"), [(400, ()), (418, ()), (500, ("VID-ERROR-005",))])
def test_a_known_job_is_retrieved(status: int, names: tuple[str, ...]) -> None:
    log = Log()
    log.created()
    log.refused("GET", "/videos/video_1", status)
    assert f"its retrieve returned {status}" in breaks(log, "VID-RETRIEVE-001", *names).message


def test_a_known_job_may_be_refused_for_a_reason() -> None:
    log = Log()
    log.created()
    log.refused("GET", "/videos/video_1", 400, layer="fuzz")
    log.refused("GET", "/videos/video_1", 400, query={"video_id": "2"})
    log.refused("GET", "/videos/video_1", 401, has_key=False, headers={"www-authenticate": "Bearer"})
    log.refused("GET", "/videos/video_1", 429, headers={"retry-after": "1"})
    log.refused("GET", "/videos/other", 400)
    log.refused("GET", "/videos/video_1", 431, sent={"x-long": "a" * 99_999})
    keeps(log)


def test_the_id_is_the_requested_one() -> None:
    log = Log()
    log.retrieved("video_1", returned=video("gateway:video_1"))
    finding = breaks(log, "VID-RETRIEVE-002")
    assert "the id 'video_1' was requested, and 'gateway:video_1' was returned" == finding.message
    log = Log()
    log.add("GET", "/videos/a%3Ab%3D%2F", json=video("a:b=/"), headers={"openai-poll-after-ms": "0"})
    keeps(log, "VID-RETRIEVE-002")


def test_a_running_job_has_a_hint() -> None:
    log = Log()
    log.retrieved("video_1", "processing", headers={})
    assert "there is no openai-poll-after-ms" in breaks(log, "VID-RETRIEVE-005").message
    log = Log()
    log.retrieved("video_1", "completed", headers={})
    keeps(log)


@pytest.mark.parametrize("hint", ["1500.5", "-1", "soon", "", "1e3", "١٢", "5, 5"])
def test_hints_are_whole(hint: str) -> None:
    log = Log()
    log.retrieved(headers={"openai-poll-after-ms": hint})
    assert repr(hint) in breaks(log, "VID-RETRIEVE-006").message


def test_recommended_fields_are_there() -> None:
    log = Log()
    log.created()
    log.retrieved(returned=_without("progress"))
    finding = breaks(log, "VID-RETRIEVE-007")
    assert "retrieve_video returned the job video_1 (queued) without progress" == finding.message
    log = Log()
    log.listed(video(status="completed", size=None))
    assert "(completed) without size" in breaks(log, "VID-RETRIEVE-007").message
    log = Log()
    log.listed(video(size=None, progress=None, extra=1))
    keeps(log, "VID-RETRIEVE-007")


def _remixed(**fields: Any) -> Log:
    log = Log()
    log.created("video_1", request_fields={})
    returned = video("video_2", **{"remixed_from_video_id": "video_1", "prompt": "Night", **fields})
    log.add("POST", "/videos/video_1/remix", json=returned, request_fields={"prompt": "Night"})
    return log


def test_a_remix_names_its_source_and_is_like_it() -> None:
    keeps(_remixed(), "VID-REMIX-001", "VID-REMIX-002", "VID-REMIX-003")
    assert (
        "has remixed_from_video_id 'video_9'"
        in breaks(_remixed(remixed_from_video_id="video_9"), "VID-REMIX-002").message
    )
    assert "has remixed_from_video_id null" in breaks(_remixed(remixed_from_video_id=None), "VID-REMIX-002").message
    assert "has size '1x1', and its source '720x1280'" in breaks(_remixed(size="1x1"), "VID-REMIX-003").message
    breaks(_remixed(seconds="8"), "VID-REMIX-003")
    breaks(_remixed(model="other"), "VID-REMIX-003")
    assert "and the job has 'A boat'" in breaks(_remixed(prompt="A boat"), "VID-REMIX-003").message
    keeps(_remixed(size=None, seconds="4.0"), "VID-REMIX-003")


def test_a_remix_may_leave_out_what_is_only_recommended() -> None:
    log = Log()
    log.created("video_1", request_fields={})
    returned = {name: video("video_2")[name] for name in ("id", "object", "created_at", "model", "status")}
    log.add("POST", "/videos/video_1/remix", json=returned, request_fields={"prompt": "Night"})
    assert {"VID-RETRIEVE-007"} == set(broken(log))


@pytest.mark.parametrize(("seconds", "is_broken"), [("8", False), ("8.0", False), ("4", True), ("12", True)])
@pytest.mark.parametrize("source", [{"video": {"id": "video_1"}}, {"video[id]": "video_1"}], ids=["JSON", "form"])
def test_an_extension_adds_up(seconds: str, is_broken: bool, source: dict[str, Any]) -> None:  # noqa: FBT001 - pytest passes it
    log = Log()
    log.created("video_1", request_fields={})
    request_fields = {"prompt": "On", "seconds": "4", **source}
    log.add(
        "POST", "/videos/extensions", json=video("video_2", prompt="On", seconds=seconds), request_fields=request_fields
    )
    assert ("VID-EXTEND-002" in broken(log)) is is_broken
    assert 1 == judged("VID-EXTEND-002", log).instances


BODY: dict[str, Any] = {
    "request_body": b'{"prompt": "A boat", "size": "0480x320"}',
    "sent": {"content-type": "application/json"},
}
"""A create that the contract forbids."""


@given(
    size=st.sampled_from(["0480x320", "banana", "-1x1"]),
    fields=st.dictionaries(st.sampled_from(["size", "seconds", "model", "status"]), st.none() | st.just(7)),
)
def test_what_is_wrong_with_a_job_of_an_illegal_create_is_no_other_violation(size: str, fields: dict[str, Any]) -> None:
    """That it was accepted is another requirement; what it looks like says nothing about legal jobs."""
    sent = {"prompt": "A boat", "size": size, "seconds": "4"}
    known: dict[str, Any] = {"request_fields": sent, "sent": BODY["sent"], "request_body": json.dumps(sent).encode()}
    returned = video("video_1", size=size, **({"prompt": "A ship"} | fields if "size" not in fields else {}))
    log = Log()
    log.add("POST", "/videos", json=returned, **known)
    log.retrieved(returned=returned)
    log.listed(returned, video("video_2"))
    assert set() == broken(log).keys() & {
        "VID-CREATE-001", "VID-CREATE-004", "VID-CREATE-005", "VID-CREATE-006", "VID-RETRIEVE-001", "VID-LIST-001",
    }  # fmt: skip


@pytest.mark.parametrize(("size", "is_judged"), [("0480x320", False), ("480x320", True)])
def test_what_is_made_from_a_job_of_an_illegal_create_takes_no_part(size: str, *, is_judged: bool) -> None:
    sent = {"prompt": "A boat", "size": size}
    known: dict[str, Any] = {"request_fields": sent, "sent": BODY["sent"], "request_body": json.dumps(sent).encode()}
    log = Log()
    log.add("POST", "/videos", json=video("video_1", size=size), **known)
    log.add("POST", "/videos/video_1/remix", json=video("video_2", size="64x48"), **BODY)
    assert is_judged == ("VID-REMIX-003" in broken(log))


def test_a_job_of_a_legal_create_is_judged_beside_one_of_an_illegal_create() -> None:
    log = Log()
    log.add("POST", "/videos", json=video(size="0480x320"), **BODY)
    log.listed(video(size="0480x320"), video("video_2", size="wide"))
    assert "data[1].size is 'wide'" in breaks(log, "VID-LIST-001").message


def test_seconds_may_be_written_in_other_ways() -> None:
    log = Log()
    log.created(request_fields={"prompt": "A boat", "seconds": "4"}, seconds="4.0")
    keeps(log, "VID-CREATE-006")


def test_a_failed_job_in_an_error_is_no_other_violation() -> None:
    log = Log()
    log.created()
    log.add("GET", "/videos/video_1", 500, json=video("video_1", "failed"))
    breaks(log, "VID-ERROR-005")
