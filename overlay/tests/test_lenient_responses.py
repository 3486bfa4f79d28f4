"""Only an id and a status must be right: under every other key a server may send what it likes, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import APIResponseValidationError, NotFoundError, Video, VideoError

from .test_hostile_responses import ID, METHODS, RIGHT, SCHEMAS, VIDEO, answering, call, values

MODELS: Final[dict[str, Any]] = {
    "object": "list",
    "contract": {"revision": "2026-12-01", "profiles": ["core"], "extensions": []},
    "data": [{"id": "m", "object": "model", "is_default": True}],
}
COMPLETED: Final = {**VIDEO, "status": "completed", "error": None}
NEEDS: Final = {"Video": {"id", "status"}, "Character": {"id"}, "Model": {"id"}}
JOBS: Final = ["create", "retrieve", "poll"]


def answered(method: str, body: Any, headers: Any = ()) -> Any:
    """Return what a method makes of a 200 with this body."""
    return call(answering(200, body if isinstance(body, bytes) else json.dumps(body).encode(), headers), method)


def changed(right: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return a right object with another value under one key; `...` leaves the key out."""
    rest = {name: old for name, old in right.items() if name != key}
    return rest if value is ... else {**rest, key: value}


def optional(schema: str) -> st.SearchStrategy[str]:
    """Draw a key of a schema that the SDK does not need."""
    return st.sampled_from(sorted({*SCHEMAS[schema]["properties"]} - NEEDS[schema]))


def check_kept(model: Any, key: str, value: Any, schema: str) -> None:
    """Check that the object's JSON is what was sent, and the attribute None or of the type that it is said to have."""
    found = getattr(model, key)
    if isinstance(found, VideoError):
        return  # a reason of any shape is made one: test_hostile_responses
    assert (value is not ...) == (key in model.to_dict())
    assert repr(None if value is ... else value) == repr(model.to_dict().get(key))
    if key != "object":  # a server's own word for it is shown
        kinds = {"integer": (int, float), "string": (str,), "boolean": (bool,), "array": (list,), "null": ()}
        named = SCHEMAS[schema]["properties"][key].get("type", "null")
        names = [named] if isinstance(named, str) else named
        assert found is None or any(isinstance(found, kinds[name]) for name in names)


anything = values.filter(lambda value: value == value) | st.just(...)  # noqa: PLR0124 - NaN is no JSON


class TestAnyValue:
    @pytest.mark.parametrize("method", JOBS)
    @given(key=optional("Video"), value=anything)
    @example(key="created_at", value=None)
    @example(key="created_at", value=...)
    @example(key="created_at", value="2026-11-29T23:00:00Z")
    @example(key="created_at", value="1795337985")
    @example(key="model", value=None)
    @example(key="model", value=["m"])
    def test_of_a_video(self, method: str, key: str, value: Any) -> None:
        video = answered(method, changed(COMPLETED if "poll" in method else VIDEO, key, value))
        if method in {"create", "retrieve"}:
            assert (VIDEO["id"], VIDEO["status"]) == (video.id, video.status)
        check_kept(video, key, value, "Video")

    @given(key=optional("Video"), value=anything)
    @example(key="created_at", value=None)
    def test_of_one_item_of_a_page(self, key: str, value: Any) -> None:
        page = answered("list", {**RIGHT["page"], "data": [VIDEO, changed(VIDEO, key, value), VIDEO]})
        assert [VIDEO["id"]] * 3 == [video.id for video in page.data]
        check_kept(page.data[1], key, value, "Video")

    @pytest.mark.parametrize("method", ["create_character", "get_character"])
    @given(key=optional("Character"), value=anything)
    def test_of_a_character(self, method: str, key: str, value: Any) -> None:
        character = answered(method, changed(RIGHT["character"], key, value))
        assert RIGHT["character"]["id"] == character.id
        check_kept(character, key, value, "Character")

    @given(key=optional("Model"), value=anything)
    @example(key="is_default", value=...)
    def test_of_a_model(self, key: str, value: Any) -> None:
        (model,) = answered("list_models", {**MODELS, "data": [changed(MODELS["data"][0], key, value)]}).data
        assert "m" == model.id
        check_kept(model, key, value, "Model")

    @given(value=st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.just(...))
    def test_of_a_list_of_models_whose_server_claims_nothing(self, value: Any) -> None:
        models = answered("list_models", changed(MODELS, "contract", value))
        assert (None, ["m"]) == (models.contract, [model.id for model in models.data])
        if value is not None:
            assert changed({}, "contract", value) == models.additional_properties

    @given(key=st.sampled_from(["revision", "profiles", "extensions"]), value=st.none() | st.integers() | st.just(...))
    def test_of_a_claim(self, key: str, value: Any) -> None:
        claim = answered("list_models", changed(MODELS, "contract", changed(MODELS["contract"], key, value))).contract
        assert None is getattr(claim, key)
        assert MODELS["contract"] == {
            **MODELS["contract"],
            **{name: getattr(claim, name) for name in MODELS["contract"] if name != key},
        }
        assert value in (None, ..., claim.additional_properties.get(key))

    def test_of_all_of_them_at_once(self) -> None:
        """OpenRouter and others send little else."""
        video = answered("retrieve", {"id": "v", "status": "pending"})
        assert ("v", "pending", "video", None, None) == (
            video.id,
            video.status,
            video.object,
            video.created_at,
            video.model,
        )


