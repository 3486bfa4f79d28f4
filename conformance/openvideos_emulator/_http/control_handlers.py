"""Handle the control endpoints, by which tests read the state, move time, seed jobs and plan faults.

`control.yaml` describes the endpoints, and requests are validated by it, just as requests of the Videos API are by
`openapi.yaml`. A method of `Controls` has the name of its operation in `control.yaml`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from starlette.responses import Response

from .._model.fault_plan import ConnectionReset, Fault, Planned, Stall
from .._model.jobs import Failure, Pace, Status
from .._model.profiles import PROFILES
from .._model.refusals import Reason, RefusalError, invalid, shown
from .._model.seeds import FAILURE, Seed, check
from .assets import is_unchanged
from .request_descriptions import record_json, summary_of
from .responses import JsonResponse, json_stream, video_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .._contract import Contract
    from .._engine.engine import Engine
    from .._engine.snapshot import Snapshot
    from .._model.request_log import RequestLog
    from .._model.webhook_events import Event
    from .._webhooks.endpoint import Endpoint
    from .handlers import Call, Operations
    from .validation import Fields


_SERVER_ERROR: Final = 500
_LISTED_CHARACTERS: Final = 300  # of a prompt; the list is short, because the dashboard reads it every second


class Controls:
    """The control endpoints of one engine."""

    def __init__(
        self,
        engine: Engine,
        contract: Contract,
        operations: Operations,
        requests: RequestLog,
        *,
        deliver_to: Callable[[Endpoint | None], None],
        webhook_url: Callable[[], str | None],
    ) -> None:
        """Control this engine.

        Args:
            engine: The engine.
            contract: The contract whose operation ids a fault may name.
            operations: The handlers of the Videos API, which send a job's file, and know its URL.
            requests: The log of the requests that were sent.
            deliver_to: Sets the endpoint of webhooks; None for no webhooks.
            webhook_url: Returns where webhooks are sent, as far as it may be shown.
        """
        self._engine = engine
        self._deliver_to, self._webhook_url = deliver_to, webhook_url
        self.download_job_content = operations.download_video_content
        self._urls = operations.urls
        self._requests = requests
        self._contract = contract
        self._known = sorted(operation.id for operation in contract.operations)

    async def read_state(self, call: Call) -> Response:
        """Return everything: the time, the jobs, the faults and the events."""
        return await self._state(call.origin)

    async def advance(self, call: Call) -> Response:
        """Advance jobs, and return those that have changed."""
        body = call.body

        def move() -> Iterator[Snapshot]:
            return self._engine.advance(
                seconds=body.get("seconds"),
                polls=body.get("polls"),
                to=Status(body["to"]) if "to" in body else None,
                jobs=body.get("jobs"),
                failure=_failure(body),
            )

        moved = await anyio.to_thread.run_sync(move)
        return await json_stream({"now": self._engine.now()}, jobs=self._jobs(moved, call.origin))

    async def reset(self, call: Call) -> Response:
        """Forget everything, and set the job speed and the profile if they are given."""
        pace, profile = _pace(call.body.get("pace")), PROFILES.get(call.body.get("profile", ""))

        def forget() -> None:
            self._engine.reset(pace=pace, profile=profile)
            self._requests.clear()

        await anyio.to_thread.run_sync(forget)
        return await self._state(call.origin)

    async def seed_job(self, call: Call) -> Response:
        """Add a job."""
        seed = seed_of(call.body, self._engine.profile.check_seconds)
        check(seed, now=self._engine.now())
        return JsonResponse(self._job(await anyio.to_thread.run_sync(self._engine.seed, seed), call.origin))

    async def list_jobs(self, call: Call) -> Response:
        """Return the newest jobs in short form; 304 if the client has this list already."""

        def read() -> Response:
            now, listed = self._listed(call)
            return _unless_known(listed, call, now=now)

        return await anyio.to_thread.run_sync(read)

    async def read_job(self, call: Call) -> Response:
        """Return a job."""
        video_id = call.parameters["video_id"]

        def read() -> dict[str, Any]:
            return self._job(self._engine.retrieve(video_id, counted=False), call.origin)

        return JsonResponse(await anyio.to_thread.run_sync(read))

    async def list_requests(self, call: Call) -> Response:
        """Return the requests that began or ended after a version."""
        since, limit = int(call.parameters["since"]), int(call.parameters["limit"])
        changed = self._requests.changed(since)
        listed = changed[:limit]
        describe = record_json if call.parameters["whole"] else summary_of
        head = {
            "log": self._requests.id,
            "first": self._requests.first(),
            "version": listed[-1].version if listed else since,
            "has_more": len(changed) > limit,
        }
        return await json_stream(head, requests=map(describe, listed))  # in threads

    async def read_request(self, call: Call) -> Response:
        """Return a request, and what was answered."""
        number = int(call.parameters["number"])
        record = self._requests.record(number)
        if record is None:
            raise RefusalError(
                Reason.NOT_FOUND,
                f"The request {number} is not in the log, which keeps the last ones since the last reset.",
                code="not_found",
                param="number",
            )
        return await anyio.to_thread.run_sync(lambda: JsonResponse(record_json(record)))

    async def list_events(self, call: Call) -> Response:
        """Return the newest webhook events, and where they are sent; 304 if the client has them already."""
        limit, skip = int(call.parameters["limit"]), int(call.parameters["skip"])

        def read() -> Response:
            events = self._engine.outbox.newest(now=self._engine.now(), limit=limit + 1, skip=skip)
            listed = {
                "url": self._webhook_url(),
                "events": [event_json(each) for each in events[:limit]],
                "has_more": len(events) > limit,
            }
            return _unless_known(listed, call)

        return await anyio.to_thread.run_sync(read)

    async def list_faults(self, call: Call) -> Response:
        """Return the faults that are still to happen; 304 if the client has them already."""
        faults = [fault_json(each) for each in self._engine.faults.pending()]
        return _unless_known({"faults": faults, "operations": self._known}, call)

    async def plan_fault(self, call: Call) -> Response:
        """Plan a fault."""
        operation = call.body.get("operation")
        if operation is not None and operation not in self._known:
            known = ", ".join(self._known)
            raise invalid(f"operation is {shown(operation)}; it must be one of {known}.", param="operation")
        fault = fault_of(call.body)
        self._check_match(fault)
        await anyio.to_thread.run_sync(self._engine.plan_fault, fault)
        return await self.list_faults(call)

    async def remove_fault(self, call: Call) -> Response:
        """Remove a planned fault."""
        number = int(call.parameters["number"])
        if not self._engine.faults.remove(number):
            raise RefusalError(
                Reason.NOT_FOUND,
                f"The fault {number} is not planned: it has happened, or was removed, or never was.",
                code="not_found",
                param="number",
            )
        return await self.list_faults(call)

    async def clear_faults(self, call: Call) -> Response:
        """Remove all planned faults."""
        self._engine.faults.clear()
        return await self.list_faults(call)

    async def set_webhook(self, call: Call) -> Response:
        """Deliver webhooks to another endpoint."""
        from .._webhooks.endpoint import Endpoint  # the HTTP client under it is slow to import

        secret = call.body["secret"]
        try:
            endpoint = Endpoint(call.body["url"], secret if isinstance(secret, str) else "")
        except ValueError as error:
            raise invalid(f"{error}.") from error
        await anyio.to_thread.run_sync(self._deliver_to, endpoint)
        return JsonResponse({"url": call.body["url"]})

    async def clear_webhook(self, _call: Call) -> Response:
        """Deliver no webhooks."""
        await anyio.to_thread.run_sync(self._deliver_to, None)
        return JsonResponse({"url": None})

    def _check_match(self, fault: Fault) -> None:
        """Refuse a fault that can never happen, as it is for requests that its operation does not have."""
        operation = next((each for each in self._contract.operations if each.id == fault.operation), None)
        if operation is None:
            return
        names_job = "{video_id}" in operation.path
        has_prompt = any(
            "prompt" in self._contract.properties_of(self._contract.schema_at(address))
            for address in operation.bodies.values()
        )
        is_read = operation.method == "GET" and fault.method == "HEAD"
        lacking = {
            "job": fault.job is not None and not names_job,
            "prompt": fault.prompt is not None and not (names_job or has_prompt),
            "method": fault.method not in {None, operation.method} and not is_read,
        }
        for param, is_lacking in lacking.items():
            if is_lacking:
                raise invalid(
                    f"{param} is given, but no request of {operation.id} has it, so that the fault would never happen.",
                    param=param,
                )

    def _listed(self, call: Call) -> tuple[float, dict[str, Any]]:
        limit, skip, status = int(call.parameters["limit"]), int(call.parameters["skip"]), call.parameters.get("status")
        chosen = None if status is None else Status(status)
        now, page, counts = self._engine.newest(limit=limit, skip=skip, status=chosen)
        return now, {
            "ahead": self._engine.clock.ahead,
            "pace": str(self._engine.pace),
            "profile": self._engine.profile.name,
            "counts": {each.value: counts[each] for each in Status},
            "jobs": [self._listed_job(each, now, call.origin) for each in page.snapshots],
            "has_more": page.has_more,
        }

    async def _state(self, origin: str) -> Response:
        now = self._engine.now()
        head = {
            "now": now,
            "pace": str(self._engine.pace),
            "profile": self._engine.profile.name,
            "faults": [fault_json(each) for each in self._engine.faults.pending()],
        }
        jobs, events = self._jobs(self._engine.snapshots(now=now), origin), self._engine.outbox.walk(now=now)
        return await json_stream(head, jobs=jobs, events=map(event_json, events))

    def _jobs(self, snapshots: Iterator[Snapshot], origin: str) -> Iterator[dict[str, Any]]:
        return (self._job(snapshot, origin) for snapshot in snapshots)

    def _job(self, snapshot: Snapshot, origin: str) -> dict[str, Any]:
        """Return a job as the contract's `Video`, plus the fields that only the emulator knows."""
        job = snapshot.job
        failure = None if job.failure is None else {"code": job.failure.code, "message": job.failure.message}
        video = video_json(snapshot, url=self._urls.url_of(snapshot, origin))
        return {**video, "pace": str(job.pace), "polls": job.reads, "fails_with": failure}

    def _listed_job(self, snapshot: Snapshot, now: float, origin: str) -> dict[str, Any]:
        prompt = snapshot.job.recipe.prompt
        short = prompt if len(prompt) <= _LISTED_CHARACTERS else f"{prompt[: _LISTED_CHARACTERS - 1]}…"
        return {**self._job(snapshot, origin), "prompt": short, "expired": snapshot.is_expired(now=now)}


