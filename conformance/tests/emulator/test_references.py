"""A form names a reference by a key in brackets, as a JSON body does by an object; each is used or refused."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.emulator.conftest import Server

SMALL = {"prompt": "x", "size": "64x48", "seconds": "1"}
URL, FILE_ID = "input_reference[image_url]", "input_reference[file_id]"


def form(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a form: each text without a file name, so that it is no file."""
    return {name: (None, value) if isinstance(value, str) else value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("key", "value"), [("image_url", "https://images.example.org/boat.png"), ("file_id", "file-1")]
)
def test_a_form_and_a_json_body_are_the_same_request(serve: type[Server], key: str, value: str) -> None:
    """They share an Idempotency-Key, and so the job; the same without the reference is another request."""
    headers = {"Idempotency-Key": "0b5c7a52"}
    with serve() as server:
        by_json = server.ok("POST", "videos", json={**SMALL, "input_reference": {key: value}}, headers=headers)
        fields = {**SMALL, f"input_reference[{key}]": value}
        assert by_json["id"] == server.ok("POST", "videos", files=form(fields), headers=headers)["id"]
        server.refused(409, "POST", "videos", files=form(SMALL), headers=headers)


def test_a_reference_changes_the_picture(serve: type[Server]) -> None:
    with serve(pace="instant") as server:
        made = [
            server.ok("POST", "videos", files=form({**SMALL, **fields}))["id"]
            for fields in ({}, {URL: "https://images.example.org/boat.png"}, {FILE_ID: "file-1"})
        ]
        contents = {server.get(f"videos/{each}/content").content for each in made}
        assert len(made) == len(contents)


def test_an_image_in_a_form_may_be_as_long_as_its_schema_allows(serve: type[Server], png: bytes) -> None:
    with serve() as server:
        padded = base64.b64encode(png + bytes(2 << 20)).decode()
        server.ok("POST", "videos", files=form({**SMALL, URL: f"data:image/png;base64,{padded}"}))
        error = server.refused(400, "POST", "videos", files=form({**SMALL, "size": "1" * (2 << 20)}))
        assert ("size", "string_too_long") == (error["param"], error["code"])


