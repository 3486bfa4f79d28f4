"""Test the rules for deletions, and for requests after them."""

from __future__ import annotations

import pytest

from .histories import NOW, Log, breaks, broken, judged, keeps, video


def test_a_confirmation_fits_and_names_the_id() -> None:
    log = Log()
    log.deleted()
    keeps(log, "VID-DELETE-001", "VID-DELETE-002")
    log = Log()
    log.deleted(json={"id": "video_2", "object": "video.deleted", "deleted": True})
    assert "'video_1' was deleted, and the response confirms 'video_2'" == breaks(log, "VID-DELETE-002").message
    for returned in ({"deleted": True}, video(), {"id": "video_1", "object": "video.deleted", "deleted": "true"}):
        log = Log()
        log.deleted(json=returned)
        assert "does not fit VideoDeleteResponse" in breaks(log, "VID-DELETE-001").message
    log = Log()
    log.deleted(status=204, body=b"")
    breaks(log, "VID-DELETE-001", "VID-ERROR-009")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/videos/video_1"),
        ("GET", "/videos/video_1/content"),
        ("POST", "/videos/video_1/remix"),
        ("DELETE", "/videos/video_1"),
    ],
)
def test_a_deleted_job_is_unknown(method: str, path: str) -> None:
    log = Log()
    deletion = log.deleted()
    found = log.add(method, path, json=video("video_2", remixed_from_video_id="video_1"))
    finding = judged("VID-DELETE-003", log).findings[0]
    assert f"the job video_1 was deleted, and then {method} {path} -> 200, not 404" == finding.message
    assert finding.exchanges == (deletion, found)
    for status, is_broken in ((404, False), (410, True), (409, True), (400, False), (503, False), (401, False)):
        log = Log()
        log.deleted()
        log.refused(method, path, status)
        assert ("VID-DELETE-003" in broken(log)) is is_broken, status


def test_concurrent_requests_may_still_find_a_deleted_job() -> None:
    log = Log()
    log.created()
    log.deleted(began=5, ended=7)
    log.retrieved(began=6, ended=8)
    log.listed(video(), began=6.9, ended=9)
    log.refused("DELETE", "/videos/video_1", 404)
    log.retrieved("video_2")
    keeps(log, "VID-DELETE-003")


def test_what_was_not_confirmed_may_be_known() -> None:
    log = Log()
    log.created()
    log.refused("DELETE", "/videos/video_1", 409)
    log.deleted(json={"id": "video_1", "object": "video.deleted", "deleted": False})
    log.deleted(status=None, failure="ReadTimeout")
    log.retrieved()
    log.listed(video())
    assert {"VID-DELETE-001", "VID-ERROR-005"} == set(broken(log))  # deleted is false, and there is no response


def test_a_remix_that_is_repeated_with_its_key_may_be_known() -> None:
    log = Log()
    for _ in range(2):
        remix = video("video_2", remixed_from_video_id="video_1")
        log.add("POST", "/videos/video_1/remix", json=remix, sent={"idempotency-key": "k"})
        log.deleted()
    assert "remix" not in "".join(each.message for each in judged("VID-DELETE-003", log).findings)


def test_a_deleted_job_is_in_no_list() -> None:
    log = Log()
    log.listed(video())
    deletion = log.deleted()
    page = log.listed(video("video_0", created_at=NOW + 1), video())
    finding = breaks(log, "VID-DELETE-004")
    assert "the job video_1 was deleted, and is in a list that was requested later" == finding.message
    assert finding.exchanges == (deletion, page)
    log = Log()
    log.deleted()
    log.listed(video("video_2"))
    keeps(log, "VID-DELETE-004")
