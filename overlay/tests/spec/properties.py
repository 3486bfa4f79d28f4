"""Say what holds for every operation, every valid set of arguments and every valid answer.

Each property is a function of a stage, its case and Hypothesis's data. `check` runs one, the same for a test, for the
coverage of the contract, and for an overlay that is broken on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

import httpx
from attrs import frozen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from openvideos import BadRequestError, ConflictError, InvalidArgumentError, OpenVideosError, sign
from openvideos_raw.types import File

from .arguments import givens, spoiled, varied
from .clients import Given, Stage, Upload, in_overlay, raw_module
from .comparing import assert_same, assert_same_headers, ending_problem, file_problem
from .contract import FORM, JSON, OPERATIONS, WEBHOOKS, Operation, ServerResponse, paths_in, problems, written
from .mock_server import Said, faults, read
from .strategies import header_values, valid


@frozen
class Case:
    """One property, for one operation, and what else it is about: a media type, a status."""

    property: Callable[[Stage, Case, st.DataObject], None]
    operation: Operation
    detail: str | None = None

    def __str__(self) -> str:
        """Read as the test's name."""
        return "-".join(filter(None, (self.property.__name__, self.operation.id, self.detail)))


def check(case: Case, profile: settings) -> set[str]:
    """Run a property, and return what it reached of the contract. Raises AssertionError where it does not hold."""
    with Stage() as stage:

        @profile
        @given(st.data())
        def run(data: st.DataObject) -> None:
            case.property(stage, case, data)

        run()
        return stage.reached


def quick(examples: int) -> settings:
    """Return settings that do the same every time, and look for no smaller counterexample."""
    return settings(max_examples=examples, derandomize=True, database=None, phases=[Phase.generate], deadline=None)


class Refusing:
    """A server that keeps what is sent to it, and refuses it."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuse."""
        self.requests.append(request)
        error = {"message": "No", "type": "invalid_request_error", "param": None, "code": None}
        return httpx.Response(400, json={"error": error})


