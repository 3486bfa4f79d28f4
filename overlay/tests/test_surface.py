"""The public surface is what `__all__` says, and is the same blocking and async (see also `spec/test_parity.py`)."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import openvideos
from openvideos import AsyncOpenVideos, OpenVideos
from openvideos._async_videos import AsyncVideos, AsyncVideosWithRawResponse, AsyncVideosWithStreamingResponse
from openvideos._videos import Videos, VideosWithRawResponse, VideosWithStreamingResponse

SINGLE = {"create", "retrieve", "list", "delete", "download_content", "remix", "edit", "extend", "create_character"}


AWAITED = {
    "Return one page of videos, newest first; iterating it yields": (
        "Return a list: await it to get its first page, or iterate it to get"
    ),
    "whenever it has changed.": "whenever it has changed; awaited if async.",
    "are waited for.": "are waited for; awaited if async.",
    "(None if unknown).": "(None if unknown); awaited if async.",
    "`contextlib.closing`": "`contextlib.aclosing`",
}
"""What the docstring of an async method says instead."""


def methods(kind: type) -> dict[str, Any]:
    """Return a class's public functions."""
    return {name: value for name, value in inspect.getmembers(kind, callable) if not name.startswith("_")}


def parameters(function: Any) -> dict[str, tuple[str, Any]]:
    """Return the annotations and defaults of a method's parameters, by name."""
    found = inspect.signature(function).parameters.values()
    return {
        parameter.name: (parameter.annotation, parameter.default) for parameter in found if parameter.name != "self"
    }