def seed_of(body: Fields, check_seconds: Callable[[str], int]) -> Seed:
    """Read the description of a seeded job; `check_seconds` parses a duration, or raises RefusalError."""
    return Seed(
        prompt=body["prompt"],
        status=Status(body["status"]),
        model=body["model"],
        size=body["size"],
        seconds=check_seconds(body["seconds"]),
        progress=body.get("progress"),
        id=body.get("id"),
        created_at=body.get("created_at"),
        completed_at=body.get("completed_at"),
        failure=_failure(body),
        expired=body["expired"],
        remixed_from=body.get("remixed_from_video_id"),
        pace=_pace(body.get("pace")),
    )


def fault_of(body: Fields) -> Fault:
    """Read a fault from a request's fields; one that says of nothing what happens is a response with the status 500.

    Raises:
        RefusalError: A header would break HTTP.
    """
    for name, value in body.get("headers", {}).items():
        if name.lower() == "content-length" or (name.lower() == "transfer-encoding" and value.lower() != "chunked"):
            raise invalid(
                f"headers.{name} cannot be sent as it is; content_length, truncate and stall break a response.",
                param=f"headers.{name}",
            )
    stall = body.get("stall")
    effects = (body.get(name) for name in ("headers", "delay", "reset"))
    happens = any(effects) or any(name in body for name in ("truncate", "content_length", "stall"))
    return Fault(
        times=body["times"],
        operation=body.get("operation"),
        method=body.get("method"),
        path=body.get("path"),
        prompt=body.get("prompt"),
        job=body.get("job"),
        status=body.get("status", None if happens else _SERVER_ERROR),
        headers=body.get("headers", {}),
        body=body.get("body"),
        carried_out=body["carried_out"],
        delay=body.get("delay", 0.0),
        reset=ConnectionReset(body["reset"]) if "reset" in body else None,
        truncate=body.get("truncate"),
        content_length=body.get("content_length"),
        stall=None if stall is None else Stall(at=stall.get("at", 0), seconds=stall.get("seconds")),
    )