def request_is_valid(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a request is what the contract says, and carries what was given, all of it and as it was."""
    media_type = case.detail
    arguments = data.draw(givens(case.operation.id, media_type))
    server = Refusing()
    for client in stage.clients(server):
        server.requests.clear()
        is_overlay = client.name.endswith("overlay")
        given = in_overlay(arguments) if is_overlay else _bare(arguments)
        said = _sent(server, client, case.operation, varied(case.operation, given, data.draw) if is_overlay else given)
        assert not faults(said), client.name
        assert said.operation is case.operation
        _assert_carried(said, given)
        stage.reached.add(case.operation.id)
        for place in ("path", "query", "header"):
            stage.reached |= {case.operation.item(place, name) for name in said.given(place)}
        if said.media_type:
            stage.reached.add(case.operation.item(said.media_type))
            found = paths_in(case.operation.bodies[said.media_type].schema, said.body)
            stage.reached |= {case.operation.item(said.media_type, path) for path in found}


def _bare(given: Given) -> Given:
    """Leave out what the raw client has no argument for."""
    return Given(given.path, given.query, given.header, given.media_type, given.body)


def _sent(server: Refusing, client: Any, operation: Operation, given: Given) -> Said:
    """Return the one request that a call sends."""
    try:
        response = client.call(operation, given)
    except BadRequestError:
        pass
    else:
        assert 400 == response.status_code
    (request,) = server.requests
    return read(request)


def _assert_carried(said: Said, given: Given) -> None:
    assert given.path == said.path
    wanted = [
        (name, written(value))
        for name, values in {**given.query, **given.more_query}.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    assert sorted(wanted) == sorted(said.query)
    for name, value in {**given.header, **given.more_headers}.items():
        assert [value] == said.headers.get_list(name)
    body = {**given.body, **given.more_body}
    if said.media_type == JSON:
        assert body == said.body
    elif said.media_type == FORM:
        # Each item of a list has a part of its own.
        items = {name: value if isinstance(value, list) else [value] for name, value in body.items()}
        assert {name for name, values in items.items() if values} == {part.name for part in said.parts}
        for name, values in items.items():
            for part, value in zip([part for part in said.parts if part.name == name], values, strict=True):
                _assert_part(part, value)
    else:
        assert not body


def _assert_part(part: Any, value: Any) -> None:
    if not isinstance(value, Upload):
        assert isinstance(value, bytes) == (part.file_name is not None), "bytes are a file, and nothing else is"
        if isinstance(value, bytes):
            assert value == part.content
        elif isinstance(value, str):
            assert value.encode() == part.content
        else:
            assert value == json.loads(part.content)
        return
    assert value.content == part.content
    name = value.given_name or part.name
    # The overlay adds the extension that a name lacks, since servers look at it.
    assert part.file_name == name or ("." not in name and part.file_name.startswith(f"{name}.")) or not value.given_name
    assert value.given_type in {None, part.media_type}


def answer_is_kept(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that whatever a good response holds, known and unknown, is in what the caller gets."""
    status, _, media_type = (case.detail or "").partition(" ")
    response = case.operation.responses[status]
    sent = data.draw(_bodies(case.operation.id, status, media_type))
    headers = data.draw(headers_of(case.operation.id, status))
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    given = data.draw(givens(case.operation.id, next(iter(case.operation.bodies), None), beside=False))

    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(int(status), content=content, headers={"content-type": media_type, **headers})

    problem = ending_problem(sent) or file_problem(given.query.get("variant", "video"), media_type, sent)
    for client in stage.overlays(server):
        if problem is not None:
            assert isinstance(raised_by(partial(client.call, case.operation, given)), problem)
            continue
        result = client.call(case.operation, given)
        assert_same(result, sent, response.bodies[media_type])
        answered = client.call(case.operation, given, within="with_raw_response")
        assert int(status) == answered.status_code
        assert_same_headers(answered.headers, headers, content)
        assert_same(answered.parse(), sent, response.bodies[media_type])
    parsed = raw_module(case.operation).parse_response(int(status), content)
    assert_same(parsed.payload.read() if isinstance(parsed, File) else parsed, sent, response.bodies[media_type])
    _reach(stage, case.operation, response, media_type, headers, sent)


@cache
def _bodies(operation_id: str, status: str, media_type: str) -> st.SearchStrategy[Any]:
    """Return what a response may hold: what the contract says, and what readers let pass."""
    schema = OPERATIONS[operation_id].responses[status].bodies[media_type]
    return valid(schema) | valid(schema, lenient=True)


@cache
def headers_of(operation_id: str, status: str) -> st.SearchStrategy[dict[str, str]]:
    """Return the headers of a response; the length of its body is not to be chosen."""
    found: dict[str, st.SearchStrategy[str]] = {}
    for name, schema in OPERATIONS[operation_id].responses[status].headers.items():
        text = header_values if schema.get("type") == "string" and "enum" not in schema else valid(schema).map(str)
        found[name] = text.filter(partial(_is_as_long, schema.get("minLength", 0)))
    found.pop("Content-Length", None)
    return st.fixed_dictionaries({}, optional=found)


def _is_as_long(least: int, value: str) -> bool:
    return len(value) >= least


def _reach(
    stage: Stage,
    operation: Operation,
    response: ServerResponse,
    media_type: str,
    headers: dict[str, str],
    sent: Any,
) -> None:
    names = {name for name in response.headers if name in headers or name.lower() == "content-length"}
    stage.reached |= {operation.item(response.status), operation.item(response.status, media_type)}
    stage.reached |= {operation.item(response.status, "header", name) for name in names}
    found = paths_in(response.bodies[media_type], sent)
    stage.reached |= {operation.item(response.status, media_type, path) for path in found}


def forbidden_value_is_refused(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a forbidden value is refused before it is sent, or else by the server, with the error of that."""
    arguments, name, value = data.draw(spoiled(case.operation.id))
    seen: list[Said] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(read(request))
        wrong = faults(seen[-1])
        if not wrong:
            return httpx.Response(409, json=_error(None))
        return httpx.Response(400, json=_error(name if name in wrong else next(iter(wrong))))

    for client in stage.overlays(server):
        seen.clear()
        error = raised_by(partial(client.call, case.operation, arguments))
        match error:
            case InvalidArgumentError():
                assert not seen, "it was sent all the same"
            case BadRequestError():
                # A body without a required field, or of two, is wrong as a whole; `video[id]` is sent as an object.
                assert error.param in {name, name.partition("[")[0], "body"}
                assert 1 == len(seen)
            case ConflictError():
                assert _means(seen[0], name, value), f"{name}={value!r} was turned into something else"
            case _:
                raise AssertionError(f"{name}={value!r} came to {error!r}") from error


def raised_by(call: Callable[[], Any]) -> OpenVideosError | None:
    """Return the SDK's error that a call raises, None if it raises none."""
    try:
        call()
    except OpenVideosError as error:
        return error
    return None


def _error(param: str | None) -> dict[str, Any]:
    return {"error": {"message": "No", "type": "invalid_request_error", "param": param, "code": "invalid_value"}}


def _means(said: Said, name: str, value: Any) -> bool:
    """Return whether a request has a value that the overlay also takes: a text as an integer, an object as its id."""
    if name in said.given("query"):
        return _texts(value) == said.given("query")[name]
    sent = (said.body or {}).get(name)
    if said.media_type == FORM and _texts(value) == _texts(sent):
        return True
    # An empty list in a query or a form is no value, and None stands for what is left out.
    return written(value) == written(sent) or {"id": value} == sent or (value == [] and sent is None)


def _texts(value: Any) -> list[str]:
    return [written(item) for item in (value if isinstance(value, list) else [value])]


@cache
def _events(webhook_id: str) -> st.SearchStrategy[Any]:
    schema = WEBHOOKS[webhook_id].bodies[JSON].schema
    return valid(schema) | valid(schema, lenient=True)


def webhook_is_kept(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that whatever a signed event holds is in what `unwrap` returns."""
    body = case.operation.bodies[JSON]
    sent = data.draw(_events(case.operation.id))
    payload = json.dumps(sent)
    secret = "whsec_c3BlYy1zcGVjLXNwZWMtc3BlYy1zcGVj"
    headers = sign(payload, secret=secret, message_id="msg_spec")
    for parameter in case.operation.parameters:
        assert not problems(parameter.schema, headers[parameter.name])
    for client in stage.overlays(Refusing(), webhook_secret=secret):
        assert_same(client.client.webhooks.unwrap(payload, headers), sent, body.schema)
    stage.reached |= {case.operation.id, case.operation.item(JSON)}
    stage.reached |= {case.operation.item("header", parameter.name) for parameter in case.operation.parameters}
    stage.reached |= {case.operation.item(JSON, path) for path in paths_in(body.schema, sent)}


REQUESTS: Final = [
    Case(request_is_valid, operation, media_type)
    for operation in OPERATIONS.values()
    for media_type in (operation.bodies or [None])
]
ANSWERS: Final = [
    Case(answer_is_kept, operation, f"{response.status} {media_type}")
    for operation in OPERATIONS.values()
    for response in operation.responses.values()
    if response.is_success
    for media_type in response.bodies
]
FORBIDDEN: Final = [
    Case(forbidden_value_is_refused, operation)
    for operation in OPERATIONS.values()
    if operation.parameters or operation.bodies
]
EVENTS: Final = [Case(webhook_is_kept, webhook) for webhook in WEBHOOKS.values()]
