"""Test that failures with one cause stand together, and that no others do."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.catalogue import Harm, catalogue
from openvideos_conformance._core.causes import Cause, causes, shape
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.evidence import evidence, more_findings
from openvideos_conformance._core.outcomes import Finding, ViolationError
from openvideos_conformance._core.verdicts import Observation, Outcome, judge
from openvideos_conformance._judging.assertions import expect, fits

from .runs import BASE_URL, KEY, exchange, observation, run

DETAIL = b'{"detail": "Method Not Allowed"}'
VIDEO_ID = "video_0123456789"


def asked(operation: str, status: int, body: bytes = b"", **known: Any) -> dict[str, Any]:
    """Return what an exchange of an operation is made of."""
    found = contract().operation(operation)
    path = found.path.replace("{video_id}", VIDEO_ID)
    values: dict[str, Any] = {"operation": operation, "method": found.method, "path": path}
    return {**values, "status": status, "body": body, "length": len(body), "request_body": b"", **known}


def failed(requirement: str, *findings: Finding) -> Observation:
    """Return the observation of a check with these findings, as the plugin of pytest makes it."""
    violation = ViolationError.of(findings)
    return Observation(
        requirement=requirement,
        check="test_something",
        layer="scenario",
        outcome=Outcome.VIOLATED,
        message=violation.message,
        evidence=tuple(evidence(each, BASE_URL, (KEY,)) for each in violation.exchanges),
        statuses=tuple(sorted(findings[0].statuses)),
        more=more_findings(violation.findings, BASE_URL, (KEY,)),
    )


def broken(requirement: str, statuses: set[int] | None = None, **known: Any) -> Observation:
    """Return the observation of a check that found one exchange wrong."""
    made = exchange(**known)
    return failed(requirement, Finding(f"what {requirement} has seen", (made,), frozenset(statuses or ())))


def judged(*observations: Observation, **known: Any) -> list[Cause]:
    wanted = [catalogue()[each.requirement] for each in observations]
    ordered = [each for each in catalogue().values() if each in wanted]
    return causes(judge(ordered, observations, **known))


def ids(found: list[Cause]) -> list[set[str]]:
    return [set(each.requirements) for each in found]


def test_an_operation_that_is_not_there_is_one_cause() -> None:
    absent = asked("delete_video", 405, DETAIL)
    found = judged(
        broken("VID-DELETE-001", {200}, **absent),
        broken("VID-DELETE-005", {404}, **absent),
        broken("VID-DELETE-006", {200, 409}, **absent),
        broken("VID-ERROR-004", **absent),
    )
    assert [("VID-DELETE-006", "VID-DELETE-001", "VID-DELETE-005", "VID-ERROR-004")] == [
        each.requirements for each in found
    ]
    assert Harm.MONEY is found[0].harm
    assert 'DELETE /videos/{video_id} → 405 {"detail": "Method Not Allowed"}' == found[0].seen
    assert catalogue()["VID-DELETE-001"].statement == found[0].expected


def test_one_server_error_of_several_operations_is_one_cause() -> None:
    found = judged(
        broken("VID-RETRIEVE-003", {404}, **asked("retrieve_video", 500, b"Connection to 10.0.0.1:80 failed")),
        broken("VID-CONTENT-011", {404}, **asked("download_video_content", 500, b"Connection to 10.0.0.2:80 failed")),
        broken("VID-DELETE-005", {404}, **asked("delete_video", 500, b"'id' is no field")),
    )
    assert [{"VID-RETRIEVE-003", "VID-CONTENT-011"}, {"VID-DELETE-005"}] == ids(found)
    assert found[0].seen.startswith(
        "GET /videos/{video_id}, GET /videos/{video_id}/content → 500 Connection to 10.0.0.1"
    )


def test_errors_without_the_envelope_are_one_cause_whatever_the_operation() -> None:
    listed, created = asked("list_videos", 422, DETAIL), asked("create_video", 400, b'{"detail": "no prompt"}')
    found = judged(
        failed(
            "VID-ERROR-001",
            *(Finding(f"{each['path']} has no envelope", (exchange(**each),)) for each in (listed, created)),
        ),
        broken("VID-ERROR-007", **created),
        broken("VID-LIFE-003", **created),
    )
    assert [{"VID-ERROR-001", "VID-ERROR-007"}, {"VID-LIFE-003"}] == ids(found)
    assert "GET /videos, POST /videos → ErrorResponse without error" == found[0].seen


def test_a_page_without_its_fields_is_one_cause_for_the_requirements_that_name_them() -> None:
    page = asked("list_videos", 200, b'{"object": "list", "data": []}')
    made = exchange(**page)
    with pytest.raises(ViolationError) as raised:
        fits(made, "#/components/schemas/VideoList", "a list")
    found = judged(
        failed("VID-LIST-001", *raised.value.findings),
        broken("VID-LIST-003", **page),
        broken("VID-LIST-004", **page),
        broken("VID-LIST-005", **page),
        broken("VID-LIST-015", **page),
    )
    assert [{"VID-LIST-001", "VID-LIST-003", "VID-LIST-004", "VID-LIST-005"}, {"VID-LIST-015"}] == ids(found)
    assert found[0].seen.startswith("GET /videos → VideoList without ")
    assert all(name in found[0].seen for name in ("first_id", "last_id", "has_more"))


@pytest.mark.parametrize("spelled", ["${}.{} is missing"])
def test_fields_are_missing_together_only_in_one_object(spelled: str) -> None:
    def lacking(requirement: str, place: str, *fields: str) -> Observation:
        flaws = [spelled.format(place, field) for field in fields]
        shown = {**evidence(exchange(**asked("list_videos", 200, b"{}")), BASE_URL), "flaws": flaws}
        return dataclasses.replace(broken(requirement), evidence=(shown,))

    found = judged(
        lacking("VID-LIST-001", "", "first_id", "has_more"),
        lacking("VID-LIST-005", "", "first_id", "has_more"),
        lacking("VID-CREATE-005", ".data[0]", "size"),
        lacking("VID-RETRIEVE-001", ".data[7]", "seconds", "size"),
    )
    assert [{"VID-LIST-001", "VID-LIST-005"}, {"VID-CREATE-005", "VID-RETRIEVE-001"}] == ids(found)
    assert "GET /videos → VideoList without first_id, has_more" == found[0].seen
    assert "GET /videos → VideoList without size in data[]" == found[1].seen


def test_errors_that_are_not_json_are_one_cause() -> None:
    text = asked("create_video", 400, b"Bad Request", headers=(("content-type", "text/plain"),))
    found = judged(broken("VID-ERROR-001", **text), broken("VID-ERROR-002", **text))
    assert [{"VID-ERROR-001", "VID-ERROR-002"}] == ids(found)
    assert "POST /videos → ErrorResponse: $: the body is not JSON" == found[0].seen


def test_what_is_accepted_and_what_is_refused_are_causes_of_their_operations() -> None:
    video, refusal = b"{}", b'{"error": {"message": "no", "type": "x", "param": null, "code": null}}'
    found = judged(
        broken("VID-VALID-001", {400, 422}, **asked("create_video", 200, video)),
        broken("VID-VALID-004", {400, 422}, **asked("create_video", 200, video)),
        broken("VID-DELETE-003", {404}, **asked("retrieve_video", 200, video)),
        broken("VID-DELETE-005", {404}, **asked("retrieve_video", 200, video)),
        broken("VID-LIST-001", {200}, **asked("list_videos", 400, refusal)),
        broken("VID-LIST-016", {200}, **asked("list_videos", 400, refusal)),
        broken("VID-LIST-009", {404}, **asked("list_videos", 200, b"{}")),
        broken("VID-AUTH-001", {401}, **asked("list_videos", 200, b"{}")),
        broken("VID-AUTH-002", {401}, **asked("retrieve_video", 200, b"{}")),
    )
    assert [
        {"VID-VALID-001"},
        {"VID-VALID-004"},
        {"VID-DELETE-003", "VID-DELETE-005"},
        {"VID-AUTH-001", "VID-AUTH-002"},
        {"VID-LIST-009"},
        {"VID-LIST-001", "VID-LIST-016"},
    ] == ids(found)


def test_each_flaw_of_a_body_is_a_cause() -> None:
    video = {"id": "video_1", "object": "video", "model": "m", "status": "queued", "created_at": 1.5, "seconds": 1}
    made = exchange(**asked("retrieve_video", 200, json.dumps(video).encode()))
    with pytest.raises(ViolationError) as raised:
        fits(made, "#/components/schemas/Video", "a job")
    found = judged(failed("VID-RETRIEVE-001", *raised.value.findings))
    assert [
        "GET /videos/{video_id} → Video: $.created_at is 1.5, not a whole number",
        "GET /videos/{video_id} → Video: $.seconds is 1, not a text or null",
    ] == sorted(each.seen for each in found)


def test_expect_says_which_statuses_it_expected() -> None:
    with pytest.raises(ViolationError) as raised:
        expect(exchange(), {200, 409}, "a create")
    assert frozenset({200, 409}) == raised.value.findings[0].statuses


def test_a_failure_of_its_own_is_a_cause_of_its_own() -> None:
    one, other = (
        observation(each, Outcome.VIOLATED, "same words", status=200) for each in ("VID-LIFE-001", "VID-LIFE-003")
    )
    assert [{"VID-LIFE-001"}, {"VID-LIFE-003"}] == ids(judged(one, other))


def test_a_requirement_with_several_causes_is_in_each() -> None:
    gone, crash = exchange(**asked("delete_video", 405)), exchange(**asked("create_video", 500, b"oops"))
    found = judged(
        failed("VID-ERROR-009", Finding("DELETE is not there", (gone,)), Finding("create crashes", (crash,)))
    )
    assert [{"VID-ERROR-009"}, {"VID-ERROR-009"}] == ids(found)


def test_what_fails_the_run_comes_before_what_warns_and_what_is_expected_is_left_out() -> None:
    broke = [
        broken(each, status=200) for each in ("VID-IDEM-001", "VID-HEADER-002", "VID-CONTENT-001", "VID-DELETE-001")
    ]
    found = judged(*broke, expected={"VID-DELETE-001": "known"})
    assert [("VID-CONTENT-001", True), ("VID-HEADER-002", True), ("VID-IDEM-001", False)] == [
        (each.requirements[0], each.is_failure) for each in found
    ]


def test_a_stale_expectation_is_a_cause() -> None:
    passed = observation("VID-LIST-003", Outcome.PASSED)
    assert "remove it from the expected failures" in judged(passed, expected={"VID-LIST-003": "known"})[0].seen


WRONG = st.lists(
    st.tuples(st.sampled_from([*catalogue()]), st.sampled_from([None, 200, 400, 405, 500]), st.text(max_size=20)),
    unique_by=lambda each: each[0],
)


@given(wrong=WRONG)
def test_every_failure_has_a_cause_and_every_cause_is_one_line(wrong: list[tuple[str, int | None, str]]) -> None:
    broke = [
        broken(
            name, {404}, status=status, body=text.encode("utf-8", "replace"), failure="" if status else f"late: {text}"
        )
        for name, status, text in wrong
    ]
    found = judged(*broke)
    assert {name for name, *_ in wrong} == {name for each in found for name in each.requirements}
    for each in found:
        assert [each.seen] == each.seen.splitlines()
        assert len(each.seen) <= 301
    harms = [[*Harm].index(each.harm) for each in found if each.is_failure]
    assert sorted(harms) == harms


def test_a_shape_leaves_out_ids_numbers_and_quotes() -> None:
    assert shape("video_1 is 'a', not \"b\" after 3 s") == shape("video_22 is 'c d', not \"e\" after 0.5 s")
    assert shape("the size is 'a'") != shape("the seconds are 'a'")


def test_each_shape_of_a_violation_keeps_its_evidence_once() -> None:
    made = exchange()
    findings = [Finding(f"job video_{number} goes back", (made,)) for number in range(3)]
    findings += [Finding("progress is 'x'", (made,)), Finding("progress is 'y'", (made,))]
    more = more_findings(findings, BASE_URL)
    assert ["job video_1 goes back", "job video_2 goes back", "progress is 'x'", "progress is 'y'"] == [
        each["message"] for each in more
    ]
    assert [0, 0, 1, 0] == [len(each["exchanges"]) for each in more]


def test_findings_without_end_take_little_room() -> None:
    body = json.dumps({"detail": "x" * 100_000}).encode()
    made = exchange(body=body, request_body=b"y" * 100_000, headers=(("x-long", "z" * 10_000),) * 3)
    findings = [
        Finding(f"{chr(97 + number % 26) * (number // 26 + 1)} is wrong", (made, made)) for number in range(5_000)
    ]
    more = more_findings(findings, BASE_URL)
    assert "… and 4799 more" == more[-1]["message"]
    assert len(json.dumps(more)) < 500_000


def test_no_cause_holds_a_secret() -> None:
    found = judged(broken("VID-RETRIEVE-003", {404}, **asked("retrieve_video", 500, f"no {KEY}".encode())))
    assert KEY not in found[0].seen


def test_a_run_without_failures_has_no_cause() -> None:
    assert [] == causes(run().results)
