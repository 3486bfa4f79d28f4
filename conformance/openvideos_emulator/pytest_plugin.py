"""Provide the pytest fixture `openvideos_server`: an emulator that serves on its own port.

pytest loads this module in every run where openvideos is installed, so it imports nothing slow, and nothing that needs
the extra `emulator`. Without that extra, the fixture fails and names what is missing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._process.parent import Processes
    from .testing import OpenVideosServer

_OPTIONS: Final = {
    "pace": ("instant", "the job speed: instant, polls:N, seconds:S or manual"),
    "profile": ("default", "which sizes and durations the server accepts: default or sora"),
    "api_key": ("sk-emulator", "the key that requests must carry; if it is empty, requests need no key"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options for all tests: `openvideos_pace`, `openvideos_profile`, `openvideos_api_key`."""
    for name, (default, meaning) in _OPTIONS.items():
        parser.addini(f"openvideos_{name}", f"openvideos_server: {meaning} (default: {default})", default=default)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that sets these options for a test, a class or a module."""
    signature = ", ".join(f"{name}={default!r}" for name, (default, _) in _OPTIONS.items())
    config.addinivalue_line("markers", f"openvideos({signature}): set up the fixture openvideos_server.")


@pytest.fixture(scope="session", name="_openvideos_processes")
def _processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    from ._process.parent import Processes

    processes = Processes(request.config.invocation_params.dir)
    yield processes
    processes.close()


@pytest.fixture
def openvideos_server(request: pytest.FixtureRequest, _openvideos_processes: Processes) -> Iterator[OpenVideosServer]:
    """Return an emulator of the Videos API with no jobs: `base_url`, `api_key`, `advance()`, `fail_next()`, `jobs`."""
    from .testing import EmulatorError, OpenVideosServer

    options = _options(request)
    try:
        process = _openvideos_processes.of(options["api_key"])
        server = OpenVideosServer(process.base_url, options["api_key"] or "any")
        server.reset(pace=options["pace"], profile=options["profile"])
    except EmulatorError as error:
        pytest.fail(f"openvideos_server: {error}", pytrace=False)
    yield server
    with contextlib.suppress(EmulatorError):  # a test may have stopped the emulator
        server.stop_webhooks()


@pytest.fixture
def openvideos_environ(openvideos_server: OpenVideosServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set OPENVIDEOS_BASE_URL, OPENVIDEOS_API_KEY, OPENAI_BASE_URL and OPENAI_API_KEY to `openvideos_server`'s."""
    environ = openvideos_server.environ
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


def _options(request: pytest.FixtureRequest) -> dict[str, str]:
    options: dict[str, str] = {name: request.config.getini(f"openvideos_{name}") for name in _OPTIONS}
    for mark in reversed(list(request.node.iter_markers("openvideos"))):  # the nearest marker comes last and overrides
        unknown = [*map(repr, mark.args), *(mark.kwargs.keys() - _OPTIONS.keys())]
        if unknown:
            known = ", ".join(f"{name}=..." for name in _OPTIONS)
            pytest.fail(f"the marker openvideos knows nothing of {', '.join(unknown)}; it takes {known}", pytrace=False)
        options |= mark.kwargs
    return options
