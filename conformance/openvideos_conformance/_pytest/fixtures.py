"""What the checks are given: the wire, the jobs, what the server offers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

from .._core.catalogue import catalogue
from .._core.contract import Contract
from .._core.contract import contract as the_contract
from .._core.exchange import Exchange
from .._core.outcomes import CannotJudgeError, NotReachedError, OutcomeError
from .._core.target import Target
from .._probes.creates import Deletion, Race, Remix, Take
from .._probes.invalid_requests import Refusals
from .._probes.list_walks import Walks
from .._probes.once import Scenes
from .._probes.unauthorized_requests import Strangers
from .._probes.unfinished_job import Unfinished
from .._server.capabilities import Capabilities
from .._server.cleanup import clean_up
from .._server.downloads import Files
from .._server.jobs import JobPool
from .._server.preflight import preflight
from .._server.recording_client import Wire
from .._server.webhook_receiver import Receiver
from .marker import check_of

if TYPE_CHECKING:
    from .._fuzz.engine import Fuzzed
    from .plugin import SuitePlugin

RUN = "openvideos_conformance.run"
"""The name under which the plugin of a run is registered."""


@pytest.fixture(scope="session")
def openvideos_run(request: pytest.FixtureRequest) -> SuitePlugin:
    """The run that this check is a part of."""
    return cast("SuitePlugin", request.config.pluginmanager.get_plugin(RUN))


@pytest.fixture(scope="session")
def target(openvideos_run: SuitePlugin) -> Target:
    """The server, and how it is to be judged."""
    return openvideos_run.target


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract."""
    return the_contract()


@pytest.fixture(scope="session")
def wire(openvideos_run: SuitePlugin) -> Iterator[Wire]:
    """The recorded connection to the server under test. What was started over it is deleted at the end."""
    run = openvideos_run
    with contextlib.ExitStack() as stack:
        wire = run.wire = run.wire or stack.enter_context(Wire(run.target))
        try:
            preflight(wire)
        except CannotJudgeError as problem:
            run.give_up(str(problem))
        run.is_cleaned_up = False
        yield wire
        run.left_over = clean_up(wire)
        run.is_cleaned_up = True


@pytest.fixture(scope="session")
def endpoint(openvideos_run: SuitePlugin, wire: Wire) -> Iterator[Receiver | None]:
    """What listens for the events of the server, if the operator has pointed it here; from before the first job."""
    port, secret = wire.target.webhook_port, wire.target.webhook_secret
    if port is None or secret is None or "webhooks" in wire.target.denied:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            receiver = stack.enter_context(Receiver(wire, port, secret))
        except OSError as problem:
            openvideos_run.give_up(f"--webhook-port {port} cannot be listened on: {problem.strerror or problem}")
        except ValueError as problem:
            openvideos_run.give_up(f"--webhook-secret cannot be used: {problem}")
        yield receiver


@pytest.fixture
def receiver(endpoint: Receiver | None) -> Receiver:
    """What has listened for the events of the server."""
    if endpoint is None:
        message = "nothing listened for events; give --webhook-port and --webhook-secret"
        raise NotReachedError(message)
    return endpoint


@pytest.fixture(scope="session")
def jobs(
    openvideos_run: SuitePlugin,
    wire: Wire,
    endpoint: Receiver | None,  # noqa: ARG001 - it must listen before the first job is started
) -> Iterator[JobPool]:
    """The jobs that the selected checks need, started side by side."""
    pool = JobPool(wire)
    try:
        pool.start(openvideos_run.needed_jobs)
    except CannotJudgeError as problem:
        openvideos_run.give_up(str(problem))
    yield pool
    openvideos_run.has_ended_job = pool.has_ended
    pool.stop()


@pytest.fixture(scope="session")
def offered(openvideos_run: SuitePlugin, wire: Wire, jobs: JobPool) -> Iterator[Capabilities]:
    """What the server offers."""
    found = Capabilities(wire, jobs)
    yield found
    openvideos_run.capabilities = found.told()


@pytest.fixture(scope="session")
def files(wire: Wire, jobs: JobPool) -> Files:
    """The files of the completed plain job, each downloaded when it is first asked for."""
    return Files(wire, jobs)


@pytest.fixture(scope="session")
def scenes(wire: Wire, jobs: JobPool, files: Files) -> Scenes:
    """The scenes that several checks look at, each played when it is first asked for."""
    return Scenes(wire, jobs, files)


# Those below are of one check each, for pytest would play what is of the session before it is known what is offered.
@pytest.fixture
def unfinished(scenes: Scenes) -> Unfinished:
    """A job that was asked, while it ran, for what only a completed one has; it is deleted by now."""
    return scenes.unfinished


@pytest.fixture
def at_once(scenes: Scenes) -> list[Take]:
    """Jobs that were started at the same moment."""
    return scenes.at_once


@pytest.fixture
def remix(scenes: Scenes) -> Remix:
    """A remix of the plain job."""
    return scenes.remix


@pytest.fixture
def extension(scenes: Scenes) -> Exchange:
    """An extension of the plain job."""
    return scenes.extension


@pytest.fixture
def character(scenes: Scenes) -> Exchange:
    """A character that was created from the clip of the plain job."""
    return scenes.character


@pytest.fixture
def deletion(scenes: Scenes) -> Deletion:
    """The deletion of a job that had ended."""
    return scenes.deletion


@pytest.fixture
def race(scenes: Scenes) -> Race:
    """Deletions of one job at the same moment."""
    return scenes.race


@pytest.fixture
def walks(scenes: Scenes) -> Walks:
    """Walks over all pages of the list."""
    return scenes.walks


@pytest.fixture(scope="session")
def refusals(wire: Wire, jobs: JobPool, offered: Capabilities) -> Refusals:
    """What the contract forbids, each case asked for once."""
    return Refusals(wire, offered, has_form=jobs.refused_form is None)


@pytest.fixture(scope="session")
def strangers(wire: Wire, jobs: JobPool, offered: Capabilities) -> Strangers:
    """Every operation, asked for without a right key."""
    doomed = ""
    with contextlib.suppress(OutcomeError):  # without a job that may be lost, none is tried
        doomed = jobs["longest"].id
    return Strangers(wire, offered, known=jobs["plain"].id, doomed=doomed)


@pytest.fixture(scope="session")
def fuzzed(wire: Wire, offered: Capabilities) -> Fuzzed:
    """What generated requests were answered."""
    from .._fuzz.engine import fuzz

    return fuzz(wire, offered)


@pytest.fixture(autouse=True)
def _is_offered(request: pytest.FixtureRequest, offered: Capabilities) -> None:
    check = check_of(request.node)
    if check is None:
        return
    offered.require(catalogue()[check.requirement].capability)
    if check.capability is not None:
        offered.require(check.capability)