class TestAll:
    def test_names_exist_and_are_sorted_in_their_groups(self) -> None:
        assert len(set(openvideos.__all__)) == len(openvideos.__all__)
        for name in openvideos.__all__:
            assert hasattr(openvideos, name), name

    def test_nothing_else_is_public(self) -> None:
        assert sorted(openvideos.__all__) == dir(openvideos)
        with pytest.raises(AttributeError, match="Nope"):
            getattr(openvideos, "Nope")  # noqa: B009 - a type checker would refuse the name

    def test_type_checkers_see_the_same(self) -> None:
        """What is imported for type checkers is what is loaded at run time."""
        tree = ast.parse(inspect.getsource(openvideos))
        block = next(node for node in tree.body if isinstance(node, ast.If))
        reported = {
            (f"{'.' * node.level}{node.module}", alias.name)
            for node in block.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert {(module, name) for name, module in openvideos._HOME.items()} == reported
        assert {name for _, name in reported} | {"__version__"} == set(openvideos.__all__)

    def test_nothing_is_loaded_before_it_is_used(self) -> None:
        code = "import sys, openvideos; print('httpx' in sys.modules, openvideos.OpenVideos.__name__)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "False OpenVideos" == run.stdout.strip()

    def test_every_public_thing_has_a_docstring(self) -> None:
        for name in openvideos.__all__:
            value = getattr(openvideos, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                assert value.__doc__, name
        for kind in (Videos, AsyncVideos, OpenVideos, AsyncOpenVideos):
            for name, method in methods(kind).items():
                assert method.__doc__, f"{kind.__name__}.{name}"

    def test_errors_are_in_the_tree(self) -> None:
        for name in openvideos.__all__:
            if name.endswith("Error") and name != "VideoError":
                assert issubclass(getattr(openvideos, name), openvideos.OpenVideosError), name


class TestSyncAndAsync:
    @pytest.mark.parametrize(
        ("blocking", "awaited"),
        [
            (OpenVideos, AsyncOpenVideos),
            (Videos, AsyncVideos),
            (openvideos.SyncConversationCursorPage, openvideos.AsyncConversationCursorPage),
        ],
    )
    def test_have_the_same_methods_and_parameters(self, blocking: type, awaited: type) -> None:
        assert set(methods(blocking)) == set(methods(awaited))
        for name, method in methods(blocking).items():
            ours, theirs = inspect.signature(method), inspect.signature(getattr(awaited, name))
            assert list(ours.parameters) == list(theirs.parameters), name
            for key, parameter in ours.parameters.items():
                other = theirs.parameters[key]
                assert (parameter.kind, parameter.default) == (other.kind, other.default), f"{name}({key})"
                annotation = str(parameter.annotation)
                assert annotation.replace("httpx.Client", "httpx.AsyncClient") == str(other.annotation), (
                    f"{name}({key})"
                )

    @pytest.mark.parametrize(
        ("blocking", "awaited", "name"),
        [(Videos, AsyncVideos, name) for name in methods(Videos)] + [(OpenVideos, AsyncOpenVideos, "request")],
    )
    def test_say_the_same_of_each_method(self, blocking: type, awaited: type, name: str) -> None:
        """An editor shows the docstring of the method that is called, and no other."""
        expected = inspect.getdoc(getattr(blocking, name)) or ""
        for before, after in AWAITED.items():
            expected = expected.replace(before, after)
        assert expected.split() == (inspect.getdoc(getattr(awaited, name)) or "").split()

    def test_need_each_of_the_replacements(self) -> None:
        said = "\n".join(inspect.getdoc(method) or "" for method in methods(Videos).values())
        assert [] == [blocking for blocking in AWAITED if blocking not in said]

    def test_keep_name_docstring_and_signature_in_responses(self) -> None:
        for client in (OpenVideos(base_url="http://s/v1"), AsyncOpenVideos(base_url="http://s/v1")):
            for kind in (client.videos.with_raw_response, client.videos.with_streaming_response):
                for name, wrapped in vars(kind).items():
                    method = getattr(client.videos, name)
                    assert (name, method.__doc__) == (wrapped.__name__, wrapped.__doc__), name
                    assert inspect.signature(method).parameters == inspect.signature(wrapped).parameters, name

    def test_wrap_the_same_methods_in_responses(self) -> None:
        client, other = OpenVideos(base_url="http://s/v1"), AsyncOpenVideos(base_url="http://s/v1")
        expected = SINGLE | {"get_character", "list_models"}
        for kind in (client.videos.with_raw_response, client.videos.with_streaming_response):
            assert isinstance(kind, (VideosWithRawResponse, VideosWithStreamingResponse))
            assert expected == set(vars(kind))
        for awaited in (other.videos.with_raw_response, other.videos.with_streaming_response):
            assert isinstance(awaited, (AsyncVideosWithRawResponse, AsyncVideosWithStreamingResponse))
            assert expected == set(vars(awaited))


class TestSignatures:
    def test_what_is_left_out_is_none_or_omit(self) -> None:
        """Whatever `omit` leaves out, None does: there is one rule for all arguments."""
        for kind in (Videos, AsyncVideos):
            for name, method in methods(kind).items():
                for key, (annotation, default) in parameters(method).items():
                    assert (default is openvideos.omit) == annotation.endswith(" | Omit | None"), f"{name}({key})"

    def test_each_id_may_be_the_object_itself(self) -> None:
        kinds = {
            "video_id": "str | Video",
            "after": "str | Video | Omit | None",
            "character_id": "str | Character",
            "ids": "Iterable[str | Video]",
        }
        for kind in (Videos, AsyncVideos):
            for name, method in methods(kind).items():
                for key, (annotation, _) in parameters(method).items():
                    assert kinds.get(key, annotation) == annotation, f"{name}({key})"

    def test_every_mapping_is_one_by_its_type(self) -> None:
        """A dict is invariant: a `dict[str, str]` is no `dict[str, object]`."""
        for kind in (OpenVideos, AsyncOpenVideos, Videos, AsyncVideos):
            for name, method in methods(kind).items():
                for key, (annotation, _) in parameters(method).items():
                    assert "dict[" not in annotation, f"{name}({key})"

    def test_create_and_poll_takes_what_create_and_poll_take(self) -> None:
        both = parameters(Videos.create) | parameters(Videos.poll)
        del both["video_id"]
        assert both == parameters(Videos.create_and_poll)

    def test_annotations_can_be_evaluated(self) -> None:
        for kind in (Videos, AsyncVideos):
            for method in methods(kind).values():
                inspect.signature(method, eval_str=True)


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each message that is written where an error of the SDK is made."""
    errors = {name for name in openvideos.__all__ if name.endswith("Error")}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors and node.args:
            parts = getattr(node.args[0], "values", node.args[:1])  # those of an f-string
            texts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts]
            yield node.lineno, "".join(texts)


def test_messages_are_sentences() -> None:
    """Each ends as one, or with what only a run tells, and has no blank too many."""
    found = [
        (path.name, line, text)
        for path in Path(openvideos.__file__).parent.rglob("*.py")
        for line, text in messages(path)
    ]
    assert len(found) > 100
    assert [] == [each for each in found if re.search(r"\S {2}", each[2]) or not each[2].endswith((".", "?", "{}"))]


def test_the_core_imports_httpx_and_attrs_alone() -> None:
    """`import openvideos` needs nothing but its two dependencies and what these bring."""
    code = """
import sys
before = set(sys.modules)
import attrs, httpx, anyio.to_thread, concurrent.futures
allowed = {name.partition(".")[0] for name in sys.modules} | {"openvideos", "openvideos_raw"} | sys.stdlib_module_names
import openvideos
from openvideos import _async_videos, _videos, _webhooks
print(sorted({name.partition(".")[0] for name in sys.modules} - allowed))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == run.stdout.strip()


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (openvideos.APIConnectionError("x", request=httpx.Request("GET", "http://s")), None, None),
        (openvideos.APIResponseValidationError("x", response=httpx.Response(200), body={}), None, 200),
        (openvideos.NotFoundError("x", response=httpx.Response(404), body={"error": {"code": "c"}}), "c", 404),
    ],
)
def test_every_error_of_the_api_has_the_same_attributes(error: Any, code: str | None, status: int | None) -> None:
    assert (code, None, None, None) == (error.code, error.type, error.param, error.request_id)
    assert "x" == error.message
    assert status == getattr(error, "status_code", None)
