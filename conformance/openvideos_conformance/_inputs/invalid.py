"""Make requests that the contract forbids, each with one flaw. Every limit is read from the contract. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .._core.exchange import json_object
from .._core.request_validation import understood
from .._judging.assertions import BAD_INPUT
from .media_files import image_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .._core.contract import Contract
    from .._core.target import Target

FORM: Final = "#/components/schemas/CreateVideoForm"
JSON: Final = "#/components/schemas/CreateVideoJson"
BOUNDARY: Final = "openvideos-conformance-boundary"

_TOO_LARGE: Final = frozenset({413})
_UNSUPPORTED: Final = frozenset({415})
_ARABIC: Final = {ord("0") + digit: 0x0660 + digit for digit in range(10)}
"""Digits that many languages read as numbers, and that the contract's patterns do not have."""
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request that must be refused. `options` are those of `RecordingClient.send`."""

    requirement: str
    what: str
    options: Mapping[str, Any]
    statuses: frozenset[int] = BAD_INPUT
    wrong: frozenset[str] = frozenset()
    """The names of the one wrong field and of those inside it; empty if more than one field is wrong."""
    method: str = "POST"
    is_json: bool = False
    path: str = field(default="/videos")

    @property
    def is_form(self) -> bool:
        """Whether the body is a form, or has the media type of one."""
        media_type = json_object(self.options.get("headers")).get("content-type", "")
        return "form" in self.options or str(media_type).startswith("multipart/")


def cases(contract: Contract, target: Target, marker: str) -> list[Case]:
    """Return creates and lists that must be refused. `marker` is in each prompt, so that a job of one can be found."""
    writer = _Writer(contract, target, marker)
    return [
        *writer.prompts(),
        *writer.forms_of("VID-VALID-004", "size"),
        *writer.forms_of("VID-VALID-005", "seconds"),
        *writer.wrong_types(),
        *writer.references(),
        *writer.broken_json(),
        *writer.broken_forms(),
        *writer.media_types(),
        *writer.no_body(),
        *_lists(contract),
    ]


_HUGE: Final = str(10**9)


def misspelt(legal: str) -> list[str]:
    """Return misspellings of a legal text."""
    head, times, tail = legal.partition("x")
    near = [
        f"-{legal}",
        f"{legal}.5",
        "nonsense",
        f"{legal}s",
        f" {legal}",
        f"0{legal}",
        "0",
        f"+{legal}",
        "1e1",
        _HUGE,
        legal.translate(_ARABIC),
    ]
    if times:
        near += [
            f"{_HUGE}x{tail}",
            head,
            f"{head}x",
            f"x{tail}",
            f"{head}*{tail}",
            f"{head}x0",
            f"{head}x-{tail}",
            f"{legal}x1",
        ]
    return near


def invalid_values(contract: Contract, address: str, candidates: Sequence[Any]) -> list[Any]:
    """Return the values that the schema at an address forbids."""
    return [value for value in candidates if contract.flaws(value, address)]


def multipart(fields: Mapping[str, str], boundary: str = BOUNDARY) -> bytes:
    """Return a multipart form with these fields."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def named(param: object, known: Collection[str]) -> frozenset[str]:
    """Return the known names in a `param`: `body.prompt` and `["body", "prompt"]` contain `prompt`."""
    words = set(_WORD.findall(param)) if isinstance(param, str) else set[str]()
    return frozenset(words & set(known))


def field_names(contract: Contract) -> frozenset[str]:
    """Return the names of all fields and parameters in the requests of `cases`."""
    names = {
        name for schema in ("CreateVideoForm", "CreateVideoJson") for name in contract.schema(schema)["properties"]
    }
    names |= set(contract.schema("ImageReference")["properties"])
    parameters = contract.at("#/paths/~1videos/get/parameters")
    return frozenset(names | {str(contract.resolve(parameter)["name"]) for parameter in parameters})