def fault_json(planned: Planned) -> dict[str, Any]:
    """Return a fault as it was planned, and how often it is still to happen (`left`); unset fields are left out."""
    fault = planned.fault
    content: dict[str, Any] = {
        "number": planned.number,
        "summary": str(fault),
        "left": planned.left,
        "times": fault.times,
        "operation": fault.operation,
        "method": fault.method,
        "path": fault.path,
        "prompt": fault.prompt,
        "job": fault.job,
        "status": fault.status,
        "headers": dict(fault.headers) or None,
        "body": fault.body,
        "carried_out": fault.carried_out or None,
        "delay": fault.delay or None,
        "reset": fault.reset and fault.reset.value,
        "truncate": fault.truncate,
        "content_length": fault.content_length,
        "stall": fault.stall and {"at": fault.stall.at, "seconds": fault.stall.seconds},
    }
    return {name: value for name, value in content.items() if value is not None}


def event_json(event: Event) -> dict[str, Any]:
    """Return a webhook event and the state of its delivery."""
    return {
        "id": event.id,
        "type": event.type,
        "created_at": int(event.happens_at),
        "video_id": event.video_id,
        "delivery": event.delivery.value,
        "attempts": event.attempts,
        "attempted_at": event.attempted_at,
        "next_attempt_at": event.next_at,
        "status": event.status,
        "problem": event.problem,
        "history": [each._asdict() for each in event.history],
    }


def _unless_known(listed: dict[str, Any], call: Call, **moment: float) -> Response:
    """Return a list, and what is said of the moment; 304 if the client has this list already."""
    etag = f'"{hashlib.sha256(JsonResponse(listed).body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if is_unchanged(etag, call.parameters.get("If-None-Match")):
        return Response(status_code=304, headers=headers)
    return JsonResponse({**moment, **listed}, headers=headers)


def _failure(body: Mapping[str, Any]) -> Failure | None:
    error = body.get("error")
    return None if error is None else Failure(code=error["code"], message=error.get("message", FAILURE.message))


def _pace(text: str | None) -> Pace | None:
    if text is None:
        return None
    try:
        return Pace.parse(text)
    except ValueError as error:
        raise invalid(f"{error}.", param="pace") from error
