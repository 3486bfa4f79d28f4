"""The objects of the API where they are used: in FastAPI, in pydantic, in notebooks, and in code for other clients."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import httpx
import pydantic
import pytest
import yaml
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import HttpxBinaryResponseContent, Video, VideoDeleteResponse, VideoError
from openvideos._parsing.models import VIDEO as VIDEO_SHAPE
from openvideos._parsing.models import read
from openvideos_raw import models
from openvideos_raw.errors import MalformedModel
from openvideos_raw.models import CreateVideoForm, CreateVideoJson, ImageReference, VideoList
from openvideos_raw.types import ApiObject, File, JsonObject

CONTRACT: dict[str, Any] = yaml.load(
    Path(__file__).parents[2].joinpath("openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
)
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if schema.get("type") == "object")
OPEN = [name for name in OBJECTS if SCHEMAS[name].get("additionalProperties", True) and "Form" not in name]
VIDEO: dict[str, Any] = {
    "id": "video_1",
    "object": "video",
    "created_at": 1,
    "model": "wan",
    "status": "failed",
    "progress": None,
    "error": {"code": "oom", "message": "Out of memory"},
    "url": None,
    "x_vendor": [1],
}
SECRET = "sig-of-the-signed-url"

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


def readable(name: str) -> dict[str, Any]:
    """Return the least JSON that a model can be read from."""
    schema = SCHEMAS[name]
    return {key: value_of(schema["properties"][key]) for key in schema.get("required", [])}


def value_of(schema: dict[str, Any]) -> Any:
    """Return a value that a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return readable(name) if name in OBJECTS else value_of(SCHEMAS[name])
    kind = schema["type"]
    values = {"string": "text", "integer": 1, "boolean": True, "array": [], "number": 1.5}
    return schema.get("const", None if isinstance(kind, list) else values.get(kind))


def is_optional(name: str, key: str) -> bool:
    """Return whether a model can be read whatever the value of a key is: it need not be there, or may be null."""
    schema = SCHEMAS[name]
    of_key = schema["properties"][key]
    may_be_null = "null" in of_key.get("type", [])
    return (
        key not in schema.get("required", []) or may_be_null or (of_key.get("type") == "string" and "const" in of_key)
    )


def attempt(model: type[ApiObject], source: dict[str, Any]) -> tuple[Any, MalformedModel | None]:
    """Return the object that is read from JSON, or what is wrong with it."""
    try:
        return model.from_dict(source), None
    except MalformedModel as error:
        return None, error


def is_of(value: Any, hint: Any) -> bool:
    """Return whether a value is of the type of a field; any number of JSON is one where an integer is expected."""
    options = get_args(hint)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(is_of(item, options[0]) for item in value)
    if get_origin(hint) is Literal:
        return value in options
    if options:
        return any(is_of(value, option) for option in options)
    if hint is int:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, hint)


