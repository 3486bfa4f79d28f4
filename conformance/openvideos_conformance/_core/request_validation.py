"""Judge whether the contract allows a request, as it was sent. Pure.

A generator intends a request to be legal or illegal, but an encoding may change that: a form writes a number as text,
and an empty list as nothing. So each request is parsed again from the bytes that were sent, and judged by the contract.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

from .exchange import RECORDED, json_object
from .operations import CREATING
from .own_jobs import job_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from email.message import EmailMessage

    from .contract import Contract, Operation, Schema
    from .exchange import Exchange

FORM: Final = "multipart/form-data"
JSON: Final = "application/json"

_DISPOSITION: Final = re.compile(rb"(?im)^content-disposition:[ \t]*form-data[ \t]*(.*?)\r?$")
_PARAMETERS: Final = re.compile(rb'(?:;[ \t]*[^\s=;"]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]+)[ \t]*)*')
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BLANKS: Final = re.compile(r"\s+")
_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Legality:
    """Whether a request is legal. `flaws` say why it is not, `doubts` why that is uncertain; a legal one has none."""

    flaws: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The fields of the query and the body, as far as they could be parsed; a file is its bytes."""
    is_tolerable: bool = False
    """Whether a server may understand the request in spite of its flaws."""
    misshapen: tuple[str, ...] = ()
    """Why servers read a form in different ways; each is a doubt, too."""

    @property
    def is_illegal(self) -> bool:
        """Whether a server must refuse the request."""
        return bool(self.flaws) and not self.is_tolerable

    @property
    def is_legal(self) -> bool:
        """Whether the contract certainly allows the request, and a server has no other reason to refuse it."""
        return not self.flaws and not self.doubts


def judge_request(contract: Contract, operation_id: str, *, query: str, media_type: str, body: bytes) -> Legality:
    """Judge the query and the body of a request by the contract. Ids, keys and other headers are not judged."""
    operation = contract.operation(operation_id)
    of_query = _judge_query(contract, operation, query)
    of_body = _judge_body(contract, operation, media_type, body)
    return Legality(
        of_query.flaws + of_body.flaws,
        of_query.doubts + of_body.doubts,
        {**of_query.fields, **of_body.fields},
        of_body.is_tolerable and not of_query.flaws,
        of_body.misshapen,
    )


def judge_exchange(contract: Contract, exchange: Exchange) -> Legality:
    """Judge the request of an exchange by the contract. One that was recorded in part has no flaws that are certain."""
    if exchange.operation is None:
        return Legality(doubts=("the contract has no such operation",))
    return _judge_whole(contract, exchange.operation, exchange.query, *_body_of(exchange))


def of_illegal_creates(contract: Contract, history: Iterable[Exchange]) -> frozenset[str]:
    """Return the ids of the jobs that a server started although the contract forbids their creates, and of their heirs.

    A server may repeat in them what it should have refused, and that is one divergence, not several. Heirs are jobs
    that were made from such a job.
    """
    found = set[str]()
    for each in history:
        if each.operation in CREATING and each.is_ok and job_id(each):
            source = each.ids.get("video_id") or source_of(each.request_fields)
            if source in found or _is_flawed(contract, each.operation, each.query, *_body_of(each)):
                found.add(job_id(each))
    return frozenset(found)


def _body_of(exchange: Exchange) -> tuple[str, bytes]:
    return exchange.request_header("content-type") or "", exchange.request_body


@lru_cache(maxsize=1024)  # the same creates are asked about again and again; their bodies are in the history anyway
def _is_flawed(contract: Contract, operation: str, query: str, media_type: str, body: bytes) -> bool:
    return bool(_judge_whole(contract, operation, query, media_type, body).flaws)


def _judge_whole(contract: Contract, operation: str, query: str, media_type: str, body: bytes) -> Legality:
    if not 0 < len(body) < RECORDED:
        return Legality(doubts=("the request is not known whole",))
    return judge_request(contract, operation, query=query, media_type=media_type, body=body)


