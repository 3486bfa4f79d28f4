"""Make synthetic histories: exchanges that were never sent, one after another unless a test says otherwise."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, settings

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.outcomes import Finding
from openvideos_conformance._history.registry import RULES, Judged, Traffic

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Settings of property tests for a busy machine."""

NOW = 1_800_000_000
"""The server's time when a history begins, in Unix seconds."""

KEY = "sk-openvideos-synthetic"


def video(video_id: str = "video_1", status: str = "queued", **fields: Any) -> dict[str, Any]:
    """Return the Video of a right server."""
    ended = status in {"completed", "failed"}
    returned: dict[str, Any] = {
        "id": video_id,
        "object": "video",
        "created_at": NOW,
        "model": "sora-2",
        "status": status,
        "progress": {"queued": 0, "completed": 100}.get(status, 40),
        "completed_at": NOW + 9 if ended else None,
        "expires_at": NOW + 86_400 if status == "completed" else None,
        "prompt": "A boat",
        "size": "720x1280",
        "seconds": "4",
        "remixed_from_video_id": None,
        "error": {"code": "internal", "message": "It broke."} if status == "failed" else None,
    }
    return {**_rest("Video"), **returned, **fields}


def _rest(name: str) -> dict[str, Any]:
    """Return any value for each required or recommended field of a schema, also for fields that are new."""
    schema = contract().schema(name)
    names = [*schema["required"], *schema.get("x-recommended", [])]
    return {each: _any_value(contract().resolve(schema["properties"].get(each, {}))) for each in names}


def _any_value(schema: dict[str, Any]) -> Any:
    values: dict[str, Any] = {"null": None, "boolean": False, "string": "x", "array": [], "object": {}}
    values |= dict.fromkeys(("integer", "number"), schema.get("minimum", 0))
    fitting = [values[each] for each in values if each in contract().types(schema)]
    return schema.get("const", schema.get("enum", [*fitting, None])[0])


def error(message: str = "No.", **fields: Any) -> dict[str, Any]:
    """Return an error envelope."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}


def page(*videos: dict[str, Any], has_more: bool = False, **fields: Any) -> dict[str, Any]:
    """Return a page of a list."""
    ids = [each.get("id") for each in videos] or [None]
    returned = {"object": "list", "data": list(videos), "first_id": ids[0], "last_id": ids[-1], "has_more": has_more}
    return {**_rest("VideoList"), **returned, **fields}


@dataclass
class Log:
    """A history to which exchanges are added. Each begins after the one before has ended, unless `began` is given."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    clock: float = 1.0

    def add(
        self,
        method: str,
        path: str,
        status: int | None = 200,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
        began: float | None = None,
        ended: float | None = None,
        sent: Mapping[str, str] | None = None,
        **known: Any,
    ) -> Exchange:
        """Add an exchange. A header whose value is None is left out."""
        number = len(self.exchanges) + 1
        began = self.clock if began is None else began
        ended = began + 0.1 if ended is None else ended
        self.clock = max(self.clock, ended + 0.1)
        content = json_module.dumps(json).encode() if body is None else body
        returned: dict[str, str | None] = {
            "content-type": "application/json",
            "content-length": str(len(content)),
            "date": formatdate(NOW + ended, usegmt=True),
            "x-request-id": f"req_{number}",
            **(headers or {}),
        }
        operation, ids = contract().match(method, path)
        values: dict[str, Any] = {
            "number": number,
            "layer": "scenario",
            "began": began,
            "ended": ended,
            "at": NOW + ended,
            "method": method,
            "path": path,
            "query": urlencode(query),
            "operation": operation,
            "ids": ids,
            "request_headers": tuple((sent or {}).items()),
            "status": status,
            "headers": tuple((name, value) for name, value in returned.items() if value is not None),
            "body": content,
            "length": len(content),
            **known,
        }
        exchange = Exchange(**values)
        self.exchanges.append(exchange)
        return exchange

    def created(
        self, video_id: str = "video_1", *, request_fields: Mapping[str, Any] | None = None, **options: Any
    ) -> Exchange:
        """Add an accepted create. Options with the names of fields set these fields."""
        fields = {name: options.pop(name) for name in list(options) if name in _FIELDS}
        request_fields = {"prompt": "A boat"} if request_fields is None else request_fields
        return self.add("POST", "/videos", json=video(video_id, **fields), request_fields=request_fields, **options)

    def retrieved(self, video_id: str = "video_1", status: str = "queued", **options: Any) -> Exchange:
        """Add a retrieve that found a job."""
        fields = {name: options.pop(name) for name in list(options) if name in _FIELDS}
        returned = options.pop("returned", None) or video(video_id, status, **fields)
        options.setdefault("headers", {"openai-poll-after-ms": "500"})
        return self.add("GET", f"/videos/{video_id}", json=returned, **options)

    def listed(self, *videos: dict[str, Any], has_more: bool = False, **options: Any) -> Exchange:
        """Add a page."""
        returned = options.pop("returned", None) or page(*videos, has_more=has_more)
        return self.add("GET", "/videos", json=returned, **options)

    def deleted(self, video_id: str = "video_1", **options: Any) -> Exchange:
        """Add a confirmed deletion."""
        options.setdefault("json", {"id": video_id, "object": "video.deleted", "deleted": True})
        return self.add("DELETE", f"/videos/{video_id}", **options)

    def content(
        self, video_id: str = "video_1", status: int = 200, *, body: bytes = b"\x00clip", **options: Any
    ) -> Exchange:
        """Add a download."""
        headers = {"content-type": "video/mp4", "etag": '"1"', **options.pop("headers", {})}
        return self.add("GET", f"/videos/{video_id}/content", status, body=body, headers=headers, **options)

    def refused(self, method: str, path: str, status: int, **options: Any) -> Exchange:
        """Add a response with an error envelope."""
        options.setdefault("json", error())
        return self.add(method, path, status, **options)

    def change(self, exchange: Exchange, **fields: Any) -> None:
        """Replace an exchange by a changed copy."""
        self.exchanges[self.exchanges.index(exchange)] = replace(exchange, **fields)

    @property
    def traffic(self) -> Traffic:
        """The history, indexed."""
        return Traffic(self.exchanges, secrets=[KEY])


_FIELDS = frozenset(video()) | {"url", "duration"}


def judged(requirement: str, history: Log | Traffic) -> Judged:
    """Return the results of all rules of a requirement."""
    traffic = history.traffic if isinstance(history, Log) else history
    every = [rule.judge(traffic) for rule in RULES if rule.requirement == requirement]
    assert every, f"no rule judges {requirement}"
    return Judged([finding for each in every for finding in each.findings], sum(each.instances for each in every))


def broken(history: Log | Traffic) -> dict[str, list[Finding]]:
    """Return the findings of all rules, by requirement."""
    traffic = history.traffic if isinstance(history, Log) else history
    found: dict[str, list[Finding]] = {}
    for rule in RULES:
        for finding in rule.judge(traffic).findings:
            found.setdefault(rule.requirement, []).append(finding)
    return found


def breaks(history: Log, *requirements: str) -> Finding:
    """Expect violations of exactly these requirements; return the first finding of the first one."""
    found = broken(history)
    assert set(found) == set(requirements), {
        name: [each.message for each in findings] for name, findings in found.items()
    }
    return found[requirements[0]][0]


def keeps(history: Log, *requirements: str) -> None:
    """Expect no violation, and that these requirements were exercised."""
    assert {} == broken(history)
    for requirement in requirements:
        assert judged(requirement, history).instances, f"{requirement} was not exercised"
