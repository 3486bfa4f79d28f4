"""Test that what a server sends takes no more memory than a run has, and is judged all the same."""

from __future__ import annotations

import json
import tracemalloc
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.bodies import BodyStore, LimitError
from openvideos_conformance._core.contract import MOST_ERRORS, contract
from openvideos_conformance._core.exchange import MISSING, MOST_JSON, MOST_VALUES, Exchange
from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._core.run_result import headline
from openvideos_conformance._core.target import Target
from openvideos_conformance._history.registry import RULES, Traffic
from openvideos_conformance._judging.assertions import expect
from openvideos_conformance._pytest.run_state import RunState
from openvideos_conformance._server.recording_client import RecordingClient

from .histories import Log, page, video
from .runs import exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
SHORT = 16 << 10
"""How long a body may be that is always kept."""


def of(body: Any, **known: Any) -> Exchange:
    return exchange(body=body, **known)


@given(lengths=st.lists(st.integers(0, 50_000), max_size=8), most=st.integers(0, 200_000))
def test_a_body_is_what_was_sent_or_the_beginning_of_what_is_too_long(lengths: list[int], most: int) -> None:
    pieces = [bytes([number]) * length for number, length in enumerate(lengths)]
    body, length = BodyStore().kept(iter(pieces), most)
    ends = [*accumulate(lengths)]
    received = next((end for end in ends if end > most), ends[-1] if ends else 0)
    kept = received if received <= most else min(received, SHORT)
    assert (received, b"".join(pieces)[:kept]) == (length, of(body).body)


@given(st.lists(st.sampled_from(["broken", "too long", "known"]), max_size=8))
def test_only_whole_new_bodies_take_room(others: list[str]) -> None:
    store = BodyStore(2 * MIB)
    known, new = b"a" * MIB, b"b" * MIB

    def broken() -> Iterator[bytes]:
        yield new
        raise ConnectionError

    store.kept(iter([known]), MIB)
    for other in others:
        if other == "broken":
            with pytest.raises(ConnectionError):
                store.kept(broken(), MIB)
        elif other == "too long":
            store.kept(iter([new, new]), MIB)
        else:
            assert known == of(store.kept(iter([known]), MIB)[0]).body
    assert new == of(store.kept(iter([new]), MIB)[0]).body
    with pytest.raises(LimitError):
        store.kept(iter([b"c" * MIB]), MIB)
    assert known == of(store.kept(iter([known]), MIB)[0]).body


@given(lengths=st.lists(st.integers(0, 60_000), max_size=20), most=st.integers(0, 200_000))
def test_all_long_bodies_of_a_run_have_one_limit(lengths: list[int], most: int) -> None:
    store, kept = BodyStore(most), list[tuple[Exchange, bytes]]()
    for number, length in enumerate(lengths):
        sent = bytes([number]) * length
        try:
            kept.append((of(store.kept(iter([sent]), MIB)[0]), sent))
        except LimitError:
            assert length > SHORT
            assert sum(len(each) for _, each in kept if len(each) > SHORT) + length > most
    assert sum(len(sent) for _, sent in kept if len(sent) > SHORT) <= most
    assert all(sent == each.body for each, sent in kept)


@given(st.data())
def test_equal_bodies_take_the_room_of_one(data: st.DataObject) -> None:
    store = BodyStore(4 * MIB)
    sent = [bytes([number]) * MIB for number in range(3)]
    for number in (0, 1, 2, *data.draw(st.lists(st.integers(0, 2), max_size=12))):
        assert sent[number] == of(store.kept(iter([sent[number]]), MIB)[0]).body


