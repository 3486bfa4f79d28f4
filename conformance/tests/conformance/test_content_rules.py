"""Test the rules for downloads."""

from __future__ import annotations

import pytest

from openvideos_conformance._history.traffic import FUZZ

from .histories import NOW, Log, breaks, broken, judged, keeps


def _completed() -> Log:
    log = Log()
    log.retrieved("video_1", "completed", progress=100, completed_at=NOW + 9)
    return log


def test_files_have_the_media_type_of_their_variant() -> None:
    for variant, requirement, right in (
        ("video", "VID-CONTENT-001", "video/mp4"),
        ("thumbnail", "VID-CONTENT-005", "image/webp"),
        ("spritesheet", "VID-CONTENT-006", "image/jpeg"),
    ):
        log = _completed()
        log.content(query={"variant": variant}, headers={"content-type": "application/octet-stream"})
        assert f"'application/octet-stream', not {right}" in breaks(log, requirement).message
        log = _completed()
        log.content(query={"variant": variant}, headers={"content-type": f"{right.upper()}; codecs=avc1"})
        keeps(log, requirement)
    log = _completed()
    log.content(body=b"")
    assert breaks(log, "VID-CONTENT-001").message.endswith("is empty")
    log = _completed()
    log.content(query={"variant": "other"}, headers={"content-type": "image/png"})
    log.content(query=[("variant", "video"), ("variant", "thumbnail")], headers={"content-type": "image/png"})
    keeps(log)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_the_file_is_there_as_soon_as_the_job_is_completed(status: int) -> None:
    log = _completed()
    wrong = log.refused("GET", "/videos/video_1/content", status)
    log.content()
    finding = breaks(log, "VID-CONTENT-001")
    assert f"the job video_1 was completed, and after that GET /videos/video_1/content -> {status}" == finding.message
    assert finding.exchanges[-1] is wrong


def test_a_file_may_be_refused_for_another_reason_than_that_it_is_not_there_yet() -> None:
    for refusal in ({"has_key": False}, {"query": {"variant": "thumbnail"}}, {"layer": FUZZ}):
        log = _completed()
        log.refused("GET", "/videos/video_1/content", 404, **refusal)
        assert "VID-CONTENT-001" not in broken(log), refusal
    log = _completed()
    log.deleted()
    log.refused("GET", "/videos/video_1/content", 404)
    keeps(log)
    log = _completed()
    log.refused("GET", "/videos/video_1/content", 410)  # its time may be up
    keeps(log)
    log = Log()
    log.retrieved("video_1", "completed", progress=100, completed_at=NOW - 9, expires_at=NOW - 5)
    log.refused("GET", "/videos/video_1/content", 404)  # its time is up
    assert "VID-CONTENT-001" not in broken(log)


def test_another_file_of_a_job_is_not_its_video() -> None:
    log = _completed()
    log.content(query={"variant": "thumbnail"}, headers={"content-type": "image/webp"})
    log.refused("GET", "/videos/video_1/content", 404)
    log.content()
    assert "VID-LIFE-012" not in broken(log)
    assert "after that GET /videos/video_1/content -> 404" in breaks(log, "VID-CONTENT-001").message


def test_content_of_a_job_that_has_not_ended_is_judged_by_another_requirement() -> None:
    log = Log()
    log.retrieved("video_1", "in_progress")
    log.content(body=b"")
    log.content("video_2", body=b"")
    assert "VID-CONTENT-001" not in broken(log)


def test_files_are_not_returned_before_the_end() -> None:
    log = Log()
    log.created()
    early = log.content()
    running = log.retrieved("video_1", "in_progress")
    finding = breaks(log, "VID-CONTENT-008")
    assert "GET /videos/video_1/content -> 200, and after that the job was in_progress" == finding.message
    assert finding.exchanges == (early, running)


def test_a_job_that_goes_on_after_its_end_has_not_returned_its_file_early() -> None:
    log = Log()
    log.created()
    log.content()
    log.retrieved("video_1", "completed")
    log.retrieved("video_1", "in_progress")
    assert {"VID-LIFE-001"} == {*broken(log)} & {"VID-LIFE-001", "VID-CONTENT-008"}


