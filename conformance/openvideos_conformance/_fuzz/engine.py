"""Let schemathesis generate requests from the contract, send them, and judge the responses. Done once per run.

Schemathesis runs in this process, with a transport that records (`transport.py`), and on a contract that is adapted to
the server (`document.py`). `findings.py` decides what its findings mean.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import capability_of
from .._core.target import MAX_GENERATED_JOBS
from .._inputs.media_files import clip, image
from .._server.discovery import EXTENSIONS
from .document import IMAGE, JSON_CREATE, VIDEO, adapted
from .findings import count_exercised, own_failures, requirement_of
from .generated import Failure, Generated, told_of
from .transport import RecordingTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .._core.contract import Schema
    from .._core.target import Target
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient


_STORAGE: Final = "HYPOTHESIS_STORAGE_DIRECTORY"
"""Hypothesis's own variable. The tables of characters, which it keeps there, take five seconds to make."""
_CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)


@dataclass(slots=True)
class Fuzzed:
    """The result of the generated requests: the failures of each requirement, and how many exchanges exercised it."""

    failures: dict[str, list[Failure]] = field(default_factory=dict[str, list[Failure]])
    tested: Counter[str] = field(default_factory=Counter[str])


def fuzz(client: RecordingClient, offered: Capabilities) -> Fuzzed:
    """Send requests that schemathesis generates, for a limited time and a limited number of jobs; return the result.

    Raises:
        RuntimeError: Schemathesis failed, so there is no result.

    """
    half = (client.target.max_videos - client.videos_started) // 2
    transport = RecordingTransport(client, min(MAX_GENERATED_JOBS, half, client.starts.left))
    failures = _generate(client, transport, _operations(client, offered))
    generated = Generated(client.contract, transport.exchanges, transport.legality, client.history)
    found: dict[str, list[Failure]] = {}
    for failure in failures:
        requirement = requirement_of(failure, generated)
        if requirement is not None:
            said = replace(failure, message=told_of(failure, generated))
            found.setdefault(requirement, []).append(said)
    for requirement, failure in own_failures(generated):
        found.setdefault(requirement, []).append(failure)
    return Fuzzed(found, count_exercised(generated))


def _operations(client: RecordingClient, offered: Capabilities) -> set[str]:
    """Return the operations and extensions that the server offers, and `json` if it accepts a create as JSON."""
    needed = {operation.id: capability_of(operation.id) for operation in client.contract.operations}
    has: set[str] = set()
    for name, capability in {**needed, **{name: name for name in (JSON_CREATE, *EXTENSIONS)}}.items():
        if offered.has(capability):
            has.add(name)
    return has


def _generate(client: RecordingClient, transport: RecordingTransport, offered: set[str]) -> list[Failure]:
    from schemathesis.engine import events, from_schema

    failures: list[Failure] = []
    problems: list[str] = []
    with _storage(), warnings.catch_warnings(), transport.installed():
        warnings.simplefilter("ignore")  # the warnings are about the document, which is our own
        stream = from_schema(_schema(client, offered)).execute()
        began, is_stopped = client.now(), False
        for event in stream:
            if isinstance(event, events.PhaseStarted):
                transport.phase = event.phase.name.value
            elif isinstance(event, events.ScenarioFinished):
                failures += _failures(event, transport)
            elif isinstance(event, events.NonFatalError):
                problems += _problem(event)
            elif isinstance(event, events.FatalError):
                raise event.exception
            elif isinstance(event, events.Interrupted) and not is_stopped:
                raise KeyboardInterrupt
            if client.now() - began > client.target.generation_time and not is_stopped:
                is_stopped = True
                stream.stop()
    if problems and not transport.exchanges:
        raise RuntimeError(f"schemathesis generated nothing: {problems[0]}")
    return failures


@contextlib.contextmanager
def _storage() -> Generator[None]:
    """Let Hypothesis keep its tables where the user tells it to, or else in no directory of the user's."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory() as deleted:
        set_hypothesis_home_dir(os.environ.get(_STORAGE) or deleted)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def _schema(client: RecordingClient, offered: set[str]) -> Any:
    import schemathesis
    from hypothesis import strategies
    from schemathesis import config

    target = client.target
    _, picture, _ = image(target.size)
    _, video, _ = clip(target.size, target.seconds)
    schemathesis.openapi.media_type(IMAGE, strategies.just(picture))
    schemathesis.openapi.media_type(VIDEO, strategies.just(video))
    # Schemathesis judges only bodies that it can deserialize. As Latin-1 text, a file fits its schema, a string.
    binary = schemathesis.deserializer("video/mp4", "image/webp", "image/jpeg")
    binary(lambda _, response: response.content.decode("latin-1"))
    document = adapted(client.contract, target, offered=offered, picture=picture)
    read: Callable[[Schema], config.SchemathesisConfig] = getattr(config.SchemathesisConfig, "from_dict")  # noqa: B009
    return schemathesis.openapi.from_dict(document, config=read(_configuration(target)))


def _configuration(target: Target) -> Schema:
    checks: Schema = {name: {} for name in _CHECKS}
    checks["response_schema_conformance"] = {"validate-formats": False}
    return {
        "seed": target.seed,
        "base-url": target.base_url.rstrip("/"),
        "headers": {} if target.api_key is None else {"Authorization": f"Bearer {target.api_key}"},
        "request-timeout": target.timeout,
        "continue-on-failure": True,
        "cache": {"enabled": False},
        # A NUL fits the schema of a text, but many servers refuse it, since their databases cannot store it.
        "generation": {
            "allow-x00": False,
            "database": "none",
            "max-examples": target.examples,
            "no-shrink": True,
            "with-security-parameters": False,
        },
        "checks": {"enabled": False, **{name: {"enabled": True, **options} for name, options in checks.items()}},
        "phases": {
            # DELETE and POST are left out: a server with more operations than the contract might carry them out.
            "coverage": {"unexpected-methods": ["put", "patch"]},
            "stateful": {"max-steps": 6, "generation": {"max-examples": target.examples + 5}},
        },
    }


def _failures(event: Any, transport: RecordingTransport) -> list[Failure]:
    """Return the failures of a scenario of schemathesis, except for responses that were generated locally."""
    found: list[Failure] = []
    for case, nodes in event.recorder.checks.items():
        exchange = transport.by_case.get(case)
        if exchange is None or case in transport.local_cases:
            continue
        for node in nodes:
            if node.failure_info is not None:
                failure = node.failure_info.failure
                message = " ".join(f"{failure.title}: {failure.message}".split())
                found.append(Failure(node.name, message[:400], exchange))
    return found


def _problem(event: Any) -> list[str]:
    """Return what went wrong within schemathesis; missing responses of the server are recorded as exchanges."""
    import requests

    if isinstance(event.value, requests.RequestException):
        return []
    return [f"{event.label}: {event.info.title}: {event.info.message}"]
