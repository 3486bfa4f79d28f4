"""What the contract gains is judged, generated, typed and recommended with no line of it written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from .changed import KEY, Copy
from .edits import Spec

pytestmark = pytest.mark.slow

OPENED = ("VID-CREATE-001", "VID-VALID-004", "VID-VALID-006", "VID-LIST-003", "VID-LIST-011")
"""Requirements that read a default of the contract, where it has one."""
Verdicts: TypeAlias = dict[str, tuple[str, str]]
"""The verdict and the message of each requirement."""
STARTS = ("CreateVideo", "RemixVideo", "EditVideo", "ExtendVideo")


TAG = {"type": "string", "minLength": 1, "maxLength": 20}


def part(name: str, kind: str) -> Spec:
    """Return a schema of an object that has one key."""
    return {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}


def grow(spec: Spec) -> None:
    """Add to the contract, and make two of its limits narrower."""
    schemas = spec["components"]["schemas"]
    for name in [name for name in schemas if name.startswith(STARTS)]:
        schemas[name]["properties"] |= {
            "noise": {"type": "integer", "minimum": 0, "maximum": 100, "description": "Where the noise begins."},
            "guidance": {"type": "number", "minimum": 0, "maximum": 20, "description": "How much the prompt counts."},
            "loop": {"type": "boolean", "description": "Whether the end leads into the beginning."},
            "steps": {
                "type": "integer",
                "exclusiveMinimum": 0,
                "multipleOf": 4,
                "description": "How often it is drawn.",
            },
            "tags": {"type": "array", "items": TAG, "maxItems": 3, "description": "What it is about."},
            "camera": {"type": "object", "properties": {"pan": {"type": "number"}}, "description": "How it moves."},
            "style": {
                "oneOf": [{"type": "string"}, {"type": "integer"}],
                "description": "How it looks, or its number.",
            },
        }
    for prompt in (
        schemas["Prompt"],
        *(schemas[name]["properties"]["prompt"] for name in ("EditVideoForm", "ExtendVideoForm")),
    ):
        prompt["maxLength"] = 1000
    schemas["Video"]["properties"] |= {
        "x_fps": {"type": ["integer", "null"], "minimum": 1, "description": "The frames per second of the clip."},
        "bitrate": {"type": ["number", "null"], "minimum": 0, "description": "Its kilobits per second."},
        "tags": {"type": "array", "items": TAG, "description": "What it is about."},
        "usage": {"allOf": [part("credits", "number"), part("cached", "boolean")], "description": "What it cost."},
    }
    schemas["Video"]["x-recommended"].append("x_fps")
    schemas["VideoList"]["x-recommended"] = ["total"]
    schemas["VideoModel"]["x-known-values"].append("sora-3")
    schemas["VideoStatus"]["x-known-values"].append("paused")
    listing = spec["paths"]["/videos"]["get"]
    [limit] = [each["schema"] for each in listing["parameters"] if each["name"] == "limit"]
    limit["maximum"] = 50
    # In front of the others, since nothing should count them.
    listing["parameters"].insert(0, query("model", {"type": "string", "minLength": 1, "maxLength": 20}))
    listing["parameters"].append(query("failed", {"type": "boolean"}))
    statuses = {"type": "array", "items": {"$ref": "#/components/schemas/VideoStatus"}, "maxItems": 3}
    listing["parameters"].append(query("states", statuses))
    listing["responses"]["418"] = {"$ref": "#/components/responses/TooManyRequests"}


def grow_words(spec: Spec) -> None:
    """Add words, too, upon which a server acts that knows them."""
    grow(spec)
    add_words(spec)


def add_words(spec: Spec) -> None:
    """Add an order and a file, which the emulator cannot make of itself."""
    spec["components"]["schemas"]["VideoVariant"]["enum"].append("audio")
    spec["components"]["schemas"]["ListOrder"]["enum"].append("random")


def query(name: str, schema: Spec) -> Spec:
    """Return a parameter that may be left out."""
    schema = {**schema, "description": "A filter."}
    return {"name": name, "in": "query", "required": False, "description": "A filter.", "schema": schema}


def leave_open(spec: Spec) -> None:
    """Leave to servers what the contract has a default for."""
    schemas = spec["components"]["schemas"]
    for name in ("VideoVariant", "ListOrder"):
        del schemas[name]["default"]
    [limit] = [each["schema"] for each in spec["paths"]["/videos"]["get"]["parameters"] if each["name"] == "limit"]
    del limit["default"]


def require(spec: Spec) -> None:
    """Ask of a Video what no server sends yet."""
    video = spec["components"]["schemas"]["Video"]
    video["properties"]["owner"] = {"type": "string", "description": "Who pays for it."}
    video["required"].append("owner")


def grow_and_require(spec: Spec) -> None:
    """Add to the contract, and ask of a Video what no server sends yet."""
    grow(spec)
    require(spec)


def add_operations_and_leave_open(spec: Spec) -> None:
    """Add operations, and leave to servers what the contract has a default for."""
    add_operations(spec)
    leave_open(spec)


def add_operations(spec: Spec) -> None:
    """Add operations that neither the emulator nor the suite knows, with a link to one, and words."""
    add_words(spec)
    answers = spec["paths"]["/videos/{video_id}/remix"]["post"]["responses"]
    body = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/VideoReference"}}},
    }
    spec["paths"]["/videos/{video_id}"]["patch"] = {
        "operationId": "update_video",
        "tags": ["videos"],
        "summary": "Change a video.",
        "security": [{"bearerAuth": []}],
        "requestBody": body,
        "responses": answers,
    }
    spec["paths"]["/videos/latest/news"] = {
        "get": {
            "operationId": "read_news",
            "tags": ["videos"],
            "summary": "Read the news.",
            "security": [{"bearerAuth": []}],
            "responses": answers,
        }
    }
    spec["components"]["links"]["UpdateVideo"] = {
        "operationId": "update_video",
        "description": "A change.",
        "parameters": {"video_id": "$response.body#/id"},
    }
    links = spec["paths"]["/videos"]["post"]["responses"]["200"]["links"]
    links["UpdateCreatedVideo"] = {"$ref": "#/components/links/UpdateVideo"}


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("unchanged"), lambda spec: None)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy with the raw client of its contract. What is left to decide in its overlay is not done."""
    copy = Copy(tmp_path_factory.mktemp("grown"), grow_words)
    run = copy.run("tools/regenerate.py", MYPY_CACHE_DIR=str(copy.root / "mypy-cache"))
    assert 1 == run.returncode, run.stdout + run.stderr
    told = set(re.findall(r"overlay/\S+:\d+: (.*)", run.stdout))
    starts = {"create_video", "remix_video", "edit_video", "extend_video"}
    fields = ("noise", "guidance", "loop", "steps", "tags", "camera", "style")
    expected = {
        f"{start} {has} `{field}`: add it" for start in starts for has in ("takes", "is passed") for field in fields
    }
    expected |= {f"list_videos takes `{name}`: add it" for name in ("model", "failed", "states")}
    assert expected | {'the status "paused" is unknown: say whether it is terminal'} == told
    return copy


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy whose emulator and suite have the contract that has grown; they need no raw client."""
    return Copy(tmp_path_factory.mktemp("newer"), grow)


@pytest.fixture(scope="module")
def further(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy whose contract has operations that nothing implements, and no defaults."""
    return Copy(tmp_path_factory.mktemp("further"), add_operations_and_leave_open)