class TestJson:
    @pytest.mark.parametrize("name", OPEN)
    @given(data=st.data())
    def test_to_dict_is_what_the_server_sent(self, name: str, data: st.DataObject) -> None:
        """Nulls, keys that the contract does not know, and values of another type than its own too."""
        keys = [key for key in SCHEMAS[name]["properties"] if is_optional(name, key)]
        odd = data.draw(st.dictionaries(st.sampled_from([*keys, "x_vendor", "x_other"]), json_values))
        sent = readable(name) | odd
        before = copy.deepcopy(sent)
        read = getattr(models, name).from_dict(sent)
        assert sent == before == read.to_dict()
        assert sent == json.loads(read.to_json()) == json.loads(read.model_dump_json(exclude_unset=True))
        for again in (copy.deepcopy(read), pickle.loads(pickle.dumps(read)), type(read).from_dict(read.to_dict())):
            assert (read, sent) == (again, again.to_dict())

    @pytest.mark.parametrize("name", OPEN)
    @given(data=st.data())
    def test_an_attribute_is_of_its_type(self, name: str, data: st.DataObject) -> None:
        """A value of another type is kept beside it, or is an error that names its key, if there must be one."""
        model = getattr(models, name)
        key = data.draw(st.sampled_from(sorted(SCHEMAS[name]["properties"])))
        value = data.draw(json_values)
        read, problem = attempt(model, readable(name) | {key: value})
        if problem is not None:
            assert not is_optional(name, key)
            assert key == problem.key or isinstance(value, (dict, list))
            return
        hints = get_type_hints(model, localns=vars(models))
        for attribute, known in model._KEYS.items():
            found = getattr(read, attribute)
            assert "const" in SCHEMAS[name]["properties"][known] or is_of(found, hints[attribute])
            if known == key and not found and value:
                assert read[key] == value == read.additional_properties[key]

    def test_a_model_made_by_hand_has_what_it_was_given(self) -> None:
        made = Video(id="a", object_="video", created_at=1, model="wan", status="queued", progress=5)
        expected = {"id": "a", "object": "video", "created_at": 1, "model": "wan", "status": "queued", "progress": 5}
        assert expected == made.to_dict()
        page = VideoList(object_="list", data=[made], first_id=None, last_id="a", has_more=False)
        assert {
            "object": "list",
            "data": [expected],
            "first_id": None,
            "last_id": "a",
            "has_more": False,
        } == page.to_dict()

    def test_a_key_that_is_set_is_told(self) -> None:
        video = Video.from_dict(VIDEO)
        video.progress = 7
        assert VIDEO | {"progress": 7} == video.to_dict()

    def test_a_closed_object_names_what_it_cannot_hold(self) -> None:
        for key, value in (("image_url", 7), ("colour", "red")):
            with pytest.raises(
                MalformedModel, match=f"^ImageReference: the key '{key}' is unknown, or of another type$"
            ):
                ImageReference.from_dict({key: value})

    def test_an_item_of_a_list_that_is_wrong_is_named(self) -> None:
        page = {"object": "list", "data": [VIDEO, 7], "first_id": None, "last_id": None, "has_more": False}
        with pytest.raises(
            MalformedModel, match=r"^VideoList: the key 'data' has an item that is of the type int, not dict$"
        ):
            VideoList.from_dict(page)

    def test_a_half_of_a_surrogate_pair_can_be_written(self) -> None:
        video = Video.from_dict(VIDEO | {"prompt": "\ud83d a Straße"})
        for text in (video.to_json(), video.to_json(indent=None), video.model_dump_json()):
            assert "\ud83d a Straße" == json.loads(text.encode())["prompt"]
            assert "Straße" in text

    def test_a_file_of_a_form_is_a_tuple(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(b"png")
        with path.open("rb") as file:
            form = CreateVideoForm(prompt="x", input_reference=File(file))
            assert ("a.png", file, None) == form.to_dict()["input_reference"]

    def test_only_to_dict_is_needed(self) -> None:
        class Page(JsonObject):
            def to_dict(self) -> dict[str, Any]:
                return {"data": [{"a": None}], "b": None}

        assert {"data": [{"a": None}], "b": None} == Page().model_dump()
        assert '{"data":[{}]}' == Page().model_dump_json(exclude_none=True)
        assert '{\n  "data": [\n    {\n      "a": null\n    }\n  ],\n  "b": null\n}' == Page().to_json()
        for base in (JsonObject(), ApiObject()):
            assert isinstance(base, JsonObject)
        with pytest.raises(NotImplementedError):
            JsonObject().to_dict()
        with pytest.raises(NotImplementedError):
            ApiObject.from_dict({})


class TestDumps:
    """The names that code for other clients uses."""

    def test_model_dump_has_all_keys(self) -> None:
        dumped = Video.from_dict(VIDEO).model_dump()
        assert dict.fromkeys(SCHEMAS["Video"]["properties"]) | VIDEO == dumped
        assert dumped == Video.from_dict(VIDEO).model_dump(mode="json")

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"exclude_unset": True}, VIDEO),
            ({"exclude_none": True}, {key: value for key, value in VIDEO.items() if value is not None}),
            ({"include": {"id", "prompt"}}, {"id": "video_1", "prompt": None}),
            ({"exclude": set(SCHEMAS["Video"]["properties"])}, {"x_vendor": [1]}),
        ],
    )
    def test_model_dump_takes_options(self, options: dict[str, Any], expected: dict[str, Any]) -> None:
        video = Video.from_dict(VIDEO)
        assert expected == video.model_dump(**options)
        assert expected == json.loads(video.model_dump_json(**options))

    def test_an_option_is_never_ignored(self) -> None:
        video = Video.from_dict(VIDEO)
        with pytest.raises(TypeError, match="round_trip"):
            video.model_dump(round_trip=True)  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="mode is 'xml'; it is 'json' or 'python'"):
            video.model_dump(mode="xml")  # type: ignore[arg-type]

    def test_a_deletion_has_them_too(self) -> None:
        sent = {"id": "video_1", "object": "video.deleted", "deleted": True}
        deletion = VideoDeleteResponse.from_dict(sent)
        assert sent == deletion.to_dict() == deletion.model_dump() == json.loads(deletion.to_json())
        assert '{"id":"video_1","object":"video.deleted","deleted":true}' == deletion.model_dump_json()

    def test_the_request_id_is_no_part_of_the_object(self) -> None:
        video, other = Video.from_dict(VIDEO), Video.from_dict(VIDEO)
        assert video._request_id is None
        video._request_id = "req_1"
        assert video == other
        assert "req_1" not in repr(video) + video.to_json() + video._repr_html_()
        assert "req_1" == copy.deepcopy(video)._request_id == pickle.loads(pickle.dumps(video))._request_id


