"""Code for openai-python finds the names that it uses; what it does not find is in docs/sdk.md, in the table."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import openvideos
from openvideos import OpenVideos

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text("utf-8")
ERRORS = """APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError AuthenticationError
BadRequestError ConflictError InternalServerError NotFoundError PermissionDeniedError RateLimitError
UnprocessableEntityError"""
RESPONSE = """close content headers http_request http_response http_version is_closed iter_bytes iter_lines iter_text
json method parse read request_id status_code stream_to_file text url elapsed"""
NAMES: dict[Any, str] = {
    openvideos: f"{ERRORS} DEFAULT_MAX_RETRIES DEFAULT_TIMEOUT NOT_GIVEN NotGiven Omit not_given omit OpenAIError "
    "Timeout DefaultHttpxClient",
    openvideos.APIResponse: RESPONSE,
    openvideos.AsyncAPIResponse: RESPONSE,
    openvideos.HttpxBinaryResponseContent: """aclose aiter_bytes aiter_lines aiter_raw aiter_text aread astream_to_file
        charset_encoding close content encoding iter_bytes iter_lines iter_raw iter_text json read response
        stream_to_file text write_to_file""",
    openvideos.SyncConversationCursorPage: """data get_next_page has_more has_next_page iter_pages last_id
        next_page_info""",
    openvideos.Videos: """create create_and_poll create_character delete download_content edit extend get_character list
        poll remix retrieve with_raw_response with_streaming_response""",
    OpenVideos: """api_key base_url close copy delete get is_closed max_retries patch post put timeout videos
        webhook_secret webhooks with_options""",
    openvideos.Webhooks: "unwrap verify_signature",
}
"""The names of openai-python 3.54.0, by what has them here."""
PARAMETERS: dict[Any, str] = {
    OpenVideos: """api_key base_url default_headers default_query http_client max_retries organization project timeout
        webhook_secret""",
    OpenVideos.with_options: """api_key base_url default_headers default_query max_retries organization project timeout
        webhook_secret http_client""",
    openvideos.HttpxBinaryResponseContent.stream_to_file: "file chunk_size",
    openvideos.APIResponse.stream_to_file: "file chunk_size",
    openvideos.APIResponse.parse: "to",
}
TABLE = PAGE[PAGE.index("## Differences from openai-python") :]
THEIRS = set(re.findall(r"\w+", " ".join(line.split("|")[1] for line in TABLE.splitlines() if line.startswith("|"))))
"""The words of the table's first column."""


def has(kind: Any, name: str) -> bool:
    """Return whether a module or a class has a name, or the class's `__init__` sets it."""
    return hasattr(kind, name) or name in {*getattr(kind, "__annotations__", {}), "http_response", "response"}


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_a_name_is_there_or_in_the_table_of_differences(kind: Any) -> None:
    assert set() == {name for name in NAMES[kind].split() if not has(kind, name)} - THEIRS


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda function: function.__qualname__)
def test_a_parameter_is_there_or_in_the_table_of_differences(function: Any) -> None:
    assert set() == set(PARAMETERS[function].split()) - set(inspect.signature(function).parameters) - THEIRS


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
