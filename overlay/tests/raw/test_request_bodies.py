"""What a request's body is made of, read from the bytes that were sent."""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_raw.api.characters import create_character
from openvideos_raw.api.videos import create_video, edit_video, extend_video, remix_video
from openvideos_raw.models import (
    CreateCharacterForm,
    CreateVideoForm,
    CreateVideoJson,
    EditVideoForm,
    EditVideoJson,
    ImageReference,
    RemixVideoJson,
    VideoReference,
)
from openvideos_raw.types import File

if TYPE_CHECKING:
    from types import ModuleType

    from tests.raw.conftest import MockServer

SMUGGLED = '\r\n--+++\r\nContent-Disposition: form-data; name="model"\r\n\r\nsora-2-pro\r\n--+++--\r\n'
"""A field within a field, for who knows that the boundary is `+++`."""


class TestForms:
    def test_a_prompt_cannot_smuggle_a_field(self, mock_server: MockServer) -> None:
        prompt = f"A boat{SMUGGLED}"
        mock_server.call(create_video, body=CreateVideoForm(prompt=prompt))
        assert [("prompt", None, "text/plain", prompt.encode())] == parts(mock_server.sent)

    def test_a_plain_field_has_a_name_and_nothing_else(self, mock_server: MockServer) -> None:
        form = CreateVideoForm(prompt="A boat", seed=7, fps=24)
        form["extra"] = [1]
        mock_server.call(create_video, body=form)
        heads = re.findall(rb"\r\n(Content-.*?)\r\n\r\n", b"\r\n" + mock_server.sent.content, re.DOTALL)
        names = [b"prompt", b"seed", b"fps", b"extra"]
        assert [b'Content-Disposition: form-data; name="%b"' % name for name in names] == heads

    def test_a_file_cannot_smuggle_a_field(self, mock_server: MockServer) -> None:
        content = b"\x89PNG" + SMUGGLED.encode() + b"\x00\xff"
        image = File(io.BytesIO(content), "boat.png", "image/png")
        mock_server.call(create_video, body=CreateVideoForm(prompt="A boat", input_reference=image))
        assert [
            ("prompt", None, "text/plain", b"A boat"),
            ("input_reference", "boat.png", "image/png", content),
        ] == parts(mock_server.sent)

    def test_each_request_has_a_boundary_of_its_own(self, mock_server: MockServer) -> None:
        for _ in range(2):
            mock_server.call(create_video, body=CreateVideoForm(prompt="A boat"))
        first, second = (boundary(request) for request in mock_server.requests)
        assert first != second
        assert min(len(first), len(second)) >= 32

    @given(prompt=st.text(st.characters(codec="utf-8"), min_size=1), seconds=st.text("0123456789", min_size=1))
    def test_a_form_is_what_was_given(self, prompt: str, seconds: str) -> None:
        request = httpx.Request(
            "POST",
            "https://api.example.org/v1/videos",
            files=create_video.build_request(body=CreateVideoForm(prompt=prompt, seconds=seconds))["files"],
        )
        request.read()
        assert [
            ("prompt", None, "text/plain", prompt.encode()),
            ("seconds", None, "text/plain", seconds.encode()),
        ] == parts(request)

    def test_a_form_has_its_own_content_type_and_no_other(self, mock_server: MockServer) -> None:
        mock_server.call(create_video, body=CreateVideoForm(prompt="A boat"))
        (content_type,) = mock_server.sent.headers.get_list("content-type")
        assert content_type == f"multipart/form-data; boundary={boundary(mock_server.sent)}"

    def test_a_default_that_was_not_given_is_not_sent(self, mock_server: MockServer) -> None:
        mock_server.call(create_video, body=CreateVideoForm.from_dict({"prompt": "A boat"}))
        assert ["prompt"] == [name for name, *_ in parts(mock_server.sent)]

    def test_a_file_without_a_name_is_still_a_file(self, mock_server: MockServer) -> None:
        mock_server.call(create_character, body=CreateCharacterForm(name="Ada", video=File(io.BytesIO(b"mp4"))))
        assert ("video", "upload", "application/octet-stream", b"mp4") == parts(mock_server.sent)[1]

    def test_a_file_is_named_for_its_path(self, mock_server: MockServer, tmp_path: Any) -> None:
        path = tmp_path / "ada.mp4"
        path.write_bytes(b"mp4")
        with path.open("rb") as opened:
            mock_server.call(
                create_character, body=CreateCharacterForm(name="Ada", video=File(opened, mime_type="video/mp4"))
            )
        assert ("video", "ada.mp4", "video/mp4", b"mp4") == parts(mock_server.sent)[1]

    @pytest.mark.parametrize(
        ("value", "text"),
        [(True, b"true"), (7, b"7"), (0.5, b"0.5"), ("True", b"True"), ({"a": [1, None]}, b'{"a": [1, null]}')],
    )
    def test_an_extra_field_is_json_unless_it_is_text(
        self, mock_server: MockServer, value: object, text: bytes
    ) -> None:
        form = CreateVideoForm(prompt="A boat")
        form["extra"] = value
        mock_server.call(create_video, body=form)
        assert ("extra", None, "text/plain", text) == parts(mock_server.sent)[1]

    def test_an_extra_field_that_is_none_is_left_out(self, mock_server: MockServer) -> None:
        form = CreateVideoForm(prompt="A boat")
        form["extra"] = None
        mock_server.call(create_video, body=form)
        assert ["prompt"] == [name for name, *_ in parts(mock_server.sent)]


