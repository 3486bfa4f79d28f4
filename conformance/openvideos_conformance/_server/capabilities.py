"""Detect the capabilities of a server that the operator has neither declared nor denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import CORE
from .._core.exchange import MISSING, json_object
from .._core.operations import video_path
from .._core.outcomes import NotReachedError, UnsupportedError
from .._core.profiles import NEED_OPTIONS, beyond
from .._inputs.unknown_ids import unknown_like
from .discovery import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.exchange import Exchange
    from .jobs import Job, JobPool
    from .recording_client import RecordingClient

NO_OPERATION: Final = frozenset({404, 405, 501})
"""The statuses for an operation that a server does not have."""

DETECTION_JOBS: Final = {"idempotency": 2}
"""How many jobs the detection of a capability starts."""

DETECTED_BY: Final = {"json": "json", "image-reference": "reference"}
"""The kind of job whose create shows a capability."""

REFUSED: Final = frozenset({400, 415, 422, 501})
"""The statuses for a create of a kind that a server does not offer."""


class Capabilities:
    """The capabilities of the server: as declared, else as detected when a check first needs one."""

    def __init__(self, client: RecordingClient, jobs: JobPool) -> None:
        """Detect nothing yet."""
        self._client, self._jobs, self._target = client, jobs, client.target
        self._found: dict[str, str | None] = {}
        self._repeated: tuple[Exchange, Exchange] | None = None

    def require(self, name: str) -> None:
        """Return if the server has a capability.

        Raises:
            UnsupportedError: The server does not have it; the message says how that is known.
            NotReachedError: It could not be detected.

        """
        if name == CORE or name in self._target.declared:
            self._check_operable(name)
            return
        denial = self._target.denial(name)
        if denial is not None:
            raise UnsupportedError(denial)
        if name not in self._found:
            self._found[name] = self._jobs.discovery.silence(name) or self._detected(name)
        reason = self._found[name]
        if reason is not None:
            raise UnsupportedError(reason)

    def has(self, name: str) -> bool:
        """Return whether the server is known to have a capability; False also if it could not be detected."""
        try:
            self.require(name)
        except (UnsupportedError, NotReachedError):
            return False
        return True

    def known(self) -> dict[str, bool]:
        """Return the capabilities that are known so far, and whether the server has them.

        Of those beyond the profile of the run, that is not known.
        """
        profile = self._target.profile
        denied = self._target.denied - (frozenset() if profile is None else beyond(profile))
        declared = dict.fromkeys(self._target.declared, True) | dict.fromkeys(denied, False)
        return {**{name: reason is None for name, reason in self._found.items()}, **declared}

    def _detected(self, name: str) -> str | None:
        """Return why the server does not have this capability; None if it has."""
        detectors: dict[str, Callable[[], str | None]] = {
            "json": lambda: self._refused(DETECTED_BY["json"], "a create as JSON"),
            "image-reference": lambda: self._refused(DETECTED_BY["image-reference"], "a create with an image file"),
            "failing": self._failing,
            "remix": self._remix,
            "edits": lambda: self._route("/videos/edits"),
            "extensions": lambda: self._route("/videos/extensions"),
            "characters": lambda: self._route("/videos/characters"),
            "list": self._list,
            "delete": self._delete,
            "discovery": self._discovery,
            **dict.fromkeys(EXTENSIONS, _named),
            "thumbnail": lambda: self._variant("thumbnail"),
            "spritesheet": lambda: self._variant("spritesheet"),
            "ranges": self._ranges,
            "url": self._url,
            "idempotency": self._idempotency,
            "authentication": self._authentication,
            "tenants": self._tenants,
            "webhooks": self._webhooks,
        }
        return detectors[name]()

    def _discovery(self) -> str | None:
        asked = self._jobs.discovery.exchange
        return None if asked.is_ok else f"GET /videos/models returns {asked.status}"

    def _check_operable(self, name: str) -> None:
        if name in NEED_OPTIONS:
            reason = self._detected(name)
            if reason is not None:
                raise NotReachedError(reason)

    def _failing(self) -> str | None:
        if self._target.failing_prompt is not None:
            return None
        return "no prompt is known that makes a job fail; give one with --failing-prompt"

    def _authentication(self) -> str | None:
        return None if self._target.api_key is not None else "no key was given, so the server is assumed to need none"

    def _tenants(self) -> str | None:
        if self._target.other_api_key is not None:
            return None
        return "no key of another caller was given with --other-api-key"

    def _webhooks(self) -> str | None:
        if self._target.webhook_port is not None and self._target.webhook_secret is not None:
            return None
        return "no --webhook-port and --webhook-secret were given"

    def _refused(self, name: str, what: str) -> str | None:
        try:
            self._jobs[name]
        except NotReachedError as outcome:
            if outcome.exchanges and outcome.exchanges[0].status in REFUSED:
                return f"{what} is refused with {outcome.exchanges[0].status}"
            if not outcome.exchanges:
                raise
        return None

    def _route(self, path: str) -> str | None:
        """Post an empty object, which an existing path refuses; return why the path does not exist, or None."""
        here = self._client.post(path, json={})
        return f"POST {path} returns {here.status}" if here.status in NO_OPERATION else None

    def _remix(self) -> str | None:
        """Post an empty object, as `_route` does. A video that is still running may be a 404, too."""
        reason = self._route(f"{self._plain().path}/remix")
        return reason and self._route(f"{self._jobs.completed().path}/remix")

    def _list(self) -> str | None:
        here = self._client.get("/videos")
        return f"GET /videos returns {here.status}" if here.status in NO_OPERATION else None

    def _delete(self) -> str | None:
        """Delete an unknown id; return why the server has no deletion, or None.

        A 404 may be about the id or about the path, so it is compared with that of a retrieve of the id, and with that
        of a path that certainly does not exist.
        """
        path = video_path(unknown_like(self._plain().id))
        here = self._client.delete(path)
        if here.status not in NO_OPERATION:
            return None
        if here.status == 404 and (  # noqa: PLR2004 - HTTP's own
            _are_alike(here, self._client.get(path))
            or not _are_alike(here, self._client.delete(f"{path}/openvideos-no-such-route"))
        ):
            return None
        return f"DELETE {path} returns {here.status}, like a server that has no deletion"

    def _plain(self) -> Job:
        return self._jobs["plain"]

    def _variant(self, name: str) -> str | None:
        job = self._jobs.completed()
        exchange = self._client.get(f"{job.path}/content", query={"variant": name})
        if exchange.status in {400, 404, 422, 501}:
            return f"variant={name} is refused with {exchange.status}"
        return None

    def _ranges(self) -> str | None:
        job = self._jobs.completed()
        exchange = self._client.get(f"{job.path}/content", headers={"range": "bytes=0-0"})
        if exchange.status == 206 or (exchange.header("accept-ranges") or "").lower() == "bytes":  # noqa: PLR2004
            return None
        return f"a range returns {exchange.status} without Accept-Ranges: bytes"

    def _url(self) -> str | None:
        return None if self._jobs.completed().video.get("url") is not None else "a completed job has no url"

    def _idempotency(self) -> str | None:
        first, second = self.repeated()
        if second.is_ok and second.object.get("id") != first.object.get("id"):
            return "a create that was repeated with one Idempotency-Key started a second job"
        return None  # also if the repeat was refused: the server has seen the key

    def repeated(self) -> tuple[Exchange, Exchange]:
        """Send a create twice with one Idempotency-Key, once per run; return both exchanges.

        Raises:
            NotReachedError: The first create was refused.

        """
        if self._repeated is None:
            form = self._target.choice(prompt="A lighthouse in the fog")
            headers = {"idempotency-key": f"{self._client.run_id}-openvideos-conformance"}
            first = self._client.post("/videos", form=form, headers=headers)
            if not first.is_ok:
                raise NotReachedError(f"the create with an Idempotency-Key returned {first.status}", first)
            self._repeated = first, self._client.post("/videos", form=form, headers=headers)
        return self._repeated


def _named() -> None:
    """Return no reason: an extension that discovery names is offered."""


def _are_alike(one: Exchange, other: Exchange) -> bool:
    """Tell whether two refusals have the same status, and bodies of the same shape."""
    if one.status != other.status:
        return False
    return _shape(one) == _shape(other)


def _shape(exchange: Exchange) -> object:
    if exchange.json is MISSING:
        return exchange.media_type
    return (sorted(exchange.object), json_object(exchange.object.get("error")).get("code"))
