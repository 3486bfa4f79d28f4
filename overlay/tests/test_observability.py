"""What the SDK does can be watched: by the `openvideos` logger, and by the stock instrumentation of httpx."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, SyncOpenTelemetryTransport
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from openvideos import AsyncOpenVideos, OpenVideos

from .faults.server import FaultServer, answers_json

VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "completed"}


def client_of(*statuses: int, status: str = "completed") -> OpenVideos:
    left = list(statuses)

    def response(request: httpx.Request) -> httpx.Response:
        word = status if len(left) > 1 else "completed"
        headers = {"x-request-id": f"req_{len(left)}", "retry-after-ms": "0", "openai-poll-after-ms": "1"}
        return httpx.Response(left.pop(0), json=VIDEO | {"status": word}, headers=headers)

    http = httpx.Client(transport=httpx.MockTransport(response))
    return OpenVideos(base_url="http://server.test/v1", api_key="sk-secret", http_client=http)


def test_requests_are_logged_with_ids_and_timings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="openvideos")
    client_of(200).videos.retrieve("video_1")
    [record] = caplog.records
    assert ("openvideos", logging.DEBUG) == (record.name, record.levelno)
    assert "retrieve_video video_1: 200 (request id req_1) after" in record.getMessage()
    assert record.getMessage().endswith(" ms")


def test_retries_are_logged_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="openvideos")
    client_of(503, 200).videos.retrieve("video_1")
    [record] = caplog.records
    assert logging.INFO == record.levelno
    assert "retrieve_video: attempt 1 failed (InternalServerError); the next in 0.00 s" == record.getMessage()


def test_an_unknown_status_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="openvideos")
    client_of(200, 200, 200, 200, status="dreaming").videos.poll("video_1")
    assert ["video video_1: the status 'dreaming' is unknown; polling goes on"] == caplog.messages


def test_nothing_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    client_of(503, 200).videos.retrieve("video_1")
    assert [] == caplog.records


def test_the_instrumentation_of_httpx_shows_each_attempt() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    statuses = [503, 200]

    def response(request: httpx.Request) -> httpx.Response:
        assert "traceparent" in request.headers
        return httpx.Response(statuses.pop(0), json=VIDEO, headers={"retry-after-ms": "0"})

    transport = SyncOpenTelemetryTransport(httpx.MockTransport(response), tracer_provider=provider)
    client = OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport))
    client.videos.retrieve("video_1")
    spans = exporter.get_finished_spans()
    assert ["GET", "GET"] == [span.name for span in spans]
    codes = [dict(span.attributes or {}).get("http.status_code") for span in spans]
    assert [503, 200] == codes
    urls = [dict(span.attributes or {}).get("http.url") for span in spans]
    assert ["http://server.test/v1/videos/video_1"] * 2 == urls


def test_the_instrumentation_of_all_clients_shows_those_that_the_sdk_makes() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def retrieve(base_url: str) -> None:
        async with AsyncOpenVideos(base_url=base_url) as client:
            await client.videos.retrieve("video_1")

    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with FaultServer(*[answers_json(VIDEO)] * 2) as server, OpenVideos(base_url=server.base_url) as client:
            client.videos.retrieve("video_1")
            asyncio.run(retrieve(server.base_url))
    finally:
        instrumentor.uninstrument()
    assert ["GET", "GET"] == [span.name for span in exporter.get_finished_spans()]
    assert all("traceparent" in request.headers for request in server.requests)
