"""Send the requests of schemathesis, record the exchanges, and limit how many jobs they start."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse

from .._core.curl import credential
from .._core.exchange import RECORDED, Exchange, videos_of
from .._core.operations import CREATING
from .._core.outcomes import NotReachedError
from .._core.own_jobs import created_ids
from .._core.request_validation import Legality, judge_request, source_of
from .._core.target import KEY_VARIABLE
from .._server.wire import Received
from .document import FRAMES, PINNED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from .._server.recording_client import RecordingClient

LAYER: Final = "fuzz"
CASE_HEADER: Final = "x-schemathesis-testcaseid"
"""The header by which schemathesis names its case in a request."""

PROBE_HEADER: Final = "x-schemathesis-probe"
"""The header of requests by which schemathesis first finds out what the server's HTTP accepts."""

_PIECE: Final = 1 << 16

_MAX_BODY: Final = 1 << 20
"""How many bytes of a response are read. Schemathesis keeps the bodies of many; files are cut, anything else fails."""

_SHARES: Final = {"examples": 0.2, "coverage": 0.7, "fuzzing": 0.8}
"""The share of the jobs that may have been started when a phase ends; the last phase needs jobs the most."""

_DOUBTFUL: Final = 0.4
"""The share of those jobs that may be started by creates whose refusal would prove nothing."""

_ILLEGAL_AT_MOST: Final = 2
"""After how many accepted creates that the contract forbids no more are sent; the violation is proved by then."""

_CHARACTERS_AT_MOST: Final = 6
"""How many characters are created; there is no operation to delete them."""

_LOCAL: Final = {"legal": 429, "illegal": 400, "unauthorized": 401}
"""The status of the local response to each kind of request that is not sent."""

_UNKNOWN: Final = 404


