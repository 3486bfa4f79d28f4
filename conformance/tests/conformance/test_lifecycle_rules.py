"""Test the rules for the lifecycle of a job: which histories violate a requirement, and which are only unusual."""

from __future__ import annotations

from typing import Any

import pytest

from .histories import NOW, Log, breaks, broken, judged, keeps, video


def _life(*statuses: str, **fields: Any) -> Log:
    log = Log()
    log.created(**fields)
    for status in statuses:
        log.retrieved("video_1", status, **fields)
    return log


def test_a_usual_life_breaks_nothing() -> None:
    log = _life("queued", "in_progress", "processing", "in_progress", "completed", "completed")
    keeps(log, "VID-LIFE-001", "VID-LIFE-002", "VID-LIFE-003", "VID-LIFE-004", "VID-LIFE-005", "VID-LIFE-006")
    keeps(log, "VID-LIFE-007", "VID-LIFE-008", "VID-LIFE-009", "VID-LIFE-010", "VID-LIFE-012")


def test_a_job_may_go_straight_to_its_end() -> None:
    keeps(_life("completed", "completed"), "VID-LIFE-001")
    keeps(_life("failed", "failed"), "VID-LIFE-001", "VID-LIFE-011")


@pytest.mark.parametrize("later", ["failed", "archived"])
def test_a_completed_job_stays_completed(later: str) -> None:
    log = _life("completed")
    wrong = log.retrieved("video_1", later, completed_at=NOW + 9, progress=100)
    finding = judged("VID-LIFE-001", log).findings[0]
    assert f"the job video_1 had ended as 'completed', and was {later!r} later" == finding.message
    assert finding.exchanges[-1] is wrong


def test_a_completed_job_does_not_go_on() -> None:
    log = _life("completed")
    log.retrieved("video_1", "in_progress", progress=100)
    assert set(broken(log)) >= {"VID-LIFE-001"}
    assert "VID-LIFE-002" not in broken(log)


def test_an_end_that_overlaps_says_nothing_of_the_order() -> None:
    log = _life()
    log.retrieved("video_1", "completed", began=5, ended=7)
    log.retrieved("video_1", "in_progress", began=6, ended=8)
    log.retrieved("video_1", "queued", began=6.5, ended=6.9)
    keeps(log)


def test_a_response_that_is_repeated_for_a_key_may_be_outdated() -> None:
    log = Log()
    log.created(sent={"idempotency-key": "k"})
    log.retrieved("video_1", "completed")
    log.listed(video(status="completed"))
    log.created(sent={"idempotency-key": "k"})
    log.created(sent={"idempotency-key": "0"}, layer="fuzz")
    keeps(log)


def test_a_running_job_is_not_queued_again() -> None:
    log = _life("in_progress")
    log.retrieved("video_1", "queued", progress=50)
    finding = breaks(log, "VID-LIFE-002")
    assert "the job video_1 was 'in_progress', and was queued again later" == finding.message
    assert [2, 3] == [each.number for each in finding.exchanges]


def test_progress_does_not_go_back() -> None:
    log = _life()
    log.retrieved("video_1", "in_progress", progress=70)
    log.retrieved("video_1", "in_progress", progress=None)
    log.retrieved("video_1", "in_progress", progress=69)
    finding = breaks(log, "VID-LIFE-003")
    assert "the progress of the job video_1 was 70, and was 69 later" == finding.message


def test_progress_may_stay_where_it_is_and_jump() -> None:
    log = _life()
    for progress in (0, 0, 100, 100):
        log.retrieved("video_1", "in_progress", progress=progress)
    keeps(log, "VID-LIFE-003")


def test_a_completed_job_is_whole() -> None:
    finding = breaks(_life("completed", progress=50), "VID-LIFE-004")
    assert "the job video_1 is completed, and its progress is 50, not 100" == finding.message
    assert "VID-LIFE-004" not in broken(_life("failed", progress=50))
    assert "VID-LIFE-004" not in broken(_life("completed", progress=None))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created_at", NOW + 1),
        ("model", "sora-2-pro"),
        ("prompt", "A boat "),
        ("size", "1280x720"),
        ("seconds", "8"),
        ("prompt", None),
    ],
)
def test_constant_fields_do_not_change(field: str, value: object) -> None:
    log = _life("queued")
    log.retrieved("video_1", "queued", **{field: value})
    finding = breaks(log, "VID-LIFE-005")
    assert field in finding.message
    assert [1, 3] == [each.number for each in finding.exchanges]


def test_null_may_become_a_value_and_fields_may_be_absent_or_written_differently() -> None:
    log = Log()
    log.created(size=None, seconds="4")
    log.retrieved("video_1", "queued", size="720x1280", seconds="4.0")
    returned = {name: value for name, value in video().items() if name not in {"prompt", "size"}}
    log.retrieved("video_1", returned=returned)
    assert {"VID-RETRIEVE-007"} == set(broken(log))  # the absent fields are recommended


def test_a_null_that_overlaps_the_first_value_may_be_older() -> None:
    log = Log()
    log.created(size=None)
    log.retrieved("video_1", "queued", began=5, ended=7)
    log.retrieved("video_1", "queued", size=None, began=6, ended=8)
    keeps(log, "VID-LIFE-005")