def test_a_part_of_a_file_is_not_returned_before_the_end() -> None:
    log = Log()
    log.created()
    part = log.content(body=b"\x00cl")
    log.retrieved("video_1", "completed")
    whole = log.content(body=b"\x00clip")
    finding = breaks(log, "VID-CONTENT-008")  # and no rule of completed jobs
    assert (
        "GET /videos/video_1/content -> 200 with 3 bytes, before a response said that the job is completed; the file "
        "has other bytes, 5" == finding.message
    )
    assert finding.exchanges == (part, whole)


def test_files_may_be_returned_as_soon_as_the_job_ends() -> None:
    log = Log()
    log.created()
    log.retrieved("video_1", "in_progress")
    log.content()
    log.retrieved("video_1", "completed")
    log.content()
    keeps(log)
    log = Log()
    log.created()
    log.content(began=5, ended=7)
    log.retrieved("video_1", "in_progress", began=6, ended=8)
    keeps(log)
    log = Log()
    log.created()
    log.refused("GET", "/videos/video_1/content", 404)
    log.retrieved("video_1", "in_progress")
    keeps(log, "VID-CONTENT-008")


@pytest.mark.parametrize(("status", "is_refusal"), [(400, True), (404, True), (409, True), (422, True), (403, False)])
def test_content_before_the_end_is_refused_by_some_statuses_alone(status: int, is_refusal: bool) -> None:  # noqa: FBT001 - pytest passes it
    for layer in ("scenario", FUZZ):  # a generated request may be refused for its flaw
        log = Log()
        log.created()
        log.refused("GET", "/videos/video_1/content", status, layer=layer)
        log.retrieved("video_1", "in_progress")
        assert ("VID-CONTENT-008" in broken(log)) is (layer != FUZZ and not is_refusal)


@pytest.mark.parametrize("status", ["completed", "brewing"])
def test_a_job_with_an_unknown_status_has_not_ended_if_it_ends_later(status: str) -> None:
    log = Log()
    log.created()
    log.content()
    log.retrieved("video_1", "brewing", headers={"openai-poll-after-ms": None})
    log.retrieved("video_1", status)
    assert (status == "completed") is ("VID-CONTENT-008" in broken(log)) is ("VID-RETRIEVE-005" in broken(log))


def test_a_failed_job_has_no_files() -> None:
    log = Log()
    log.created()
    log.retrieved("video_1", "failed")
    log.content()
    assert "had failed, and then" in breaks(log, "VID-CONTENT-010").message
    log = Log()
    log.created()
    log.retrieved("video_1", "failed")
    log.refused("GET", "/videos/video_1/content", 422)
    keeps(log, "VID-CONTENT-010")


def test_downloads_of_one_file_are_the_same() -> None:
    log = Log()
    log.content(body=b"one", headers={"etag": '"1"'})
    log.content(body=b"other", headers={"etag": '"2"'})
    assert "two downloads of the video of video_1 differ: 3 and 5 bytes" == breaks(log, "VID-CONTENT-012").message
    log = Log()
    log.content(body=b"one", query={"variant": "video"})
    log.content(body=b"one")
    log.content(body=b"other", status=206, headers={"content-range": "bytes 9-13/20", "etag": None}, length=5)
    log.content("video_2", body=b"two", headers={"etag": '"2"'})
    assert "VID-CONTENT-012" not in broken(log)
    assert 1 == judged("VID-CONTENT-012", log).instances


def test_what_is_returned_after_a_deletion_is_no_file_of_the_job() -> None:
    log = _completed()
    log.content(body=b"one")
    log.deleted()
    log.content(body=b"placeholder", headers={"etag": '"2"'})
    breaks(log, "VID-DELETE-003")


