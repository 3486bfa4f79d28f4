"""Handle the control endpoints, by which tests read the state, move time, seed jobs and plan faults.

`control.yaml` describes the endpoints, and requests are validated by it, just as requests of the Videos API are by
`openapi.yaml`. A method of `Controls` has the name of its operation in `control.yaml`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from starlette.responses import Response

from .._model.fault_plan import Fault, Planned, Reset, Stall
from .._model.jobs import Failure, Pace, Status
from .._model.profiles import PROFILES
from .._model.refusals import invalid, shown
from .._model.seeds import FAILURE, Seed
from .dashboard_assets import is_unchanged
from .responses import JsonResponse, video_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .._contract import Contract
    from .._engine.engine import Engine
    from .._engine.snapshot import Snapshot
    from .._model.webhook_events import Event
    from .._webhooks.endpoint import Endpoint
    from .handlers import Call
    from .validation import Fields


_LISTED_CHARACTERS: Final = 300  # of a prompt; the list is short, because the dashboard reads it every second


class Controls:
    """The control endpoints of one engine."""

    def __init__(
        self,
        engine: Engine,
        contract: Contract,
        download: Callable[[Call], Awaitable[Response]],
        deliver_to: Callable[[Endpoint | None], None],
    ) -> None:
        """Control this engine.

        Args:
            engine: The engine.
            contract: The contract whose operation ids a fault may name.
            download: The handler that sends a job's file.
            deliver_to: Sets the endpoint of webhooks; None for no webhooks.
        """
        self._engine, self._deliver_to = engine, deliver_to
        self.download_job_content = download
        self._known = sorted(operation.id for operation in contract.operations)

    async def read_state(self, _call: Call) -> Response:
        """Return everything: the time, the jobs, the faults and the events."""
        return JsonResponse(await anyio.to_thread.run_sync(self._state))

    async def advance(self, call: Call) -> Response:
        """Advance jobs, and return those that have changed."""
        body = call.body

        def move() -> dict[str, Any]:
            moved = self._engine.advance(
                seconds=body.get("seconds", 0.0),
                polls=body.get("polls", 0),
                to=Status(body["to"]) if "to" in body else None,
                jobs=body.get("jobs"),
                failure=_failure(body),
            )
            return {"now": self._engine.state()[0], "jobs": [job_json(each) for each in moved]}

        return JsonResponse(await anyio.to_thread.run_sync(move))

    async def reset(self, call: Call) -> Response:
        """Forget everything, and set the job speed and the profile if they are given."""
        pace, profile = _pace(call.body.get("pace")), PROFILES[call.body.get("profile", self._engine.profile.name)]

        def forget() -> dict[str, Any]:
            self._engine.pace, self._engine.profile = pace or self._engine.pace, profile
            self._engine.reset()
            return self._state()

        return JsonResponse(await anyio.to_thread.run_sync(forget))

    async def seed_job(self, call: Call) -> Response:
        """Add a job."""
        seed = seed_of(call.body, self._engine.profile.check_seconds)
        return JsonResponse(job_json(await anyio.to_thread.run_sync(self._engine.seed, seed)))

    async def list_jobs(self, call: Call) -> Response:
        """Return the newest jobs in short form; 304 if the client has this list already."""

        def read() -> Response:
            now, listed = self._listed(int(call.parameters["limit"]), call.parameters.get("status"))
            content = JsonResponse(listed).body
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            headers = {"etag": etag, "cache-control": "no-cache"}
            if is_unchanged(etag, call.parameters.get("If-None-Match")):
                return Response(status_code=304, headers=headers)
            return JsonResponse({"now": now, **listed}, headers=headers)

        return await anyio.to_thread.run_sync(read)

    async def read_job(self, call: Call) -> Response:
        """Return a job."""
        video_id = call.parameters["video_id"]

        def read() -> dict[str, Any]:
            return job_json(self._engine.retrieve(video_id, counted=False))

        return JsonResponse(await anyio.to_thread.run_sync(read))

    async def list_faults(self, _call: Call) -> Response:
        """Return the faults that are still to happen."""
        return JsonResponse({"faults": [fault_json(each) for each in self._engine.faults.pending()]})

    async def plan_fault(self, call: Call) -> Response:
        """Plan a fault."""
        operation = call.body.get("operation")
        if operation is not None and operation not in self._known:
            known = ", ".join(self._known)
            raise invalid(f"operation is {shown(operation)}; it must be one of {known}.", param="operation")
        self._engine.faults.add(fault_of(call.body))
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

    def _listed(self, limit: int, status: str | None) -> tuple[float, dict[str, Any]]:
        now, snapshots = self._engine.state()
        counts = Counter(snapshot.state.status.value for snapshot in snapshots)
        chosen = [each for each in reversed(snapshots) if status in {None, each.state.status.value}]
        return now, {
            "pace": str(self._engine.pace),
            "profile": self._engine.profile.name,
            "counts": {each.value: counts[each.value] for each in Status},
            "jobs": [_listed_json(each, now) for each in chosen[:limit]],
            "has_more": len(chosen) > limit,
        }

    def _state(self) -> dict[str, Any]:
        now, snapshots = self._engine.state()
        return {
            "now": now,
            "pace": str(self._engine.pace),
            "profile": self._engine.profile.name,
            "jobs": [job_json(snapshot) for snapshot in snapshots],
            "faults": [fault_json(each) for each in self._engine.faults.pending()],
            "events": [event_json(each) for each in self._engine.outbox.happened(now=now)],
        }


def job_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return a job as the contract's `Video`, plus the fields that only the emulator knows."""
    job = snapshot.job
    failure = None if job.failure is None else {"code": job.failure.code, "message": job.failure.message}
    return {**video_json(snapshot), "pace": str(job.pace), "polls": job.reads, "fails_with": failure}


def _listed_json(snapshot: Snapshot, now: float) -> dict[str, Any]:
    prompt, expires_at = snapshot.job.recipe.prompt, snapshot.expires_at
    short = prompt if len(prompt) <= _LISTED_CHARACTERS else f"{prompt[: _LISTED_CHARACTERS - 1]}…"
    return {**job_json(snapshot), "prompt": short, "expired": expires_at is not None and now >= expires_at}


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
        remixed_from=body.get("remixed_from_video_id"),
        pace=_pace(body.get("pace")),
    )


def fault_of(body: Fields) -> Fault:
    """Read a fault from a request's fields."""
    stall = body.get("stall")
    return Fault(
        times=body["times"],
        operation=body.get("operation"),
        method=body.get("method"),
        path=body.get("path"),
        status=body.get("status"),
        headers=body.get("headers", {}),
        body=body.get("body"),
        carried_out=body["carried_out"],
        delay=body.get("delay", 0.0),
        reset=Reset(body["reset"]) if "reset" in body else None,
        truncate=body.get("truncate"),
        content_length=body.get("content_length"),
        stall=None if stall is None else Stall(at=stall.get("at", 0), seconds=stall.get("seconds")),
    )


def fault_json(planned: Planned) -> dict[str, Any]:
    """Return a fault as it was planned, and how often it is still to happen (`left`); unset fields are left out."""
    fault = planned.fault
    content: dict[str, Any] = {
        "left": planned.left,
        "times": fault.times,
        "operation": fault.operation,
        "method": fault.method,
        "path": fault.path,
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
        "next_attempt_at": event.next_at,
        "status": event.status,
        "problem": event.problem,
    }


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