def test_a_time_as_a_text_is_no_other_time() -> None:
    log = Log()
    log.retrieved("video_1", "queued", created_at=NOW)
    log.retrieved("video_1", "queued", created_at=str(NOW))
    assert "VID-LIFE-005" not in broken(log)  # but its schema is broken
    log.retrieved("video_1", "queued", created_at=str(NOW + 1))
    assert "VID-LIFE-005" in broken(log)


def test_completed_at_is_null_until_the_end() -> None:
    finding = breaks(_life("queued", completed_at=NOW + 5), "VID-LIFE-006")
    assert f"the job video_1 is queued, and its completed_at is {NOW + 5}, not null" == finding.message


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_completed_at_is_set_at_the_end(status: str) -> None:
    assert breaks(_life(status, completed_at=None), "VID-LIFE-007").message.endswith("and has no completed_at")


def test_completed_at_is_not_before_created_at() -> None:
    finding = breaks(_life("completed", completed_at=NOW - 3600), "VID-LIFE-006", "VID-LIFE-008")
    assert finding is not None
    log = _life()
    log.retrieved("video_1", "completed", completed_at=NOW - 3600)
    assert "3600 s before its created_at" in breaks(log, "VID-LIFE-008").message


def test_completed_at_does_not_move() -> None:
    log = _life("completed")
    log.retrieved("video_1", "completed", completed_at=NOW + 10)
    assert f"was {NOW + 9}, and was {NOW + 10} later" in breaks(log, "VID-LIFE-008").message


def test_a_job_may_end_in_the_second_of_its_creation() -> None:
    keeps(_life("completed", "completed", "completed"), "VID-LIFE-008")
    log = _life()
    log.retrieved("video_1", "completed", completed_at=NOW)
    keeps(log, "VID-LIFE-008")


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        (NOW * 1000, "milliseconds"),
        (NOW + 2 * 3600, "2.0 h ahead of"),
        (NOW - 5 * 3600, "5.0 h behind"),
        (NOW + 1800, "0.5 h ahead of"),
        (0, "behind"),
    ],
)
def test_times_are_of_now(created_at: int, expected: str) -> None:
    log = Log()
    log.created(created_at=created_at)
    assert expected in breaks(log, "VID-LIFE-009").message


def test_the_end_is_in_seconds_of_now_too() -> None:
    log = _life()
    log.retrieved("video_1", "completed", completed_at=NOW + 3600, expires_at=NOW + 90_000)
    assert "completed_at of the job video_1" in breaks(log, "VID-LIFE-009").message
    log = _life()
    log.retrieved("video_1", "completed", expires_at=NOW * 1000)
    assert "milliseconds" in breaks(log, "VID-LIFE-009").message
    log = _life()
    log.retrieved("video_1", "completed", expires_at=253_402_300_799)  # the end of the year 9999
    keeps(log, "VID-LIFE-009")


def test_clocks_may_differ() -> None:
    server_is_late = Log()
    server_is_late.created(created_at=NOW - 3 * 3600, headers={"date": "Fri, 15 Jan 2027 05:00:01 GMT"})
    keeps(server_is_late, "VID-LIFE-009")
    without_date = Log()
    without_date.created(created_at=NOW - 20 * 3600, headers={"date": None})
    keeps(without_date, "VID-LIFE-009")
    nonsense = Log()
    nonsense.created(headers={"date": "yesterday"})
    keeps(nonsense, "VID-LIFE-009")


def test_a_create_may_be_slow() -> None:
    log = Log()
    log.created(began=1, ended=1200)
    keeps(log, "VID-LIFE-009")


def test_jobs_of_others_may_be_old() -> None:
    log = Log()
    log.listed(video("video_9", "completed", created_at=5, completed_at=6, expires_at=None))
    keeps(log)


def test_only_failed_jobs_have_an_error() -> None:
    wrong = {"code": "none", "message": "There was none."}
    log = _life()
    log.retrieved("video_1", "completed", error=wrong)
    assert 'its error is {"code": "none"' in breaks(log, "VID-LIFE-010").message


def test_a_failed_job_says_why() -> None:
    assert (
        "the job video_1 has failed, and its error is null"
        == breaks(_life("failed", error=None), "VID-LIFE-011").message
    )


def test_files_do_not_expire_before_the_end() -> None:
    log = _life()
    log.retrieved("video_1", "completed", expires_at=NOW + 4)
    assert "which is 5 s before its completed_at" in breaks(log, "VID-LIFE-012").message
    log = _life()
    log.retrieved("video_1", "completed", expires_at=3600)
    assert "VID-LIFE-012" in broken(log)


@pytest.mark.parametrize("status", [404, 410])
def test_files_are_there_until_they_expire(status: int) -> None:
    log = _life("completed")
    log.content()
    wrong = log.refused("GET", "/videos/video_1/content", status)
    finding = breaks(log, "VID-LIFE-012")
    assert f"returned {status}" in finding.message
    assert finding.exchanges[-1] is wrong


