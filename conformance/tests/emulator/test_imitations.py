"""An imitation answers as the server does that it imitates, and names the departures in each answer."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator import create_app, main
from openvideos_emulator._imitations.departure import DEPARTURES
from openvideos_emulator._imitations.servers import IMITATIONS

if TYPE_CHECKING:
    from tests.emulator.conftest import Run

RECORDINGS: Final = Path(__file__).parents[3] / "overlay" / "tests" / "servers"
CONTRACT: Final = {
    *("id", "object", "created_at", "completed_at", "expires_at", "model", "status", "progress", "prompt", "size"),
    *("seconds", "seed", "negative_prompt", "fps", "num_frames", "remixed_from_video_id", "error"),
}
RECORDED: Final = {"fastvideo": "fastvideo-0.2.1", "vllm-omni": "vllm-omni-0.30.0", "litellm": "litellm-1.106.2"}
SMALL: Final = {"size": "64x48", "seconds": "1", "model": "sora-2"}
ODD_FIELDS: Final[list[dict[str, Any]]] = [
    *({"size": "banana"}, {"seconds": "0"}, {"size": "064x048"}, {"seconds": ""}, {"prompt": 5}, {"prompt": ""}),
    {"prompt": "x" * 32_001},
]
ODD_BODIES: Final = [
    ("application/json", "{bad"),
    ("application/json", "[]"),
    ("text/plain", '{"prompt": "A cat", "model": "sora-2"}'),
    ("application/x-www-form-urlencoded", "prompt=A+cat"),
    (
        "multipart/form-data; boundary=x",
        (
            '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nA\r\n'
            '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nsora-2\r\n--x\r\ncont'
        ),
    ),
]
ODD_PATHS: Final = [
    *(f"/videos?{query}" for query in ("limit=0", "limit=1", "limit=x", "order=sideways", "after=nope")),
    *("/videos/models", "/videos/none", "/videos/none/content", "/nothing", "/videos/characters/one"),
]
BIFROST: Final = "ids_name_a_provider"
STUB: Final = "other-model"  # a server of one model refuses others; an imitation takes all
UNREACHED: Final = "Cannot connect to host"  # what the recorded gateway says where its vendor cannot be reached


def exchanges() -> Iterator[Any]:
    """Give each recorded exchange that an imitation can be asked for, with the name of the imitation."""
    for name, recording in RECORDED.items():
        text = re.sub(
            r"video_[A-Za-z0-9]{30,}=*",
            "video_of_a_gateway",
            RECORDINGS.joinpath(f"{recording}.json").read_text("utf-8"),
        )
        for number, exchange in enumerate(json.loads(text)["exchanges"]):
            if not any(word in json.dumps(exchange) for word in (STUB, UNREACHED, '"<file>"')):
                yield pytest.param(name, exchange, id=f"{name}-{number}-{exchange['request']['method']}")


def shape(content: Any) -> Any:
    """Return what clients read of a JSON value: the keys of the contract, and the types where servers differ."""
    if not isinstance(content, dict):
        return type(content).__name__
    if "data" in content:
        return {**dict.fromkeys(content, ""), "data": [shape(each) for each in content["data"]]}
    if "status" in content:
        told = content.get("error")
        return {key: key for key in content if key in CONTRACT and key != "error"} | {
            "error": told and {key: type(value).__name__ for key, value in told.items()},
            "status": content["status"],
        }
    if isinstance(content.get("error"), dict):
        return {key: "" if key == "param" else type(value).__name__ for key, value in content["error"].items()} | {
            "provider_specific_fields": ""
        }
    return {key: type(value).__name__ for key, value in content.items()}


def jobs_of(exchange: dict[str, Any]) -> list[dict[str, str]]:
    """Return the jobs that must be there for an exchange."""
    request, answer = exchange["request"], exchange["answer"]
    named = re.search(r"/videos/([\w=-]+)", request["target"])
    if request["method"] == "POST":
        return [{"id": "video_of_a_gateway", "status": "completed"}]
    after = re.search(r"after=(\w{9,})", request["target"])
    content = answer.get("json", {})
    if request["target"].startswith("/v1/videos?") or not named:
        listed = content.get("data", []) if isinstance(content, dict) else []
        more = [{"id": "video_older", "status": "queued"}] if content.get("has_more") else []
        cursor = [{"id": after[1], "status": "completed"}] if after else []
        return [*more, *cursor, *({"id": each["id"], "status": each["status"]} for each in listed)]
    if answer["status"] in {404, 405} and not request["target"].endswith("/content"):
        return []
    if request["target"].endswith("nope/content"):
        return []
    status = content.get("status") if isinstance(content, dict) else None
    if status is None:
        status = {200: "completed", 206: "completed", 404: "queued", 500: "failed", 422: "failed"}[answer["status"]]
    return [{"id": named[1], "status": {"deleted": "completed"}.get(status, status)}]


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[str, Any]]:
    """Give an emulator for each imitation."""
    apps = {name: create_app(imitate=name, pace="manual") for name in IMITATIONS}
    yield apps
    for app in apps.values():
        app.close()


@pytest.mark.parametrize(("name", "exchange"), list(exchanges()))
def test_an_imitation_answers_as_was_recorded(name: str, exchange: dict[str, Any], apps: dict[str, Any]) -> None:
    request, answer = exchange["request"], exchange["answer"]
    given = asyncio.run(replay(apps[name], request, jobs_of(exchange)))
    assert answer["status"] == given.status_code, given.text
    if "json" in answer:
        assert shape(answer["json"]) == shape(given.json())
    for header in ("content-type", "allow", "content-range"):
        if header in answer.get("headers", {}):
            assert answer["headers"][header].partition("/4120")[0] == given.headers[header].rpartition("/")[0] or (
                answer["headers"][header] == given.headers[header]
            )


async def replay(app: Any, request: dict[str, Any], jobs: list[dict[str, str]]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imitation") as client:
        await client.post("/_emulator/reset")
        for number, job in enumerate(jobs):
            seeded = {**job, "size": "64x48", "seconds": "1", "created_at": 1_700_000_000 + number}
            assert (await client.post("/_emulator/jobs", json=seeded)).is_success
        headers = {"range": request["range"]} if "range" in request else {}
        if "form" in request:
            form = {key: (None, value) for key, value in request["form"].items()}
            return await client.request(request["method"], request["target"], files=form, headers=headers)
        if "body" in request:
            headers["content-type"] = request["content-type"]
        return await client.request(
            request["method"], request["target"], content=request.get("body", ""), headers=headers
        )


def names(name: str) -> set[str]:
    return {each.name for each, _ in IMITATIONS[name].departures}


@pytest.mark.parametrize("name", IMITATIONS)
def test_every_departure_of_an_imitation_shows(name: str) -> None:
    app = create_app(imitate=name, api_key="key", pace="polls:3")
    try:
        seen = asyncio.run(departures_seen(app))
    finally:
        app.close()
    assert names(name) == seen


async def departures_seen(app: Any) -> set[str]:
    """Return the names of the departures in the answers to all that a client may ask."""
    seen: set[str] = set()

    async def look(response: httpx.Response) -> None:
        seen.update(filter(None, response.headers.get(DEPARTURES, "").split(", ")))

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://imitation/v1",
        headers={"authorization": "Bearer key"},
        event_hooks={"response": [look]},
    ) as client:
        await client.get("/videos")
        for prompt in ("A cat", "[fail] A cat"):
            await follow(client, await create(client, {**SMALL, "prompt": prompt}))
        for odd in ODD_FIELDS:
            await create(client, {"prompt": "A cat", **SMALL, **odd})
        for media_type, body in ODD_BODIES:
            await client.post("/videos", content=body, headers={"content-type": media_type})
        for path in ODD_PATHS:
            await client.get(path)
        await client.get("/videos", headers={"authorization": "Bearer wrong"})
        await client.put("/videos")
        tail = ":openai" if BIFROST in seen else ""
        for job in ({"status": "queued"}, SMALL):
            seeded = (await client.post("http://imitation/_emulator/jobs", json=job)).json()["id"] + tail
            await client.post(f"/videos/{seeded}/remix", json={"prompt": "A dog"})
            await client.delete(f"/videos/{seeded}")
        del client.headers["authorization"]
        await client.get("/videos")
    return seen


async def create(client: httpx.AsyncClient, fields: dict[str, Any]) -> str:
    """Create a video by JSON and by a form, both without a model too; return the id of the last one."""
    created = "none"
    for chosen in ({key: value for key, value in fields.items() if key != "model"}, fields):
        form = {key: (None, str(value)) for key, value in chosen.items()}
        once = {"idempotency-key": "one"}
        for response in (
            await client.post("/videos", json=chosen, headers=once),
            await client.post("/videos", files=form, headers=once),
        ):
            created = response.json()["id"] if response.is_success else created
    return created


async def follow(client: httpx.AsyncClient, job: str) -> None:
    """Ask for a job and for its content until it has ended."""
    for _poll in range(4):
        for path in ("/content", ""):
            await client.get(f"/videos/{job}{path}")
    await client.get("/videos")
    await client.get(f"/videos/{job}/content", params={"variant": "thumbnail"})
    await client.get(f"/videos/{job}/content", headers={"range": "bytes=0-9"})
    await client.head(f"/videos/{job}")


VALUES = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"\s?[-+]?[0-9]{1,30}\s?", fullmatch=True),
    st.from_regex(r"[0-9]{1,30}x[0-9]{1,30}", fullmatch=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.one_of(
    st.binary(max_size=100),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("prompt", "size", "seconds", "model", "video"), JSON)).map(
        lambda fields: json.dumps(fields).encode()
    ),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("prompt", "size", "seconds"), VALUES)).map(
        lambda fields: "".join(FORM_PART.format(*field) for field in fields.items()).encode() + b"--x--\r\n"
    ),
)
FORM_PART: Final = '--x\r\ncontent-disposition: form-data; name="{}"\r\n\r\n{}\r\n'
MEDIA_TYPES: Final = ["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""]


@pytest.mark.parametrize("name", IMITATIONS)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS"]),
    path=st.sampled_from(["", "/none", "/none/content", "/none/remix", "/edits", "/models", "/none/none"]),
    query=st.dictionaries(st.sampled_from(["limit", "order", "after", "variant"]), VALUES, max_size=2),
    media_type=st.sampled_from(MEDIA_TYPES),
    body=BODIES,
)
def test_no_request_breaks_an_imitation(
    name: str, method: str, path: str, query: dict[str, str], media_type: str, body: bytes, apps: dict[str, Any]
) -> None:
    async def use() -> httpx.Response:
        transport = httpx.ASGITransport(apps[name])  # an exception of the app comes out of it
        async with httpx.AsyncClient(transport=transport, base_url="http://imitation/v1") as client:
            headers = {"content-type": media_type}
            return await client.request(method, f"/videos{path}", params=query, content=body, headers=headers)

    response = asyncio.run(use())
    assert response.status_code < 500 or "bodies_that_are_no_objects_break_it" in response.headers[DEPARTURES]


def test_an_unknown_server_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no imitation of 'vllm'; use one of vllm-omni, sglang, fastvideo, "):
        create_app(imitate="vllm")


def test_the_command_lists_the_servers_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--imitate", "vllm"])
    assert 2 == ended.value.code
    assert f"use one of {', '.join(IMITATIONS)}" in capsys.readouterr().err


def test_a_file_is_sent_while_it_is_written() -> None:
    async def use(app: Any) -> list[tuple[str, int, int]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imitation/v1") as client:
            job = (await client.post("/videos", json={"prompt": "A cat", "size": "64x48", "seconds": "1"})).json()["id"]
            seen: list[tuple[str, int, int]] = []
            for _poll in range(4):
                given = await client.get(f"/videos/{job}/content")
                seen.append(
                    ((await client.get(f"/videos/{job}")).json()["status"], given.status_code, len(given.content))
                )
            return seen

    app = create_app(imitate="fastvideo", pace="polls:4")
    try:
        seen = asyncio.run(use(app))
    finally:
        app.close()
    assert [("queued", 404), ("queued", 200), ("queued", 200), ("completed", 200)] == [each[:2] for each in seen]
    assert [1290, 2580] == [length for _, _, length in seen[1:3]]


def test_a_planned_fault_happens_to_the_imitated_answer() -> None:
    async def use(app: Any) -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imitation") as client:
            await client.post("/_emulator/faults", json={"truncate": 5})
            await client.post("/_emulator/faults", json={"status": 503})
            return await client.get("/v1/videos/none"), await client.get("/v1/videos/none")

    app = create_app(imitate="sglang")
    try:
        cut, planned = asyncio.run(use(app))
    finally:
        app.close()
    assert (404, b'{"det') == (cut.status_code, cut.content)
    assert "planned_fault" == planned.json()["error"]["code"]


@pytest.mark.full
@pytest.mark.slow
def test_a_connection_is_closed_without_a_word_after_an_exception(run: Run, tmp_path: Path) -> None:
    with run("--imitate", "litellm", cwd=tmp_path) as (_, base_url):
        where = urlsplit(base_url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        connection.request("POST", "/v1/videos", b"[]", {"content-type": "application/json"})
        response = connection.getresponse()
        assert (500, None, b"Internal Server Error") == (
            response.status,
            response.getheader("connection"),
            response.read(),
        )
        assert connection.sock is not None  # the client takes the connection for one that stays
        assert b"" == connection.sock.recv(1)
        connection.close()


DESCRIBED: Final = {
    "SGLang": "sglang",
    "FastVideo": "fastvideo",
    "TensorRT-LLM": "tensorrt-llm",
    "Unsloth Studio": "unsloth-studio",
    "new-api": "new-api",
    "Bifrost": "bifrost",
    "AISIX": "aisix",
    "QVAC": "qvac",
    "oMLX": "omlx",
}
ASKED: Final = {
    "create": ("POST", "/v1/videos", None),
    "unknown": ("GET", "/v1/videos/nobody", None),
    "early": ("GET", "/v1/videos/video_1/content", "queued"),
    "file": ("GET", "/v1/videos/video_1/content", "completed"),
    "list": ("GET", "/v1/videos", None),
    "delete": ("DELETE", "/v1/videos/video_1", "queued"),
}
OTHERWISE: Final = {("omlx", "list"), ("omlx", "file")}  # described of an unknown cursor, and of a file that expired


@pytest.mark.parametrize(
    ("server", "asked"),
    [(server, asked) for server, name in DESCRIBED.items() for asked in ASKED if (name, asked) not in OTHERWISE],
)
def test_an_imitation_answers_as_the_sdks_tests_describe_the_server(
    server: str, asked: str, apps: dict[str, Any]
) -> None:
    row = json.loads((RECORDINGS / "described.json").read_text("utf-8"))[server]
    answer, (method, target, status) = row[asked], ASKED[asked]
    target = target.replace("video_1", row.get("id", "video_1"))
    request: dict[str, Any] = {"method": method, "target": target}
    if asked == "create":
        request["form"] = {"prompt": "a cat"}
    given = asyncio.run(
        replay(apps[DESCRIBED[server]], request, [{"id": "video_1", "status": status}] if status else [])
    )
    assert answer["status"] == given.status_code, given.text
    if answer["status"] >= 400:
        assert shape(answer["json"]).items() <= shape(given.json()).items()


@pytest.mark.full
@pytest.mark.slow
def test_a_file_is_elsewhere_and_needs_no_key_there(run: Run, tmp_path: Path) -> None:
    with (
        run("--imitate", "aisix", "--pace", "instant", "--api-key", "sk-key", cwd=tmp_path) as (_, base_url),
        httpx.Client(trust_env=False, headers={"authorization": "Bearer sk-key"}) as client,
    ):
        job = client.post(f"{base_url}/videos", json={"prompt": "A cat", "size": "64x48", "seconds": "1"}).json()["id"]
        client.get(f"{base_url}/videos/{job}")
        sent = client.get(f"{base_url}/videos/{job}/content")
        location = sent.headers["location"]
        file = httpx.get(location, trust_env=False)
    assert (302, urlsplit(base_url).port) == (sent.status_code, urlsplit(location).port)
    assert urlsplit(base_url).hostname != urlsplit(location).hostname
    assert (200, b"ftyp") == (file.status_code, file.content[4:8])