class RecordingTransport:
    """Records the exchanges of generated requests, and responds locally to those that would cost too much."""

    def __init__(self, client: RecordingClient, max_jobs: int) -> None:
        """Allow `max_jobs` jobs, two of which are reserved for creates that should have been refused."""
        self._client, self._max_jobs = client, max_jobs
        self._base = client.target.base_url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self.phase = "examples"
        self.exchanges: list[Exchange] = []
        self.by_case: dict[str, Exchange] = {}
        self.legality: dict[int, Legality] = {}
        self.local_cases: set[str] = set()
        self._legal, self._doubtful, self._illegal, self._characters = 0, 0, 0, 0
        self._own: set[str] = set()
        self._given, self._seen = created_ids(client.history), set[str]()

    @contextlib.contextmanager
    def installed(self) -> Generator[None]:
        """Let the sessions of schemathesis, and no others, use an adapter that records."""
        from schemathesis.transport.requests import SameHostRedirectsSession

        def adapter_of(_: requests.Session, url: str) -> HTTPAdapter:  # noqa: ARG001 - requests gives it by position
            return adapter

        adapter = _RecordingAdapter(self)
        with (
            contextlib.closing(adapter),
            # Schemathesis creates its sessions itself, and has no setting for their adapters.
            patch.object(SameHostRedirectsSession, "get_adapter", adapter_of),
            # A .netrc file would add a key to requests that must have none.
            patch.object(requests.sessions, "get_netrc_auth", _no_netrc),
        ):
            yield

    def exchange(self, request: requests.PreparedRequest, send: Callable[[], Received]) -> requests.Response:
        """Send a request by `send` and record the exchange, or respond to it locally; return the response.

        Raises:
            requests.ConnectionError: There is no complete response.

        """
        if PROBE_HEADER in request.headers:
            return _local_response(
                request, _LOCAL["illegal"]
            )  # the contract does not say whether headers may hold a NUL
        target = urlsplit(request.url or "")
        path = target.path.removeprefix(self._prefix)
        method = str(request.method)
        operation, ids = self._client.contract.match(method, path)
        media_type = str(request.headers.get("content-type") or "")
        body = self._marked(request, media_type)
        legality = Legality(doubts=("the contract has no such operation",))
        if operation is not None:
            legality = judge_request(
                self._client.contract, operation, query=target.query, media_type=media_type, body=body
            )
        authorization = request.headers.get("authorization")
        key = self._client.target.api_key
        has_key = authorization is None if key is None else _text(authorization) == f"Bearer {key}"
        kind = "unauthorized" if not has_key else "illegal" if legality.is_illegal else "legal"
        video_id = ids.get("video_id") or source_of(legality.fields) or ""
        status = self._local_status(operation, kind, video_id)
        is_costly = operation in CREATING and not self._may_spend(kind, legality)
        if is_costly or (operation == "create_video" and self._is_dear(legality)):
            status = _LOCAL[kind]
        if status is not None:
            self.local_cases.add(_case_of(request))
            return _local_response(request, status)
        details = {
            "operation": operation,
            "ids": ids,
            "credential": credential(_text(authorization), {KEY_VARIABLE: key}) if authorization is not None else "",
            "has_key": has_key,
            "request_fields": dict(legality.fields),
            "elsewhere": "" if (request.url or "").startswith(f"{self._base}/") else target._replace(query="").geturl(),
        }
        try:
            return self._sent(request, send, legality, body, method=method, path=path, query=target.query, **details)
        except NotReachedError:
            self.local_cases.add(_case_of(request))
            return _local_response(request, _LOCAL[kind])

    def _marked(self, request: requests.PreparedRequest, media_type: str) -> bytes:
        """Put the run's mark into the prompt of a request, and return its body."""
        body = _bytes(request.body)
        marked = self._client.mark.on_body(media_type, body)
        if marked != body:
            request.body = marked
            request.headers["content-length"] = str(len(marked))
        return marked

    def _local_status(self, operation: str | None, kind: str, video_id: str) -> int | None:
        """Return the status of a local response; None if the request is to be sent."""
        if self._client.gate.is_of_no_use:
            return _LOCAL["legal"]  # the run is about to end
        if video_id in self._seen - self._own - self._given:
            return _UNKNOWN  # the job belongs to somebody else, who may delete it at any time
        if operation == "delete_video" and video_id in self._given - self._own:
            return _UNKNOWN  # another check needs the job
        is_enough = operation == "create_character" and self._characters >= _CHARACTERS_AT_MOST
        return _LOCAL[kind] if is_enough else None

    def _is_dear(self, legality: Legality) -> bool:
        """Tell whether a create leaves out or changes what the operator has chosen, other than by its flaw."""
        contract, fields = self._client.contract, legality.fields
        if not fields:
            return False
        for name, chosen in self._client.target.choice().items():
            given = fields.get(name)
            is_counted = name == "seconds" and FRAMES in fields
            # A null may be taken as absent, and the default is dear.
            is_flaw = given is not None and contract.flaws(given, f"#/components/schemas/{PINNED[name]}")
            if given != chosen and not is_counted and not is_flaw:
                return True
        return False

    def _may_spend(self, kind: str, legality: Legality) -> bool:
        if kind == "legal":
            jobs = (self._max_jobs - _ILLEGAL_AT_MOST) * _SHARES.get(self.phase, 1.0)
            has_place = not legality.doubts or self._doubtful < round(jobs * _DOUBTFUL)
            return has_place and self._legal < round(jobs)
        return self._illegal < min(_ILLEGAL_AT_MOST, self._max_jobs)

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Send a request over the connections of the recording client; see `exchange`."""
        # The session of requests asks for encodings, which the server would be right to use.
        request.headers["accept-encoding"] = "identity"
        # The body has the run's mark only when it is sent.
        return self.exchange(request, lambda: self._client.wire.send(self._as_it_is(request), _MAX_BODY))

    def _as_it_is(self, request: requests.PreparedRequest) -> httpx.Request:
        return self._client.wire.request(
            str(request.method),
            request.url or "",
            headers=[
                (_text(name).encode("latin-1"), _text(value).encode("latin-1")) for name, value in _pairs(request)
            ],
            content=_bytes(request.body),
            extensions={"target": request.path_url.encode("ascii")},  # httpx would spell it anew
        )

    def _sent(
        self,
        request: requests.PreparedRequest,
        send: Callable[[], Received],
        legality: Legality,
        body: bytes,
        **known: Any,
    ) -> requests.Response:
        def once() -> Exchange:
            self._client.starts.take(known["method"], known["operation"])
            number, began = self._client.number(), self._client.now()
            try:
                received = send()
            except (httpx.InvalidURL, ValueError) as problem:  # httpx cannot write what schemathesis made
                received = Received(failure=f"{type(problem).__name__}: {problem}")
            exchange = Exchange(
                number=number,
                layer=LAYER,
                began=began,
                ended=self._client.now(),
                at=time.time(),
                request_headers=tuple(
                    (name.lower(), "***" if name.lower() == "authorization" else value)
                    for name, value in _pairs(request)
                ),
                request_body=body[:RECORDED],
                **known,
                **received.fields,
            )
            self._keep(exchange, legality, _case_of(request))
            return exchange

        exchange = self._client.patiently(once)
        if exchange.status is None or (exchange.failure and not _is_cut_file(exchange)):
            raise requests.ConnectionError(exchange.failure, request=request)
        return _response(request, exchange.status, exchange.headers, exchange.body)

    def _keep(self, exchange: Exchange, legality: Legality, case: str) -> None:
        has_cost = self._client.record(exchange)
        self.exchanges.append(exchange)
        self.by_case[case] = exchange
        self.legality[exchange.number] = legality
        if has_cost:
            is_wrong = legality.is_illegal or not exchange.has_key
            self._illegal += is_wrong
            self._legal += not is_wrong
            self._doubtful += not is_wrong and bool(legality.doubts)
        if exchange.operation == "create_character" and exchange.is_ok:
            self._characters += 1
        ids = {str(video.get("id")) for video in videos_of(exchange)}
        if exchange.operation in CREATING:
            self._own |= ids
        self._seen |= ids


class _RecordingAdapter(HTTPAdapter):
    """The adapter that sends requests through a RecordingTransport."""

    def __init__(self, fuzz: RecordingTransport) -> None:
        super().__init__()
        self._fuzz = fuzz

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        return self._fuzz.send(request)


def _is_cut_file(exchange: Exchange) -> bool:
    return exchange.operation == "download_video_content" and exchange.length > _MAX_BODY


def _local_response(request: requests.PreparedRequest, status: int) -> requests.Response:
    message = "The suite did not send this: it would cost more than --max-videos allows."
    error = {"message": message, "type": "not_sent", "param": None, "code": None}
    headers = (("content-type", "application/json"), ("www-authenticate", "Bearer"))
    return _response(request, status, headers, json.dumps({"error": error}).encode())


def _response(
    request: requests.PreparedRequest, status: int, headers: tuple[tuple[str, str], ...], body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    vars(response)["_content"] = body  # the only way to set the body of a response
    response.request, response.url = request, request.url or ""
    response.encoding = get_encoding_from_headers(response.headers)
    response.raw = HTTPResponse(headers=HTTPHeaderDict(headers), version=11)
    return response


def _no_netrc(_: str) -> None:
    """Return no credentials for any URL."""


def _case_of(request: requests.PreparedRequest) -> str:
    return _text(request.headers.get(CASE_HEADER))


def _pairs(request: requests.PreparedRequest) -> Iterable[tuple[str, str]]:
    """Yield the headers of a request as text; in requests, they may be bytes."""
    return ((_text(name), _text(value)) for name, value in request.headers.items())


def _bytes(body: object) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return body if isinstance(body, bytes) else b""


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
