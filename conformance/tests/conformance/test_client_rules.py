"""Test the rules for clients with right and wrong command runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._client.command_run import CommandRun, File, asked, askers, too_early
from openvideos_conformance._client.parts import PARTS, is_of_program
from openvideos_conformance._client.rules import RULES, verdicts
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.outcomes import NotReachedError, ViolationError

KEY = "sk-synthetic-0123456789"
REQUESTED = {"prompt": "A boat", "size": "64x48", "seconds": "1"}
OPERATIONS = {
    "create_video": ("POST", "/videos"),
    "retrieve_video": ("GET", "/videos/v"),
    "list_videos": ("GET", "/videos"),
    "download_video_content": ("GET", "/videos/v/content"),
    "remix_video": ("POST", "/videos/v/remix"),
    "delete_video": ("DELETE", "/videos/v"),
    None: ("GET", "/models"),
}
MEDIA = File.of(b"the right file")
PART = File.of(b"the right")


def exchange(number: int, operation: str | None, response: Any = None, **known: Any) -> Exchange:
    method, path = OPERATIONS[operation]
    headers = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))
    fields = {"create_video": REQUESTED, "remix_video": {"prompt": "Night"}}.get(str(operation))
    values: dict[str, Any] = {
        "number": number,
        "layer": "client",
        "began": float(number),
        "ended": number + 0.1,
        "at": 0.0,
        "method": method,
        "path": path,
        "operation": operation,
        "ids": {"video_id": "v"} if path.startswith("/videos/v") else {},
        "request_headers": headers + known.pop("more", ()),
        "request_body": b"" if fields is None else json.dumps(fields).encode(),
        "status": 200,
        "body": json.dumps(response or {}).encode(),
    }
    return Exchange(**{**values, **known})


def create(number: int = 1, video_id: str = "v", **known: Any) -> Exchange:
    return exchange(number, "create_video", {"id": video_id, "status": "queued"}, **known)


def remix(number: int, video_id: str, **known: Any) -> Exchange:
    return exchange(number, "remix_video", {"id": video_id, "status": "queued"}, **known)


def poll(number: int, word: str = "in_progress", **known: Any) -> Exchange:
    return exchange(number, "retrieve_video", {"id": "v", "status": word}, **known)


def download(number: int, **known: Any) -> Exchange:
    return exchange(number, "download_video_content", **known)


def page(number: int, *ids: str, more: bool | None = True, after: str | None = None, **known: Any) -> Exchange:
    response: dict[str, Any] = {"data": [{"id": each} for each in ids], "last_id": ids[-1] if ids else after}
    response |= {} if more is None else {"has_more": more}
    return exchange(number, "list_videos", response, query=f"after={after}" if after else "", **known)


def command_run(scenario: str, *exchanges: Exchange, **known: Any) -> CommandRun:
    """Return a run whose file, if it has one, is judged by that of the job `v`."""
    values: dict[str, Any] = {"media": {"v": frozenset({MEDIA.digest})}, "media_size": MEDIA.size, "limit": 60.0}
    return CommandRun(scenario=scenario, key=KEY, wanted=REQUESTED, exchanges=exchanges, **{**values, **known})


def whole(scenario: str, *more: Exchange, **known: Any) -> CommandRun:
    """Return a right run, with further requests from the number 10 on."""
    files = {"video.mp4": MEDIA, **known.pop("files", {})}
    return command_run(scenario, create(), poll(2), poll(3, "completed"), download(4), *more, files=files, **known)


def violated(given_run: CommandRun) -> set[str]:
    found = list(verdicts(given_run))
    assert [] == [
        each
        for _, each in found
        if isinstance(each, Exception) and not isinstance(each, ViolationError | NotReachedError)
    ]
    return {rule.requirement for rule, problem in found if isinstance(problem, ViolationError)}


def notes(given_run: CommandRun) -> dict[str, str]:
    return {rule.requirement: note for rule, note in verdicts(given_run) if isinstance(note, str)}


HINT = (("openai-poll-after-ms", "1000"),)
AFTER = (("retry-after", "5"),)
DATE = (("retry-after", "Thu, 01 Jan 1970 00:00:05 GMT"),)
SAME = (("idempotency-key", "k"),)
FOREIGN = download(1, request_headers=())
FORM = (("authorization", f"Bearer {KEY}"), ("content-type", "multipart/form-data; boundary=b"))
CUT = {"failure": "the connection broke off", "status": 200}


def form(*parts: tuple[str, str], line: str = "\r\n") -> bytes:
    """Return a form; each part is the rest of its Content-Disposition, and its content."""
    made = [f"--b{line}content-disposition: form-data; {head}{line}{line}{content}{line}" for head, content in parts]
    return ("".join(made) + f"--b--{line}").encode()


FIELDS = tuple((f'name="{name}"', value) for name, value in REQUESTED.items())

RIGHT = [
    pytest.param(whole("plain"), id="plain"),
    pytest.param(whole("slow", poll(10, headers=HINT), poll(12, "completed")), id="slow"),
    pytest.param(
        # Two watchers, who asked at the same time.
        whole(
            "slow",
            poll(10, headers=HINT, began=10.0, ended=10.2),
            poll(11, headers=HINT, began=10.1, ended=10.3),
            poll(12, "completed", began=11.25, ended=11.3),
            poll(13, "completed", began=11.35, ended=11.4),
        ),
        id="two-watchers",
    ),
    pytest.param(whole("unknown-status", poll(10, "finalizing"), poll(11, "completed")), id="unknown-status"),
    pytest.param(
        whole(
            "unknown-status",
            poll(10, "finalizing"),
            poll(11, "completed"),
            exchange(12, "retrieve_video", {"status": "finalizing"}, status=404),
        ),
        id="deleted",
    ),
    pytest.param(whole("retry-after", create(0, status=429, headers=AFTER, began=-9.0, ended=-8.9)), id="retry-after"),
    pytest.param(
        command_run(
            "retry-after",
            create(1, status=429, headers=AFTER),
            create(2, "w", request_body=json.dumps({**REQUESTED, "prompt": "Another"}).encode()),
            create(8),
            exit_code=1,
        ),
        id="two-creates",
    ),
    pytest.param(
        command_run("retry-after-date", create(1, status=429, headers=DATE), create(6), exit_code=1),
        id="retry-after-date",
    ),
    pytest.param(
        command_run("ambiguous-create", create(1, status=None, failure="reset"), lost=frozenset({1}), exit_code=1),
        id="gives-up",
    ),
    pytest.param(
        command_run(
            "failing-create",
            create(1, status=500, more=SAME),
            create(2, more=SAME),
            lost=frozenset({1}),
            exit_code=1,
        ),
        id="key",
    ),
    pytest.param(whole("huge-list", page(10, "a", "b"), page(11, "c", after="b", more=False)), id="walk"),
    pytest.param(
        whole(
            "huge-list",
            page(10, "a", "b"),
            page(11, "a", "b"),
            page(12, "c", after="b", more=False),
            page(13, "c", after="b", more=False),
        ),
        id="two-walks",
    ),
    pytest.param(command_run("duplicate-cursor", page(1, "a"), page(2, "a", after="a"), exit_code=1), id="circle"),
    pytest.param(
        whole("unknown-fields", files={"video.json": File.of(b'{"status": "completed", "id": "v", "more": 1}')}),
        id="every-field",
    ),
    pytest.param(
        command_run(
            "server-error",
            create(),
            exchange(2, "retrieve_video", {"id": "v", "error": None}),
            files={"video.json": File.of(b'{"id": "v"}')},
            exit_code=1,
        ),
        id="null",
    ),
    pytest.param(
        whole("plain", exchange(10, "delete_video", {"id": "v"}), poll(11, status=404), exit_code=0), id="deletes"
    ),
    pytest.param(
        command_run("truncated-download", create(), poll(2, "completed"), download(3, **CUT), exit_code=1),
        id="reported",
    ),
    pytest.param(
        command_run(
            "redirect", create(), poll(2, "completed"), download(3, status=307), foreign=(FOREIGN,), exit_code=1
        ),
        id="redirect",
    ),
    pytest.param(
        command_run("server-error", create(), poll(2, status=500), poll(3), changed=frozenset({2}), exit_code=1),
        id="goes-on",
    ),
    pytest.param(
        command_run("server-error", create(), poll(2, status=500), changed=frozenset({2}), exit_code=1), id="fails"
    ),
    pytest.param(command_run("failed-job", create(), poll(2, "failed"), exit_code=1), id="failed"),
    pytest.param(
        # It finds the job of its create in the list, by the prompt.
        command_run(
            "ambiguous-create",
            create(1, status=None, failure="reset"),
            exchange(2, "list_videos", {"data": [{"id": "v", "status": "queued", **REQUESTED}], "has_more": False}),
            poll(3, "completed"),
            download(4),
            lost=frozenset({1}),
            files={"video.mp4": MEDIA},
        ),
        id="adopts",
    ),
    pytest.param(
        whole(
            "plain",
            page(10, "a", "b", more=False),
            exchange(11, "delete_video", {"id": "a"}),
            page(12, "b", more=False),
            files={"list.json": File.of(b'[{"id": "b"}]')},
        ),
        id="lists-after-a-deletion",
    ),
    pytest.param(
        whole(
            "plain",
            exchange(10, None, method="HEAD", path="/videos"),
            exchange(11, None, method="OPTIONS", path="/videos", request_headers=()),
        ),
        id="head",
    ),
    pytest.param(whole("huge-file", memory=200 << 20, usual_memory=150 << 20, media_size=300 << 20), id="memory"),
    pytest.param(
        whole("huge-list", page(10, "a", more=False), files={"list.json": File.of(b'[{"id": "a"}]')}), id="list"
    ),
    pytest.param(
        # The list was written before another video was made, and the list was walked again.
        whole(
            "huge-list",
            page(10, "a", more=False),
            page(11, "b", "a", more=False),
            files={"list.json": File.of(b'[{"id": "a"}]')},
        ),
        id="walks-again",
    ),
    pytest.param(
        whole("plain", create(10, "w", began=1.05, ended=1.2)),
        id="two-videos-of-one-prompt-at-once",
    ),
    pytest.param(
        whole("no-has-more", page(10, *map(str, range(20)), more=None), page(11, "z", after="19", more=None)), id="full"
    ),
    *(
        pytest.param(
            command_run(
                "server-error",
                create(1, request_headers=FORM, request_body=form(*FIELDS, (head, "a file"))),
                exit_code=1,
            ),
            id=head,
        )
        for head in (
            'name="input_reference"; filename="boat %221%22; größe.png"',
            'name="input_reference"; filename="boat \\"1\\".png"',
            "name=input_reference; filename=boat.png; filename*=UTF-8''gr%C3%B6%C3%9Fe.png",
        )
    ),
    pytest.param(
        command_run(
            "plain",
            create(1, request_headers=FORM, request_body=form(*FIELDS)),
            poll(2, "completed"),
            download(3),
            files={"video.mp4": MEDIA},
        ),
        id="form",
    ),
]

WRONG = [
    ("CLI-REQUEST-001", whole("plain", exchange(10, None))),
    ("CLI-REQUEST-001", whole("plain", exchange(10, None, method="HEAD", path="/health"))),
    ("CLI-REQUEST-002", whole("plain", exchange(10, "list_videos", query="limit=many", status=400))),
    *(
        (
            "CLI-REQUEST-002",
            command_run(
                "server-error",
                create(1, request_headers=FORM, request_body=body),
                exit_code=1,
            ),
        )
        for body in (
            form(*FIELDS, line="\n"),
            form(('name="prompt"; filename="prompt.txt"', "A boat"), *FIELDS[1:]),
            form(*FIELDS, ('name="input_reference"', "no file")),
            form(*FIELDS, ('name="input_reference"; filename=boat "1"; a.png', "a file")),
            form(*FIELDS, ('name="input_reference"; filename="boat "1"; a.png"', "a file")),
        )
    ),
    (
        "CLI-REQUEST-003",
        whole("plain", create(10, "w", request_body=json.dumps({**REQUESTED, "size": "80x60"}).encode())),
    ),
    ("CLI-REQUEST-003", whole("plain", create(10, "w", request_body=json.dumps({"prompt": "A boat"}).encode()))),
    (
        "CLI-REQUEST-003",
        command_run(
            "server-error", create(request_body=json.dumps({**REQUESTED, "prompt": "A"}).encode()), exit_code=1
        ),
    ),
    (
        "CLI-REQUEST-004",
        whole(
            "upload",
            create(
                10,
                status=422,
                request_headers=FORM,
                request_body=form(*FIELDS, ('name="input_reference"; filename="a"', "other")),
            ),
            upload=b"picture",
        ),
    ),
    (
        "CLI-REQUEST-004",
        whole(
            "upload",
            create(10, status=422, request_headers=FORM, request_body=form(*FIELDS, ('nam="x"', "picture"))),
            upload=b"picture",
        ),
    ),
    ("CLI-AUTH-001", whole("plain", page(10, more=False, request_headers=(("content-type", "application/json"),)))),
    ("CLI-AUTH-001", whole("plain", page(10, more=False, request_headers=(("authorization", f"Basic {KEY}"),)))),
    (
        "CLI-AUTH-002",
        command_run("redirect", create(), poll(2, "completed"), foreign=(download(1),), exit_code=1),
    ),
    ("CLI-AUTH-003", whole("plain", exchange(10, "list_videos", query=f"api_key={KEY}", status=400))),
    (
        "CLI-AUTH-003",
        whole("plain", exchange(10, "list_videos", query="api_key=sk%2Dsynthetic-0123456789", status=400)),
    ),
    ("CLI-AUTH-003", whole("plain", has_shown_key=True)),
    ("CLI-AUTH-003", whole("plain", files={"logs/a.txt": File.of(KEY.encode().hex().encode())})),
    ("CLI-AUTH-003", whole("plain", files={"settings.txt": File.of(f"key={KEY}".encode())})),
    ("CLI-CREATE-001", command_run("ambiguous-create", create(1), create(2, "w"), lost=frozenset({1}), exit_code=1)),
    (
        "CLI-CREATE-001",
        command_run("failing-create", create(1, status=500, more=SAME), create(2), lost=frozenset({1}), exit_code=1),
    ),
    (
        "CLI-CREATE-001",
        whole("failing-remix", remix(10, "w", status=500), remix(11, "x"), lost=frozenset({10})),
    ),
    (
        "CLI-CREATE-001",  # as another video, by its seed
        command_run(
            "failing-create",
            create(1, status=500),
            create(2, request_body=json.dumps({**REQUESTED, "seed": 7}).encode()),
            lost=frozenset({1}),
            exit_code=1,
        ),
    ),
    ("CLI-CREATE-002", whole("plain", create(10, "w"))),
    (
        "CLI-CREATE-002",
        whole("plain", create(10, "w", more=SAME), create(11, "x", more=(("idempotency-key", "other"),))),
    ),
    ("CLI-CREATE-002", whole("truncated-download", download(10, **CUT), create(11, "w"))),
    ("CLI-CREATE-002", whole("plain", remix(10, "w"), remix(11, "x"))),
    (
        "CLI-RETRY-001",
        command_run("retry-after", create(1, status=429, headers=AFTER), create(2), exit_code=1),
    ),
    (
        "CLI-RETRY-001",
        command_run("retry-after-date", create(1, status=429, headers=DATE), create(5), exit_code=1),
    ),
    ("CLI-RETRY-001", whole("busy-reads", page(10, status=503, headers=AFTER), page(12, "a", more=False))),
    ("CLI-POLL-001", whole("slow", poll(10, headers=HINT), poll(11, began=10.5), poll(13, "completed"))),
    (
        "CLI-POLL-001",  # two watchers do not explain three polls
        whole(
            "slow",
            poll(10, headers=HINT, began=10.0, ended=10.2),
            poll(11, headers=HINT, began=10.1, ended=10.3),
            poll(12, headers=HINT, began=10.5, ended=10.6),
            poll(14, "completed", began=14.0),
        ),
    ),
    ("CLI-POLL-002", command_run("unknown-status", create(), poll(2, "finalizing"), exit_code=1)),
    ("CLI-POLL-003", whole("plain", *(poll(number, "completed") for number in range(10, 14)))),
    (
        "CLI-POLL-004",
        command_run(
            "server-error",
            create(1),
            poll(2, status=500),
            create(3, status=500),
            changed=frozenset({2}),
            exit_code=1,
        ),
    ),
    (
        "CLI-POLL-005",
        command_run("failed-job", create(), poll(2, "failed")),
    ),
    ("CLI-POLL-006", command_run("server-error", create(), poll(2), exit_code=0, changed=frozenset())),
    ("CLI-POLL-006", command_run("server-error", create(), poll(2), download(3, status=409), exit_code=1)),
    ("CLI-LIST-001", whole("plain", page(10, "a", "b"), page(11, "b", "c", after="a", more=False))),
    ("CLI-LIST-001", whole("plain", page(10, "a"), page(11, "b", after="a"), page(12, "b", after="a", more=False))),
    ("CLI-LIST-002", whole("huge-list", page(10, "a"), page(11, "b", after="a"))),
    ("CLI-LIST-006", whole("empty-page", page(10, "a"), page(11, after="a"))),
    (
        "CLI-LIST-003",
        command_run("duplicate-cursor", *(page(number, "a", after="a") for number in range(1, 9)), exit_code=1),
    ),
    *(
        ("CLI-LIST-004", whole("huge-list", page(10, "a", "b", more=False), files={"list.json": File.of(given)}))
        for given in (
            b'[{"id": "a"}]',
            b'[{"id": "a"}, {"id": "b"}, {"id": "a"}]',
            b'[{"id": "a"}, {"id": "b"}, {"id": "c"}]',
            b"{",
        )
    ),
    ("CLI-LIST-005", whole("no-has-more", page(10, *map(str, range(20)), more=None))),
    *(
        ("CLI-READ-001", whole("unknown-fields", files={"video.json": File.of(given)}))
        for given in (
            b'{"id": "v"}',
            b'{"id": "v", "status": "done"}',
            b'{"id": "w", "status": "completed"}',
            b"[]",
            b"{",
            b"null",
            b"[" * 99999,
        )
    ),
    (
        "CLI-READ-001",
        whole(
            "unknown-fields",
            exchange(10, "retrieve_video", {"id": "w", "more": None}),
            files={"video.json": File.of(b'{"id": "w"}')},
        ),
    ),
    ("CLI-READ-002", whole("unknown-list-status", page(10, "a", more=False), exit_code=1)),
    ("CLI-CONTENT-001", whole("plain", files={"video.mp4": PART})),
    ("CLI-CONTENT-001", command_run("plain", create(), poll(2, "completed"), download(3))),
    (
        "CLI-CONTENT-001",
        whole(
            "plain",
            files={"video.mp4": File.of(b"of another")},
            media={"w": frozenset({File.of(b"of another").digest})},
        ),
    ),
    (
        "CLI-CONTENT-002",
        whole("truncated-download", download(10, **CUT), files={"video.mp4": PART}, exit_code=1),
    ),
    (
        "CLI-CONTENT-002",
        whole("truncated-download", download(10, **CUT), files={"video.mp4": File.of(bytes(MEDIA.size))}, exit_code=1),
    ),
    ("CLI-CONTENT-003", whole("huge-file", memory=400 << 20, usual_memory=50 << 20, media_size=300 << 20)),
    ("CLI-RUN-001", whole("missing-keys", exit_code=1, output_tail="KeyError")),
    ("CLI-RUN-001", command_run("plain", page(1, "a", more=False))),
    ("CLI-RUN-001", command_run("plain", create(), poll(2, "completed"))),
    ("CLI-RUN-002", whole("plain", exit_code=None)),
    ("CLI-RUN-003", command_run("failing-create", create(status=500), lost=frozenset({1}))),
    ("CLI-RUN-003", whole("failing-remix", remix(10, "w", status=500), lost=frozenset({10}))),
]


@pytest.mark.parametrize("given_run", RIGHT)
def test_a_right_client_violates_nothing(given_run: CommandRun) -> None:
    assert set() == violated(given_run)


@pytest.mark.parametrize(("requirement", "given_run"), WRONG)
def test_a_wrong_client_violates_exactly_one_requirement(requirement: str, given_run: CommandRun) -> None:
    assert {requirement} == violated(given_run)


def test_every_requirement_of_clients_has_a_rule_and_a_wrong_command_run() -> None:
    assert {rule.requirement for rule in RULES} == set(client_catalogue())
    assert {requirement for requirement, _ in WRONG} == set(client_catalogue())
    assert {name for rule in RULES for name in rule.scenarios} <= set(SCENARIOS)


def test_a_command_run_without_requests_passes_nothing() -> None:
    for scenario in SCENARIOS:
        assert [] == [
            rule.requirement
            for rule, problem in verdicts(command_run(scenario))
            if not isinstance(problem, NotReachedError)
        ]


def test_a_command_that_was_killed_has_not_said_that_it_gave_up() -> None:
    refused = create(1, status=429, headers=AFTER)
    failed = poll(2, status=500)
    for given_run in (
        command_run("retry-after", refused, exit_code=None),
        command_run("server-error", create(), failed, changed=frozenset({2}), exit_code=None),
        command_run("empty-page", page(10, "a"), page(11, after="a"), exit_code=None),
    ):
        assert {} == notes(given_run)


def test_without_a_usual_memory_nothing_is_said_of_memory() -> None:
    found = dict(verdicts(whole("huge-file", memory=900 << 20, media_size=300 << 20)))
    (outcome,) = [each for rule, each in found.items() if rule.requirement == "CLI-CONTENT-003"]
    assert isinstance(outcome, NotReachedError)


def test_giving_up_and_going_on_are_told_apart() -> None:
    refused = create(1, status=429, headers=AFTER)
    assert {"CLI-RETRY-001": "gave up and said so"} == notes(command_run("retry-after", refused, exit_code=1))
    assert {} == notes(command_run("retry-after", refused, create(8), exit_code=1))
    failed = command_run("server-error", create(), poll(2, status=500), changed=frozenset({2}), exit_code=1)
    assert {"CLI-POLL-004": "gave up and said so"} == notes(failed)


# ---------------------------------------------------------------- what was asked, and by how many
def test_a_form_and_its_repeat_with_another_boundary_ask_for_the_same() -> None:
    body = form(*FIELDS)
    other = (("content-type", "multipart/form-data; boundary=c"),)
    one = create(1, request_headers=FORM, request_body=body)
    again = create(2, request_headers=other, request_body=body.replace(b"--b", b"--c"))
    assert asked(one) == asked(again)
    assert asked(one) != asked(create(3, request_headers=FORM, request_body=body.replace(b"boat", b"ship")))


def _watch(begin: float, pauses: list[float], took: float, first: int) -> list[Exchange]:
    """Return the polls of a watcher who waits as the responses ask."""
    found: list[Exchange] = []
    for number, pause in enumerate(pauses):
        found.append(poll(first + number, began=begin, ended=begin + took))
        begin += took + pause
    return found


@given(
    watchers=st.lists(
        st.tuples(st.floats(0, 0.09), st.lists(st.floats(0.5, 3), min_size=1, max_size=6)), min_size=1, max_size=3
    )
)
def test_watchers_who_wait_are_never_too_early(watchers: list[tuple[float, list[float]]]) -> None:
    polls: list[Exchange] = []
    pauses: dict[int, float] = {}
    for number, (begin, waits) in enumerate(watchers):
        mine = _watch(begin, waits, 0.1, 100 * number)
        polls += mine
        pauses |= {each.number: wait * 0.9 for each, wait in zip(mine, waits, strict=True)}
    polls.sort(key=lambda each: each.began)
    assert [] == list(too_early(polls, pauses))


@given(st.lists(st.floats(1, 9), min_size=2, max_size=6), st.data())
def test_who_asks_in_turn_and_does_not_wait_is_too_early(waits: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(waits) - 2))
    polls = _watch(0.0, [*waits[:place], waits[place] / 2, *waits[place + 1 :]], 0.1, 1)
    pauses = {each.number: wait * 0.9 for each, wait in zip(polls, waits, strict=True)}
    assert 1 == askers(polls)
    assert polls[place].number in {each.number for each, _, _ in too_early(polls, pauses)}


def test_each_part_of_the_work_has_requirements() -> None:
    for part in PARTS:
        assert any(is_of_program(each, [part]) for each in client_catalogue())
        assert not is_of_program("CLI-AUTH-001", [part])