def test_files_that_are_never_there_break_another_requirement() -> None:
    log = _life("completed")
    log.refused("GET", "/videos/video_1/content", 404)
    log.refused("GET", "/videos/video_1/content", 404)
    breaks(log, "VID-CONTENT-001")


def test_a_variant_that_is_not_offered_does_not_expire() -> None:
    log = _life("completed")
    log.content()
    log.refused("GET", "/videos/video_1/content", 404, query={"variant": "video"})
    keeps(log, "VID-LIFE-012")


def test_a_response_about_another_job_tells_nothing_of_the_one_that_was_asked_for() -> None:
    log = Log()
    log.created("video_1")
    log.created("video_2", prompt="A cat", request_fields={"prompt": "A cat"})
    log.retrieved("video_1", "completed", progress=100, completed_at=NOW + 9)
    log.retrieved("video_1", returned=video("video_2", "queued", prompt="A cat"))
    breaks(log, "VID-RETRIEVE-002")


def test_files_may_be_gone_once_they_have_expired_or_their_job_was_deleted() -> None:
    log = _life()
    log.retrieved("video_1", "completed", expires_at=NOW + 60)
    log.refused("GET", "/videos/video_1/content", 410, began=100)
    keeps(log)
    log = _life("completed")
    log.deleted(began=5, ended=7)
    log.refused("GET", "/videos/video_1/content", 404, began=6, ended=6.5)
    keeps(log)
    log = _life("completed")
    log.refused("GET", "/videos/video_1/content", 404, query={"variant": "thumbnail"})
    keeps(log)


@pytest.mark.parametrize(
    "returned",
    [
        video(status="queued"),
        video(status="in_progress"),
        video(status="completed", prompt="A bo"),
        video(status="completed", completed_at=NOW + 10),
        video(status="completed", progress=99),
        video(status="failed"),
        {name: value for name, value in video(status="completed").items() if name != "prompt"},
    ],
)
def test_lists_agree_with_earlier_retrieves(returned: dict[str, Any]) -> None:
    log = _life("completed")
    page = log.listed(returned)
    findings = judged("VID-LIFE-013", log).findings
    assert [each.exchanges[-1] for each in findings] == [page]


def test_retrieves_agree_with_earlier_lists() -> None:
    log = _life()
    log.listed(video(status="completed"))
    log.retrieved("video_1", "in_progress")
    assert "list_videos returned status 'completed' for the job video_1" in breaks(log, "VID-LIFE-013").message


@pytest.mark.parametrize(
    ("reads", "requirement"),
    [
        ([{}, {"progress": 20}], "VID-LIFE-003"),
        ([{}, {"status": "queued"}], "VID-LIFE-002"),
        ([{"created_at": NOW + 1}, {"created_at": NOW + 2}], "VID-LIFE-005"),
    ],
)
def test_retrieves_that_contradict_themselves_do_not_contradict_lists(
    reads: list[dict[str, Any]], requirement: str
) -> None:
    log = Log()
    for fields in reads:
        shown: dict[str, Any] = {"status": "in_progress", "progress": 60, **fields}
        log.retrieved(returned=video("video_1", **shown))
        log.listed(video("video_1", "in_progress", progress=60))
    breaks(log, requirement)


def test_a_retrieve_without_a_required_field_does_not_contradict_lists() -> None:
    log = Log()
    log.listed(video())
    log.retrieved(returned={name: value for name, value in video().items() if name != "model"})
    breaks(log, "VID-RETRIEVE-001")


def test_lists_may_be_newer_and_overlap() -> None:
    log = _life("queued")
    log.listed(video(status="in_progress", progress=70))
    log.retrieved("video_1", "completed", began=5, ended=7)
    log.listed(video(status="in_progress", progress=80), began=6, ended=8)
    log.listed(video(status="completed"))
    log.listed(video("video_2", "failed"), video(status="completed", expires_at=NOW + 99_999))
    keeps(log, "VID-LIFE-013")


def test_seconds_and_duration_agree() -> None:
    assert "seconds '4' and duration 8" in breaks(_life("queued", duration=8), "VID-LIFE-015").message
    keeps(_life("queued", duration=4), "VID-LIFE-015")
    for duration in (4, 5):
        keeps(_life("queued", seconds="4.6", duration=duration), "VID-LIFE-015")


def test_hostile_values_are_no_trouble() -> None:
    log = Log()
    log.created()
    values: tuple[Any, ...] = ([], {}, "x", True, 1e300, 10**400, float("inf"), -1, None)
    for value in values:
        returned = {**dict.fromkeys(video(), value), "id": value}
        log.add("GET", "/videos/video_1", json=returned)
        log.listed(returned=dict.fromkeys(("object", "data", "first_id", "last_id", "has_more"), value))
        log.listed(returned={"data": [value, returned, [returned]]})
        log.add("POST", "/videos", json=returned)
        log.add("POST", "/videos", json=[returned])
        log.add("DELETE", "/videos/video_1", json=returned)
        log.add("GET", "/videos/video_1", 404, json=returned)
    assert "VID-RETRIEVE-001" in broken(log)
