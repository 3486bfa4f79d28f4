"""The emulator keeps what was sent and what it answered: in bounds, without keys, in the way of nothing."""

from __future__ import annotations

import asyncio
import base64
import errno
import io
import itertools
import json
import logging
import queue
import re
import shlex
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos_emulator._http import fault_injection, log_writer
from openvideos_emulator._http.body import Part
from openvideos_emulator._http.log_writer import LogWriter
from openvideos_emulator._http.recording import Recording, note_fields, note_parts
from openvideos_emulator._http.request_descriptions import (
    curl,
    error_of,
    json_line_of,
    line_of,
    record_json,
    video_id_of,
)
from openvideos_emulator._model.request_log import MOST_BODY, Record, RequestLog, SentPart

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.emulator.conftest import Server

KEY = b"sk-a/synthetic+key="
CRAFTED = st.text("@/etcpasswd;=,\"'<>\\ \n", max_size=12)
SPELLINGS = [KEY.decode(), "sk-a%2Fsynthetic%2Bkey%3D", "sk-a%2fsynthetic%2bkey%3d", r"sk-a\/synthetic+key="]
MEBIBYTE = 1 << 20
FIELD_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers()
    | st.text(max_size=9)
    | st.builds(lambda text, times: text * times, st.text("aé中", max_size=9), st.integers(0, 20_000)),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=3), child, max_size=3),
    max_leaves=5,
)


def begun(log: RequestLog, path: str = "/v1/videos", method: str = "GET", **known: Any) -> Record:
    headers = known.pop("headers", [(b"host", b"emulator")])
    known |= {"method": method, "path": path, "query": "", "headers": headers, "origin": "http://emulator"}
    return log.begin(at=1.8e9, job_time=1.9e9, **known)


def completed(
    log: RequestLog, path: str = "/v1/videos", method: str = "GET", *, status: int = 200, **known: Any
) -> Record:
    record = begun(log, path, method)
    record.status = status
    for name, value in known.items():
        setattr(record, name, value)
    log.end(record, seconds=0.0031)
    return record


def exchange(
    log: RequestLog,
    path: str = "/v1/videos",
    *,
    method: str = "POST",
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]],
    body: Sequence[bytes] = (),
    parts: Sequence[Part] = (),
    fields: dict[str, Any] | None = None,
    status: int = 200,
    response: Sequence[bytes] = (b"",),
    response_headers: Sequence[tuple[bytes, bytes]] = (),
    api_key: str | None = None,
    seen: list[str] | None = None,
) -> Record:
    """Record an exchange as it passes, in these pieces; add to `seen` what the record shows at each step."""
    scope: dict[str, Any] = {"method": method, "query_string": query, "headers": headers, "scheme": "http"}
    ask = iter([{"type": "http.request", "body": each, "more_body": True} for each in body])

    async def receive() -> Any:
        return next(ask, {"type": "http.request", "body": b"", "more_body": False})

    async def send(_: object) -> None: ...

    recording = Recording(log, scope, receive, send, path=path, api_key=api_key, now=1.9e9)

    async def pass_on() -> None:
        for _ in range(len(body) + 1):
            note()
            await recording.receive()
        if parts:
            note_parts(scope, parts)
        if fields is not None:
            note_fields(scope, fields)
        note()
        await recording.send({"type": "http.response.start", "status": status, "headers": [*response_headers]})
        for number, each in enumerate(response):
            note()
            await recording.send({"type": "http.response.body", "body": each, "more_body": number < len(response) - 1})
        note()

    def note() -> None:
        if seen is not None:
            seen.append(repr(recording.record))

    asyncio.run(pass_on())
    return recording.record


