"""Judge the requests of a command: what they mean, what they carry, and who learns the key. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from .._core.contract import contract
from .._core.flaws import told
from .._core.outcomes import NotReachedError, ViolationError
from .._core.redaction import secrets_of_key
from .command_run import MOST_RECORDED, legality, prompt_of
from .rule import need, rule

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .command_run import CommandRun


@rule("CLI-REQUEST-001")
def means_an_operation(run: CommandRun) -> None:
    """Look for requests that the contract does not have. HEAD and OPTIONS are about another request."""
    need(run.exchanges, "request")
    for each in run.exchanges:
        is_about_another = each.method in {"HEAD", "OPTIONS"} and _is_path(each.path)
        if each.operation is None and not is_about_another:
            raise ViolationError(f"{each.summary}: the contract has no such operation", each)


def _is_path(path: str) -> bool:
    return any(contract().match(method, path)[0] for method in ("GET", "POST", "DELETE"))


@rule("CLI-REQUEST-002")
def is_valid(run: CommandRun) -> None:
    """Judge each query and each body by its schema, and whether all servers read a form in the same way."""
    known = [each for each in run.exchanges if each.operation is not None]
    need(known, "request that the contract knows")
    for each in known:
        if len(each.request_body) >= MOST_RECORDED:
            continue  # it is not known whole
        judged = legality(each)
        if judged.flaws:
            raise ViolationError(f"{each.summary}: the contract forbids the request: {told(judged.flaws)}", each)
        if judged.misshapen:
            raise ViolationError(
                f"{each.summary}: servers read this form in different ways: {told(judged.misshapen)}", each
            )


@rule("CLI-REQUEST-003")
def carries_what_was_requested(run: CommandRun) -> None:
    """Compare each create that has the wanted prompt with what the command was told."""
    prompt = run.wanted.get("prompt")
    creates = run.of("create_video")
    need(creates, "create")
    matching = [each for each in creates if prompt_of(each) == prompt]
    if not matching:
        raise ViolationError("no create has the prompt that the client was told to request", creates[0])
    for each in matching:
        fields = legality(each).fields
        for name, value in run.wanted.items():
            if str(fields.get(name)) != value:
                given = f"has {name} {fields[name]!r}" if name in fields else f"has no {name}"
                raise ViolationError(f"the create {given}; the client was told {value!r}", each)


@rule("CLI-REQUEST-004", "upload")
def sends_the_file(run: CommandRun) -> None:
    """Compare the file that a create sends with the one that the command was told to send."""
    creates = run.of("create_video")
    need(creates, "create")
    sent = [legality(each).fields.get("input_reference") for each in creates]
    if run.upload in sent:
        return
    for each, value in zip(creates, sent, strict=True):
        if isinstance(value, bytes) or (run.upload is not None and run.upload in each.request_body):
            how = f"{len(value)} other bytes" if isinstance(value, bytes) else "no field input_reference"
            raise ViolationError(
                f"the create was to send a file of {len(run.upload or b'')} bytes, and the server reads {how}", each
            )
    raise NotReachedError("the command sent no file; OPENVIDEOS_INPUT_REFERENCE names one in this scenario")


# ---------------------------------------------------------------- the key
@rule("CLI-AUTH-001")
def has_the_key(run: CommandRun) -> None:
    """Look for requests without the key as a bearer token."""
    need(run.exchanges, "request")
    for each in run.exchanges:
        if each.method == "OPTIONS":
            continue  # a browser asks without the key whether it may send it
        scheme, _, key = (each.request_header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or key.strip() != run.key:
            sent = "with another key" if scheme.lower() == "bearer" else f"with the scheme {scheme}"
            sent = sent if scheme else "without Authorization"
            raise ViolationError(f"{each.summary} was sent {sent}; the API takes the key as Bearer", each)


@rule("CLI-AUTH-002", "redirect", "redirect-all")
def keeps_the_key(run: CommandRun) -> None:
    """Look for the key in requests to another origin."""
    if not run.foreign:
        raise NotReachedError("the command did not follow the redirect")
    for each in run.foreign:
        places = [name for name, value in each.request_headers if run.key in value]
        if places or run.key in unquote(each.target) or run.key.encode() in each.request_body:
            raise ViolationError(
                f"{each.summary} went to another origin with the key in {', '.join(places) or 'the request'}", each
            )


@rule("CLI-AUTH-003")
def shows_the_key_to_nobody(run: CommandRun) -> None:
    """Look for the key in URLs, in bodies, and in what the command wrote."""
    need(run.exchanges, "request")
    for each in run.exchanges:
        where = "its URL" if run.key in unquote(each.target) else "its body"
        if where == "its URL" or run.key.encode() in each.request_body:
            raise ViolationError(f"{each.method} {each.path} has the key in {where}, which logs keep", each)
    if run.has_shown_key:
        raise ViolationError("the output of the command has the key", *_last(run))
    secrets = [each.encode() for each in secrets_of_key(run.key)]
    leaking = [name for name, file in run.files.items() if any(each in file.content for each in secrets)]
    if leaking:
        raise ViolationError(f"the file {leaking[0]} of the command has the key", *_last(run))


def _last(run: CommandRun) -> tuple[Exchange, ...]:
    return run.exchanges[-1:]
