"""Send the requests of schemathesis, record the exchanges, and limit how many jobs they start."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from .._core.exchange import Exchange, videos_of
from .._core.operations import CREATING
from .._core.own_jobs import created_ids
from .._core.request_validation import Legality, judge_request, source_of
from .._server.recording_client import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from .._server.recording_client import RecordingClient

LAYER: Final = "fuzz"
CASE_HEADER: Final = "x-schemathesis-testcaseid"
"""The header by which schemathesis names its case in a request."""

PROBE_HEADER: Final = "x-schemathesis-probe"
"""The header of requests by which schemathesis first finds out what the server's HTTP accepts."""

_PIECE: Final = 1 << 16
_SHARES: Final = {"examples": 0.2, "coverage": 0.4, "fuzzing": 0.6}
"""The share of the jobs that may have been started when a phase ends; the last phase needs jobs the most."""

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
        self._prefix = urlsplit(client.target.base_url.rstrip("/")).path
        self.phase = "examples"
        self.exchanges: list[Exchange] = []
        self.by_case: dict[str, Exchange] = {}
        self.legality: dict[int, Legality] = {}
        self.local_cases: set[str] = set()
        self._legal, self._illegal, self._characters = 0, 0, 0
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

    def exchange(self, request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
        """Send a request by `send` and record the exchange, or respond to it locally; return the response."""
        if PROBE_HEADER in request.headers:
            return _local_response(
                request, _LOCAL["illegal"]
            )  # the contract does not say whether headers may hold a NUL
        target = urlsplit(request.url or "")
        path = target.path.removeprefix(self._prefix)
        method = str(request.method)
        operation, ids = self._client.contract.match(method, path)
        body = _bytes(request.body)
        media_type = str(request.headers.get("content-type") or "")
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
        if status is not None:
            self.local_cases.add(_case_of(request))
            return _local_response(request, status)
        details = {
            "operation": operation,
            "ids": ids,
            "has_key": has_key,
            "request_fields": dict(legality.fields),
        }
        return self._sent(request, send, legality, body, method=method, path=path, query=target.query, **details)

    def _local_status(self, operation: str | None, kind: str, video_id: str) -> int | None:
        """Return the status of a local response; None if the request is to be sent."""
        if video_id in self._seen - self._own - self._given:
            return _UNKNOWN  # the job belongs to somebody else, who may delete it at any time
        if operation == "delete_video" and video_id in self._given - self._own:
            return _UNKNOWN  # another check needs the job
        is_costly = operation in CREATING and not self._may_spend(kind)
        is_enough = operation == "create_character" and self._characters >= _CHARACTERS_AT_MOST
        return _LOCAL[kind] if is_costly or is_enough else None

    def _may_spend(self, kind: str) -> bool:
        if self._client.target.max_videos <= self._client.videos_started:
            return False
        if kind == "legal":
            return self._legal < round((self._max_jobs - _ILLEGAL_AT_MOST) * _SHARES.get(self.phase, 1.0))
        return self._illegal < min(_ILLEGAL_AT_MOST, self._max_jobs)

    def _sent(
        self,
        request: requests.PreparedRequest,
        send: Callable[[], requests.Response],
        legality: Legality,
        body: bytes,
        **known: Any,
    ) -> requests.Response:
        number, began = self._client.number(), self._client.now()
        received: dict[str, Any] = {}
        error: requests.RequestException | None = None
        response: requests.Response | None = None
        try:
            response = send()
            received = {"status": response.status_code, "headers": _headers(response)}
            received.update(self._body(response, began))
        except requests.RequestException as problem:
            error = problem
            received["failure"] = f"{type(problem).__name__}: {problem}"
        exchange = Exchange(
            number=number,
            layer=LAYER,
            began=began,
            ended=self._client.now(),
            at=time.time(),
            request_headers=tuple(
                (_text(name).lower(), "***" if _text(name).lower() == "authorization" else _text(value))
                for name, value in request.headers.items()
            ),
            request_body=body[:_PIECE],
            **known,
            **received,
        )
        self._keep(exchange, legality, _case_of(request))
        if error is not None or response is None:
            raise error or requests.ConnectionError("no response", request=request)
        return response

    def _keep(self, exchange: Exchange, legality: Legality, case: str) -> None:
        self._client.record(exchange)
        self.exchanges.append(exchange)
        self.by_case[case] = exchange
        self.legality[exchange.number] = legality
        if exchange.operation in CREATING and (exchange.is_ok or exchange.failure):
            is_wrong = legality.is_illegal or not exchange.has_key
            self._illegal += is_wrong
            self._legal += not is_wrong
        if exchange.operation == "create_character" and exchange.is_ok:
            self._characters += 1
        ids = {str(video.get("id")) for video in videos_of(exchange)}
        if exchange.operation in CREATING:
            self._own |= ids
        self._seen |= ids

    def _body(self, response: requests.Response, began: float) -> dict[str, Any]:
        pieces: list[bytes] = []
        length, failure = 0, ""
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_BODY or self._client.now() - began > 4 * self._client.target.timeout:
                failure = f"the response does not end: {length} bytes came so far"
                response.close()
                break
        content = b"".join(pieces)
        vars(response)["_content"] = content  # the checks of schemathesis read the body again
        return {"body": content, "length": length, "failure": failure}


class _RecordingAdapter(HTTPAdapter):
    """The adapter that sends requests through a RecordingTransport."""

    def __init__(self, fuzz: RecordingTransport) -> None:
        super().__init__()
        self._fuzz = fuzz

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        # Proxies of the environment are not used, as in the recording client.
        options["proxies"] = {}
        parent = super().send
        return self._fuzz.exchange(request, lambda: parent(request, *args, **options))


def _local_response(request: requests.PreparedRequest, status: int) -> requests.Response:
    message = "The suite did not send this: it would cost more than --max-videos allows."
    error = {"message": message, "type": "not_sent", "param": None, "code": None}
    headers = {"content-type": "application/json", "www-authenticate": "Bearer"}
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    vars(response)["_content"] = json.dumps({"error": error}).encode()  # the only way to set the body of a response
    response.request, response.url, response.encoding = request, request.url or "", "utf-8"
    response.raw = HTTPResponse(headers=headers)
    return response


def _no_netrc(_: str) -> None:
    """Return no credentials for any URL."""


def _case_of(request: requests.PreparedRequest) -> str:
    return _text(request.headers.get(CASE_HEADER))


def _headers(response: requests.Response) -> tuple[tuple[str, str], ...]:
    raw: Mapping[str, str] = getattr(response.raw, "headers", response.headers)
    return tuple((name.lower(), value) for name, value in raw.items())


def _bytes(body: object) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return body if isinstance(body, bytes) else b""


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