class TestWhatIsNeeded:
    @pytest.mark.parametrize("key", ["id", "status"])
    @given(value=st.none() | st.booleans() | st.integers() | st.lists(st.text()) | st.just(...))
    def test_of_a_video_is_named(self, key: str, value: Any) -> None:
        with pytest.raises(APIResponseValidationError, match=f"but Video: the key '{key}' is "):
            answered("retrieve", changed(changed(VIDEO, "created_at", None), key, value))

    @given(value=st.none() | st.integers() | st.just("") | st.just(...))
    def test_of_a_model_is_named_with_its_place(self, value: Any) -> None:
        body = {**MODELS, "data": [*MODELS["data"], changed(MODELS["data"][0], "id", value)]}
        with pytest.raises(
            APIResponseValidationError, match=r"the list's data\[1\] cannot be read: Model: the key 'id' "
        ):
            answered("list_models", body)

    @pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": 7}])
    def test_of_a_list_of_models(self, body: Any) -> None:
        with pytest.raises(APIResponseValidationError, match="the key 'data' is missing or not a list"):
            answered("list_models", body)

    def test_null_is_an_empty_list_of_models(self) -> None:
        assert [] == answered("list_models", {**MODELS, "data": None}).data


class TestDeletions:
    """A video is deleted unless something in the answer says otherwise."""

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"id": ID, "object": "video.deleted", "deleted": True},
            {"deleted": True},
            {"deleted": None, "id": None},
            {"success": True},
            {"deleted": 1, "error": None},
            {"status": "deleted", "id": ID},
            {"error": ""},
            {"result": "success", "code": 0, "state": "done"},
            {"code": 200},
            {"code": 10000, "msg": "OK"},
            {"message": "The video was removed."},
            # the job that was deleted, as SGLang and FastVideo send it; what is failed is the job
            {**VIDEO, "id": ID, "status": "failed", "error": {"code": "c", "message": "m"}},
            {"id": ID, "created_at": 1, "status": "error"},
        ],
    )
    def test_it_is(self, body: dict[str, Any]) -> None:
        result = answered("delete", body)
        assert (ID, True) == (result.id, result.deleted)

    @pytest.mark.parametrize(
        "body",
        [
            {"deleted": False},
            {"deleted": "false"},
            {"deleted": 0, "status": "deleted"},
            {"success": False},
            {"success": "No", "deleted": True},
            {"ok": False},
            {"error": {"message": "Still running"}},
            {"error": "Still running", "deleted": True},
            {"status": "error"},
            {"id": ID, "status": " Failed"},
            {"result": "failed"},
            {"result": False},
            {"state": "rejected"},
            {"code": 500},
            {"code": "404", "message": "No such video"},
            {"status": 409},
            {"status_code": 403, "id": ID},
            {**VIDEO, "id": ID, "deleted": False},
        ],
    )
    def test_it_is_not(self, body: dict[str, Any]) -> None:
        result = answered("delete", body)
        assert (ID, False) == (result.id, result.deleted)
        for key, value in body.items():
            assert value == result.additional_properties.get(key, getattr(result, key, None))

    @given(body=st.dictionaries(st.sampled_from(["deleted", "success", "ok", "error", "status", "object"]), values))
    def test_nothing_is_lost_whatever_it_says(self, body: dict[str, Any]) -> None:
        result = answered("delete", body)
        assert isinstance(result.deleted, bool)
        assert not result.deleted or not any(body.get(key) is False for key in ("deleted", "success", "ok"))
        for key, value in body.items():
            if value is not None:
                assert repr(value) == repr(result.additional_properties.get(key, getattr(result, key, None))) or (
                    key == "deleted" and value in {0, 1}
                )


