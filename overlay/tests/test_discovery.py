"""Test `list_models` and the arguments of the extension `sampling`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from openvideos import InvalidArgumentError, NotFoundError, OpenVideos, omit

MODELS = {
    "object": "list",
    "contract": {"revision": "2026-12-01", "profiles": ["core", "x-next"], "extensions": ["sampling", "idempotency"]},
    "data": [
        {
            "id": "wan",
            "object": "model",
            "is_default": True,
            "sizes": ["64x48"],
            "seconds": None,
            "parameters": ["seed"],
        },
        {"id": "ltx", "object": "model", "is_default": False, "price": 3},
    ],
}
VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "wan", "status": "queued"}


def client(answer: httpx.Response, seen: list[httpx.Request]) -> OpenVideos:
    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return answer

    return OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=httpx.MockTransport(handle)))


def test_the_models_and_the_claim_are_read() -> None:
    seen: list[httpx.Request] = []
    models = client(httpx.Response(200, json=MODELS), seen).videos.list_models()
    assert "GET http://server.test/v1/videos/models" == f"{seen[0].method} {seen[0].url}"
    assert ("2026-12-01", ["core", "x-next"]) == (models.contract.revision, models.contract.profiles)
    assert "idempotency" in models.contract.extensions
    [default] = [model for model in models.data if model.is_default]
    assert ("wan", ["64x48"], None, ["seed"]) == (default.id, default.sizes, default.seconds, default.parameters)
    assert 3 == models.data[1]["price"]


def test_a_server_without_discovery_is_a_not_found_error() -> None:
    with pytest.raises(NotFoundError):
        client(httpx.Response(404, json={"error": {"message": "no"}}), []).videos.list_models()


@pytest.mark.parametrize(
    "reference", [omit, {"image_url": "https://images.test/a.png"}, b"\x89PNG\r\n\x1a\n"], ids=["form", "json", "file"]
)
def test_sampling_is_sent(reference: Any) -> None:
    seen: list[httpx.Request] = []
    client(httpx.Response(200, json=VIDEO), seen).videos.create(
        prompt="x", input_reference=reference, negative_prompt="blur", seed=0, fps=16, num_frames=81
    )
    [request] = seen
    sent = {"negative_prompt": "blur", "seed": 0, "fps": 16, "num_frames": 81}
    if request.headers["content-type"] == "application/json":
        body = json.loads(request.content)
        assert sent == {name: body[name] for name in sent}
    else:
        for name, value in sent.items():
            assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in request.content.replace(
                b"Content-Type: text/plain\r\n", b""
            )


@pytest.mark.parametrize("name", ["seed", "fps", "num_frames"])
@pytest.mark.parametrize("value", ["7", 7.0, True])
def test_a_number_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=name):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", **{name: value})


PNG = b"\x89PNG\r\n\x1a\n"
FIRST: Any = {"role": "first_frame", "image_url": "https://images.test/a.png"}


def test_references_by_url_and_by_id_are_json() -> None:
    seen: list[httpx.Request] = []
    more: Any = {"role": "x-pose", "file_id": "file_1"}
    client(httpx.Response(200, json=VIDEO), seen).videos.create(prompt="x", references=[FIRST, FIRST, more])
    assert {"prompt": "x", "references": [FIRST, FIRST, more]} == json.loads(seen[0].content)


def test_references_that_are_files_are_parts_of_a_form(tmp_path: Path) -> None:
    path = tmp_path / "end.png"
    path.write_bytes(PNG)
    seen: list[httpx.Request] = []
    references: Any = [{"role": "first_frame", "image": PNG}, {"role": "last_frame", "image": path}]
    client(httpx.Response(200, json=VIDEO), seen).videos.create(prompt="x", seed=1, references=references)
    form = seen[0].content
    for name, file in (("first_frame", "references[first_frame].png"), ("last_frame", "end.png")):
        disposition = f'name="references[{name}]"; filename="{file}"'
        assert f"{disposition}\r\nContent-Type: image/png\r\n\r\n".encode() + PNG in form
    assert b'name="prompt"' in form
    path.unlink()  # the file is closed


@pytest.mark.parametrize(
    ("references", "problem"),
    [
        ([], "references is empty"),
        ([FIRST, {"role": "last_frame", "image": PNG}], "pass all as files, or none"),
        ([{"role": "last_frame", "image": PNG}] * 2, "two files of one role"),
        ([{"image": PNG}], "has no role"),
        (["first.png"], "has no role"),
        ([{"role": 7, "image": PNG}], "references.0..role"),
        ([{"role": "", "image": PNG}], "references.0..role"),
        ([{"role": "a]", "image": PNG}], "references.0..role"),
        ([{"role": "a b", "image": PNG}], "references.0..role"),
        ([{"role": "\ud800", "image_url": "https://images.test/a.png"}], "references.0..role"),
        ([{**FIRST, "image": PNG}], "exactly one image"),
        (FIRST, "pass a list of references"),
        ([{"role": "first_frame"}], "exactly one of image_url and file_id"),
        ([{**FIRST, "file_id": "file_1"}], "exactly one of image_url and file_id"),
        ([{"role": "first_frame", "image": "a.png"}], "pathlib.Path"),
    ],
)
def test_references_that_cannot_be_sent_are_refused(references: Any, problem: str) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", references=references)


def test_a_reference_and_references_exclude_each_other() -> None:
    with pytest.raises(InvalidArgumentError, match="exclude each other"):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", input_reference=PNG, references=[FIRST])


def test_files_are_closed_when_a_later_one_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    opened: list[Any] = []
    original = Path.open

    def opening(self: Path, *args: Any) -> Any:
        opened.append(original(self, *args))
        return opened[-1]

    monkeypatch.setattr(Path, "open", opening)
    references: Any = [{"role": "first_frame", "image": path}, {"role": "last_frame", "image": tmp_path / "none.png"}]
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", references=references)
    assert [True] == [file.closed for file in opened]


def test_a_stream_that_can_be_read_once_is_not_sent_twice() -> None:
    class Stream:
        def read(self, size: int = -1) -> bytes:
            return b""

    stream = Stream()
    references: Any = [{"role": role, "image": stream} for role in ("first_frame", "last_frame")]
    with pytest.raises(InvalidArgumentError, match="one stream twice"):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", references=references)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="64 bits"):
        client(httpx.Response(200, json=VIDEO), []).videos.create(prompt="x", seed=10**5000)
