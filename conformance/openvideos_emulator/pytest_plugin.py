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
    from .testing import OpenVideosEmulator, OpenVideosServer

_OPTIONS: Final = {
    "pace": ("instant", "the job speed: instant, polls:N, seconds:S or manual"),
    "profile": ("default", "which sizes and durations the server accepts: default or sora"),
    "imitate": ("", "the real server that is imitated, such as vllm-omni; if it is empty, none"),
    "api_key": ("sk-emulator", "the key that requests must carry; if it is empty, requests need no key"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options for all tests: `openvideos_pace`, `openvideos_profile`, `openvideos_imitate` and so on."""
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
    """Return an emulator of the Videos API with no jobs: where it is, and how to steer it.

    It has `base_url`, `api_key` and `environ` for clients; `jobs`, `requests`, `events` and `faults` to look at; and
    `seed()`, `advance()`, `travel()`, `fail_next()`, `send_webhooks()` and `reset()` to steer it: see
    `openvideos_emulator.testing.OpenVideosServer`.

    Example:
        >>> def test_a_video_is_made(openvideos_server):
        ...     with OpenVideos(base_url=openvideos_server.base_url, api_key=openvideos_server.api_key) as client:
        ...         client.videos.create_and_poll(prompt="A cat")
        ...     openvideos_server.requests.assert_sent("create_video", prompt="A cat")

    """
    from .testing import EmulatorError, OpenVideosServer

    options = _options(request)
    try:
        process = _openvideos_processes.of(options["api_key"], options["imitate"])
        server = OpenVideosServer(process.base_url, options["api_key"] or "any")
        server.reset(pace=options["pace"], profile=options["profile"])
    except EmulatorError as error:
        raise pytest.fail.Exception(f"openvideos_server: {error}", pytrace=False) from None
    yield server
    with contextlib.suppress(EmulatorError):  # a test may have stopped the emulator
        server.stop_webhooks()


@pytest.fixture(scope="session")
def openvideos_emulator(request: pytest.FixtureRequest, _openvideos_processes: Processes) -> OpenVideosEmulator:
    """Return an emulator for the whole run, in which each API key has jobs, faults, time and requests of its own.

    It is for what lives longer than a test, such as an application that is started once for all tests.

    Example:
        >>> @pytest.fixture(scope="session")
        ... def application(openvideos_emulator):
        ...     with serve(videos_url=openvideos_emulator.base_url) as running:
        ...         yield running
        >>> def test_a_tenant_sees_its_own(application, openvideos_emulator):
        ...     server = openvideos_emulator.server()
        ...     application.create_video("A cat", key=server.api_key)
        ...     assert len(server.jobs) == 1

    """
    from .testing import EmulatorError, OpenVideosEmulator

    try:
        process = _openvideos_processes.of(None, request.config.getini("openvideos_imitate"))
    except EmulatorError as error:
        raise pytest.fail.Exception(f"openvideos_emulator: {error}", pytrace=False) from None
    return OpenVideosEmulator(process.base_url)


@pytest.fixture
def openvideos_environ(openvideos_server: OpenVideosServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set OPENVIDEOS_BASE_URL, OPENVIDEOS_API_KEY, OPENAI_BASE_URL and OPENAI_API_KEY to `openvideos_server`'s.

    NO_PROXY is set, too, so that a proxy of the machine does not stand between.

    Example:
        >>> def test_a_video_is_started(openvideos_environ, openvideos_server):
        ...     OpenVideos().videos.create(prompt="A cat")
        ...     assert len(openvideos_server.jobs) == 1

    """
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
