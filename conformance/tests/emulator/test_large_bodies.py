"""A large body is judged as a small one is, and neither it nor a large picture keeps other requests waiting."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import itertools
import json
import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from openvideos_emulator import create_app
from openvideos_emulator._http import body as body_module
from openvideos_emulator._http import upload_probe
from openvideos_emulator._http.body import parse_json
from openvideos_emulator._model.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.emulator.conftest import Server

SMALL = {"prompt": "x", "size": "64x48", "seconds": "1"}
JSON_TYPE = {"content-type": "application/json"}
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.text('a\\"é', max_size=30),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.text('ab\\"', max_size=9), child, max_size=4),
    max_leaves=8,
)


def parsed(chunks: Sequence[bytes], **limits: int) -> Any:
    """Parse a body with other limits than the usual ones; give the code of what is refused."""
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in limits.items():
            patch.setattr(body_module, name, limit)
        try:
            return parse_json(chunks)
        except RefusalError as refusal:
            return refusal.code


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Give JSON, or what is nearly JSON."""
    if draw(st.booleans()):
        value = draw(st.dictionaries(st.text('ab\\"', max_size=9), VALUES, max_size=5))
        indent = draw(st.sampled_from([None, 1]))
        return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=indent).encode("utf-8", "replace")
    pieces = st.sampled_from(
        ['"', "\\", "\\\\", '\\"', "{", "}", "[", "]", ":", ",", "a", "aaaa", "1", " ", "\n", "é", "\x7f"]
    )
    return ("{" + "".join(draw(st.lists(pieces, max_size=25)))).encode()


@given(body=bodies(), cuts=st.lists(st.integers(0, 60), max_size=6), long=st.integers(0, 4))
@example(body=rb'{"a\"": "\\", "b": "aaaa\\\\\"aaaa", "c": ["aaaa", {"aaaa": "aaaa"}]}', cuts=[*range(60)], long=1)
@example(body=b'{"aaaa": 1, "aaaa": 2}', cuts=[], long=1)
def test_what_is_kept_apart_does_not_change_what_a_body_means(body: bytes, cuts: list[int], long: int) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in itertools.pairwise(edges)]
    assert parsed(chunks) == parsed(chunks, SMALL_JSON=0, _LONG=long, _PIECE=7)


@given(data=st.text("Ab1+/=-", max_size=40), piece=st.sampled_from([4, 8]))
@example(data="AA==AAAA", piece=4)
def test_base64_is_decoded_in_pieces_as_at_once(data: str, piece: int) -> None:
    expected: bytes | None
    try:
        expected = base64.b64decode(data, validate=True)
    except binascii.Error:
        expected = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload_probe, "_PIECE", piece)
        try:
            found: bytes | None = upload_probe._decoded(data).getvalue()
        except ValueError:
            found = None
    assert expected == found


