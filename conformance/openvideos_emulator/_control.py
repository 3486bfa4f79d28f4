"""Let tests steer the emulator: read its state, move time, seed jobs, plan faults.

The endpoints are described in `control.yaml`, as the contract is in `openapi.yaml`, and judged by it in the same way. A
method of `Controls` bears the name of its operation there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread

from openvideos_emulator._answers import JsonAnswer, video_json
from openvideos_emulator._errors import invalid, shown
from openvideos_emulator._faults import Fault, Planned, Reset, Stall
from openvideos_emulator._jobs import Failure, Pace, Status
from openvideos_emulator._seeds import FAILURE, Seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from openvideos_emulator._engine import Engine, Snapshot
    from openvideos_emulator._operations import Call
    from openvideos_emulator._spec import Contract
    from openvideos_emulator._validate import Fields


class Controls:
    """The control endpoints, over one engine."""

    def __init__(self, engine: Engine, contract: Contract) -> None:
        """Steer this engine; faults name operations of this contract."""
        self._engine = engine
        self._known = sorted(operation.id for operation in contract.operations)

    async def read_state(self, _call: Call) -> Response:
        """Show everything."""
        return JsonAnswer(await anyio.to_thread.run_sync(self._state))

    async def advance(self, call: Call) -> Response:
        """Move jobs forward."""
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

        return JsonAnswer(await anyio.to_thread.run_sync(move))

    async def reset(self, _call: Call) -> Response:
        """Forget everything."""

        def forget() -> dict[str, Any]:
            self._engine.reset()
            return self._state()

        return JsonAnswer(await anyio.to_thread.run_sync(forget))

    async def seed_job(self, call: Call) -> Response:
        """Add a job."""
        seed = seed_of(call.body, self._engine.profile.check_seconds)
        return JsonAnswer(job_json(await anyio.to_thread.run_sync(self._engine.seed, seed)))

    async def list_faults(self, _call: Call) -> Response:
        """Show the faults that are still to happen."""
        return JsonAnswer({"faults": [fault_json(each) for each in self._engine.faults.pending()]})

    async def plan_fault(self, call: Call) -> Response:
        """Plan a fault."""
        operation = call.body.get("operation")
        if operation is not None and operation not in self._known:
            known = ", ".join(self._known)
            raise invalid(f"operation is {shown(operation)}; it must be one of {known}.", param="operation")
        self._engine.faults.add(fault_of(call.body))
        return await self.list_faults(call)

    async def clear_faults(self, call: Call) -> Response:
        """Plan no faults."""
        self._engine.faults.clear()
        return await self.list_faults(call)

    def _state(self) -> dict[str, Any]:
        now, snapshots = self._engine.state()
        return {
            "now": now,
            "pace": str(self._engine.pace),
            "profile": self._engine.profile.name,
            "jobs": [job_json(snapshot) for snapshot in snapshots],
            "faults": [fault_json(each) for each in self._engine.faults.pending()],
        }


def job_json(snapshot: Snapshot) -> dict[str, Any]:
    """Write a job as the contract's `Video`, and beside it what only the emulator knows."""
    job = snapshot.job
    failure = None if job.failure is None else {"code": job.failure.code, "message": job.failure.message}
    return {**video_json(snapshot), "pace": str(job.pace), "polls": job.reads, "fails_with": failure}


def seed_of(body: Fields, check_seconds: Callable[[str], int]) -> Seed:
    """Read what a seeded job is to be; `check_seconds` reads a duration, or refuses it."""
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
    """Read a fault."""
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
    """Write a fault as it was planned, with how often it is still to happen; what it does not say is left out."""
    fault = planned.fault
    said: dict[str, Any] = {
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
    return {name: value for name, value in said.items() if value is not None}


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
