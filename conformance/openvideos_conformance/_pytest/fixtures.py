"""What the checks are given: the wire, the jobs, what the server offers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

from .._core.catalogue import catalogue
from .._core.contract import Contract
from .._core.contract import contract as the_contract
from .._core.exchange import Exchange
from .._core.outcomes import CannotJudgeError, NotReachedError, OutcomeError
from .._core.target import Target
from .._probes.creates import ConcurrentCreate
from .._probes.deletions import ConcurrentDeletions, Deletion
from .._probes.derived_jobs import Remix
from .._probes.invalid_requests import InvalidRequests
from .._probes.list_walks import Walks
from .._probes.once import Probes
from .._probes.unauthorized_requests import UnauthorizedRequests
from .._probes.unfinished_job import UnfinishedJob
from .._server.capabilities import Capabilities
from .._server.cleanup import clean_up
from .._server.downloads import Files
from .._server.jobs import JobPool
from .._server.preflight import preflight
from .._server.recording_client import RecordingClient
from .._server.webhook_receiver import WebhookReceiver
from .marker import check_of

if TYPE_CHECKING:
    from .._fuzz.engine import Fuzzed
    from .run_state import RunState

RUN = "openvideos_conformance.run"
"""The name under which the plugin of a run is registered."""
CANNOT_JUDGE = 2
"""The exit code of a run that can say nothing."""


@pytest.fixture(scope="session")
def openvideos_run(request: pytest.FixtureRequest) -> RunState:
    """The run that this check is a part of."""
    state: RunState = request.config.pluginmanager.get_plugin(RUN).state
    return state


@pytest.fixture(scope="session")
def target(openvideos_run: RunState) -> Target:
    """The server, and how it is to be judged."""
    return openvideos_run.target


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract."""
    return the_contract()


@pytest.fixture(scope="session")
def client(openvideos_run: RunState) -> Iterator[RecordingClient]:
    """The recorded connection to the server under test. What was started over it is deleted at the end."""
    run = openvideos_run
    with contextlib.ExitStack() as stack:
        client = run.client = run.client or stack.enter_context(RecordingClient(run.target))
        try:
            preflight(client)
        except CannotJudgeError as problem:
            _give_up(openvideos_run, str(problem))
        run.is_cleaned_up = False
        yield client
        run.left_over = clean_up(client)
        run.is_cleaned_up = True


@pytest.fixture(scope="session")
def endpoint(openvideos_run: RunState, client: RecordingClient) -> Iterator[WebhookReceiver | None]:
    """What listens for the events of the server, if the operator has pointed it here; from before the first job."""
    port, secret = client.target.webhook_port, client.target.webhook_secret
    if port is None or secret is None or "webhooks" in client.target.denied:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            receiver = stack.enter_context(WebhookReceiver(client, port, secret))
        except OSError as problem:
            _give_up(openvideos_run, f"--webhook-port {port} cannot be listened on: {problem.strerror or problem}")
        except ValueError as problem:
            _give_up(openvideos_run, f"--webhook-secret cannot be used: {problem}")
        yield receiver


@pytest.fixture
def receiver(endpoint: WebhookReceiver | None) -> WebhookReceiver:
    """What has listened for the events of the server."""
    if endpoint is None:
        raise NotReachedError("nothing listened for events; give --webhook-port and --webhook-secret")
    return endpoint


@pytest.fixture(scope="session")
def jobs(
    openvideos_run: RunState,
    client: RecordingClient,
    endpoint: WebhookReceiver | None,  # noqa: ARG001 - it must listen before the first job is started
) -> Iterator[JobPool]:
    """The jobs that the selected checks need, started side by side."""
    pool = JobPool(client)
    try:
        pool.start(openvideos_run.needed_jobs)
    except CannotJudgeError as problem:
        _give_up(openvideos_run, str(problem))
    yield pool
    openvideos_run.has_ended_job = pool.has_ended
    pool.stop()


@pytest.fixture(scope="session")
def offered(openvideos_run: RunState, client: RecordingClient, jobs: JobPool) -> Iterator[Capabilities]:
    """What the server offers."""
    found = Capabilities(client, jobs)
    yield found
    openvideos_run.capabilities = found.known()


@pytest.fixture(scope="session")
def files(client: RecordingClient, jobs: JobPool) -> Files:
    """The files of the completed plain job, each downloaded when it is first asked for."""
    return Files(client, jobs)


@pytest.fixture(scope="session")
def probes(client: RecordingClient, jobs: JobPool, files: Files) -> Probes:
    """The scenes that several checks look at, each played when it is first asked for."""
    return Probes(client, jobs, files)


# Those below are of one check each, for pytest would play what is of the session before it is known what is offered.
@pytest.fixture
def unfinished(probes: Probes) -> UnfinishedJob:
    """A job that was asked, while it ran, for what only a completed one has; it is deleted by now."""
    return probes.unfinished


@pytest.fixture
def concurrent_creates(probes: Probes) -> list[ConcurrentCreate]:
    """Jobs that were started at the same moment."""
    return probes.concurrent_creates


@pytest.fixture
def remix(probes: Probes) -> Remix:
    """A remix of the plain job."""
    return probes.remix


@pytest.fixture
def extension(probes: Probes) -> Exchange:
    """An extension of the plain job."""
    return probes.extension


@pytest.fixture
def character(probes: Probes) -> Exchange:
    """A character that was created from the clip of the plain job."""
    return probes.character


@pytest.fixture
def deletion(probes: Probes) -> Deletion:
    """The deletion of a job that had ended."""
    return probes.deletion


@pytest.fixture
def concurrent_deletions(probes: Probes) -> ConcurrentDeletions:
    """Deletions of one job at the same moment."""
    return probes.concurrent_deletions


@pytest.fixture
def walks(probes: Probes) -> Walks:
    """Walks over all pages of the list."""
    return probes.walks


@pytest.fixture(scope="session")
def invalid_requests(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> InvalidRequests:
    """What the contract forbids, each case asked for once."""
    return InvalidRequests(client, offered, has_form=jobs.refused_form is None)


@pytest.fixture(scope="session")
def unauthorized(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> UnauthorizedRequests:
    """Every operation, asked for without a right key."""
    doomed = ""
    with contextlib.suppress(OutcomeError):  # without a job that may be lost, none is tried
        doomed = jobs["longest"].id
    return UnauthorizedRequests(client, offered, known=jobs["plain"].id, doomed=doomed)


@pytest.fixture(scope="session")
def fuzzed(client: RecordingClient, offered: Capabilities) -> Fuzzed:
    """What generated requests were answered."""
    from .._fuzz.engine import fuzz

    return fuzz(client, offered)


@pytest.fixture(autouse=True)
def _is_offered(request: pytest.FixtureRequest, offered: Capabilities) -> None:
    check = check_of(request.node)
    if check is None:
        return
    offered.require(catalogue()[check.requirement].capability)
    if check.capability is not None:
        offered.require(check.capability)


def _give_up(run: RunState, reason: str) -> NoReturn:
    """End the run: no verdict is possible."""
    run.problem = reason
    pytest.exit(reason, returncode=CANNOT_JUDGE)
