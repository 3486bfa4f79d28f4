"""Every exception has an exit code, and every exit code a meaning."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

import openvideos
from openvideos import APIStatusError, OpenVideosError
from openvideos._cli.exit_codes import BY_ERROR, MEANINGS, ExitCode, exit_code_of
from openvideos._cli.main import cli


def kinds(base: type[OpenVideosError] = OpenVideosError) -> Iterator[type[OpenVideosError]]:
    """Yield the SDK's exceptions."""
    yield base
    for kind in base.__subclasses__():
        if kind.__module__.startswith("openvideos."):
            yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str))
def test_every_exception_has_a_code_of_its_own(kind: type[OpenVideosError]) -> None:
    assert kind in BY_ERROR
    assert BY_ERROR[kind] == exit_code_of(kind.__new__(kind))
    assert BY_ERROR[kind] not in {ExitCode.DONE, ExitCode.INTERRUPTED, ExitCode.READER_GONE, ExitCode.TERMINATED}


def test_every_public_exception_is_known() -> None:
    public = {getattr(openvideos, name) for name in openvideos.__all__ if name.endswith("Error")}
    assert {kind for kind in public if issubclass(kind, OpenVideosError)} == set(BY_ERROR)


def test_the_exception_of_an_application_has_the_code_of_its_base() -> None:
    class Mine(openvideos.RateLimitError):
        pass

    assert ExitCode.SERVER_FAILED == exit_code_of(Mine.__new__(Mine))


@pytest.mark.parametrize("status", range(400, 600))
def test_every_status_of_an_error_has_a_code(status: int) -> None:
    response = httpx.Response(status, request=httpx.Request("GET", "http://server.test/v1"))
    code = exit_code_of(APIStatusError.for_status(status)("no", response=response))
    if status >= 500 or status == 429:
        assert ExitCode.SERVER_FAILED == code
    else:
        assert code in {ExitCode.REFUSED, ExitCode.NO_ACCESS, ExitCode.NOT_FOUND}


def test_every_code_has_a_meaning() -> None:
    assert [*ExitCode] == [*MEANINGS]


def test_every_command_has_an_example() -> None:
    def commands(group: object) -> Iterator[tuple[str, object]]:
        for name, command in getattr(group, "commands", {}).items():
            yield name, command
            yield from commands(command)

    found = dict(commands(cli))
    assert {"create", "get", "list", "wait", "download", "open", "doctor"} <= found.keys()
    for name, command in found.items():
        if not hasattr(command, "commands"):
            assert "Example" in str(getattr(command, "epilog", None)), name