def _judge_query(contract: Contract, operation: Operation, query: str) -> Legality:
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    doubts: list[str] = []
    flaws: list[str] = []
    address = f"#/paths/{_escaped(operation.path)}/{operation.method.lower()}/parameters"
    known: set[str] = set()
    for index, parameter in enumerate(operation.definition.get("parameters", [])):
        definition = contract.resolve(parameter)
        name = definition["name"]
        if definition["in"] != "query":
            continue
        known.add(name)
        if name in given:
            at = f"{address}/{index}/schema"
            value, uncertain = _read(contract, name, given[name], contract.at(at))
            if _is_understood(contract, given[name], at):
                doubts.append(f"{name} is written in another way")
            elif _has_default_style(definition) or not isinstance(value, list):
                flaws += [f"{name}{flaw.removeprefix('$')}" for flaw in contract.flaws(value, at)]
            else:
                doubts.append(f"{name} has a style that is not the default")
            doubts += uncertain
        elif definition.get("required"):
            flaws.append(f"{name} is missing")
    doubts += [f"the parameter {name!r} is unknown" for name in given.keys() - known]
    return Legality(tuple(flaws), tuple(doubts), {name: texts[-1] for name, texts in given.items()})


def _is_understood(contract: Contract, texts: list[str], address: str) -> bool:
    """Tell whether a whole number is written with blanks, zeros or a plus sign, as a server may take it."""
    if "integer" not in contract.types(contract.at(address)) or _INTEGER.fullmatch(texts[-1]):
        return False
    plain = _LEADING_ZEROS.sub("", _BLANKS.sub("", texts[-1]).removeprefix("+"))
    return _INTEGER.fullmatch(plain) is not None and not contract.flaws(int(plain), address)


def _has_default_style(parameter: Mapping[str, Any]) -> bool:
    """Tell whether each item of an array is a parameter of its own in the query, the default in OpenAPI 3.1."""
    return parameter.get("style", "form") == "form" and bool(parameter.get("explode", True))


def _judge_body(contract: Contract, operation: Operation, content_type: str, body: bytes) -> Legality:
    definition = json_object(contract.resolve(operation.definition.get("requestBody", {})))
    if not definition:
        return Legality(doubts=("there is a body",) if body else ())
    media_type = content_type.partition(";")[0].strip().lower()
    if not body:
        return Legality(("the body is missing",) if definition.get("required") else ())
    if media_type not in definition["content"]:
        return Legality((f"the body is {media_type or 'of no media type'}",))
    address = (
        f"#/paths/{_escaped(operation.path)}/{operation.method.lower()}/requestBody/content/"
        f"{_escaped(media_type)}/schema"
    )
    if media_type == JSON:
        return _judge_json(contract, address, body)
    return _judge_form(contract, address, content_type, body)


def _is_extension(contract: Contract, properties: Mapping[str, Schema], name: str) -> bool:
    return name in properties and "x-extension" in contract.resolve(properties[name])


def _judge_json(contract: Contract, address: str, body: bytes) -> Legality:
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Legality(("the body is not JSON",))
    fields = json_object(value)
    properties = contract.at(address)["properties"]
    doubts = [f"the field {name!r} is unknown" for name in fields.keys() - properties.keys()]
    doubts += [f"{name} may not be offered" for name in fields if _is_extension(contract, properties, name)]
    for name, each in fields.items():
        doubts += _doubts(name, each)
    return _judged(contract, address, fields or value, doubts, fields)


def _judge_form(contract: Contract, address: str, content_type: str, body: bytes) -> Legality:
    message = BytesParser(policy=HTTP).parsebytes(
        f"content-type: {content_type}\r\n\r\n".encode("latin-1", "replace") + body
    )
    if not message.is_multipart() or message.defects:
        unreadable = ("the form cannot be read",)
        return Legality(doubts=unreadable, misshapen=unreadable)
    properties: Mapping[str, Schema] = contract.at(address)["properties"]
    fields: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    doubts: list[str] = []
    misshapen = ["a line of the form ends with LF alone"] if _has_bare_line_ends(message, body) else list[str]()
    heads = (part.partition(b"\r\n\r\n")[0] for part in _parts(message, body))
    misshapen += ["a name in the form is not quoted"] if any(map(_is_unquoted, heads)) else []
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if name not in properties:
            doubts.append(f"the field {name!r} is unknown")
        elif isinstance(content, bytes):
            is_file = contract.resolve(properties[name]).get("format") == "binary"
            if is_file != (part.get_filename() is not None):
                misshapen.append(f"{name} is {'not a' if is_file else 'a'} file")
            if not is_file:
                texts.setdefault(name, []).append(content.decode("utf-8", "surrogateescape"))
                continue
            doubts += [f"{name} is given twice"] if name in fields else []
            doubts.append(f"{name} may be refused because of its content")
            fields[name] = content
    doubts += [f"{name} may not be offered" for name in texts if _is_extension(contract, properties, name)]
    for name, values in texts.items():
        fields[name], uncertain = _read(contract, name, values, properties[name])
        doubts += uncertain
        if "[" in name:  # a key of an object, which says where something is
            doubts.append(f"{name} may be refused because of what it names")
    judged = {name: "" if isinstance(value, bytes) else value for name, value in fields.items()}
    return _judged(contract, address, judged, doubts, fields, misshapen)