class TestMapping:
    def test_it_has_the_keys_that_were_sent(self) -> None:
        video = Video.from_dict(VIDEO)
        assert list(VIDEO) == sorted(video, key=list(VIDEO).index)
        assert set(VIDEO) == set(video.keys()) == set(dict(video)) == {*video}
        assert len(VIDEO) == len(video) == len(video.values())
        for key in ("status", "progress", "x_vendor"):
            assert key in video
            assert VIDEO[key] == video[key] == video.get(key) == dict(video.items())[key]
        unknown: list[Any] = ["prompt", "x_other", 0]
        for key in unknown:
            assert key not in video
            assert video.get(key) is None
            with pytest.raises(KeyError):
                video[key]
        assert ["x_vendor"] == video.additional_keys

    def test_what_is_an_object_of_its_own_is_one(self) -> None:
        video = Video.from_dict(VIDEO)
        assert "oom" == video["error"]["code"]
        assert video["error"] is video.error

    def test_an_attribute_can_be_set_by_its_key(self) -> None:
        video = Video.from_dict(VIDEO | {"progress": "half"})
        assert (None, "half") == (video.progress, video["progress"])
        video["progress"] = 50
        video["x_other"] = "x"
        assert (50, 50, "x") == (video.progress, video["progress"], video.additional_properties["x_other"])
        del video["x_other"]
        assert VIDEO | {"progress": 50} == video.to_dict()
        with pytest.raises(KeyError):
            del video["x_other"]

    def test_a_closed_object_takes_its_own_keys_alone(self) -> None:
        image = ImageReference()
        image["file_id"] = "file_1"
        assert {"file_id": "file_1"} == dict(image)
        with pytest.raises(KeyError, match="a ImageReference has no key 'colour'"):
            image["colour"] = "red"

    def test_it_is_true_though_it_is_empty(self) -> None:
        assert ImageReference()
        assert 0 == len(ImageReference())


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/video")
    def video() -> Video:
        return Video.from_dict(VIDEO)

    @app.get("/page", response_model=VideoList)
    def page() -> Any:
        return {"object": "list", "data": [VIDEO], "first_id": "video_1", "last_id": "video_1", "has_more": False}

    @app.post("/create")
    async def create(body: CreateVideoJson) -> CreateVideoJson:
        assert isinstance(body, CreateVideoJson)
        return body

    @app.post("/echo")
    async def echo(video: Video | None = None) -> list[Video]:
        return [video] if video else []

    return app