@pytest.fixture(scope="module")
def of_others(unchanged: Copy, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Return the verdicts of a suite whose contract has grown, and become stricter, on a server that knows neither."""
    suite = Copy(tmp_path_factory.mktemp("stricter"), grow_and_require)
    ids = ("VID-CREATE-001", "VID-RETRIEVE-001", "VID-LIST-001", "VID-DELETE-001", "VID-VALID-014")
    with unchanged.emulator() as base_url:
        return suite.judge(base_url, *ids)


@pytest.fixture(scope="module")
def server(newer: Copy) -> Iterator[str]:
    with newer.emulator() as base_url:
        yield base_url


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server}/", headers={"authorization": f"Bearer {KEY}"}, trust_env=False) as http:
        yield http


@pytest.fixture(scope="module")
def source(client: httpx.Client) -> str:
    """Return the id of a completed video."""
    video_id: str = client.post("videos", json={"prompt": "x", "size": "64x48", "seconds": "1"}).json()["id"]
    while client.get(f"videos/{video_id}").json()["status"] != "completed":
        pass  # each look is one of the two that it takes
    return video_id


FIELDS: list[tuple[str, object, bool]] = [
    *[("noise", 0, True), ("noise", 100, True), ("noise", 101, False), ("noise", 0.5, False), ("noise", "x", False)],
    *[("guidance", 7.5, True), ("guidance", 20.5, False), ("loop", True, True), ("loop", "yes", False)],
    *[("prompt", "x" * 1000, True), ("prompt", "x" * 1001, False)],
    *[("steps", 8, True), ("steps", 6, False), ("steps", 0, False), ("style", "noir", True)],
    *[("tags", ["a"], True), ("tags", ["a", "b"], True), ("tags", ["a"] * 4, False), ("tags", ["a", ""], False)],
    *[("camera", {"pan": 0.5}, True), ("camera", {"pan": "left"}, False), ("camera", "left", False)],
]
"""A field, a value, and whether a request may have it."""


class TestTheEmulator:
    @pytest.mark.parametrize("start", ["create", "form", "remix", "edit", "extend"])
    def test_judges_the_fields_of_a_request(self, client: httpx.Client, source: str, start: str) -> None:
        video: dict[str, object] = {"video": {"id": source}}
        path, fields = {
            "create": ("videos", {}),
            "form": ("videos", {}),
            "remix": (f"videos/{source}/remix", {}),
            "edit": ("videos/edits", video),
            "extend": ("videos/extensions", {"seconds": "1", **video}),
        }[start]
        for field, value, is_legal in FIELDS:
            body = {"prompt": "x", **fields, field: value}
            form = [
                (name, (None, item if isinstance(item, str) else json.dumps(item)))
                for name, each in body.items()
                for item in (each if isinstance(each, list) else [each])
            ]
            answer = client.post(path, files=form) if start == "form" else client.post(path, json=body)
            assert answer.status_code == (200 if is_legal else 400), (field, value, answer.text)
            if not is_legal:
                assert answer.json()["error"]["param"].partition(".")[0] == field, (field, value)

    @pytest.mark.parametrize(
        ("path", "param"),
        [
            ("videos?model=sora-2&failed=true&limit=1", None),
            ("videos?model=", "model"),
            ("videos?failed=yes", "failed"),
            ("videos?states=queued", None),
            ("videos?states=queued&states=failed", None),
            ("videos?states=", "states.0"),
            ("videos?states=queued&states=failed&states=queued&states=failed", "states"),
            ("videos?failed=true&failed=true", "failed"),
        ],
    )
    def test_judges_parameters(self, client: httpx.Client, path: str, param: str | None) -> None:
        answer = client.get(path)
        assert answer.status_code == (200 if param is None else 400), answer.text
        if param is not None:
            assert answer.json()["error"]["param"] == param

    @pytest.mark.full
    def test_says_what_it_does_not_offer(self, further: Copy) -> None:
        headers = {"authorization": f"Bearer {KEY}"}
        with (
            further.emulator() as base_url,
            httpx.Client(base_url=base_url, headers=headers, trust_env=False) as client,
        ):
            for path, param in (("/videos?order=random", "order"), ("/videos/a/content?variant=audio", "variant")):
                answer = client.get(path)
                assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
            for answer in (client.get("/videos/latest/news"), client.patch("/videos/a", json={"id": "b"})):
                assert 501 == answer.status_code
                assert "not_implemented" == answer.json()["error"]["code"]
            assert 400 == client.patch("/videos/a", json={"id": 7}).status_code
            assert "PATCH" in client.put("/videos/a").headers["allow"]

    @pytest.mark.full
    def test_has_an_operation_that_the_overlay_lacks(self, further: Copy) -> None:
        coverage = "overlay/tests/spec/test_coverage.py::test_each_operation_has_a_method_of_its_own"
        ran = further.run("-m", "pytest", "-q", coverage)
        assert 1 == ran.returncode
        assert re.search(r"no method of client\.videos says .* \(openapi\.yaml, (update_video|read_news)\)", ran.stdout)


@pytest.mark.release  # CI judges the requirements that read a default, below
def test_what_is_left_to_servers_is_no_failure(tmp_path: Path) -> None:
    """The emulator chooses for itself, and the suite judges as much of the rest as before."""
    copy = Copy(tmp_path, leave_open)
    command = ["-m", "openvideos_conformance", "run", "--report", "report", "--base-url"]
    with copy.emulator() as base_url:
        ran = copy.run(*command, base_url, OPENVIDEOS_API_KEY=KEY)
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    results = json.loads((copy.root / "report" / "report.json").read_text("utf-8"))["results"]
    verdicts = {each["id"]: each["verdict"] for each in results}
    assert {"pass"} == {verdicts[each] for each in OPENED}


@pytest.mark.full
class TestTheSuite:
    def test_does_without_what_it_has_no_requirement_for_and_without_the_defaults(self, further: Copy) -> None:
        with further.emulator() as base_url:
            verdicts = further.judge(base_url, "VID-AUTH-001", "VID-ERROR-005", "VID-ERROR-009", *OPENED)
        assert [] == [each for each in verdicts.items() if each[1][0] != "pass"]

    def test_holds_a_server_to_what_the_contract_gained(self, newer: Copy, server: str) -> None:
        ids = ("VID-VALID-014", "VID-CREATE-011", "VID-LIST-011", "VID-LIST-012", "VID-LIST-013", "VID-LIST-016")
        recommended = {"VID-RETRIEVE-007": "x_fps", "VID-RETRIEVE-009": "total"}
        verdicts = newer.judge(server, *ids, *recommended)
        for requirement, field in recommended.items():
            verdict, message = verdicts.pop(requirement)
            assert "warn" == verdict
            assert re.search(rf"\b{field}( \(and \d+ more\))?$", message), message
        assert [] == [each for each in verdicts.items() if each[1][0] != "pass"]

    def test_generates_what_the_contract_gained(self, of_others: Verdicts) -> None:
        """A server that does not know the new fields takes any value of them, and so breaks the changed contract."""
        verdict, message = of_others["VID-VALID-014"]
        assert "fail" == verdict
        assert re.search(
            r"\w+ breaks the contract \((\$\.)?(noise|guidance|loop|model|failed|steps|tags|camera|style|states)\b",
            message,
        ), message

    def test_is_content_with_a_server_that_sends_what_is_recommended(self, newer: Copy, tmp_path: Path) -> None:
        copy = Copy(tmp_path, grow)
        answers = copy.root / "conformance/openvideos_emulator/_http/responses.py"
        answers.write_text(answers.read_text("utf-8").replace('"object": "video",', '"object": "video", "x_fps": 24,'))
        with copy.emulator() as base_url:
            assert "pass" == newer.judge(base_url, "VID-RETRIEVE-007")["VID-RETRIEVE-007"][0]

    def test_tells_an_answer_that_breaks_a_stricter_schema(self, of_others: Verdicts) -> None:
        assert "pass" == of_others["VID-DELETE-001"][0]
        for verdict, message in (of_others[each] for each in ("VID-CREATE-001", "VID-RETRIEVE-001", "VID-LIST-001")):
            assert "fail" == verdict
            assert "owner is missing" in message


@pytest.mark.full
def test_schemathesis_finds_nothing(newer: Copy) -> None:
    test = "conformance/tests/emulator/test_schemathesis.py"
    ran = newer.run("-m", "pytest", "-q", test, SCHEMATHESIS_EXAMPLES="2")
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


@pytest.mark.full
@pytest.mark.timeout(600)  # it draws requests of twice as many fields
@pytest.mark.parametrize(
    ("some", "files"),
    [
        ("list_videos or parity", ["test_properties.py", "test_parity.py"]),
        pytest.param(
            "create_video or test_coverage", ["test_properties.py", "test_coverage.py"], marks=pytest.mark.release
        ),
    ],
)
def test_the_properties_hold_for_what_the_contract_gained_and_reach_it_all(
    grown: Copy, some: str, files: list[str]
) -> None:
    """The raw client has arguments for it; the overlay is given it by `extra_body` and `extra_query`."""
    ran = grown.run(
        "-m", "pytest", "-q", "--timeout=500", "-k", some, *(f"overlay/tests/spec/{name}" for name in files)
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr


TYPED = """
from openvideos import OpenVideos, VideoModel

def use(client: OpenVideos, model: VideoModel) -> None:
    client.videos.list(order="random")
    client.videos.download_content("id", variant="audio")
    client.videos.download("id", "a.m4a", variant="audio")
    client.videos.create(prompt="x", model="sora-3")
    reveal_type(model)
    reveal_type(client.videos.retrieve("id").x_fps)
    reveal_type(client.videos.retrieve("id").bitrate)
    client.videos.list(order="sideways")  # error
    client.videos.download_content("id", variant="smell")  # error
"""

CALLED = """
import typing
import httpx
from openvideos import OpenVideos, Video
from openvideos_raw import models

def server(request):
    print(request.url.raw_path.decode(), request.read().decode())
    return httpx.Response(200, json={
        "id": "id", "created_at": 1, "model": "sora-3", "status": "paused",
        "x_fps": 24, "bitrate": 0.5, "usage": None, "object": "video",
        "data": [], "has_more": False, "last_id": None, "first_id": None,
    } if "content" not in request.url.path else None)

http = httpx.Client(transport=httpx.MockTransport(server))
videos = OpenVideos(base_url="http://server.test/v1", http_client=http).videos
video = videos.create(prompt="x", model="sora-3", input_reference={"file_id": "f"}, extra_body={"noise": 7})
print("paused" in str(typing.get_type_hints(Video, localns=vars(models))["status"]))
print(video.model, video.status, video.x_fps, video.bitrate, video.to_dict()["x_fps"])
videos.list(order="random")
videos.download_content("id", variant="audio")
"""


@pytest.mark.full
class TestTheOverlay:
    def test_types_it(self, grown: Copy) -> None:
        (grown.root / "typed.py").write_text(TYPED, "utf-8")
        ran = grown.run("-m", "mypy", "--cache-dir", "mypy-cache", "--no-error-summary", "typed.py")
        lines = [re.sub(r"^typed\.py:(\d+): ", r"\1 ", line) for line in ran.stdout.splitlines()]
        revealed = [line.partition('"')[2].rstrip('"') for line in lines if "note: Revealed" in line]
        assert revealed == [
            "Literal['sora-2'] | Literal['sora-2-pro'] | Literal['sora-3'] | str",
            *("int | None", "float | None"),
        ]
        wrong = [int(line.split()[0]) for line in lines if " error: " in line]
        assert wrong == [number for number, line in enumerate(TYPED.splitlines(), 1) if line.endswith("# error")], lines

    def test_takes_it_and_gives_it_back(self, grown: Copy) -> None:
        ran = grown.run("-c", CALLED)
        created, is_typed, told, listed, downloaded = (line.strip() for line in ran.stdout.splitlines())
        assert '"noise":7' in created.replace(" ", "")
        assert '"model":"sora-3"' in created.replace(" ", "")
        assert "True" == is_typed
        assert "sora-3 paused 24 0.5 24" == told
        assert "/v1/videos?order=random" == listed
        assert "/v1/videos/id/content?variant=audio" == downloaded

    def test_has_the_words_of_the_contract_where_editors_look(self, grown: Copy) -> None:
        source = (grown.root / "generated/openvideos_raw/models/video.py").read_text("utf-8")
        assert 'x_fps: int | None = None\n    """The frames per second of the clip."""' in source