def _has_bare_line_ends(message: EmailMessage, body: bytes) -> bool:
    """Tell whether the lines around the parts of a form, or those of their heads, end otherwise than with CRLF."""
    parts = _parts(message, body)
    return any(not part.startswith(b"\r\n") or b"\r\n\r\n" not in part or part[-2:] != b"\r\n" for part in parts)


def _parts(message: EmailMessage, body: bytes) -> list[bytes]:
    return body.split(f"--{message.get_boundary()}".encode("latin-1", "replace"))[1:-1]


def _is_unquoted(head: bytes) -> bool:
    """Tell whether a Content-Disposition has a name with blanks or quotation marks that are not quoted (RFC 7578)."""
    found = _DISPOSITION.search(head)
    return found is not None and not _PARAMETERS.fullmatch(found[1])


def _judged(
    contract: Contract,
    address: str,
    value: Any,
    doubts: Sequence[str],
    fields: Mapping[str, Any],
    misshapen: Sequence[str] = (),
) -> Legality:
    flaws = contract.flaws(value, address)
    is_tolerable = bool(flaws) and not contract.flaws(understood(contract, address, value), address)
    return Legality(tuple(flaws), (*misshapen, *doubts), fields, is_tolerable, tuple(misshapen))


def understood(contract: Contract, address: str, value: Any) -> Any:
    """Return a body as a server may understand it that is not quite right (openapi.yaml, info, "Requests").

    Blanks and leading zeros in `size` and `seconds`, an integer as `seconds`, and an explicit null for a field that can
    be left out are understood. A prompt that is too long should be refused, and need not.
    """
    schema, fields = contract.at(address), dict(json_object(value))
    if not fields:
        return value
    for name in [name for name in fields if fields[name] is None and name not in schema.get("required", [])]:
        del fields[name]
    seconds = fields.get("seconds")
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        fields["seconds"] = str(seconds)
    for name in ("size", "seconds"):
        if isinstance(fields.get(name), str):
            fields[name] = _LEADING_ZEROS.sub("", _BLANKS.sub("", fields[name]))
    if isinstance(fields.get("prompt"), str):
        fields["prompt"] = fields["prompt"][: int(contract.schema("Prompt")["maxLength"])]
    return fields


def source_of(fields: Mapping[str, Any]) -> str | None:
    """Return the id of the video that an edit or an extension names, in JSON or in a form; None if it names none."""
    video_id = json_object(fields.get("video")).get("id", fields.get("video[id]"))
    return video_id if isinstance(video_id, str) else None


def _doubts(name: str, value: object) -> list[str]:
    """Return why a server could refuse a value that its schema allows: it is blank, unprintable, or not a text."""
    if isinstance(value, list):
        return [doubt for item in cast("list[object]", value) for doubt in _doubts(name, item)]
    if isinstance(value, str):
        return (
            []
            if value.strip() and value.isprintable()
            else [f"{name} is blank, or has characters that cannot be printed"]
        )
    return [] if isinstance(value, int | float) else [f"{name} is not a text"]


def _read(contract: Contract, name: str, texts: list[str], schema: Schema) -> tuple[object, list[str]]:
    """Return the value of the texts of a parameter or a form's field, by its schema, and what is doubtful about it."""
    types = contract.types(schema)
    doubts = _doubts(name, texts)
    if "array" in types and "string" not in types:
        items = contract.items(schema)
        return [_scalar(text, contract.types(items)) for text in texts], doubts
    if len(texts) > 1:
        doubts.append(f"{name} is given {len(texts)} times")
    return _scalar(texts[-1], types), doubts


def _scalar(text: str, types: frozenset[str]) -> object:
    if "string" in types:
        return text
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return float(text)
    if "boolean" in types and text in {"true", "false"}:
        return text == "true"
    if "object" in types:
        return _object(text)
    return text


def _object(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
