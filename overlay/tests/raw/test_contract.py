"""The raw client is the whole contract: each operation, each schema, each description."""

from __future__ import annotations

import ast
import copy
import importlib
import importlib.resources
import inspect
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from openvideos_raw import models
from openvideos_raw.types import File

if TYPE_CHECKING:
    from types import ModuleType

CONTRACT: dict[str, Any] = yaml.load(
    Path(__file__).parents[3].joinpath("openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
)
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if schema.get("type") == "object")
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation | {"path": path, "method": method, "shared": item.get("parameters", [])}
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}


def identifier(name: str) -> str:
    """Return the name of a field in Python: the generator leaves out what cannot stand in one."""
    return re.sub(r"\W", "", name)


def module_of(name: str) -> ModuleType:
    (tag,) = OPERATIONS[name]["tags"]
    return importlib.import_module(f"openvideos_raw.api.{tag}.{name}")


def arguments_of(name: str) -> dict[str, Any]:
    """Return an argument for each required parameter of an operation's request builder."""
    builder = module_of(name).build_request
    hints = get_type_hints(builder)
    required = [key for key, value in inspect.signature(builder).parameters.items() if value.default is value.empty]
    return {key: an_instance(hints[key]) if key == "body" else "an_id" for key in required}


def an_instance(hint: Any) -> Any:
    """Return a model of the last type of a union, made of the examples that its fields' types suggest."""
    kind = getattr(hint, "__args__", (hint,))[-1]
    video = models.VideoReference(id="video_1")
    values: dict[str, Any] = {"prompt": "A boat", "seconds": "4", "name": "Ada", "video": video}
    if kind is models.CreateCharacterForm:
        values["video"] = File(io.BytesIO(b"mp4"), "ada.mp4")
    required = [field.name for field in attrs.fields(kind) if field.init and field.default is attrs.NOTHING]
    return kind(**{name: values[name] for name in required})


def test_the_types_are_shipped() -> None:
    assert importlib.resources.files("openvideos_raw").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", OPERATIONS)
class TestOperations:
    def test_the_request_is_the_contracts(self, name: str) -> None:
        request = module_of(name).build_request(**arguments_of(name))
        path = OPERATIONS[name]["path"].replace("{video_id}", "an_id").replace("{character_id}", "an_id")
        assert (OPERATIONS[name]["method"], path) == (request["method"], request["url"])

    def test_a_builder_is_pure(self, name: str) -> None:
        """The same arguments give the same request, and are left as they were."""
        arguments = arguments_of(name)
        before = {key: value if isinstance(value, str) else value.to_dict() for key, value in arguments.items()}
        first, second = (module_of(name).build_request(**arguments) for _ in range(2))
        assert first == second
        assert before == {key: value if isinstance(value, str) else value.to_dict() for key, value in arguments.items()}

    def test_a_parser_reads_each_example(self, name: str) -> None:
        for status, response in OPERATIONS[name]["responses"].items():
            for media_type, content in resolve(response).get("content", {}).items():
                for example in content.get("examples", {}).values():
                    assert "application/json" == media_type
                    body = resolve(example)["value"]
                    code = int(status.replace("XX", "29"))
                    parsed = module_of(name).parse_response(code, json.dumps(body).encode())
                    assert body == parsed.to_dict()

    def test_a_parser_leaves_what_it_does_not_know(self, name: str) -> None:
        assert module_of(name).parse_response(299, b"<html>") is None

    def test_the_descriptions_are_in_the_docstring(self, name: str) -> None:
        operation = OPERATIONS[name]
        docstring = words(module_of(name).sync_detailed.__doc__)
        assert words(operation["summary"]) in docstring
        assert words(operation["description"]) in docstring
        for parameter in [*operation["shared"], *operation.get("parameters", [])]:
            schema = resolve(resolve(parameter)["schema"])
            assert words(schema["description"]) in docstring


@pytest.mark.parametrize("name", OBJECTS)
class TestSchemas:
    def test_a_model_stands_for_it(self, name: str) -> None:
        fields = {key.rstrip("_") for key, field in attrs.fields_dict(getattr(models, name)).items() if field.init}
        assert {identifier(key) for key in SCHEMAS[name]["properties"]} == fields

    def test_its_description_is_the_docstring(self, name: str) -> None:
        assert words(SCHEMAS[name]["description"]) == words(getattr(models, name).__doc__)

    def test_each_description_stands_below_its_field(self, name: str) -> None:
        (body,) = ast.parse(inspect.getsource(getattr(models, name))).body
        assert isinstance(body, ast.ClassDef)
        below = {
            first.target.id.rstrip("_"): words(second.value.value)
            for first, second in zip(body.body, body.body[1:], strict=False)
            if isinstance(first, ast.AnnAssign)
            and isinstance(first.target, ast.Name)
            and isinstance(second, ast.Expr)
            and isinstance(second.value, ast.Constant)
            and isinstance(second.value.value, str)
        }
        described = {
            identifier(key): words(resolve(value)["description"]) for key, value in SCHEMAS[name]["properties"].items()
        }
        assert described == below


def json_values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a schema allows, in as much of JSON Schema as openapi.yaml uses."""
    schema = resolve(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([json_values(branch) for branch in schema["anyOf"]])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([KINDS[kind](schema) for kind in kinds])


def objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for an object with its required keys, any of its others, and one that it does not name."""
    values = {key: json_values(value) for key, value in schema["properties"].items()}
    required = {key: values.pop(key) for key in schema.get("required", [])}
    return st.fixed_dictionaries(required, optional=values | {"x_unknown": st.sampled_from([None, 7, "a", [{}]])})


KINDS: dict[str, Any] = {
    "array": lambda schema: st.lists(json_values(schema["items"]), max_size=3),
    "boolean": lambda _: st.booleans(),
    "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
    "number": lambda schema: st.floats(
        schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False
    ),
    "null": lambda _: st.none(),
    "object": objects,
    "string": lambda schema: st.from_regex(schema["pattern"]) if "pattern" in schema else st.text(),
}
ANSWERS = ["Character", "ErrorResponse", "Video", "VideoCompletedEvent", "VideoFailedEvent", "VideoList"]


@pytest.mark.parametrize("name", ANSWERS)
@given(data=st.data())
def test_no_value_is_lost(name: str, data: st.DataObject) -> None:
    """`to_dict` gives back what `from_dict` read, also where a constant is missing."""
    sent = data.draw(json_values(SCHEMAS[name]))
    for key, schema in SCHEMAS[name]["properties"].items():
        if "const" in schema and data.draw(st.booleans()):
            sent.pop(key, None)
    before = copy.deepcopy(sent)
    read = getattr(models, name).from_dict(sent)
    assert before == sent
    assert sent == read.to_dict()
    assert read == type(read).from_dict(read.to_dict())


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a node refers to, or itself, without the description beside the reference: the generator drops it."""
    if "$ref" not in node:
        return node
    found: Any = CONTRACT
    for key in node["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return resolve(found)


def words(text: str | None) -> str:
    """Return a text on one line, with words that the generator broke at a hyphen."""
    return " ".join((text or "").split()).replace("- ", "-")
