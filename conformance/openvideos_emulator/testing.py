"""Control an emulator from tests: the object that the pytest fixture `openvideos_server` returns, and its records.

It uses the control endpoints over HTTP with only the standard library, so that libraries that mock HTTP clients in
tests do not affect it.
"""

from __future__ import annotations

import http.client
import json
import secrets
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from ._options import new_secret
from ._testing.environment import environment
from ._testing.records import (
    ConnectionReset,
    Event,
    Job,
    JobError,
    Operation,
    PlannedFault,
    Status,
    error_json,
    job_of,
    record_of,
    refusal_of,
    without_none,
)
from ._testing.sent_requests import SentFile, SentRequest, SentRequests, SentResponse, sent_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ConnectionReset",
    "EmulatorError",
    "Event",
    "Job",
    "JobError",
    "OpenVideosEmulator",
    "OpenVideosServer",
    "Operation",
    "PlannedFault",
    "SentFile",
    "SentRequest",
    "SentRequests",
    "SentResponse",
    "Status",
]

_TIMEOUT: Final = 60.0
_PAGE: Final = 200  # requests that are read at once
_BAD: Final = 400


class EmulatorError(Exception):
    """The emulator does not start, does not respond, or refuses a request of a test."""


class OpenVideosServer:
    """A running emulator, and the methods that control it.

    A client needs `base_url`, which ends in `/v1`, and `api_key`. Each method raises EmulatorError if the emulator
    refuses the request or does not respond.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        """Control the emulator at this URL, which was started with this key."""
        self.base_url: Final = base_url
        self.api_key: Final = api_key
        self._sends_webhooks = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment variables that point clients here: openvideos, and clients of OpenAI's API.

        NO_PROXY is among them, so that a proxy of the machine does not stand between.

        Example:
            >>> subprocess.run(["node", "application.mjs"], env={**os.environ, **openvideos_server.environ})

        """
        return environment(self.base_url, self.api_key)

    @property
    def jobs(self) -> list[Job]:
        """Return all jobs, the oldest first. This does not count as a poll.

        Example:
            >>> [(job.prompt, job.status) for job in openvideos_server.jobs]
            [('A boat', 'completed')]

        """
        return [job_of(each) for each in self._request("GET", "state")["jobs"]]

    @property
    def events(self) -> list[Event]:
        """Return the webhook events, the oldest first, delivered or not.

        Example:
            >>> [(event.type, event.delivery, event.attempts) for event in openvideos_server.events]
            [('video.completed', 'delivered', 1)]

        """
        return [record_of(Event, each) for each in self._request("GET", "state")["events"]]

    @property
    def requests(self) -> SentRequests:
        """Return what was sent since the last reset, the oldest first, each request with what was answered.

        With the fixture, that is what the test sent. The last 5,000 requests are kept, or 16 MiB of them.

        Example:
            >>> created = openvideos_server.requests.of("create_video").last
            >>> created.fields["prompt"], created.response.status
            ('A boat', 200)

        """
        found: dict[int, SentRequest] = {}
        since, has_more = 0, True
        while has_more:
            page = self._request("GET", f"requests?whole=true&limit={_PAGE}&since={since}")
            found |= {each["number"]: sent_request(each) for each in page["requests"]}
            since, has_more = page["version"], page["has_more"]
        return SentRequests(found[number] for number in sorted(found))

    @property
    def faults(self) -> list[PlannedFault]:
        """Return the faults that are still to happen, in the order in which they were planned.

        Example:
            >>> openvideos_server.fail_next(503, count=2)
            >>> [(fault.left, fault.summary) for fault in openvideos_server.faults]
            [(2, 'status 503')]

        """
        return [record_of(PlannedFault, each) for each in self._request("GET", "faults")["faults"]]

    def advance(
        self,
        seconds: float | None = None,
        *,
        polls: int | None = None,
        to: Literal["completed", "failed"] | None = None,
        jobs: Iterable[Job | str] | None = None,
        error: JobError | str | None = None,
    ) -> list[Job]:
        """Advance jobs that have not ended, and return those that have changed; without arguments, to their ends.

        With the speed `instant`, which is the fixture's, a job has ended as soon as it was created: to advance
        jobs, give them another, such as `@pytest.mark.openvideos(pace="manual")`. Zero seconds or polls move nothing.

        Args:
            seconds: Move the clock by this many seconds, for jobs and for the expiry of files.
            polls: Count this many polls of each job.
            to: End jobs with this status, whatever their prompts say.
            jobs: Advance only these jobs, or the jobs with these ids; the clock does not move.
            error: Why jobs fail, with `to="failed"`: a code, or a code and a message.

        Example:
            >>> openvideos_server.advance(to="failed", error="out_of_memory")

        """
        ids = None if jobs is None else [job if isinstance(job, str) else job.id for job in jobs]
        body = without_none(seconds=seconds, polls=polls, to=to, jobs=ids, error=error_json(error))
        return [job_of(each) for each in self._request("POST", "advance", body)["jobs"]]

    def travel(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> list[Job]:
        """Move the clock forward, and return the jobs whose status or progress has changed by it.

        Jobs that run by the clock go on, files expire, idempotency keys are forgotten, webhooks are repeated.

        Example:
            >>> openvideos_server.travel(days=2)  # the files of all completed jobs have expired

        """
        return self.advance(seconds + 60 * minutes + 3600 * hours + 86_400 * days)

    def fail_next(
        self,
        status: int | None = None,
        *,
        count: int = 1,
        operation: Operation | None = None,
        method: str | None = None,
        path: str | None = None,
        prompt: str | None = None,
        job: Job | str | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        carried_out: bool = False,
        delay: float | None = None,
        reset: ConnectionReset | None = None,
        truncate: int | None = None,
        content_length: int | None = None,
        stall_at: int | None = None,
        stall_seconds: float | None = None,
    ) -> None:
        """Plan a fault for the next `count` requests that match; a response with status 500 if no other fault is given.

        Args:
            status: Respond with this status. The request is then not carried out.
            count: How many requests the fault happens to.
            operation: Only requests of this operation match.
            method: Only requests with this HTTP method match.
            path: Only requests with this path match, such as `/v1/videos/*/content`; `*` stands for any characters.
            prompt: Only requests with this prompt match, and those about a job that has it; all of it, in the same
                case, but for `*`, as in a path.
            job: Only requests about this job, or the job with this id, match.
            headers: Headers to set on the response, such as `Retry-After`; they replace headers of the same name.
            body: With `status`, the body of the response: JSON or, if it is a string, text. The default is the usual
                error envelope.
            carried_out: With `status`, carry the request out as well: the job is created, but its response is lost.
            delay: Wait this many seconds first.
            reset: Reset the connection at this moment.
            truncate: Close the connection after this many bytes of the body.
            content_length: Send this Content-Length instead of the right one.
            stall_at: Stop sending after this many bytes of the body, until the client disconnects.
            stall_seconds: Continue after a stall of this many seconds; without `stall_at`, it comes before the body.

        Example:
            >>> openvideos_server.fail_next(503, operation="create_video", headers={"Retry-After": "1"})
            >>> openvideos_server.fail_next(truncate=1000, prompt="*boat*")

        """
        stall = without_none(at=stall_at, seconds=stall_seconds)
        fault = without_none(
            status=status,
            times=count,
            operation=operation,
            method=method,
            path=path,
            prompt=prompt,
            job=job.id if isinstance(job, Job) else job,
            headers=None if headers is None else dict(headers),
            body=body,
            carried_out=carried_out or None,
            delay=delay,
            reset=reset,
            truncate=truncate,
            content_length=content_length,
            stall=stall or None,
        )
        self._request("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Remove all planned faults.

        Example:
            >>> openvideos_server.fail_next(503, count=100)  # a server that is down
            >>> openvideos_server.clear_faults()  # and comes back

        """
        self._request("DELETE", "faults")

    def seed(
        self,
        *,
        status: Status | None = None,
        prompt: str | None = None,
        model: str | None = None,
        size: str | None = None,
        seconds: str | None = None,
        progress: int | None = None,
        id: str | None = None,
        created_at: int | None = None,
        completed_at: int | None = None,
        remixed_from_video_id: str | None = None,
        error: JobError | str | None = None,
        expired: bool = False,
        pace: str | None = None,
    ) -> Job:
        """Add a job in any state, and return it.

        Args:
            status: Its status; without one, `failed` if there is an `error`, else `completed`.
            prompt: Its prompt.
            model: Its model.
            size: Its size in pixels, such as `720x1280`.
            seconds: The duration of its clip, such as `4`.
            progress: How much of a job in progress is done, in percent; one that fails stops at 60.
            id: Its id, which no other job ever had.
            created_at: When it was created, in Unix seconds.
            completed_at: When it ended, in Unix seconds; if that is more than a day ago, its files have expired.
            remixed_from_video_id: The job that it is a remix of.
            error: Why it has failed, or will fail: a code such as `out_of_memory`, or a code and a message.
            expired: Let its files have expired, as if it had completed more than a day ago.
            pace: The speed of a job that has not ended; without one, it stands still until it is advanced.

        Example:
            >>> gone = openvideos_server.seed(expired=True)
            >>> failed = openvideos_server.seed(error="content_policy_violation")
            >>> half = openvideos_server.seed(status="in_progress", progress=50)

        """
        body = without_none(
            status=status or ("failed" if error is not None else "completed"),
            prompt=prompt,
            model=model,
            size=size,
            seconds=seconds,
            progress=progress,
            id=id,
            created_at=created_at,
            completed_at=completed_at,
            remixed_from_video_id=remixed_from_video_id,
            error=error_json(error),
            expired=expired or None,
            pace=pace,
        )
        return job_of(self._request("POST", "jobs", body))

    def send_webhooks(self, url: str, *, secret: str | None = None) -> str:
        """Send a webhook to this URL at the end of each job from now on, and return the secret that signs the webhooks.

        If `secret` is None, a new one is made. With the fixture, webhooks stop after the test; otherwise, call
        `stop_webhooks`. A job that was seeded as ended sends none.

        Example:
            >>> secret = openvideos_server.send_webhooks("http://127.0.0.1:9000/webhooks")
            >>> client = OpenVideos(webhook_secret=secret)

        """
        secret = secret or new_secret()
        self._request("PUT", "webhook", {"url": url, "secret": secret})
        self._sends_webhooks = True
        return secret

    def stop_webhooks(self) -> None:
        """Stop the webhooks that `send_webhooks` started.

        Example:
            >>> openvideos_server.stop_webhooks()

        """
        if self._sends_webhooks:
            self._request("DELETE", "webhook")
            self._sends_webhooks = False

    def reset(self, *, pace: str | None = None, profile: str | None = None) -> None:
        """Forget all jobs, characters, idempotency keys and faults, and set the clock back to the real time.

        `pace`, the job speed (`instant`, `polls:N`, `seconds:S`, `manual`), and `profile` (`default`, `sora`) apply
        from then on; None keeps the current one. Webhooks go on where they went. What was sent before, and is
        still under way, is refused.

        Example:
            >>> openvideos_server.reset(pace="manual")

        """
        self._request("POST", "reset", without_none(pace=pace, profile=profile))

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        where = urlsplit(self.base_url)
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_emulator/{path}", body=data, headers=headers)
            response = connection.getresponse()
            content: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EmulatorError(f"the emulator at {self.base_url} does not respond as it should: {error!r}") from error
        finally:
            connection.close()
        if response.status >= _BAD:
            raise EmulatorError(refusal_of(content))
        return content


class OpenVideosEmulator:
    """A running emulator in which each API key has jobs, faults, time and requests of its own."""

    def __init__(self, base_url: str) -> None:
        """Use the emulator at this URL, which was started with `--isolate-keys`."""
        self.base_url: Final = base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def server(
        self, api_key: str | None = None, *, pace: str = "instant", profile: Literal["default", "sora"] = "default"
    ) -> OpenVideosServer:
        """Return what has this key, without jobs; with None, a new key is made.

        Example:
            >>> server = openvideos_emulator.server(pace="polls:2")
            >>> client = OpenVideos(base_url=server.base_url, api_key=server.api_key)

        """
        server = OpenVideosServer(self.base_url, api_key or f"sk-{secrets.token_hex(16)}")
        server.reset(pace=pace, profile=profile)
        return server