@pytest.mark.parametrize(
    ("fields", "status", "param", "message"),
    [
        ({URL: "ftp://images.example.org/boat.png"}, 400, URL, "it must match"),
        ({FILE_ID: ""}, 400, FILE_ID, "at least 1 character"),
        ({URL: "data:image/png;base64,bm8="}, 422, "input_reference.image_url", "is not an image that can be read"),
        ({URL: ("a.txt", b"https://x", "text/plain")}, 400, URL, "is a file; send it as text"),
        ({URL: "https://x", FILE_ID: "f"}, 400, FILE_ID, f"{URL} and {FILE_ID} exclude each other; send one of them"),
        (
            {"input_reference": ("a.png", b"x", "image/png"), URL: "https://x"},
            400,
            URL,
            f"input_reference and {URL} exclude each other",
        ),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused(
    serve: type[Server], fields: dict[str, Any], status: int, param: str, message: str
) -> None:
    with serve() as server:
        error = server.refused(status, "POST", "videos", files=form({**SMALL, **fields}))
        assert param == error["param"]
        assert message in error["message"]
        assert [] == server.ok("GET", "videos")["data"]


@pytest.mark.parametrize("path", ["videos/edits", "videos/extensions"])
class TestAVideo:
    def test_is_named_in_a_form(self, serve: type[Server], path: str) -> None:
        with serve(pace="instant") as server:
            source = server.create()
            video = server.ok("POST", path, files=form({"prompt": "y", "seconds": "1", "video[id]": source["id"]}))
            assert ("y", source["size"]) == (video["prompt"], video["size"])

    @pytest.mark.parametrize(
        ("fields", "status", "param"),
        [
            ({"video[id]": "video_unknown"}, 404, "video.id"),
            ({"video[id]": ""}, 400, "video[id]"),
            ({}, 400, "video"),
            ({"video[id]": "video_unknown", "video": ("a.mp4", b"x", "video/mp4")}, 400, "video[id]"),
        ],
    )
    def test_is_named_once(
        self, serve: type[Server], path: str, fields: dict[str, Any], status: int, param: str
    ) -> None:
        with serve() as server:
            error = server.refused(status, "POST", path, files=form({"prompt": "y", "seconds": "1", **fields}))
            assert param == error["param"]


ROLES = ("first_frame", "last_frame", "reference")


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(file, format="PNG")
    return file.getvalue()


def by_url(role: str, colour: str) -> dict[str, str]:
    return {"role": role, "image_url": f"data:image/png;base64,{base64.b64encode(picture(colour)).decode()}"}


def test_references_by_url_make_another_video_each(serve: type[Server]) -> None:
    """The same images in the same roles make the same video; another image, or another role, makes another one."""
    sent = [
        [by_url("first_frame", "red"), by_url("last_frame", "blue")],
        [by_url("first_frame", "red"), by_url("last_frame", "blue")],
        [by_url("first_frame", "blue"), by_url("last_frame", "red")],
        [by_url("reference", "red"), by_url("last_frame", "blue")],
        [by_url("first_frame", "red")],
    ]
    with serve() as server:
        ids = [server.ok("POST", "videos", json={**SMALL, "references": each})["id"] for each in sent]
        for id_ in ids:
            server.get(f"videos/{id_}")
        clips = [server.get(f"videos/{id_}/content").content for id_ in ids]
    assert clips[0] == clips[1]
    assert 4 == len(set(clips))


@pytest.mark.parametrize("roles", [ROLES, ROLES[:1], ROLES[1:2]])
def test_references_are_files_of_a_form(serve: type[Server], roles: tuple[str, ...]) -> None:
    files = {f"references[{role}]": ("a.png", picture("red"), "image/png") for role in roles}
    with serve() as server:
        video = server.ok("POST", "videos", files={**form(SMALL), **files})
    assert "queued" == video["status"]


def test_files_with_a_key_are_the_same_request_again(serve: type[Server]) -> None:
    def files(colour: str) -> dict[str, Any]:
        return {f"references[{role}]": ("a.png", picture(colour), "image/png") for role in ROLES[:2]}

    headers = {"Idempotency-Key": "0b5c7a52"}
    with serve() as server:
        made = [server.ok("POST", "videos", files={**form(SMALL), **files("red")}, headers=headers) for _ in range(2)]
        assert made[0]["id"] == made[1]["id"]
        server.refused(409, "POST", "videos", files={**form(SMALL), **files("blue")}, headers=headers)


@pytest.mark.parametrize(
    ("references", "param"),
    [
        ([], "references"),
        ([{"role": "first_frame"}], "references.0"),
        ([{**by_url("first_frame", "red"), "file_id": "file_1"}], "references.0"),
        ([{"image_url": "https://images.test/a.png"}], "references.0"),
        ([by_url("x-pose", "red")], "references.0.role"),
        (
            [by_url("first_frame", "red"), {"role": "last_frame", "image_url": "data:image/png;base64,AAA"}],
            "references.1",
        ),
        ([by_url("reference", "red")] * 17, "references"),
    ],
)
def test_references_that_cannot_be_used_are_refused(serve: type[Server], references: object, param: str) -> None:
    with serve() as server:
        response = server.request("POST", "videos", json={**SMALL, "references": references})
        assert response.status_code in {400, 422}
        assert response.json()["error"]["param"].startswith(param)
        assert [] == server.ok("GET", "videos")["data"]


def test_a_file_that_is_no_image_is_refused_by_its_role(serve: type[Server]) -> None:
    with serve() as server:
        files = {**form(SMALL), "references[last_frame]": ("a.png", b"none", "image/png")}
        response = server.request("POST", "videos", files=files)
        assert (422, "references[last_frame]") == (response.status_code, response.json()["error"]["param"])


@pytest.mark.parametrize("role", ROLES)
def test_a_reference_and_references_exclude_each_other(serve: type[Server], role: str) -> None:
    image = ("a.png", picture("red"), "image/png")
    with serve() as server:
        fields = {**form(SMALL), "input_reference": image, f"references[{role}]": image}
        assert 400 == server.request("POST", "videos", files=fields).status_code
        body = {**SMALL, "input_reference": {"file_id": "file_1"}, "references": [by_url(role, "red")]}
        assert 400 == server.request("POST", "videos", json=body).status_code


@pytest.mark.parametrize(
    "name",
    [
        *("references", "references[]", "references[x-pose]", "references[0][role]"),
        *("references[first_frame][image_url]", "input_reference[]", "input_reference[mask]"),
    ],
)
@pytest.mark.parametrize("is_file", [True, False])
def test_a_reference_that_the_form_does_not_have_is_not_dropped(
    serve: type[Server], name: str, *, is_file: bool
) -> None:
    value = ("a.png", picture("red"), "image/png") if is_file else (None, "https://images.test/a.png")
    with serve() as server:
        assert name == server.refused(400, "POST", "videos", files={**form(SMALL), name: value})["param"]


def test_a_reference_that_a_json_body_does_not_have_is_not_dropped(serve: type[Server]) -> None:
    with serve() as server:
        for name in ("references[first_frame]", "input_reference[image_url]"):
            assert name == server.refused(400, "POST", "videos", json={**SMALL, name: "data:,"})["param"]
