"""A timeout is what it can mean, or is refused by its name: in the constructor, in `with_options` and per call."""

from __future__ import annotations

import asyncio
import inspect
import math
from datetime import timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import (
    AsyncOpenVideos,
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideos,
    OpenVideosError,
)

SOME = httpx.Timeout(5, pool=0, connect=None)
MEANT = [
    (None, None),
    (3, 3.0),
    (0.25, 0.25),
    (Fraction(1, 2), 0.5),
    (2_147_483, 2_147_483.0),
    (timedelta(minutes=1, milliseconds=500), 60.5),
    (SOME, SOME),
]
WRONG = [
    "30",
    b"30",
    True,
    False,
    0,
    -1,
    -0.5,
    math.inf,
    -math.inf,
    math.nan,
    10**10,
    2_147_484,
    timedelta(0),
    timedelta(days=-1),
    timedelta(days=25),
    [5],
    (5, 5, 5, 5),
    {"read": 5},
    ...,
    httpx.Timeout("30"),  # type: ignore[arg-type]
    httpx.Timeout(5, read=math.inf),
    httpx.Timeout(5, pool=-1),
    httpx.Timeout(5, write=True),
    httpx.Timeout(5, connect=math.nan),
]


def retrieve(client: Any, **options: Any) -> None:
    """Ask a client of either kind for a video."""
    result = client.videos.retrieve("video_1", **options)
    if inspect.iscoroutine(result):
        asyncio.run(result)


@pytest.mark.parametrize("kind", [OpenVideos, AsyncOpenVideos])
@pytest.mark.parametrize(("timeout", "means"), MEANT)
def test_means_what_it_says(timeout: Any, means: Any, kind: Any) -> None:
    used: list[object] = []

    def handler(request: httpx.Request) -> httpx.Response:
        used.append(request.extensions["timeout"])
        return httpx.Response(404)

    http: Any = httpx.Client if kind is OpenVideos else httpx.AsyncClient
    client = kind(base_url="http://h/v1", timeout=timeout, http_client=http(transport=httpx.MockTransport(handler)))
    other = client.with_options(timeout=7)
    assert (means, 7, means) == (client.timeout, other.timeout, other.with_options(timeout=timeout).timeout)
    for each, options in ((client, {}), (other, {"timeout": timeout})):
        with pytest.raises(NotFoundError):
            retrieve(each, **options)
    assert [httpx.Timeout(means).as_dict()] * 2 == used


@pytest.mark.parametrize("timeout", WRONG, ids=lambda value: repr(value).partition(" at ")[0])
@pytest.mark.parametrize("kind", [OpenVideos, AsyncOpenVideos])
def test_is_refused(timeout: Any, kind: Any) -> None:
    client = kind(base_url="http://h/v1")
    for build in (partial(kind, base_url="http://h/v1"), client.with_options):
        with pytest.raises(ConfigurationError, match=r"^timeout(\.\w+)? is "):
            build(timeout=timeout)
    with pytest.raises(InvalidArgumentError, match=r"^timeout(\.\w+)? is "):
        retrieve(client, timeout=timeout)


@given(
    st.none()
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.text()
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.complex_numbers()
    | st.builds(httpx.Timeout, st.none() | st.floats() | st.integers())
)
def test_is_kept_or_refused(timeout: Any) -> None:
    """Whatever is passed, a socket can keep it, or it is refused with a typed error."""
    try:
        kept = OpenVideos(base_url="http://h/v1", timeout=timeout).timeout
    except OpenVideosError:
        return
    phases = kept.as_dict().values() if isinstance(kept, httpx.Timeout) else [kept]
    assert all(phase is None or 0 <= phase <= 2_147_483 for phase in phases)


def test_one_of_httpx2_is_one_of_httpx() -> None:
    phases = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": None}
    with OpenVideos(base_url="http://s/v1", timeout=httpx2.Timeout(**phases)) as client:
        assert httpx.Timeout(**phases) == client.timeout
    with pytest.raises(ConfigurationError, match=r"timeout\.connect is inf"):
        OpenVideos(base_url="http://s/v1", timeout=httpx2.Timeout(float("inf")))