def test_the_longest_texts_of_the_contract_are_taken(serve: type[Server], document: dict[str, Any], png: bytes) -> None:
    """Also if each of their characters is escaped."""
    schemas = document["components"]["schemas"]
    longest = schemas["ImageUrl"]["maxLength"]
    start = "data:image/png;base64,"
    data = base64.b64encode(png + bytes((longest - len(start)) // 4 * 3 - len(png) - 3)).decode()
    emoji = "\N{GRINNING FACE}" * schemas["Prompt"]["maxLength"]
    body = {**SMALL, "prompt": emoji, "negative_prompt": emoji, "input_reference": {"image_url": start + data}}
    with serve() as server:
        headers = {**JSON_TYPE, "idempotency-key": "k"}
        content = json.dumps(body).encode()
        made = server.ok("POST", "videos", content=content, headers=headers)
        assert emoji == made["prompt"]
        assert made["id"] == server.ok("POST", "videos", content=content, headers=headers)["id"]
        other = content.replace(b"AAAAAAA", b"AAAAAAB", 1)
        server.refused(409, "POST", "videos", content=other, headers=headers)


@pytest.mark.parametrize(
    "middle", [b"[" * 2, b"1,", b'{"a":1},', b'"a",', b"9", b" ", b'"\\u4e2d",', '"é",'.encode()], ids=repr
)
def test_more_than_can_be_parsed_at_once_is_refused(serve: type[Server], middle: bytes) -> None:
    content = b'{"prompt": "x", "a": [' + middle * (2 * (1 << 20) // len(middle))
    with serve() as server:
        error = server.refused(413, "POST", "videos", content=content, headers=JSON_TYPE)
        assert "body_too_large" == error["code"]
        assert "more than 1048576 bytes beside long texts" in error["message"]


def test_a_part_of_a_form_with_a_long_head_is_refused(serve: type[Server]) -> None:
    """Its parameters would be looked for again after each semicolon."""
    head = b'--b\r\nContent-Disposition: form-data; name="prompt"; x="' + b";" * 20_000
    with serve() as server:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        content = head + b'"\r\n\r\nA cat\r\n--b--\r\n'
        assert "invalid_form" == server.refused(400, "POST", "videos", content=content, headers=headers)["code"]


def test_a_long_text_that_is_too_long_is_named_in_a_short_message(serve: type[Server]) -> None:
    with serve() as server:
        for body in ({"prompt": "x" * 999_999}, {"prompt": {"a": ["x" * 999_999]}}, {"size": "x" * 999_999}):
            error = server.refused(400, "POST", "videos", content=json.dumps({**SMALL, **body}), headers=JSON_TYPE)
            assert next(iter(body)) == error["param"]
            assert len(error["message"]) < 200
        files = {"prompt": (None, "x"), "input_reference[image_url]": (None, "x" * 999_999)}
        assert len(server.refused(400, "POST", "videos", files=files)["message"]) < 200


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png_of(width: int, height: int, *, before: bytes = b"") -> bytes:
    """Make a PNG that says to have this size, and has no pixel."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **options)
    return file.getvalue()


TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "png": lambda: png_of(8192, 4097),
    "huge": lambda: png_of(60_000, 60_000),
    "webp": lambda: encoded("WEBP", (16_383, 1025), lossless=True, method=0),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(serve: type[Server], name: str) -> None:
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a", TOO_LARGE[name]())}
        error = server.refused(422, "POST", "videos", files=files)
        assert ("input_reference", "invalid_image") == (error["param"], error["code"])
        if name != "huge":  # Pillow refuses it itself
            assert "pixels; send a file with" in error["message"]


def test_texts_in_a_png_that_unpack_to_much_are_refused(serve: type[Server]) -> None:
    bomb = zlib.compress(bytes(8 << 20), 9)
    for kind, head in ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")):
        content = png_of(8, 8, before=chunk(kind, head + bomb))
        with serve() as server:
            files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a.png", content)}
            server.refused(422, "POST", "videos", files=files)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "WEBP", "save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")] * 3},
        {"kind": "MPO", "save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")] * 3},
        {"kind": "JPEG", "progressive": True},
        {"kind": "PNG", "save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")] * 3},
    ],
    ids=lambda options: str(options["kind"]),
)
def test_pictures_of_several_frames_are_taken(serve: type[Server], options: dict[str, Any]) -> None:
    kind, more = options["kind"], {name: value for name, value in options.items() if name != "kind"}
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a", encoded(kind, (64, 64), **more))}
        server.ok("POST", "videos", files=files)
        cut = encoded(kind, (64, 64), **more)[:120]
        server.refused(422, "POST", "videos", files={**files, "input_reference": ("a", cut)})


def test_a_video_of_too_many_pixels_is_refused(serve: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(pace="instant") as server:
        clip = server.get(f"videos/{server.create()['id']}/content").content
        monkeypatch.setattr(upload_probe, "_MAX_COSTLY_PIXELS", 64 * 48 - 1)
        files: dict[str, Any] = {"prompt": (None, "x"), "video": ("a.mp4", clip)}
        error = server.refused(422, "POST", "videos/edits", files=files)
        assert ("video", "invalid_video") == (error["param"], error["code"])
        assert "video has 64x48 pixels; send a file with 3071 at most." == error["message"]


def jpeg_of(scans: int) -> bytes:
    """Make a grey, progressive JPEG of 8x8 pixels: one scan with its mean value, and others that change nothing."""

    def segment(kind: int, content: bytes) -> bytes:
        return bytes([0xFF, kind]) + struct.pack(">H", len(content) + 2) + content

    def table(kind: int) -> bytes:  # of one code: the bit 0
        return segment(0xC4, bytes([kind << 4, 1, *[0] * 15, 0]))

    frame = segment(0xC2, struct.pack(">BHHBBBB", 8, 8, 8, 1, 1, 0x11, 0))
    head = b"\xff\xd8" + segment(0xDB, bytes([0] + [1] * 64)) + frame + table(0) + table(1)
    mean = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + b"\x7f"
    other = segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + b"\x7f"
    return head + mean + other * (scans - 1) + b"\xff\xd9"


def test_a_picture_that_is_gone_over_too_often_is_refused(serve: type[Server]) -> None:
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a", jpeg_of(100))}
        server.ok("POST", "videos", files=files)
        error = server.refused(422, "POST", "videos", files={**files, "input_reference": ("a", jpeg_of(101))})
        assert "input_reference has more than 100 scans; send a JPEG with fewer." == error["message"]


MANY = b"\xff" * 16
BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "samples of one size": lambda clip: clip.replace(b"stsz" + bytes(8), b"stsz" + bytes(7) + b"\1", 1).replace(
        b"stsz" + bytes(7) + b"\1\0\0", b"stsz" + bytes(7) + b"\1\1\0", 1
    ),
    "a fragment": lambda clip: clip + atom(b"moof", atom(b"traf", atom(b"trun", MANY))),
    "a fragment among frames": lambda clip: clip + atom(b"mdat", atom(b"moof", atom(b"traf", atom(b"trun", MANY)))),
    "compressed tables": lambda clip: clip + atom(b"moov", atom(b"cmov", MANY)),
    "a table at the edge of what is read at once": lambda clip: (
        clip + atom(b"free", bytes((1 << 20) - 10) + atom(b"stz2", MANY))
    ),
    "many empty tables": lambda clip: clip + atom(b"stsz", bytes(12)) * 30_000,
    "what follows thousands of boxes": lambda clip: clip + atom(b"free", b"") * 10_000 + atom(b"mdat", b"trun" + MANY),
}


def atom(kind: bytes, content: bytes) -> bytes:
    """Make a box of an MP4 file."""
    return struct.pack(">L", len(content) + 8) + kind + content


@pytest.mark.parametrize("name", BOMBS)
def test_a_video_that_claims_more_samples_than_fit_into_memory_is_refused(serve: type[Server], name: str) -> None:
    with serve(pace="instant") as server:
        clip = server.get(f"videos/{server.create()['id']}/content").content
        # Frames may hold any bytes, those of a table's name among them.
        files: dict[str, Any] = {"prompt": (None, "x"), "video": ("a.mp4", clip + atom(b"mdat", b"stsz" + MANY))}
        server.ok("POST", "videos/edits", files=files)
        bomb = BOMBS[name](clip)
        assert bomb != clip
        error = server.refused(422, "POST", "videos/edits", files={**files, "video": ("a.mp4", bomb)})
        assert ("video", "invalid_video") == (error["param"], error["code"])
        assert ("compressed tables" if name == "compressed tables" else "too many samples") in error["message"]


async def _ask(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> int:
    return (await http.request(method, path, **options)).status_code


async def _in_pieces() -> AsyncIterator[bytes]:
    """Give a small body whose length is not announced."""
    yield json.dumps(SMALL).encode()


def test_uploads_that_wait_hold_up_no_other_request(monkeypatch: pytest.MonkeyPatch, png: bytes) -> None:
    """There are more of them than threads; one picture is decoded at a time, and one large body is parsed at a time."""
    go, both, running, most = threading.Event(), threading.Event(), [0], [0]

    def slow(function: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*arguments: Any, **options: Any) -> Any:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] == 2:
                both.set()
            assert go.wait(30)
            running[0] -= 1
            return function(*arguments, **options)

        return wait

    http = "openvideos_emulator._http"
    monkeypatch.setattr(f"{http}.handlers.reference_source", slow(upload_probe.reference_source))
    parse_slowly = slow(parse_json)
    monkeypatch.setattr(
        f"{http}.api.parse_json", lambda body: (parse_slowly if len(body[0]) > 9999 else parse_json)(body)
    )
    app = create_app()
    fields = {name: (None, value) for name, value in SMALL.items()}
    large = json.dumps({**SMALL, "more": "x" * 100_000}).encode()

    async def scenario() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator") as http:
            files: dict[str, Any] = {**fields, "input_reference": ("a.png", png, "image/png")}
            uploads = [asyncio.create_task(_ask(http, "POST", "/v1/videos", files=files)) for _ in range(60)]
            uploads += [
                asyncio.create_task(_ask(http, "POST", "/v1/videos", content=large, headers=JSON_TYPE))
                for _ in range(60)
            ]
            try:
                assert await asyncio.to_thread(both.wait, 20)
                async with asyncio.timeout(20):
                    assert 200 == await _ask(http, "GET", "/v1/videos")
                    assert 200 == await _ask(http, "GET", "/_emulator/jobs")  # it takes one of anyio's threads
                    plains: list[dict[str, Any]] = [{"json": SMALL}, {"files": fields}, {"content": _in_pieces()}]
                    for number, plain in enumerate(plains):
                        headers = {"idempotency-key": str(number), **(JSON_TYPE if "content" in plain else {})}
                        assert 200 == await _ask(http, "POST", "/v1/videos", headers=headers, **plain)
                assert not any(upload.done() for upload in uploads)
            finally:
                go.set()
            return list(await asyncio.gather(*uploads))

    try:
        assert {200} == set(asyncio.run(scenario()))
    finally:
        app.close()
    assert 2 == most[0]