class TestRing:
    @given(lengths=st.lists(st.integers(0, MOST_BODY), max_size=40), reset_at=st.integers(0, 40))
    def test_it_is_bounded(self, lengths: list[int], reset_at: int) -> None:
        log = RequestLog()
        under_way = begun(log)
        for number, length in enumerate(lengths * 10):
            if number == reset_at:
                log.clear()
            completed(log, body=bytes(length), response_body=bytes(length))
        log.end(under_way, seconds=1.0)
        kept = log.changed(0)
        assert sum(record.size for record in kept) <= 16 * MEBIBYTE
        assert sorted(kept, key=lambda record: record.version) == kept
        if lengths:
            assert kept[-1].seconds is not None

    def test_it_keeps_the_last(self) -> None:
        log = RequestLog()
        for _ in range(5100):
            completed(log)
        kept = log.changed(0)
        assert (5000, 101, 5100) == (len(kept), kept[0].number, kept[-1].number)
        assert log.record(1) is None
        assert log.record(5100) is kept[-1]
        assert 101 == log.first()

    def test_a_change_is_seen_once(self) -> None:
        log = RequestLog()
        first = begun(log)
        seen = log.changed(0)
        assert [first] == seen
        since = seen[-1].version
        assert [] == log.changed(since)
        second = completed(log)
        log.end(first, seconds=1.0)
        assert [second, first] == log.changed(since)

    def test_what_was_under_way_at_a_reset_does_not_come_back(self) -> None:
        log = RequestLog()
        record = begun(log)
        log.clear()
        log.end(record, seconds=1.0)
        assert [] == log.changed(0)
        assert 2 == completed(log).number

    def test_its_bound_is_about_what_python_takes(self) -> None:
        headers = [(f"x-header-{number}", f"value {number} of it") for number in range(8)]
        headers += [("content-type", "application/json")]
        log = RequestLog()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(400):
            body = f'{{"prompt": "A cat, number {number}"}}'.encode()
            asked, answered = ([(name.encode(), value.encode()) for name, value in headers] for _ in range(2))
            sent = exchange(log, headers=asked, body=[body], response=[body], response_headers=answered)
            assert sent.body == body
        taken = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert 0.8 < sum(record.size for record in log.changed(0)) / taken < 1.25

    @pytest.mark.parametrize("where", ["query", "path", "method", "headers", "parts"])
    def test_nothing_that_a_client_sends_is_left_out_of_it(self, where: str) -> None:
        log = RequestLog()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(20):
            long = f"{number}" + "x" * 60_000
            known: dict[str, Any] = {"headers": [(long.encode(), b"")] if where == "headers" else []}
            if where == "parts":
                known["parts"] = [Part(f"{long}{each}", long, long, io.BytesIO(), 0) for each in range(99)]
            elif where != "headers":
                known[where] = long.encode() if where == "query" else long
            exchange(log, known.pop("path", "/v1/videos"), **known)
            known.clear()
        taken = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert sum(record.size for record in log.changed(0)) > 0.8 * taken

    def test_all_of_a_process_share_the_bound_and_the_largest_gives_way(self) -> None:
        small, large = RequestLog(), RequestLog()
        kept = completed(small)
        for _ in range(16 * MEBIBYTE // MOST_BODY):
            completed(large, body=bytes(MOST_BODY))
        others = [completed(small, body=bytes(MOST_BODY)) for _ in range(9)]
        assert [kept, *others] == small.changed(0)
        assert sum(record.size for log in (small, large) for record in log.changed(0)) <= 16 * MEBIBYTE
        assert large.first() != 1


class TestKeys:
    """What a request carries as a key is in no record, from its first moment on."""

    @given(
        spelled=st.sampled_from(SPELLINGS),
        before=st.text(max_size=9),
        after=st.text(max_size=9),
        cuts=st.lists(st.integers(1, 99), max_size=4),
        of=st.sampled_from(["the request", "the server"]),
    )
    def test_it_is_nowhere(self, spelled: str, before: str, after: str, cuts: list[int], of: str) -> None:
        text = f"{before}{spelled}{after}".encode("utf-8", "replace")
        carried = [] if of == "the server" else [(b"authorization", b"Bearer  " + KEY + b" ")]
        headers = [*carried, (b"host", text), (b"x-tenant", text), (b"x-api-key", KEY), (b"cookie", b"a=" + text)]
        edges = [0, *sorted(cuts), len(text) + 99]
        pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
        part = Part(text.decode(), None, None, io.BytesIO(text), len(text))
        file = Part("f", text.decode(), "image/png", io.BytesIO(text), len(text))
        seen: list[str] = []
        record = exchange(
            RequestLog(),
            f"/v1/videos/{spelled}",
            query=text,
            headers=[*headers, (b"content-type", b"text/plain")],
            body=pieces,
            parts=[part, file],
            response=pieces,
            response_headers=[(b"x-echo", text), (b"content-type", b"text/plain"), (b"set-cookie", text)],
            api_key=KEY.decode() if of == "the server" else None,
            seen=seen,
        )
        seen += [json.dumps(record_json(record)), line_of(record), json_line_of(record), curl(record)]
        assert [] == [each for each in seen for key in SPELLINGS if key in each]

    @given(offset=st.integers(1, len(KEY) - 1), of=st.sampled_from(["request", "response"]))
    def test_no_half_of_it_is_left_where_a_body_is_cut(self, offset: int, of: str) -> None:
        body = b"x" * (MOST_BODY - offset) + KEY + b"x"
        headers = [(b"authorization", b"Bearer " + KEY), (b"content-type", b"text/plain")]
        record = exchange(RequestLog(), headers=headers, body=[body], response=[body], response_headers=headers)
        kept = record.body if of == "request" else record.response_body
        assert not any(kept.endswith(KEY[:length]) for length in range(4, len(KEY)))
        assert len(kept) >= MOST_BODY - len(KEY)

    @given(length=st.integers(1, 300))
    def test_no_half_of_it_is_left_where_a_text_is_cut(self, length: int) -> None:
        text = "x" * length + KEY.decode() + "x" * (2 * MOST_BODY)
        content = text.encode()
        parts = [Part("prompt", None, None, io.BytesIO(content), len(content))]
        headers = [(b"authorization", b"Bearer " + KEY)]
        known: dict[str, Any]
        for known in ({"parts": parts}, {"fields": {"prompt": text}}):
            record = exchange(RequestLog(), headers=headers, body=[bytes(2 * MOST_BODY)], **known)
            [kept] = record_json(record)["fields"].values()
            assert not any(kept.endswith(f"{KEY.decode()[:length]}…") for length in range(4, len(KEY) + 1))

    @pytest.mark.parametrize("name", ["signature=", "signature%3D", "%73ignature=", r"signature\u003d", "%2525sign="])
    def test_a_signature_is_a_key(self, name: str) -> None:
        text = f'{{"url":"http://h/files/v.mp4?{name}sig-0123abcd"}}'.encode()
        headers = [(b"referer", text), (b"content-type", b"application/json")]
        record = exchange(
            RequestLog(), query=text, headers=headers, body=[text], response=[text], response_headers=headers
        )
        assert "0123abcd" not in json.dumps(record_json(record))
        kept = [record.body, record.response_body, record.headers[0][1]]
        assert [text.replace(b"sig-0123abcd", b"***")] * 3 == kept

    @pytest.mark.parametrize(
        "header", ["openai-api-key", "x-goog-api-key", "x-auth-token", "x-forwarded-authorization", "cookie"]
    )
    def test_headers_that_are_there_for_a_key_show_nothing(self, header: str) -> None:
        record = exchange(RequestLog(), headers=[(header.encode(), b"short")])
        assert [(header.encode(), b"***")] == record.headers

    @pytest.mark.parametrize("name", ["api_key", "access_token", "%61pi_key", "key"])
    def test_a_key_in_the_query_is_one(self, name: str) -> None:
        body = [b'{"prompt": "synthetic-key"}']
        headers = [(b"content-type", b"application/json")]
        record = exchange(RequestLog(), query=f"limit=2&{name}=synthetic-key&x".encode(), headers=headers, body=body)
        assert (f"limit=2&{name}=***&x", {"prompt": "***"}) == (record.query, record_json(record)["fields"])

    def test_words_that_are_no_key_stay(self) -> None:
        headers = [(b"authorization", b"Bearer short"), (b"x-tenant", b"a short one")]
        record = exchange(RequestLog(), "/v1/videos/short", headers=headers)
        assert [["authorization", "***"], ["x-tenant", "a short one"]] == [
            [*pair] for pair in record_json(record)["headers"]
        ]
        assert "/v1/videos/short" == record.path


class TestLines:
    def test_a_line_says_what_happened(self) -> None:
        made = completed(RequestLog(), method="POST", response_body=b'{"id":"video_1"}')
        assert "POST /v1/videos 200 3 ms video_1" == line_of(made).partition(" ")[2]
        wrong = {"error": {"message": "size is 0x0,\n too small\x1b[2J"}}
        refused = completed(RequestLog(), method="POST", status=400, response_body=json.dumps(wrong).encode())
        assert line_of(refused).endswith("POST /v1/videos 400 3 ms - size is 0x0, too small?[2J")
        planned = completed(RequestLog(), "/v1/videos/v", fault="reset before_answer", is_cut=True)
        assert line_of(planned).endswith("GET /v1/videos/v cut 3 ms [planned: reset before_answer]")

    def test_a_line_of_json_has_the_same_facts(self) -> None:
        facts = json.loads(json_line_of(completed(RequestLog(), "/v1/videos/video_1")))
        assert "2027-01-15T08:00:00.000+00:00" == facts.pop("time")
        assert ("retrieve_video", "video_1", 200, 3.1) == tuple(
            facts[name] for name in ("operation", "video_id", "status", "milliseconds")
        )

    @given(body=st.binary(max_size=200), path=st.text(st.characters(codec="ascii"), max_size=20))
    def test_nothing_breaks_a_line(self, body: bytes, path: str) -> None:
        record = completed(RequestLog(), f"/{path}", "POST", status=500, response_body=body)
        assert line_of(record).isprintable()
        assert 1 == len(json_line_of(record).splitlines())
        assert "curl" == shlex.split(curl(record))[0]
        for describe in (error_of, video_id_of):
            assert isinstance(describe(record), str | None)

    @pytest.mark.parametrize("said", [{"detail": "x"}, {"error": "x"}, {"message": "x"}])
    def test_the_words_of_other_envelopes_are_found(self, said: dict[str, str]) -> None:
        text = error_of(completed(RequestLog(), status=400, response_body=json.dumps(said).encode()))
        assert "x" in (text or "")

    @pytest.mark.parametrize(
        ("method", "path", "status", "answered", "expected"),
        [
            ("POST", "/v1/videos", 200, {"id": "video_2"}, "video_2"),
            ("POST", "/v1/videos/video_1/remix", 200, {"id": "video_2"}, "video_2"),
            ("POST", "/v1/videos/video_1/remix", 409, {"id": "odd"}, "video_1"),
            ("POST", "/v1/videos/characters", 200, {"id": "char_1"}, None),
            ("POST", "/v1/videos/edits", 200, {"id": 7}, None),
            ("PUT", "/v1/videos/video_1", 405, {}, "video_1"),
            ("GET", "/files/video_1.mp4", 200, {}, "video_1"),
            ("GET", "/v1/videos", 200, {"id": "odd"}, None),
        ],
    )
    def test_the_job_is_the_one_that_was_started_or_is_named(
        self, method: str, path: str, status: int, answered: dict[str, Any], expected: str | None
    ) -> None:
        body = json.dumps(answered).encode()
        assert expected == video_id_of(completed(RequestLog(), path, method, status=status, response_body=body))


class TestCurl:
    def test_a_form_is_sent_again(self) -> None:
        parts = (
            SentPart("prompt", 1, "it's"),
            SentPart("model", 5, "@file"),
            SentPart("negative_prompt", 999, "long…", is_cut=True),
            SentPart("references[first_frame]", 9, None, "a b.png", "image/png"),
        )
        words = shlex.split(curl(completed(RequestLog(), method="POST", parts=parts, length=300)))
        assert [
            *("--form-string", "prompt=it's", "--form-string", "model=@file", "-F", "negative_prompt=<TEXT"),
            *("-F", "references[first_frame]=@FILE;type=image/png"),
        ] == words[5:-1]

    @given(name=CRAFTED, filename=CRAFTED | st.none(), kind=CRAFTED | st.none(), text=CRAFTED, body=CRAFTED)
    @example(name="x=@/etc/passwd;a", filename="/etc/passwd", kind="a/b,/etc/passwd", text="@/etc/passwd", body="")
    @example(name="", filename=None, kind=None, text="", body="@/etc/passwd")
    def test_no_client_names_a_file_of_who_runs_it(
        self, name: str, filename: str | None, kind: str | None, text: str, body: str
    ) -> None:
        cut = SentPart(name, 9, text, is_cut=True)
        parts = (SentPart(name, 9, text if filename is None else None, filename, kind), cut)
        known: dict[str, Any]
        for known in ({"parts": parts}, {"body": body.encode(), "length": len(body), "is_body_whole": True}):
            words = shlex.split(curl(completed(RequestLog(), method="POST", **known)))
            for option, value in itertools.pairwise(words):
                if option == "-F":
                    assert re.fullmatch(r"[\w.+/\[\]-]+=(<TEXT|@FILE(;type=[\w.+/\[\]-]+)?)", value, re.ASCII)
                assert option not in {"--data", "-d", "--data-binary", "-K", "-T"} or value == "@BODY"

    @pytest.mark.parametrize("path", ["@evil.example/x", "/v1/videos", ":80@evil.example/", "//evil.example/"])
    def test_it_goes_to_the_address_of_the_server(self, path: str) -> None:
        headers = [(b"host", b"evil.example"), (b"x-forwarded-host", b"evil.example")]
        target = httpx.URL(shlex.split(curl(exchange(RequestLog(), path, headers=headers)))[-1])
        assert ("http", "localhost", None) == (target.scheme, target.host, target.port)

    @pytest.mark.parametrize(
        ("kept", "length", "expected"),
        [
            (b"@file", 5, ["--data-raw", "@file"]),
            (b"{}", 2, ["--data-raw", "{}"]),
            (b"{", 99, ["--data-binary", "@BODY"]),
            (b"", 99, ["--data-binary", "@BODY"]),
            (b"", 0, []),
        ],
    )
    def test_a_body_is_sent_again_if_it_is_whole(self, kept: bytes, length: int, expected: list[str]) -> None:
        is_whole = len(kept) == length
        record = completed(RequestLog(), method="POST", body=kept, length=length, is_body_whole=is_whole)
        assert expected == shlex.split(curl(record))[5:-1]


class TestWriter:
    def test_a_slow_reader_delays_nothing_and_is_told_what_is_left_out(self) -> None:
        gate, log, stream = threading.Event(), RequestLog(), io.StringIO()

        class Slow(io.StringIO):
            def write(self, text: str) -> int:
                gate.wait(30)
                return stream.write(text)

        writer = LogWriter(Slow(), log_format="text")
        writer.start()
        writer.follow(log)
        for _ in range(200):
            completed(log, response_body=bytes(MOST_BODY))
        gate.set()
        writer.close()
        written = stream.getvalue().splitlines()
        [left_out] = [each for each in written if "lines are left out" in each]
        assert 200 == len(written) - 1 + int(left_out.split("up to ")[1].split()[0])
        assert len(written) < 100

    def test_a_line_comes_at_once_and_those_that_follow_it_come_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses, end = queue.SimpleQueue[float](), threading.Semaphore(0)

        def pause(seconds: float) -> None:
            pauses.put(seconds)
            assert end.acquire(timeout=10)

        monkeypatch.setattr(log_writer, "sleep", pause)
        log, stream = RequestLog(), io.StringIO()
        writer = LogWriter(stream, log_format="text")
        writer.follow(log)
        writer.start()
        completed(log)
        assert pauses.get(timeout=10) <= 0.1
        assert 1 == stream.getvalue().count("\n")
        for _ in range(9):
            completed(log)
        end.release()
        pauses.get(timeout=10)
        assert 10 == stream.getvalue().count("\n")
        end.release()
        writer.close()
        assert pauses.empty()

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_what_a_stream_does_not_take_is_told_once_it_takes_more(self, log_format: str) -> None:
        log, stream = RequestLog(), io.StringIO()
        failures = [OSError(errno.ENOSPC, "the disk is full"), ValueError("I/O operation on closed file")]

        class Full(io.StringIO):
            def write(self, text: str) -> int:
                if failures:
                    raise failures.pop()
                return stream.write(text)

        writer = LogWriter(Full(), log_format=log_format)
        writer.follow(log)
        for path in ("/v1/a", "/v1/b", "/v1/c", "/v1/d"):
            completed(log, path=path)
        writer.start()
        writer.close()
        first, notice, last = stream.getvalue().splitlines()
        assert (True, True, True) == ("/v1/c" in first, "up to 2 lines are left out" in notice, "/v1/d" in last)
        if log_format == "json":
            assert ["level", "message", "time"] == sorted(json.loads(notice))

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_warnings_and_tracebacks_are_written_in_the_same_format(self, log_format: str) -> None:
        stream = io.StringIO()
        writer = LogWriter(stream, log_format=log_format)
        error = RuntimeError("odd")
        for record in (
            logging.LogRecord("x", logging.WARNING, "x", 1, "a client spoke %s", ("TLS",), None),
            logging.LogRecord("x", logging.ERROR, "x", 1, "request %s failed", ("r",), (type(error), error, None)),
        ):
            writer.handler.handle(record)
        writer.start()
        writer.close()
        lines = stream.getvalue().splitlines()
        if log_format == "text":
            assert ["openvideos-emulator: WARNING: a client spoke TLS"] == lines[:1]
            assert ["openvideos-emulator: ERROR: request r failed", "RuntimeError: odd"] == lines[1:]
            return
        first, second = map(json.loads, lines)
        assert ("WARNING", "a client spoke TLS") == (first["level"], first["message"])
        assert ("ERROR", "request r failed") == (second["level"], second["message"])
        assert "RuntimeError: odd" == second["traceback"]
        assert "+00:00" in first["time"]

    def test_a_line_that_cannot_be_made_is_told_and_the_log_goes_on(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log, stream = RequestLog(), io.StringIO()

        def describe(record: Record) -> str:
            if record.number == 1:
                raise ValueError("a bug")
            return f"request {record.number}"

        monkeypatch.setattr(log_writer, "line_of", describe)
        writer = LogWriter(stream, log_format="text")
        writer.start()
        writer.follow(log)
        completed(log)
        completed(log)
        writer.close()
        assert "request 2\n" == stream.getvalue()
        assert "the request 1 cannot be described" in caplog.text


class TestRequests:
    def test_an_exchange_is_kept_whole(self, serve: type[Server], png: bytes) -> None:
        with serve(api_key="sk-synthetic") as server:
            key = {"authorization": "Bearer sk-synthetic"}
            form = {"prompt": "A boat", "size": "64x48", "seconds": "1"}
            files = {"input_reference": ("boat.png", png, "image/png")}
            made = server.ok("POST", "videos", data=form, files=files, headers=key)
            server.refused(400, "POST", "videos", json={"prompt": ""}, headers=key)
            server.refused(404, "GET", "http://emulator/videos", headers=key)
            server.get("http://emulator/", headers=key)
            listed = server.ok("GET", f"{CONTROL}/requests", headers=key)
            assert [1, 2, 3] == [each["number"] for each in listed["requests"]]
            assert ["create_video", "create_video", None] == [each["operation"] for each in listed["requests"]]
            assert [200, 400, 404] == [each["status"] for each in listed["requests"]]
            assert [made["id"], None, None] == [each["video_id"] for each in listed["requests"]]
            assert "prompt" in listed["requests"][1]["error"]
            assert not listed["has_more"]
            whole = server.ok("GET", f"{CONTROL}/requests/1", headers=key)
            assert form == whole["fields"]
            assert [
                {"name": "input_reference", "filename": "boat.png", "media_type": "image/png", "length": len(png)}
            ] == whole["files"]
            assert made == json.loads(whole["response_body"])
            assert ["authorization", "***"] in whole["headers"]
            assert "sk-synthetic" not in json.dumps(whole)
            assert {"prompt": ""} == server.ok("GET", f"{CONTROL}/requests/2", headers=key)["fields"]
            assert "not_found" == server.refused(404, "GET", f"{CONTROL}/requests/9", headers=key)["code"]

    def test_the_fields_of_a_large_body_are_told(self, serve: type[Server], png: bytes) -> None:
        """Short ones whole, of long ones the beginning, without half a letter."""
        long, url = "\u4e2d" * 30_000, f"data:image/png;base64,{base64.b64encode(png).decode()}"
        fields = {"prompt": "\u4e00\u53ea\u732b" * 5000, "negative_prompt": long, "size": "64x48", "seconds": "1"}
        with serve() as server:
            for sent in ({"json": {**fields, "input_reference": {"image_url": url}}}, {"files": _parts(fields)}):
                server.ok("POST", "videos", **sent)
                server.ok("POST", f"{CONTROL}/faults", json={"status": 404})
                server.refused(404, "POST", "videos", **sent)
            listed = server.ok("GET", f"{CONTROL}/requests", params={"whole": "true"})["requests"]
        assert [200, 404, 200, 404] == [each["status"] for each in listed]
        kept = [each["fields"] for each in listed]
        assert {"image_url": url} == kept[0].pop("input_reference") == kept[1].pop("input_reference")
        assert [{**fields, "negative_prompt": f"{long[:100]}…"}] * 4 == kept
        assert all("BODY" in each["curl"] or "negative_prompt=<TEXT" in each["curl"] for each in listed)

    @given(fields=st.dictionaries(st.text(max_size=5), FIELD_VALUES, max_size=8))
    def test_what_is_kept_of_fields_is_bounded(self, fields: dict[str, Any]) -> None:
        record = exchange(RequestLog(), headers=[], body=[bytes(MOST_BODY + 1)], fields=fields)
        assert record.fields is not None
        assert len(record.fields) <= 2 * MOST_BODY
        kept = record_json(record)["fields"]
        assert {name: value for name, value in fields.items() if len(repr(value)) < 999} == {
            name: value for name, value in kept.items() if len(repr(fields[name])) < 999
        }
        assert list(kept) == [name for name in fields if name in kept]

    def test_it_is_read_in_pages(self, serve: type[Server]) -> None:
        with serve() as server:
            for _ in range(5):
                server.get("videos")
            since, seen, pages = 0, [], 0
            has_more = True
            while has_more:
                page = server.ok("GET", f"{CONTROL}/requests", params={"since": since, "limit": 2, "whole": "true"})
                seen += [each["number"] for each in page["requests"]]
                since, has_more, pages = page["version"], page["has_more"], pages + 1
            assert ([1, 2, 3, 4, 5], 3) == (seen, pages)
            page = server.ok("GET", f"{CONTROL}/requests", params={"since": since})
            assert (since, 1, []) == (page["version"], page["first"], page["requests"])
            server.ok("POST", f"{CONTROL}/reset")
            page = server.ok("GET", f"{CONTROL}/requests")
            assert ([], None) == (page["requests"], page["first"])
            log = page["log"]
        with serve() as server:  # its versions begin anew, which a reader has to know
            assert log != server.ok("GET", f"{CONTROL}/requests")["log"]

    def test_it_has_the_real_time_and_that_of_jobs(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 90_000})
            began = time.time()
            server.get("videos")
            (told,) = server.get(f"{CONTROL}/requests").json()["requests"]
            assert began <= told["at"] <= time.time()
            assert server.get(f"{CONTROL}/state").json()["now"] == told["job_time"]

    def test_what_was_planned_is_told(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok(
                "POST", f"{CONTROL}/faults", json={"status": 404, "prompt": "*boat*", "operation": "create_video"}
            )
            server.refused(404, "POST", "videos", data={"prompt": "A boat"}, files={"x": b""})
            [seen] = server.ok("GET", f"{CONTROL}/requests", params={"whole": "true"})["requests"]
            assert ("status 404", {"prompt": "A boat"}) == (seen["fault"], seen["fields"])

    @pytest.mark.parametrize("fault", [{"status": 503, "carried_out": True}, {"reset": "before_answer"}])
    def test_a_job_whose_response_is_lost_is_told(self, serve: type[Server], fault: dict[str, Any]) -> None:
        with serve() as server:
            server.ok("POST", f"{CONTROL}/faults", json=fault)
            body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
            with pytest.raises((ConnectionResetError, AssertionError)):
                server.ok("POST", "videos", json=body)
            [job] = server.ok("GET", "videos")["data"]
            [lost, _] = server.ok("GET", f"{CONTROL}/requests")["requests"]
            assert ("create_video", job["id"]) == (lost["operation"], lost["video_id"])

    def test_a_file_is_not_kept_but_its_length(self, serve: type[Server]) -> None:
        with serve() as server:
            id_ = server.create()["id"]
            length = len(server.get(f"videos/{id_}/content").content)
            last = server.ok("GET", f"{CONTROL}/requests", params={"whole": "true"})["requests"][-1]
            assert (None, length) == (last["response_body"], last["response_length"])


class TestFaultsByPromptAndJob:
    @pytest.mark.parametrize("send", ["json", "data"])
    def test_a_prompt_of_a_create(self, serve: type[Server], send: str) -> None:
        with serve() as server:
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "prompt": "*boat*", "times": 9})
            fields = {"size": "64x48", "seconds": "1"}
            files = {"files": {"unknown": b"x"}} if send == "data" else {}
            cat = server.request("POST", "videos", **{send: {"prompt": "A cat", **fields}}, **files)
            assert 200 == cat.status_code, cat.text
            server.refused(404, "POST", "videos", **{send: {"prompt": "A boat, red", **fields}}, **files)

    def test_a_prompt_of_the_job_in_the_path(self, serve: type[Server]) -> None:
        with serve() as server:
            boat, cat = server.create("A boat")["id"], server.create("A cat")["id"]
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "prompt": "A boat"})
            server.ok("GET", f"videos/{cat}")
            server.refused(404, "GET", "videos/unknown")
            assert "planned_fault" == server.refused(404, "GET", f"videos/{boat}")["code"]

    def test_a_job(self, serve: type[Server]) -> None:
        with serve() as server:
            boat, cat = server.create("A boat")["id"], server.create("A cat")["id"]
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "job": boat})
            server.ok("GET", f"videos/{cat}")
            assert "planned_fault" == server.refused(404, "GET", f"videos/{boat}/content")["code"]

    @pytest.mark.parametrize("how", ["job", "prompt", "operation"])
    def test_the_url_of_a_file_is_a_download_too(self, serve: type[Server], how: str) -> None:
        with serve() as server:
            server.create("A cat")
            boat = server.create("A boat")["id"]
            urls = {video["prompt"]: video["url"] for video in server.ok("GET", "videos")["data"]}
            fault = {"job": boat, "prompt": "*boat*", "operation": "download_video_content"}[how]
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, how: fault})
            if how != "operation":
                assert 200 == server.get(urls["A cat"]).status_code
            assert "planned_fault" == server.refused(404, "GET", urls["A boat"])["code"]
            last = server.ok("GET", f"{CONTROL}/requests")["requests"][-1]
            assert ("download_video_content", boat) == (last["operation"], last["video_id"])

    @pytest.mark.parametrize("send", ["json", "files"])
    def test_a_large_body_is_read_in_the_thread_for_large_bodies(
        self, serve: type[Server], monkeypatch: pytest.MonkeyPatch, send: str
    ) -> None:
        """One at a time, as ever, and not in the event loop."""
        threads: list[str] = []
        prompt_in = fault_injection._prompt_in

        def noting(*arguments: Any) -> Any:
            threads.append(threading.current_thread().name)
            return prompt_in(*arguments)

        monkeypatch.setattr(fault_injection, "_prompt_in", noting)
        with serve() as server:
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "prompt": "x"})
            fields = {"prompt": "A cat", "size": "64x48", "seconds": "1", "more": "x" * 100_000}
            server.ok("POST", "videos", **{send: fields if send == "json" else _parts(fields)})
        assert ["json_0"] == threads

    def test_a_body_that_cannot_be_read_is_refused_as_ever(self, serve: type[Server]) -> None:
        with serve(max_body_bytes=1000) as server:
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "prompt": "x"})
            assert "invalid_json" == server.refused(400, "POST", "videos", content=b"{", headers=_json())["code"]
            assert (
                "body_too_large" == server.refused(413, "POST", "videos", content=b" " * 5000, headers=_json())["code"]
            )


def _parts(fields: dict[str, str]) -> dict[str, Any]:
    return {name: (None, value) for name, value in fields.items()}


def _json() -> dict[str, str]:
    return {"content-type": "application/json"}
