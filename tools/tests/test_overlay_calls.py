"""What the overlay is given reaches the request: `overlay_checks.unsent_arguments` on an overlay with defects."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from contract_diff.overlay_advice import Decision
from contract_diff.overlay_files import BUILDERS, METHODS
from contract_diff.samples import FILE, samples
from jsonschema import Draft202012Validator
from overlay_checks import broken, unsent_arguments

from .edits import SPEC
from .project import Project, copy_parts
from .runs import carried_out

SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]
OPERATIONS = "overlay/openvideos/_operations.py"
VIDEOS = "overlay/openvideos/_videos.py"
EVENTS = "overlay/openvideos/_webhooks.py"
LOST = [
    (OPERATIONS, '        "fps": _or_unset(_whole("fps", fps)),\n', ""),
    (OPERATIONS, '_whole("num_frames", num_frames)', "7 if given(num_frames) else None"),
    (OPERATIONS, "order=UNSET if options.order is None else options.order,", ""),
    (OPERATIONS, "RemixVideoJson(prompt=", "RemixVideoJson(prompt='Now: ' + "),
    (OPERATIONS, "raw_delete.build_request(video_id)", "raw_delete.build_request('video_1')"),
    (VIDEOS, "variant=variant", "variant=omit"),
    (EVENTS, 'if kind == "video.failed":', 'if kind == "video.gone":'),
]
"""A file of the overlay, a text in it, and what takes its place."""


def overlay_in(root: Path) -> Project:
    """Return a copy of the overlay and the raw client; nothing else of it is used."""
    copy_parts(["generated", "overlay/openvideos"], root)
    return Project(root, root, None)  # type: ignore[arg-type] # it runs nothing


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Decision]:
    """Return what is said of an overlay that has lost all of it."""
    project = overlay_in(tmp_path_factory.mktemp("lost"))
    for file, old, new in LOST:
        project.change(file, old, new)
    return unsent_arguments(project.root, SPEC)


@pytest.mark.slow
class TestAnOverlayWithDefects:
    @pytest.mark.parametrize(
        ("file", "what"),
        [
            (OPERATIONS, "create_video takes `fps`, and does not send it as application/json: add it to the request"),
            (
                OPERATIONS,
                "create_video takes `fps`, and does not send it as multipart/form-data: add it to the request",
            ),
            (OPERATIONS, "create_video takes `num_frames`, and sends 7 for 1 as application/json: send what is given"),
            (OPERATIONS, "list_videos takes `order`, and does not send it: add it to the request"),
            (
                OPERATIONS,
                'remix_video takes `prompt`, and sends "Now: x" for "x" as application/json: send what is given',
            ),
            (OPERATIONS, 'delete_video takes `video_id`, and sends "/v1/videos/video_1" for "x": send what is given'),
            (VIDEOS, "download_video_content takes `variant`, and does not send it: add it to the request"),
            (EVENTS, 'the event "video.failed" is an UnknownEvent: give it a class of its own'),
        ],
    )
    def test_each_is_told_with_its_file(self, told: list[Decision], file: str, what: str) -> None:
        assert (file, what) in [(decision.file, decision.what) for decision in told]

    def test_and_nothing_else(self, told: list[Decision]) -> None:
        about = {(decision.operation, decision.word) for decision in told}
        assert {
            ("create_video", "`fps`"),
            ("create_video", "`num_frames`"),
            ("list_videos", "`order`"),
            ("remix_video", "`prompt`"),
            ("delete_video", "`video_id`"),
            ("download_video_content", "`variant`"),
            ("", "`video_failed_webhook`"),
        } == about

    def test_the_line_is_that_of_the_function(self, told: list[Decision]) -> None:
        [line] = {decision.line for decision in told if decision.word == "`order`"}
        source = Path(__file__).parents[2].joinpath(OPERATIONS).read_text("utf-8")
        before = source.partition("def list_(")[0].replace(LOST[0][1], "")
        assert before.count("\n") + 1 == line


@pytest.mark.slow
def test_an_event_that_the_contract_gains_is_told(tmp_path: Path) -> None:
    spec = copy.deepcopy(SPEC)
    schema = copy.deepcopy(SCHEMAS["VideoFailedEvent"])
    schema["properties"]["type"]["const"] = "video.x_paused"
    spec["components"]["schemas"]["VideoXPausedEvent"] = schema
    webhook = copy.deepcopy(spec["webhooks"]["video.failed"])
    webhook["post"]["operationId"] = "video_x_paused_webhook"
    content = webhook["post"]["requestBody"]["content"]["application/json"]
    content["schema"] = {"$ref": "#/components/schemas/VideoXPausedEvent"}
    spec["webhooks"]["video.x_paused"] = webhook
    project = overlay_in(tmp_path)
    [decision] = unsent_arguments(project.root, spec)
    assert 'the event "video.x_paused" is an UnknownEvent: give it a class of its own' == decision.what
    assert project.read(EVENTS).splitlines()[decision.line - 1].startswith("class UnknownEvent")
    assert "`video_x_paused_webhook`" == decision.word


@pytest.mark.slow
def test_an_overlay_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    project = overlay_in(tmp_path)
    project.change(EVENTS, "from ._json import is_object\n", "from ._json import is_one\n")
    [decision] = unsent_arguments(project.root, SPEC)
    assert EVENTS == decision.file
    assert "from ._json import is_one" == project.read(EVENTS).splitlines()[decision.line - 1]
    assert "the overlay cannot be called: ImportError: cannot import name 'is_one'" in decision.what


def test_without_a_place_in_the_overlay_its_methods_are_named(tmp_path: Path) -> None:
    assert Decision("the overlay cannot be called: Killed", VIDEOS, 1) == broken(tmp_path, "Killed\n")


class TestSamples:
    @pytest.mark.parametrize("name", SCHEMAS)
    def test_are_what_the_schema_allows(self, name: str) -> None:
        schema = {"components": SPEC["components"], "$ref": f"#/components/schemas/{name}"}
        wrong = [
            error.message
            for value in samples(SPEC, SCHEMAS[name])
            for error in Draft202012Validator(schema).iter_errors(plain(value))
        ]
        assert [] == wrong

    def test_have_each_form_of_a_value(self) -> None:
        assert [{"image_url": "https://example.org/x"}, {"file_id": "x"}] == samples(SPEC, SCHEMAS["ImageReference"])
        assert ["x", 1] == samples(SPEC, {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]})

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"const": 7}, [7]),
            ({"enum": ["b", "a"]}, ["b"]),
            ({"type": "integer", "minimum": 3, "multipleOf": 4}, [4]),
            ({"type": "number", "exclusiveMinimum": 0}, [1]),
            ({"type": "integer", "maximum": -5}, [-5]),
            ({"type": "string", "minLength": 40}, ["x" * 40]),
            ({"type": "string", "pattern": "^[0-9]+x"}, ["64x48"]),
            ({"type": "string", "format": "binary"}, [FILE]),
            ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [[True, True]]),
            ({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {}]}, [{"a": 1}]),
            ({"allOf": [{"type": "integer"}]}, [1]),
            ({"type": "object"}, [{}]),
            ({"type": ["null", "boolean"]}, [True]),
            ({"type": "null"}, [None]),
            ({"type": "string", "pattern": r"^\P{C}*$"}, ["x"]),
            ({"type": "string", "pattern": "(?<y>a)"}, ["a-b"]),
            ({"type": "string", "pattern": "^[A-Z]{3}$"}, ["AAA"]),
            ({"type": "string", "maxLength": 0}, [""]),
            ({"type": "number", "minimum": 0.1, "maximum": 0.5}, [0.1]),
            ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, [0.5]),
            ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5]),
            ({"type": "number", "exclusiveMaximum": 0}, [-1]),
            ({"allOf": [True, {"type": "integer"}]}, [1]),
            (
                {
                    "properties": {"b": {"const": 1}},
                    "required": ["b"],
                    "allOf": [{"required": ["a"], "properties": {"a": {}}}],
                },
                [{"a": "x", "b": 1}],
            ),
            ({"type": "object", "anyOf": [{"required": ["a"]}], "properties": {"a": {"const": 1}}}, [{"a": 1}]),
        ],
    )
    def test_are_of_the_schema(self, schema: dict[str, Any], expected: list[Any]) -> None:
        assert expected == samples({}, schema)

    def test_of_what_holds_itself_end(self) -> None:
        spec = {"components": {"schemas": {"Node": {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}}}}
        assert 6 == json.dumps(samples(spec, {"$ref": "#/components/schemas/Node"})).count("next")


def plain(value: Any) -> Any:
    """Return a sample with a text in place of a file."""
    if value == FILE:
        return "the bytes"
    return {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.slow
def test_the_command_names_what_is_in_the_signatures_and_not_sent(released: Project) -> None:
    """The overlay has done all that its source shows: the rest shows in its requests."""
    spec = copy.deepcopy(SPEC)
    for name in ("CreateVideoForm", "CreateVideoJson"):
        spec["components"]["schemas"][name]["properties"]["x_seed"] = {"type": "integer", "description": "A seed."}
    state = {"name": "x_state", "in": "query", "required": False, "schema": {"type": "string", "description": "Which."}}
    spec["paths"]["/videos"]["get"]["parameters"].append(state)
    for file in (*METHODS, BUILDERS):
        text = released.read(file)
        text = re.sub(r"( +)num_frames(: int \| Omit \| None = omit,\n)", r"\g<0>\1x_seed\2", text)
        text = re.sub(r"( +)num_frames=num_frames,\n", r"\g<0>\1x_seed=x_seed,\n", text)
        text = re.sub(
            r"( +)order: ListOrder \| Omit \| None = omit,\n", r"\g<0>\1x_state: str | Omit | None = omit,\n", text
        )
        (released.root / file).write_text(text, "utf-8")
    run = carried_out(released, spec)
    lost = "does not send it as application/json", "does not send it as multipart/form-data", "does not send it"
    assert {
        f"create_video takes `x_seed`, and {lost[0]}: add it to the request",
        f"create_video takes `x_seed`, and {lost[1]}: add it to the request",
        f"list_videos takes `x_state`, and {lost[2]}: add it to the request",
    } == {decision.split(": ", 1)[1] for decision in run.decisions}
    assert (1, "3 left to decide") == (run.code, run.last_line)
    assert [] == [row.change for row in run.rows if row.decisions and row.change == ["by no change of the contract"]]