@pytest.mark.parametrize(("variant", "is_broken"), [("thumbnail", False), ("video", True)])
def test_a_variant_that_is_not_offered_may_be_refused_as_such(variant: str, *, is_broken: bool) -> None:
    log = Log()
    log.created()
    log.refused("GET", "/videos/video_1/content", 501, query={"variant": variant})
    log.retrieved("video_1", "in_progress")
    assert is_broken is ("VID-CONTENT-008" in broken(log))


def test_an_etag_stays_with_its_file() -> None:
    log = Log()
    log.content(headers={"etag": '"1"'})
    log.content(headers={"etag": '"2"'})
    assert "was '\"1\"', and is '\"2\"'" in breaks(log, "VID-CONTENT-015").message


@pytest.mark.parametrize(("video_id", "variant"), [("video_2", "video"), ("video_1", "thumbnail")])
def test_an_etag_is_not_that_of_another_file(video_id: str, variant: str) -> None:
    log = Log()
    log.content(body=b"one")
    kind = {"video": "video/mp4", "thumbnail": "image/webp"}[variant]
    log.content(video_id, body=b"two", query={"variant": variant}, headers={"content-type": kind})
    assert "is the ETag of the video of video_1, and of a different file" in breaks(log, "VID-CONTENT-015").message


def test_etags_that_are_right() -> None:
    log = Log()
    log.content(body=b"one")
    log.content("video_2", body=b"one")
    log.content(body=b"n", status=206, headers={"content-range": "bytes 1-1/3"})
    log.content("video_3", body=b"x", headers={"etag": 'W/"1"'})
    log.content("video_4", body=b"y", headers={"etag": 'W/"1"'})
    log.content("video_5", body=b"z", headers={"etag": None})
    log.refused("GET", "/videos/video_1/content", 416, headers={"etag": '"0"', "content-range": "bytes */3"})
    keeps(log, "VID-CONTENT-015")


@pytest.mark.parametrize(
    ("content_range", "body", "expected"),
    [
        ("bytes 2-4/9", b"cde", ""),
        ("bytes 2-4/*", b"cde", ""),
        ("bytes 2-5/9", b"cde", "has Content-Range bytes 2-5/9, and 3 bytes"),
        ("bytes 2-4/8", b"cde", "the file has 9 bytes"),
        ("bytes 1-3/9", b"cde", "and other bytes than the file has there"),
    ],
)
def test_a_range_is_a_part(content_range: str, body: bytes, expected: str) -> None:
    log = Log()
    log.content(body=b"abcdefghi")
    log.content(status=206, body=body, headers={"content-range": content_range})
    if expected:
        assert expected in breaks(log, "VID-CONTENT-017").message
    else:
        keeps(log, "VID-CONTENT-017")


def test_ranges_in_parts_and_without_a_range() -> None:
    log = Log()
    log.content(status=206, body=b"--x--", headers={"content-type": "multipart/byteranges; boundary=x"})
    keeps(log)
    log = Log()
    log.content(status=206)
    assert "has Content-Range ''" in breaks(log, "VID-CONTENT-017").message


def test_content_length_is_the_number_of_bytes() -> None:
    log = Log()
    log.content(headers={"content-length": "9"})
    assert "has Content-Length 9: 5 bytes were received" in breaks(log, "VID-CONTENT-023").message
    for library in (
        "RemoteProtocolError: peer closed connection without sending … body (received 5 bytes, expected 9)",
        "ChunkedEncodingError: ('Connection broken: IncompleteRead(5 bytes read, 4 more expected)', IncompleteRead())",
    ):
        log = Log()
        log.content(headers={"content-length": "9"}, failure=library, length=0)
        assert "has Content-Length 9: " in breaks(log, "VID-CONTENT-023").message


def test_lengths_that_say_nothing_or_are_right() -> None:
    log = Log()
    log.content()
    log.content(headers={"content-length": None, "transfer-encoding": "chunked"})
    log.content(headers={"content-length": "3", "content-encoding": "gzip"})
    log.content(headers={"content-length": "99"}, failure="ReadTimeout", length=0)
    log.add("HEAD", "/videos", 200, body=b"", headers={"content-length": "99"})
    keeps(log, "VID-CONTENT-023")
