"""Jobs and characters can start from files and from other videos; what cannot be read is refused by name."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Server


def clip_of(server: Server, **fields: Any) -> bytes:
    return server.get(f"videos/{server.create(**fields)['id']}/content").content


def test_a_reference_image_is_taken_as_a_file_or_an_object(serve: type[Server], png: bytes) -> None:
    with serve() as server:
        server.ok("POST", "videos", files={"prompt": (None, "x"), "input_reference": ("a.png", png, "image/png")})
        url = "data:image/png;base64," + base64.b64encode(png).decode()
        for reference in ({"image_url": url}, {"image_url": "https://images.example.org/a.png"}, {"file_id": "file_1"}):
            server.create(input_reference=reference)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"GIF89a\x01\x00\x01\x00"])
def test_a_reference_that_is_no_image_is_refused(serve: type[Server], content: bytes) -> None:
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a.png", content, "image/png")}
        error = server.refused(422, "POST", "videos", files=files)
        assert ("input_reference", "invalid_image") == (error["param"], error["code"])
        url = "data:image/png;base64," + base64.b64encode(content).decode()
        body = {"prompt": "x", "input_reference": {"image_url": url}}
        assert "input_reference.image_url" == server.refused(422, "POST", "videos", json=body)["param"]


def test_a_truncated_image_is_refused(serve: type[Server], png: bytes) -> None:
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a.png", png[:-30], "image/png")}
        server.refused(422, "POST", "videos", files=files)


def test_a_reference_changes_the_picture(serve: type[Server]) -> None:
    with serve() as server:
        plain = clip_of(server)
        assert plain != clip_of(server, input_reference={"file_id": "file_1"})


def test_a_video_is_edited_by_its_id(serve: type[Server]) -> None:
    with serve() as server:
        source = server.create(model="other", seconds="2")
        edit = server.ok("POST", "videos/edits", json={"prompt": "Night", "video": {"id": source["id"]}})
        kept = ("model", "size", "seconds")
        assert [source[name] for name in kept] == [edit[name] for name in kept]
        assert ("Night", None) == (edit["prompt"], edit["remixed_from_video_id"])


def test_a_video_is_extended_by_both_durations(serve: type[Server]) -> None:
    with serve() as server:
        source = server.create(seconds="2")
        body = {"prompt": "On", "seconds": "3", "video": {"id": source["id"]}}
        assert "5" == server.ok("POST", "videos/extensions", json=body)["seconds"]
        error = server.refused(400, "POST", "videos/extensions", json={**body, "seconds": "59"})
        assert "seconds" == error["param"]


def test_a_source_must_be_there_and_completed(serve: type[Server]) -> None:
    with serve(pace="seconds:5") as server:
        id_ = server.create()["id"]
        for path, more in (("edits", {}), ("extensions", {"seconds": "1"})):
            body = {"prompt": "x", **more, "video": {"id": id_}}
            assert "video_not_ready" == server.refused(409, "POST", f"videos/{path}", json=body)["code"]
            error = server.refused(404, "POST", f"videos/{path}", json={**body, "video": {"id": "video_unknown"}})
            assert "video.id" == error["param"]
            error = server.refused(400, "POST", f"videos/{path}", json={**body, "video": {}})
            assert "video.id" == error["param"]


def test_a_file_reports_its_size_and_its_duration(serve: type[Server]) -> None:
    with serve() as server:
        video = ("clip.mp4", clip_of(server, size="48x64", seconds="2"), "video/mp4")
        edit = server.ok("POST", "videos/edits", files={"prompt": (None, "Night"), "video": video})
        assert ("48x64", "2", "sora-2") == (edit["size"], edit["seconds"], edit["model"])
        files: dict[str, Any] = {"prompt": (None, "On"), "seconds": (None, "1"), "video": video}
        assert "3" == server.ok("POST", "videos/extensions", files=files)["seconds"]
        assert edit["id"] in [each["id"] for each in server.ok("GET", "videos")["data"]]
        assert 200 == server.get(f"videos/{edit['id']}/content").status_code


@pytest.mark.parametrize("path", ["edits", "extensions", "characters"])
@pytest.mark.parametrize("content", [b"", b"text", b"\0\0\0\x18ftypmp42" + b"\0" * 50])
def test_a_file_that_is_no_video_is_refused(serve: type[Server], path: str, content: bytes) -> None:
    with serve() as server:
        files = {"prompt": (None, "x"), "seconds": (None, "1"), "name": (None, "n"), "video": ("a.mp4", content)}
        error = server.refused(422, "POST", f"videos/{path}", files=files)
        assert ("video", "invalid_video") == (error["param"], error["code"])


def test_a_truncated_video_is_refused(serve: type[Server]) -> None:
    with serve() as server:
        content = clip_of(server)
        files = {"prompt": (None, "x"), "video": ("a.mp4", content[: content.index(b"mdat") + 6])}
        server.refused(422, "POST", "videos/edits", files=files)


def test_a_character_is_stored(serve: type[Server]) -> None:
    with serve() as server:
        files: dict[str, Any] = {"name": (None, "Ada"), "video": ("ada.mp4", clip_of(server), "video/mp4")}
        character = server.ok("POST", "videos/characters", files=files)
        assert ("Ada", "character") == (character["name"], character["object"])
        assert character == server.ok("GET", f"videos/characters/{character['id']}")
        assert "character_id" == server.refused(404, "GET", "videos/characters/char_unknown")["param"]


def test_a_character_has_a_name(serve: type[Server]) -> None:
    with serve() as server:
        for name in ("", "x" * 256):
            files = {"name": (None, name), "video": ("a.mp4", b"x")}
            assert "name" == server.refused(400, "POST", "videos/characters", files=files)["param"]
