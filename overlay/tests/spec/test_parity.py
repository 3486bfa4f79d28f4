"""The overlay has what the API that it offers fixes, blocking and async: `seed.toml` is the table."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import httpx
import pytest
from attrs import fields_dict

import openvideos
from openvideos._async_videos import AsyncVideos
from openvideos._settings import Timeout
from openvideos._videos import Videos
from openvideos_raw import models

from .contract import OPERATIONS

SEED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("seed.toml").read_text("utf-8"))
DIFFERS: dict[str, str] = SEED["differs"]
WIDENED: dict[str, dict[str, str]] = SEED["widened"]
NAMESPACE: dict[str, Any] = {
    "httpx": httpx,
    "Literal": Literal,
    "Mapping": Mapping,
    "Timeout": Timeout,
    **{name: getattr(openvideos, name) for name in openvideos.__all__},
}
BEYOND = {"create_character", "download", "edit", "extend", "get_character", "list_models", "wait_many"}
KIND = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


def wanted(method: str) -> list[tuple[str, str, Any, Any]]:
    """Return name, annotation, default and kind of each parameter that the table has for a method."""
    found: list[tuple[str, str, Any, Any]] = []
    said = SEED["methods"][method]
    is_keyword = False
    for each in said["parameters"] + (SEED["extras"] if said["extras"] else []):
        if each == "*":
            is_keyword = True
            continue
        declared, _, default = each.partition(" = ")
        name, _, annotation = declared.partition(": ")
        value = eval(default, {}, NAMESPACE) if default else inspect.Parameter.empty  # noqa: S307 - from our own table
        found.append((name, annotation, value, KIND[is_keyword]))
    return found


def members(annotation: Any) -> set[Any]:
    """Return the types that a union is made of, and the words of its literals."""
    if get_origin(annotation) is Literal or not get_args(annotation):
        return set(get_args(annotation)) or {annotation}
    if get_origin(annotation) in {list, dict, tuple, Mapping}:
        return {annotation}
    return set[Any]().union(*(members(each) for each in get_args(annotation)))


def is_member(kind: Any, others: set[Any]) -> bool:
    """Return whether a value of a type or word may be passed where these are taken."""
    return (
        kind in others
        or (kind is int and float in others)
        or (get_origin(kind) is dict and Mapping[get_args(kind)] in others)  # type: ignore[misc] # evaluated
    )


def evaluated(annotation: str) -> Any:
    """Return what an annotation of the table means."""
    return eval(annotation, {}, NAMESPACE)  # noqa: S307 - from our own table


def hints_of(model: str) -> dict[str, Any]:
    """Return the types of a model's fields."""
    return get_type_hints(getattr(openvideos, model), localns=vars(models))


@pytest.mark.parametrize("method", SEED["methods"])
@pytest.mark.parametrize("kind", [Videos, AsyncVideos], ids=["sync", "async"])
class TestMethods:
    def test_parameters(self, kind: type, method: str) -> None:
        """The table's parameters are there, in its order, with its kinds and defaults, and take what is taken there."""
        found = inspect.signature(getattr(kind, method)).parameters
        table = wanted(method)
        assert [name for name, *_ in table] == [name for name in found if name in {name for name, *_ in table}]
        for name, annotation, default, parameter_kind in table:
            ours = found[name]
            assert default is ours.default, name
            assert parameter_kind is ours.kind, name
            assert WIDENED.get(f"{name}: {annotation}", {"here": annotation})["here"] == ours.annotation, name
            others = members(evaluated(str(ours.annotation)))
            lost = [each for each in members(evaluated(annotation)) if not is_member(each, others)]
            assert not lost, f"{method} no longer takes {lost} as {name}: take it, or change seed.toml, which has it"

    def test_what_comes_on_top_may_be_left_out(self, kind: type, method: str) -> None:
        """Code for the table's methods runs here: what we add are keywords with a default."""
        known = {"self", *(name for name, *_ in wanted(method))}
        for name, parameter in inspect.signature(getattr(kind, method)).parameters.items():
            if name not in known:
                assert parameter.kind is parameter.KEYWORD_ONLY, name
                assert parameter.default is not parameter.empty, name

    def test_returns(self, kind: type, method: str) -> None:
        function = getattr(kind, method)
        returns = inspect.signature(function).return_annotation
        if kind is AsyncVideos and f"async {method}" in DIFFERS:
            assert "AsyncPaginator[Video]" == returns
            return
        assert SEED["methods"][method]["returns"] == returns
        assert inspect.iscoroutinefunction(function) == (kind is AsyncVideos)


def test_there_are_no_other_methods_than_these_and_our_own() -> None:
    for kind in (Videos, AsyncVideos):
        public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert SEED["methods"].keys() | BEYOND == public


@pytest.mark.parametrize("model", SEED["fields"])
def test_fields(model: str) -> None:
    """Each field of the table is an attribute, of the same type or of one that the table gives a reason for."""
    kind = getattr(openvideos, model)
    hints = hints_of(model)
    for name, annotation in SEED["fields"][model].items():
        assert name in fields_dict(kind)
        if f"{model} {name}" not in DIFFERS:
            assert members(evaluated(annotation)) == members(hints[name]), name


def test_each_difference_is_one() -> None:
    """A reason is for something that the table has and that differs."""
    declared = {f"{name}: {annotation}" for method in SEED["methods"] for name, annotation, *_ in wanted(method)}
    assert [] == sorted(WIDENED.keys() - declared)
    assert [] == [one for one, other in WIDENED.items() if one.partition(": ")[2] == other["here"] or not other["why"]]
    equal: set[str] = set()
    for model, table in SEED["fields"].items():
        hints = hints_of(model)
        equal |= {f"{model} {name}" for name, said in table.items() if members(evaluated(said)) == members(hints[name])}
    known = {"async list"} | {f"{model} {name}" for model, table in SEED["fields"].items() for name in table}
    assert [] == sorted(DIFFERS.keys() & equal)
    assert [] == sorted(DIFFERS.keys() - known)


def test_names() -> None:
    assert {*SEED["names"], *SEED["clients"].values()} <= set(openvideos.__all__)


def test_words() -> None:
    for name, words in SEED["words"].items():
        assert set(words) <= members(getattr(openvideos, name))


def test_what_is_left_out_is_left_to_the_server() -> None:
    """What the table calls a default is the emulator's, as its own tests say; other servers have others."""
    for body in OPERATIONS["create_video"].bodies.values():
        assert all("default" not in body.schema["properties"][name] for name in ("model", "seconds", "size"))