class _Writer:
    """Makes creates with one flaw each; their prompts contain the marker, and other fields have valid values."""

    def __init__(self, contract: Contract, target: Target, marker: str) -> None:
        self._contract, self._target, self._marker = contract, target, marker
        self._prompt = f"{marker} must never be made"

    def _case(
        self, requirement: str, name: str, description: str, options: Mapping[str, Any], statuses: frozenset[int]
    ) -> Case:
        is_json = "json" in options
        return Case(
            requirement=requirement,
            what=f"a {'JSON body' if is_json else 'form'} {description}",
            options=options,
            statuses=statuses,
            wrong=frozenset({name, *self._inner(name, is_json=is_json)}),
            is_json=is_json,
        )

    def _form(
        self, requirement: str, name: str, description: str, value: str, statuses: frozenset[int] = BAD_INPUT
    ) -> Case:
        fields = {**self._target.choice(prompt=self._prompt), name: value}
        return self._case(requirement, name, description, {"form": fields}, statuses)

    def _json(
        self, requirement: str, name: str, description: str, value: object, statuses: frozenset[int] = BAD_INPUT
    ) -> Case:
        fields = {**self._target.choice(prompt=self._prompt), name: value}
        return self._case(requirement, name, description, {"json": fields}, statuses)

    def _inner(self, name: str, *, is_json: bool) -> frozenset[str]:
        """Return the names of the fields inside a field."""
        schema = self._contract.at(f"{JSON if is_json else FORM}/properties/{name}")
        return frozenset(json_object(schema.get("properties")))

    def prompts(self) -> Iterator[Case]:
        # A form needs at least one field; without another one, a field that servers ignore is sent.
        rest: dict[str, str] = self._target.choice() or {"x_openvideos_unknown": "1"}
        yield self._case("VID-VALID-001", "prompt", "without a prompt", {"form": rest}, BAD_INPUT)
        yield self._case("VID-VALID-001", "prompt", "without a prompt", {"json": self._target.choice()}, BAD_INPUT)
        yield self._form("VID-VALID-002", "prompt", "with an empty prompt", "")
        yield self._json("VID-VALID-002", "prompt", "with an empty prompt", "")
        length = int(self._contract.schema("Prompt")["maxLength"]) + 1
        for letter in ("a", "é"):
            text, description = f"{self._marker} ".ljust(length, letter), f"with a prompt of {length} times {letter!r}"
            yield self._form("VID-VALID-003", "prompt", description, text, BAD_INPUT | _TOO_LARGE)
            yield self._json("VID-VALID-003", "prompt", description, text, BAD_INPUT | _TOO_LARGE)

    def forms_of(self, requirement: str, name: str) -> Iterator[Case]:
        """Yield creates in which a field that has a pattern is misspelt."""
        examples = self._contract.at(f"{FORM}/properties/{name}").get("examples", [])
        near = misspelt(getattr(self._target, name) or examples[0])
        near = [value for value in near if not self._is_tolerable({name: value})]
        for value in invalid_values(self._contract, f"{FORM}/properties/{name}", near):
            yield self._form(requirement, name, f"with {name}={value!r}", value)
        for value in invalid_values(self._contract, f"{JSON}/properties/{name}", [*near[:3], ""]):
            yield self._json(requirement, name, f"with {name}={value!r}", value)

    def wrong_types(self) -> Iterator[Case]:
        for name, schema in self._contract.schema("CreateVideoJson")["properties"].items():
            definition = json_object(self._contract.resolve(schema))
            if "x-extension" in definition:
                continue  # the server may not have the extension; generated requests judge it if it has
            legal = next(iter(definition.get("examples", [])), self._prompt)
            digits = int(legal) if str(legal).isdecimal() else 720
            candidates = [digits, True, [legal], {"value": legal}, legal, digits + 0.5]
            if name in self._contract.schema("CreateVideoJson")["required"]:
                candidates.append(None)
            candidates = [value for value in candidates if not self._is_tolerable({name: value})]
            for value in invalid_values(self._contract, f"{JSON}/properties/{name}", candidates):
                yield self._json("VID-VALID-006", name, f"with {name}={json.dumps(value)[:60]}", value)

    def _is_tolerable(self, fields: dict[str, Any]) -> bool:
        whole = {"prompt": self._prompt, **fields}
        return not self._contract.flaws(understood(self._contract, JSON, whole), JSON)

    def references(self) -> Iterator[Case]:
        url = image_url(self._target.size)
        address = "#/components/schemas/ImageReference"
        candidates: list[dict[str, str]] = [
            {},
            {"image_url": url, "file_id": "file_openvideos"},
            {"url": url},
            {"image_url": "ftp://images.example.org/boat.png"},
            {"image_url": "file:///etc/hostname"},
            {"image_url": ""},
            {"file_id": ""},
        ]
        for value in invalid_values(self._contract, address, candidates):
            description = json.dumps({key: text.partition(",")[0] for key, text in value.items()})
            yield self._json("VID-VALID-007", "input_reference", f"with input_reference={description}", value)

    def broken_json(self) -> Iterator[Case]:
        whole = json.dumps(self._target.choice(prompt=self._prompt))
        bodies = {
            "JSON that is cut": whole[:-1],
            "JSON that is cut within the prompt": whole[: whole.rindex("made")],
            "JSON with text after it": f"{whole} {{",
            "JSON with single quotes": whole.replace('"', "'"),
            "form fields instead of JSON": "prompt=" + self._prompt.replace(" ", "+"),
        }
        for what, body in bodies.items():
            yield self._raw("VID-VALID-008", what, body.encode(), "application/json")

    def broken_forms(self) -> Iterator[Case]:
        # A server that takes the whole parts of a cut form knows the size by the time that it has the prompt.
        whole = multipart({**self._target.choice(prompt=self._prompt), "x_openvideos_unknown": "1"})
        end = f"\r\n--{BOUNDARY}--\r\n".encode()
        media_type = f"multipart/form-data; boundary={BOUNDARY}"
        requirement = "VID-VALID-009"
        yield self._raw(requirement, "a form without a boundary in its media type", whole, "multipart/form-data")
        yield self._raw(requirement, "a form with another boundary in its media type", whole, f"{media_type}-other")
        yield self._raw(requirement, "a form that is cut within the prompt", whole[: whole.index(b"made")], media_type)
        after = whole[: whole.index(b"x_openvideos_unknown")]
        yield self._raw(requirement, "a form that is cut after the prompt", after, media_type)
        yield self._raw(requirement, "a form that is cut before its end", whole.removesuffix(end), media_type)

    def media_types(self) -> Iterator[Case]:
        as_json = json.dumps(self._target.choice(prompt=self._prompt)).encode()
        as_xml = f"<video><prompt>{self._prompt}</prompt></video>".encode()
        bodies = {"text/plain": as_json, "application/octet-stream": as_json, "application/xml": as_xml}
        for media_type, body in bodies.items():
            what = f"a body of the media type {media_type}"
            yield self._raw("VID-VALID-010", what, body, media_type, BAD_INPUT | _UNSUPPORTED)

    def no_body(self) -> Iterator[Case]:
        statuses = BAD_INPUT | _UNSUPPORTED
        yield Case(requirement="VID-VALID-012", what="no body", options={}, statuses=statuses)
        for media_type in ("application/json", f"multipart/form-data; boundary={BOUNDARY}"):
            yield self._raw("VID-VALID-012", f"no body, of the media type {media_type}", b"", media_type, statuses)

    @staticmethod
    def _raw(requirement: str, what: str, body: bytes, media_type: str, statuses: frozenset[int] = BAD_INPUT) -> Case:
        options = {"content": body, "headers": {"content-type": media_type}}
        return Case(requirement=requirement, what=what, options=options, statuses=statuses)


def _lists(contract: Contract) -> Iterator[Case]:
    limit = contract.parameter("list_videos", "limit")
    orders = invalid_values(contract, "#/components/schemas/ListOrder", ["newest"])
    wrong = [("VID-LIST-012", "limit", limit["minimum"] - 1), ("VID-LIST-012", "limit", limit["maximum"] + 1)]
    wrong += [("VID-LIST-012", "limit", "10".translate(_ARABIC))]
    wrong += [("VID-LIST-013", "order", order) for order in orders]
    for requirement, name, value in wrong:
        yield Case(
            requirement=requirement,
            what=f"a list with {name}={value}",
            options={"query": {name: value}},
            wrong=frozenset({name}),
            method="GET",
        )