def test_json_is_parsed_once_while_there_is_room_for_it() -> None:
    small, huge = of(b"[1]", length=3), of(b"[" + b" " * MOST_JSON + b"]", length=MOST_JSON + 2)
    assert small.json is small.json
    assert huge.json is MISSING, "to parse it may take twenty times its length"
    others = [of(b"[2]", length=MOST_JSON // 2) for _ in range(3)]
    assert [[2]] * 3 == [each.json for each in others]
    assert [1] == small.json


def test_a_server_that_ignores_limits_takes_no_memory_for_each_of_its_pages() -> None:
    one = video()
    body = json.dumps(page(*({**one, "id": f"video_{number}"} for number in range(4_000)))).encode()
    assert len(body) > MIB
    tracemalloc.start()
    try:
        with client_of(lambda _: httpx.Response(200, content=body)) as client:
            for _ in range(20):
                assert 4_000 == len(client.get("/videos", query={"limit": 1}).object["data"])
            traffic = Traffic(client.history)
        found = {rule.requirement for rule in RULES if rule.judge(traffic).findings}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "VID-LIST-002" in found
    assert peak < 55 * MIB, f"{peak} bytes; it is 40 MiB, and more than 65 when each page stays parsed or indexed"


@pytest.mark.parametrize("part", [b"{},", b'{"":0},', b"[0],", b'"ab",'])
def test_a_short_text_that_is_a_million_values_is_not_parsed(part: bytes) -> None:
    body = b'{"many":[' + part * (MOST_VALUES + 1) + b"0]}"
    tracemalloc.start()
    try:
        assert of(body, length=len(body)).json is MISSING
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body) < MOST_JSON
    assert peak < MIB, "parsed, it takes up to thirty times its length"


def test_what_is_not_read_is_not_called_wrong() -> None:
    many = b'{"object":"list","data":[],"more":[' + b"0," * MOST_VALUES + b"0]}"
    long = json.dumps(page()).encode() + b" " * MOST_JSON
    for body in (many, long):
        log = Log()
        seen = log.add("GET", "/videos", body=body)
        assert "more than the 12 MiB or 400,000 values of JSON that the suite reads" == seen.no_json
        found = {rule.requirement for rule in RULES if rule.judge(Traffic(log.exchanges)).findings}
        assert "VID-HEADER-005" not in found, "nobody knows whether it is JSON"
    log = Log()
    assert "not JSON" == log.add("GET", "/videos", body=b"<html>").no_json


def test_what_is_parsed_is_remembered_by_its_values() -> None:
    many = of(b"[" + b"{}," * (MOST_VALUES // 3) + b"0]", length=MOST_VALUES + 3)
    others = [of(b"[" + b"{}," * (MOST_VALUES // 3) + b"%d]" % number, length=MOST_VALUES + 3) for number in range(3)]
    first = many.json
    assert all(each.json is not MISSING for each in others)
    assert many.json == first
    assert many.json is not first, "it was forgotten, since 100,000 objects take megabytes"


def test_the_flaws_of_a_page_are_the_first_of_too_many() -> None:
    data: list[Any] = [{}] * 20_000
    wrong = {"object": "list", "first_id": None, "last_id": None, "has_more": False, "data": data}
    tracemalloc.start()
    try:
        found = contract().flaws(wrong, "#/components/schemas/VideoList")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < len(found) <= MOST_ERRORS
    assert peak < 15 * MIB, f"{peak} bytes; each error takes a kilobyte"


def test_the_index_of_a_run_does_not_keep_what_a_server_puts_into_its_videos() -> None:
    count = iter(range(100))

    def answer(_: httpx.Request) -> httpx.Response:
        number = next(count)
        error = {"code": "x", "message": "y", "parts": [{}] * 5_000}
        changed = {"junk": [{}] * 10_000, "error": error, "prompt": f"{number:06}" * 10_000}
        return httpx.Response(200, json={**video(), "status": "failed", **changed})

    with client_of(answer) as client:
        for _ in range(60):
            client.get("/videos/video_1")
        tracemalloc.start()
        try:
            traffic = Traffic(client.history)
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert 60 == len({each.video["prompt"] for each in traffic.single["video_1"]})
    assert kept < 40 * MIB, f"{kept} bytes; it is 25 MiB, and more than 70 when each video is kept"


def test_the_index_of_a_run_has_so_many_videos_of_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvideos_conformance._history.traffic._MOST_LISTED", 5)
    log = Log()
    for _ in range(4):
        log.listed(video("video_1"), video("video_2"))
    assert 5 == sum(len(each) for each in log.traffic.listed.values())


def client_of(answer: Any) -> RecordingClient:
    return RecordingClient(Target(base_url="http://server.test/v1"), httpx.MockTransport(answer))


def test_a_response_for_which_there_is_no_room_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvideos_conformance._server.wire.BodyStore", partial(BodyStore, 30_000))
    count = iter(range(10))
    with client_of(lambda _: httpx.Response(200, json={"id": "x" * 20_000, "n": next(count)})) as client:
        assert client.get("/videos/video_1").is_ok
        with pytest.raises(NotReachedError, match="keeps no more than 30000 bytes"):
            client.get("/videos/video_1")
        unkept = client.history[-1]
        with pytest.raises(NotReachedError):
            expect(unkept, 404, "a video")
        assert (200, b"", False) == (unkept.status, unkept.body, unkept.is_ok)
        state = RunState(target=client.target, client=client)
        assert "1 response had no room" in headline(state.result())


def test_rules_judge_one_huge_page_and_no_busy_response() -> None:
    log = Log()
    sent = [
        log.add("GET", "/videos", json=page(), length=2 * MIB),
        log.add("GET", "/videos", json=page(), length=2 * MIB),
        log.add("GET", "/videos", json=page()),
        log.add("GET", "/videos", 429, json={"detail": "Slow down"}, headers={"retry-after": "soon"}),
    ]
    traffic = Traffic(sent)
    assert [sent[0], sent[2]] == traffic.exchanges
    assert [sent[3]] == traffic.busy
    found = {rule.requirement for rule in RULES if rule.judge(traffic).findings}
    assert "VID-HEADER-004" in found, "a Retry-After that says nothing is judged"
    assert not {"VID-ERROR-001", "VID-ERROR-009"} & found


def test_rules_judge_one_response_of_an_operation_that_has_too_many_values() -> None:
    log = Log()
    many = b'{"many":[' + b"{}," * 30_000 + b"0]}"
    sent = [log.add("GET", "/videos/video_1", body=many) for _ in range(3)]
    other = log.add("GET", "/videos", body=many)
    small = log.add("GET", "/videos/video_1", json=video())
    film = log.add("GET", "/videos/video_1/content", body=many, headers={"content-type": "video/mp4"})
    assert [sent[0], other, small, film] == Traffic(log.exchanges).exchanges


def test_a_deletion_that_was_refused_with_a_503_may_have_happened() -> None:
    log = Log()
    sent = [log.add("DELETE", "/videos/video_1", 503), log.add("GET", "/videos/video_1", json=video("video_1"))]
    assert Traffic(sent).may_be_gone("video_1", sent[1])
