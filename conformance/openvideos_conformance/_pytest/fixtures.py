"""Define the fixtures of the checks: the recording client, the jobs, the capabilities, the probes."""

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
from .._core.redaction import redacted, secrets_of
from .._core.sanitize import one_line
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

STATE = pytest.StashKey["RunState"]()
"""Where pytest's configuration keeps the state of the run."""
CANNOT_JUDGE = 2
"""The exit code of a run without a verdict."""


@pytest.fixture(scope="session")
def openvideos_run(request: pytest.FixtureRequest) -> RunState:
    """The state of the run."""
    return request.config.stash[STATE]


@pytest.fixture(scope="session")
def target(openvideos_run: RunState) -> Target:
    """The server, and the options by which it is judged."""
    return openvideos_run.target


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract."""
    return the_contract()


@pytest.fixture(scope="session")
def client(openvideos_run: RunState) -> Iterator[RecordingClient]:
    """The client that records all exchanges with the server. The jobs of the run are deleted at its end."""
    run = openvideos_run
    with contextlib.ExitStack() as stack:
        client = run.client = run.client or stack.enter_context(RecordingClient(run.target))
        client.starts.limit(run.most_videos)
        try:
            preflight(client)
        except CannotJudgeError as problem:
            _give_up(openvideos_run, str(problem))
        run.is_cleaned_up = False
        yield client
        remains = clean_up(client)
        run.left_over, run.unaccounted = remains.left_over, remains.unaccounted
        run.is_cleaned_up = True


@pytest.fixture(scope="session")
def endpoint(openvideos_run: RunState, client: RecordingClient) -> Iterator[WebhookReceiver | None]:
    """The receiver of the server's webhooks, started before the first job; None if it is not configured."""
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
    """The receiver of the server's webhooks."""
    if endpoint is None:
        raise NotReachedError("webhooks cannot be received; give --webhook-port and --webhook-secret")
    return endpoint


@pytest.fixture(scope="session")
def jobs(
    openvideos_run: RunState,
    client: RecordingClient,
    endpoint: WebhookReceiver | None,  # noqa: ARG001 - the receiver must listen before the first job is started
) -> Iterator[JobPool]:
    """The jobs that the selected checks need, all started at once."""
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
    """The capabilities of the server."""
    found = Capabilities(client, jobs)
    yield found
    openvideos_run.capabilities = found.known()


@pytest.fixture(scope="session")
def files(client: RecordingClient, jobs: JobPool) -> Files:
    """The files of the completed plain job, each downloaded when a check first needs it."""
    return Files(client, jobs)


@pytest.fixture(scope="session")
def probes(client: RecordingClient, jobs: JobPool, files: Files, offered: Capabilities) -> Probes:
    """The probes that checks share, each sent when a check first needs it."""
    return Probes(client, jobs, files, offered)


# The fixtures of probes have function scope: pytest sets up those of session scope before `_is_offered` has run.
@pytest.fixture
def unfinished(probes: Probes) -> UnfinishedJob:
    """The probe of an unfinished job: requests that need a completed one. The job is deleted by now."""
    return probes.unfinished


@pytest.fixture
def concurrent_creates(probes: Probes) -> list[ConcurrentCreate]:
    """Jobs that were created concurrently."""
    return probes.concurrent_creates


@pytest.fixture
def remix(probes: Probes) -> Remix:
    """A remix of the plain job."""
    return probes.remix


@pytest.fixture
def late_page(probes: Probes) -> Exchange:
    """A page after a video of a page that was requested before some creates."""
    return probes.late_page


@pytest.fixture
def edit(probes: Probes) -> Exchange:
    """An edit of the plain job."""
    return probes.edit


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
    """Concurrent deletions of one job."""
    return probes.concurrent_deletions


@pytest.fixture
def walks(probes: Probes) -> Walks:
    """Walks over all pages of the list."""
    return probes.walks


@pytest.fixture
def wrong_methods(probes: Probes) -> list[Exchange]:
    """Methods that paths do not have."""
    return probes.wrong_methods


@pytest.fixture(scope="session")
def invalid_requests(probes: Probes) -> InvalidRequests:
    """Requests that the contract forbids, each sent once per run."""
    return probes.invalid


@pytest.fixture(scope="session")
def unauthorized(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> UnauthorizedRequests:
    """Requests of every operation without a right key, each sent once per run."""
    doomed = ""
    with contextlib.suppress(OutcomeError):  # without such a job, the deletion is not sent
        doomed = jobs["longest"].id
    return UnauthorizedRequests(client, offered, known=jobs["plain"].id, doomed=doomed)


@pytest.fixture(scope="session")
def fuzzed(client: RecordingClient, offered: Capabilities) -> Fuzzed:
    """The result of the generated requests."""
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
    """End the run, since no verdict is possible."""
    run.problem = one_line(redacted(reason, secrets_of(run.target)))  # it may quote the server
    pytest.exit(run.problem, returncode=CANNOT_JUDGE)