class TestWhatAnErrorSays:
    """A 200 that is an error, or a page for browsers, says what is wrong in the server's words."""

    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"message": "Incorrect API key"}},
            {"error": {"message": "Incorrect API key", "code": 401}, "id": None},
            {"error": "Incorrect API key"},
            {"error": None, "detail": "Incorrect API key"},
            {"error": True, "message": "Incorrect API key"},
            {"success": False, "message": "Incorrect API key"},
            {"detail": {"message": "Incorrect API key"}},
        ],
    )
    @pytest.mark.parametrize(
        "method",
        # A poll bears a few of them; see flows/test_polling.py.
        [name for name in METHODS if name not in {"delete", "download", "download_content", "wait_many", "poll"}],
    )
    def test_the_message_is_shown(self, method: str, body: dict[str, Any]) -> None:
        with pytest.raises(
            APIResponseValidationError, match=r"returned 200, but .* The server says: Incorrect API key\.(\n|$)"
        ):
            answered(method, body)

    @pytest.mark.parametrize(
        ("message", "shown"),
        [("Gone", "Gone."), ("Gone.", "Gone."), ("Gone!", "Gone!"), ("Who?", "Who?"), ("x" * 301, f"{'x' * 300}…")],
    )
    def test_the_message_is_a_sentence_before_the_advice(self, message: str, shown: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            call(answering(404, json.dumps({"error": {"message": message}}).encode()), "retrieve")
        assert str(caught.value).partition(": ")[2].startswith(f"{shown} Check the id, ")

    def test_a_long_one_is_cut(self) -> None:
        with pytest.raises(APIResponseValidationError, match=r"missing\. The server says: x{300}…$"):
            answered("retrieve", {"error": "x" * 10_000})

    @pytest.mark.parametrize(
        "body", [b"<!doctype html><title>Welcome to nginx</title>", b"\n <html></html>", b"<?xml version='1.0'?>"]
    )
    def test_a_page_for_browsers_gives_advice(self, body: bytes) -> None:
        with pytest.raises(
            APIResponseValidationError,
            match=r"is not JSON.*check that the base URL ends where the API begins, usually with /v1\.$",
        ):
            answered("retrieve", body, [(b"content-type", b"text/html")])

    @pytest.mark.parametrize("body", [b"", b"oops", b"{", b'{"id": 1}', b"[1]"])
    def test_nothing_is_made_up(self, body: bytes) -> None:
        with pytest.raises(APIResponseValidationError) as caught:
            answered("retrieve", body)
        assert "The server says" not in str(caught.value)
        assert "base URL" not in str(caught.value)


def test_a_job_that_failed_with_a_5xx_may_lack_what_is_not_needed() -> None:
    body = json.dumps({"id": ID, "object": "video", "status": "failed", "created_at": None}).encode()
    video = call(answering(500, body), "retrieve")
    assert isinstance(video, Video)
    assert (ID, "failed") == (video.id, video.status)