def exchange(method: str, path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(send())


class TestFastAPI:
    def test_a_video_is_returned(self) -> None:
        response = exchange("GET", "/video")
        assert (200, VIDEO) == (response.status_code, response.json())

    def test_a_response_model_reads_and_writes(self) -> None:
        assert [VIDEO] == exchange("GET", "/page").json()["data"]

    def test_a_body_is_read(self) -> None:
        assert [VIDEO] == exchange("POST", "/echo", json=VIDEO).json()
        assert [] == exchange("POST", "/echo").json()
        sparse = {"id": "video_1", "status": "queued", "created_at": None}
        assert [sparse] == exchange("POST", "/echo", json=sparse).json()
        body = {"prompt": "A boat", "input_reference": {"file_id": "file_1"}, "x_vendor": {"a": [1]}}
        assert body == exchange("POST", "/create", json=body).json()

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "CreateVideoJson: the key 'prompt' is missing"),
            ({"prompt": 7}, "CreateVideoJson: the key 'prompt' is of the type int, not str"),
            ([7], "a CreateVideoJson is an object of JSON, not a list"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_a_422(self, body: Any, message: str) -> None:
        response = exchange("POST", "/create", json=body)
        assert 422 == response.status_code
        assert message in response.text

    def test_the_page_of_the_api_shows_the_objects(self) -> None:
        page = exchange("GET", "/openapi.json").json()
        video = {"$ref": "#/components/schemas/Video"}
        paths = page["paths"]
        assert video == paths["/video"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert {"Video", "VideoError", "VideoList", "CreateVideoJson"} <= set(page["components"]["schemas"])
        assert video == page["components"]["schemas"]["VideoList"]["properties"]["data"]["items"]
        assert "requestBody" in paths["/create"]["post"]
        assert "requestBody" in paths["/echo"]["post"]


def shape(schema: dict[str, Any]) -> Any:
    """Return the types in a schema alone, as far as pydantic and the contract can both tell them."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if name in OBJECTS else shape(SCHEMAS[name])
    if "anyOf" in schema:
        options = [shape(option) for option in schema["anyOf"]]
        flat = {each for option in options for each in (option if isinstance(option, frozenset) else [option])}
        return next(iter(flat)) if len(flat) == 1 else frozenset(flat)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return frozenset(shape(schema | {"type": each}) for each in kind)
    return ("array", shape(schema["items"])) if kind == "array" else kind


class TestPydantic:
    @pytest.mark.parametrize("name", OBJECTS)
    @pytest.mark.parametrize("mode", ["validation", "serialization"])
    def test_the_schema_is_that_of_the_contract(self, name: str, mode: Any) -> None:
        """Its keys, their types, which are required, and whether there may be others; no limits."""
        found = pydantic.TypeAdapter(getattr(models, name)).json_schema(mode=mode)
        found = found["$defs"][name] if "$ref" in found else found
        contract = SCHEMAS[name]
        properties = {key: shape(value) for key, value in contract["properties"].items()}
        assert properties == {key: shape(value) for key, value in found["properties"].items()}
        assert set(contract.get("required", [])) == set(found.get("required", []))
        assert contract.get("additionalProperties", True) == found["additionalProperties"]
        assert " ".join(contract["description"].split()) == " ".join(found["description"].split()).replace("- ", "-")

    def test_a_video_is_a_field(self) -> None:
        class Job(pydantic.BaseModel):
            video: Video
            errors: list[VideoError] = []

        job = Job.model_validate({"video": VIDEO, "errors": [VIDEO["error"]]})
        assert Video.from_dict(VIDEO) == job.video
        assert {"video": VIDEO, "errors": [VIDEO["error"]]} == job.model_dump() == json.loads(job.model_dump_json())
        assert job.video is Job(video=job.video).video
        with pytest.raises(pydantic.ValidationError, match="Video: the key 'id' is missing"):
            Job.model_validate({"video": {}})
        with pytest.raises(pydantic.ValidationError, match="a Video is an object of JSON, not a str"):
            Job.model_validate_json('{"video": "video_1"}')

    @given(
        key=st.sampled_from(sorted(SCHEMAS["Video"]["properties"].keys() - {"id", "status"})),
        value=json_values | st.just(...),
    )
    @example(key="created_at", value=None)
    @example(key="model", value=...)
    def test_a_video_is_read_as_the_sdk_reads_it(self, key: str, value: Any) -> None:
        """Strict in its id and its status alone, and nothing that was sent is lost."""
        sent = {name: old for name, old in VIDEO.items() if name != key} | ({} if value is ... else {key: value})
        video = pydantic.TypeAdapter(Video).validate_python(sent)
        assert sent == video.to_dict()
        assert read(VIDEO_SHAPE, sent) == video

    @pytest.mark.parametrize("key", ["id", "status"])
    @pytest.mark.parametrize("value", [None, 7])
    def test_a_video_needs_an_id_and_a_status(self, key: str, value: Any) -> None:
        with pytest.raises(pydantic.ValidationError, match=f"Video: the key '{key}' is of the type"):
            pydantic.TypeAdapter(Video).validate_python(VIDEO | {key: value})

    def test_it_is_not_imported_by_us(self) -> None:
        code = "import sys, openvideos; openvideos.Video, openvideos.OpenVideos; print('pydantic' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "False\n" == run.stdout


class TestNotebooks:
    def test_a_video_is_a_table_of_its_state(self) -> None:
        shown = Video.from_dict(VIDEO | {"prompt": "<script>", "progress": 7})._repr_html_()
        for cell in ("failed", "7", "Out of memory", "&lt;script&gt;"):
            assert f"<td>{cell}</td>" in shown
        assert "<caption>Video</caption>" in shown
        assert "None" not in shown

    @given(st.text(), st.text())
    def test_what_a_server_sends_is_text(self, value: str, key: str) -> None:
        sent = VIDEO | {
            "prompt": value,
            "status": value,
            "error": {"code": value, "message": value, key: value},
            key: 1,
        }
        shown = Video.from_dict(sent | {"id": value, "created_at": 1, "model": value})._repr_html_()
        assert {"table", "caption", "tr", "th", "td"} >= {tag.strip("/") for tag in tags(shown)}

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            (f"https://cdn.example/a.mp4?X-Amz-Signature={SECRET}", "https://cdn.example/a.mp4"),
            (f"https://user:{SECRET}@cdn.example/a.mp4#{SECRET}", "https://cdn.example/a.mp4"),
            (f"two: https://a.example/?a={SECRET} and http://b.example/{'b' * 9}?a=1", "two: https://a.example/ and "),
        ],
    )
    def test_a_url_has_no_secret(self, url: str, expected: str) -> None:
        shown = Video.from_dict(VIDEO | {"url": url, "x_vendor": SECRET})._repr_html_()
        assert expected in shown
        assert SECRET not in shown

    def test_it_stays_short(self) -> None:
        page = {"object": "list", "data": [VIDEO] * 100, "first_id": None, "last_id": None, "has_more": True}
        assert "<td>100 of them</td>" in VideoList.from_dict(page)._repr_html_()
        assert len(Video.from_dict(VIDEO | {"prompt": "x" * 9999})._repr_html_()) < 2000

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("video/mp4", '<video controls src="data:video/mp4;base64,{}"></video>'),
            ("Image/WebP; q=1", '<img alt="A picture (image/webp)" src="data:image/webp;base64,{}">'),
        ],
    )
    def test_content_that_is_at_hand_is_played(self, kind: str, expected: str) -> None:
        content = b"\0\0\0\x18ftyp"
        assert expected.format(base64.b64encode(content).decode()) == downloaded(kind, content)._repr_html_()

    @pytest.mark.parametrize("kind", ["text/html", 'video/"><script>', "application/octet-stream", "", "video/"])
    def test_content_of_another_kind_is_told(self, kind: str) -> None:
        shown = downloaded(kind, b"<script>")._repr_html_()
        assert [] == tags(shown)
        assert "8 bytes" in shown

    def test_large_content_is_told(self) -> None:
        assert "&lt;HttpxBinaryResponseContent video/mp4, 8388609 bytes&gt;" == (
            downloaded("video/mp4", bytes(2**23 + 1))._repr_html_()
        )
        assert downloaded("video/mp4", bytes(2**23))._repr_html_().startswith("<video ")


def downloaded(kind: str, content: bytes) -> HttpxBinaryResponseContent:
    return HttpxBinaryResponseContent(httpx.Response(200, content=content, headers={"content-type": kind}))


def tags(markup: str) -> list[str]:
    return [part.partition(">")[0] for part in markup.split("<")[1:]]


def test_a_model_has_no_room_for_other_attributes() -> None:
    """A misspelt attribute is an error, and a thousand videos are small."""
    with pytest.raises(AttributeError):
        Video.from_dict(VIDEO).satus = "x"  # type: ignore[attr-defined]
    assert not any(
        hasattr(getattr(models, name), "__dict__") and "__dict__" in vars(getattr(models, name)) for name in OBJECTS
    )
    assert attrs.has(Video)
