"""A program that has no key learns whether the emulator runs, and by which contract."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from openvideos_emulator._factory import version

if TYPE_CHECKING:
    from tests.emulator.conftest import Server

HEALTH, CONTRACT = "http://emulator/health", "http://emulator/openapi.yaml"


def test_health_says_that_it_runs_and_what_it_is(serve: type[Server], document: dict[str, Any]) -> None:
    for options in ({}, {"api_key": "right"}, {"imitate": "fastvideo"}):
        with serve(**options) as server:
            answer = server.get(HEALTH)
            assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
            expected = {"status": "ok", "version": version(), "contract": document["info"]["version"]}
            assert expected == answer.json()


def test_the_contract_is_served_as_it_is(serve: type[Server], document: dict[str, Any]) -> None:
    with serve(api_key="right") as server:
        answer = server.get(CONTRACT)
        assert (200, "application/yaml") == (answer.status_code, answer.headers["content-type"])
        assert files("openvideos_emulator").joinpath("openapi.yaml").read_bytes() == answer.content
        assert document == yaml.load(answer.content, yaml.CSafeLoader)
        assert 304 == server.get(CONTRACT, headers={"If-None-Match": answer.headers["etag"]}).status_code


@pytest.mark.parametrize("url", [HEALTH, CONTRACT])
def test_they_are_read_and_nothing_else(serve: type[Server], url: str) -> None:
    with serve() as server:
        assert server.get(url).headers["content-length"] == server.request("HEAD", url).headers["content-length"]
        assert 204 == server.request("OPTIONS", url).status_code
        for method in ("POST", "PUT", "DELETE"):
            response = server.request(method, url)
            assert (405, "GET, HEAD, OPTIONS") == (response.status_code, response.headers["allow"])