class TestJson:
    def test_a_json_body_has_its_own_content_type_and_no_other(self, mock_server: MockServer) -> None:
        mock_server.call(create_video, body=CreateVideoJson(prompt="A boat"))
        assert ["application/json"] == mock_server.sent.headers.get_list("content-type")

    def test_a_json_body_is_what_was_given(self, mock_server: MockServer) -> None:
        image = ImageReference(file_id="file_1")
        mock_server.call(create_video, body=CreateVideoJson(prompt="A boat", seconds="8", input_reference=image))
        expected = {"prompt": "A boat", "seconds": "8", "input_reference": {"file_id": "file_1"}}
        assert expected == json.loads(mock_server.sent.content)

    def test_a_default_that_was_not_given_is_not_sent(self, mock_server: MockServer) -> None:
        mock_server.call(create_video, body=CreateVideoJson.from_dict({"prompt": "A boat"}))
        assert {"prompt": "A boat"} == json.loads(mock_server.sent.content)

    def test_an_operation_of_one_media_type_sends_it(self, mock_server: MockServer) -> None:
        mock_server.call(remix_video, "video_1", body=RemixVideoJson(prompt="A storm"))
        assert ["application/json"] == mock_server.sent.headers.get_list("content-type")
        assert {"prompt": "A storm"} == json.loads(mock_server.sent.content)


class TestEitherBody:
    """edit_video takes a file as a form, and a video that the server has as JSON."""

    def test_the_form_goes_as_a_form(self, mock_server: MockServer) -> None:
        mock_server.call(
            edit_video, body=EditVideoForm(prompt="Rain", video=File(io.BytesIO(b"mp4"), "a.mp4", "video/mp4"))
        )
        assert [("prompt", None, "text/plain", b"Rain"), ("video", "a.mp4", "video/mp4", b"mp4")] == parts(
            mock_server.sent
        )

    def test_the_json_goes_as_json(self, mock_server: MockServer) -> None:
        mock_server.call(edit_video, body=EditVideoJson(prompt="Rain", video=VideoReference(id="video_1")))
        assert ["application/json"] == mock_server.sent.headers.get_list("content-type")
        assert {"prompt": "Rain", "video": {"id": "video_1"}} == json.loads(mock_server.sent.content)

    @pytest.mark.parametrize("operation", [create_video, edit_video, extend_video])
    def test_a_body_is_required(self, mock_server: MockServer, operation: ModuleType) -> None:
        with pytest.raises(TypeError, match="'body'"):
            mock_server.call(operation)
        assert [] == mock_server.requests


def boundary(request: httpx.Request) -> str:
    """Return the boundary that a request's header names."""
    return str(message(request).get_boundary())


def parts(request: httpx.Request) -> list[tuple[str, str | None, str, bytes]]:
    """Return name, file name, type and content of each part, as the standard library's parser reads them."""
    found = message(request)
    assert found.is_multipart()
    assert not found.defects
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in found.get_payload()
    ]


def message(request: httpx.Request) -> Any:
    """Return a request's body as the standard library's parser reads it."""
    head = f"MIME-Version: 1.0\r\nContent-Type: {request.headers['content-type']}\r\n\r\n".encode()
    return email.message_from_bytes(head + request.content, policy=email.policy.HTTP)
