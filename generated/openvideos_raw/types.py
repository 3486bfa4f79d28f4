"""Contains some shared types for properties"""

import io
import json
import re
import types
import typing
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from pathlib import PurePath
from typing import IO, Any, BinaryIO, ClassVar, Generic, Literal, Self, TypeVar
from urllib.parse import quote

from attrs import define, field

from .errors import MalformedModel


class Unset:
    """The type of UNSET. Its one instance stays that when it is copied or pickled."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()

# The types that `httpx.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes)), without a file name for a plain field
    tuple[str | None, FileContent]
    # (filename, file (or bytes), content_type)
    | tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx will accept for multipart/form-data"""
        name = self.file_name or PurePath(str(getattr(self.payload, "name", ""))).name or "upload"
        return name, self.payload, self.mime_type


T = TypeVar("T")

_LONGEST_REPR = 300
"""The most characters of a value that a repr or a notebook shows."""


def shortened(value: object) -> str:
    """Return a value's repr, or its beginning when it is long."""
    text = repr(value[:_LONGEST_REPR] if isinstance(value, bytes) else value)
    if isinstance(value, bytes) and len(value) > _LONGEST_REPR:
        return f"{text}… ({len(value)} bytes)"
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…"


@define
class Response(Generic[T]):
    """A response from an endpoint"""

    status_code: int
    content: bytes = field(repr=shortened)
    headers: MutableMapping[str, str] = field(repr=shortened)
    parsed: T | None = field(repr=shortened)


class JsonObject:
    """What can be written as JSON: all that it needs is `to_dict`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the object as the API's JSON."""
        raise NotImplementedError

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return `to_dict()` as the text of JSON, with `indent` blanks per level; None: on one line."""
        return json_text(self.to_dict(), indent)

    def model_dump(
        self,
        *,
        mode: Literal["json", "python"] = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_unset: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the object as a dictionary, as pydantic's method of this name does.

        Args:
            mode: "json" or "python", which are the same here: all values are those of JSON.
            include: The keys to return; by default all.
            exclude: The keys to leave out.
            exclude_unset: Leave out what the server did not send, as `to_dict` does; otherwise it is None.
            exclude_none: Leave out what is None, in nested objects too.
        """
        if mode not in ("json", "python"):
            raise ValueError(f"mode is {mode!r}; it is 'json' or 'python'")
        whole = self.to_dict() if exclude_unset else self._to_full_dict()
        kept = {
            key: value
            for key, value in whole.items()
            if (include is None or key in include) and (exclude is None or key not in exclude)
        }
        return without_nulls(kept) if exclude_none else kept

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_unset: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """Return `model_dump()` as the text of JSON, by default on one line."""
        dumped = self.model_dump(
            include=include, exclude=exclude, exclude_unset=exclude_unset, exclude_none=exclude_none
        )
        return json_text(dumped, indent)

    def _to_full_dict(self) -> dict[str, Any]:
        """Return `to_dict()`, with None for each known key that is not in it."""
        return self.to_dict()


@define
class ApiObject(JsonObject):
    """The base of the models: an object of the API, which is a mapping of its keys too.

    Its keys are those that the server sent, and those that have a value.
    """

    _KEYS: ClassVar[dict[str, str]] = {}
    """The JSON key of each attribute."""

    _REQUIRED: ClassVar[frozenset[str]] = frozenset()
    """The JSON keys that an object has though they are null, if it was not read from JSON."""

    _CONSTANTS: ClassVar[frozenset[str]] = frozenset()
    """The JSON keys whose attribute has a value though the JSON has none."""

    _request_id: str | None = field(default=None, init=False, eq=False, repr=False)
    """The server's name for the exchange that this came with (`x-request-id`), for a report of a problem."""

    _sent: tuple[str, ...] | None = field(default=None, init=False, eq=False, repr=False)
    """The keys of the JSON that this was read from, if it was."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the object as the API's JSON: what `from_dict` read, nulls and unknown keys too."""
        return self._dumped(absent=False)

    def _to_full_dict(self) -> dict[str, Any]:
        return self._dumped(absent=True)

    def _dumped(self, *, absent: bool) -> dict[str, Any]:
        dumped = {key: _to_json(value, absent=absent) for key, value in self._fields(absent=absent)}
        return dumped | self._others()

    def _fields(self, *, absent: bool) -> Iterator[tuple[str, Any]]:
        """Yield the keys that the contract knows, with their values; those that are absent only if asked for."""
        sent = frozenset(self._REQUIRED if self._sent is None else self._sent)
        added = frozenset[str]() if self._sent is None else self._CONSTANTS - sent
        for name, key in self._KEYS.items():
            value = getattr(self, name)
            if absent or key in sent or not (value is None or value is UNSET or key in added):
                yield key, None if value is UNSET else value

    def _parts(self) -> "RequestFiles":
        """Return the object as the parts of a form; what is None is left out."""
        fields = [(key, getattr(self, name)) for name, key in self._KEYS.items()]
        return [part for key, value in [*fields, *self._others().items()] for part in form_parts(key, value)]

    def _others(self) -> dict[str, Any]:
        """Return what no attribute holds: it is what was sent, also where an attribute has another value."""
        others: dict[str, Any] = getattr(self, "additional_properties", {})
        return others

    @property
    def additional_keys(self) -> list[str]:
        return list(self._others())

    def _mapping(self) -> dict[str, Any]:
        return dict(self._fields(absent=False)) | self._others()

    def keys(self) -> KeysView[str]:
        """Return the keys of `to_dict()`."""
        return self._mapping().keys()

    def values(self) -> ValuesView[Any]:
        """Return the values of these keys; what is an object of its own is one of these classes."""
        return self._mapping().values()

    def items(self) -> ItemsView[str, Any]:
        """Return the keys with their values."""
        return self._mapping().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default if the object does not have it."""
        return self._mapping().get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping())

    def __len__(self) -> int:
        return len(self._mapping())

    def __bool__(self) -> Literal[True]:
        return True

    def __contains__(self, key: object) -> bool:
        return key in self._mapping()

    def __getitem__(self, key: str) -> Any:
        return self._mapping()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        for name, known in self._KEYS.items():
            if key == known:
                self._others().pop(key, None)
                return setattr(self, name, value)
        if not hasattr(self, "additional_properties"):
            raise KeyError(f"a {type(self).__name__} has no key {key!r}")
        self._others()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._others()[key]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic, and so FastAPI, read this class from JSON, write it, and describe it.

        The values are those that `from_dict` takes; the types of the fields serve the description alone.
        """
        from pydantic_core import core_schema

        from . import models

        hints = typing.get_type_hints(cls, localns=vars(models))
        required = cls._REQUIRED
        shape = core_schema.typed_dict_schema(
            {
                key: core_schema.typed_dict_field(
                    handler.generate_schema(_described(hints[name])), required=key in required
                )
                for name, key in cls._KEYS.items()
            },
            cls=cls,
            extra_behavior="allow" if "additional_properties" in hints else "forbid",
        )
        return core_schema.no_info_wrap_validator_function(
            lambda value, _: cls._validated(value),
            shape,
            ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
            serialization=core_schema.plain_serializer_function_ser_schema(cls.to_dict),
        )

    @classmethod
    def _validated(cls, value: object) -> Self:
        """Return an object of this class, or one read from a mapping. Raises ValueError, as pydantic asks for."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"a {cls.__name__} is an object of JSON, not a {type(value).__name__}")
        # What says by its `object` what it is was made by a server, and servers leave out what they do not know.
        return cls._from_server(value, ("id", "status")) if cls._CONSTANTS == {"object"} else cls.from_dict(value)

    @classmethod
    def _from_server(cls, source: Mapping[str, Any], needs: Collection[str]) -> Self:
        """Read a JSON object as `from_dict` does, but strict about these keys alone.

        The attribute of another key that is null, missing or of another type is None; its value is kept as it is.
        """
        sound: Mapping[str, Any] = source
        odd: dict[str, Iterator[Any]] = {}
        while True:
            try:
                result = cls.from_dict(sound)
                break
            except MalformedModel as error:
                if error.model != cls.__name__ or error.key in needs:
                    raise
                sound = {**sound, error.key: next(odd.setdefault(error.key, iter(_STAND_INS)))}
        if odd:
            result._sent = tuple(source)  # so that `to_dict` has no stand-in
        for key in odd:
            setattr(result, key, None)
            if source.get(key) is not None:
                result._others()[key] = source[key]
        return result

    def _repr_html_(self) -> str:
        """Show the object in a notebook as a table of what the contract knows; a URL without its query."""
        rows = (f"<tr><th>{_to_html(key)}</th><td>{_to_html(value)}</td></tr>" for key, value in self._shown())
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"

    def _shown(self) -> Iterator[tuple[str, Any]]:
        return ((key, value) for key, value in self._fields(absent=False) if value is not None)


# `from_dict` takes one of these where a key that must be there is not right.
_STAND_INS: tuple[Any, ...] = ("", 0, False, [], {})

# It is one, and FastAPI takes a parameter for the body of a request where its type is a mapping. To be registered costs
# less at import than an abstract base class.
Mapping.register(ApiObject)  # pyright: ignore[reportAttributeAccessIssue] # typeshed has it as a protocol


def _described(hint: Any) -> Any:
    """Return the type of a field as JSON has it: without UNSET, and with the bytes of a file."""
    options = [option for option in typing.get_args(hint) if option is not Unset]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.Union[tuple(map(_described, options))]
    return bytes if hint is File else hint


def _to_json(value: Any, *, absent: bool) -> Any:
    """Return the value of a field as JSON."""
    if isinstance(value, ApiObject):
        return value._dumped(absent=absent)
    if isinstance(value, list):
        return [_to_json(item, absent=absent) for item in value]
    if isinstance(value, File):
        return value.to_tuple()
    return value if isinstance(value, (str, int, float, dict)) else _to_text(value)


def _to_text(value: Any) -> Any:
    """Return a date, a time or a UUID as text, anything else as it is."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if type(value).__name__ == "UUID" else value


def _to_html(value: Any) -> str:
    """Return a value as HTML, without what may be a secret in it: the user and the query of a URL."""
    if isinstance(value, ApiObject):
        return value._repr_html_()
    if isinstance(value, list):
        return f"{len(value)} of them"
    import html  # imported late, because few programs need it

    text = str(value)
    if "://" in text:
        text = re.sub(r"(?<=://)[^/?#\s]*@|[?#]\S*", "", text)
    return html.escape(text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…")


def json_text(value: Any, indent: int | None) -> str:
    """Return a value as JSON; a half of a surrogate pair, which no text can be sent with, is escaped."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text.encode("utf-8", "backslashreplace").decode()


def without_nulls(value: Any) -> Any:
    """Return a JSON value without the keys that are null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def take(source: Mapping[str, Any], key: str, kinds: tuple[Any, ...], model: str) -> Any:
    """Return the value of a required key of a JSON object.

    A kind is a type of Python's, a model, or a list of the kinds that the items of a list may have.

    Raises MalformedModel, naming the model and the key, when the key is missing or its value is of no kind in `kinds`.
    """
    if key not in source:
        raise MalformedModel(model, key, "is missing")
    try:
        return _read(source[key], kinds)
    except TypeError as problem:
        raise MalformedModel(model, key, str(problem)) from None


def given(rest: dict[str, Any], key: str, value: Any, kinds: tuple[Any, ...], absent: Any) -> Any:
    """Return the value of an optional key, or `absent` when it is null.

    A value of no kind in `kinds` goes back to the rest of its JSON object, and counts as absent: no attribute could hold
    it.
    """
    if value is None:
        return absent
    try:
        return _read(value, kinds)
    except (TypeError, MalformedModel):
        rest[key] = value
        return absent


def refuse(source: dict[str, Any], model: str) -> None:
    """Raise MalformedModel, naming a key, when a JSON object has keys left and its model has no place for them."""
    for key in source:
        raise MalformedModel(model, key, "is unknown, or of another type")


def _read(value: Any, kinds: tuple[Any, ...]) -> Any:
    """Return a JSON value as the first kind that it is of. Raises TypeError or MalformedModel if it is of none."""
    if type(value) in kinds or (value is None and None in kinds):
        return value
    problem: Exception | None = None
    for kind in [kind for kind in kinds if kind is not None]:
        if isinstance(kind, list):
            if isinstance(value, list):
                return _read_items(value, tuple(kind))
        elif kind is object:  # the contract says nothing of it
            return value
        elif issubclass(kind, ApiObject):
            if isinstance(value, Mapping):
                try:
                    return kind.from_dict(value)
                except MalformedModel as error:
                    problem = error
        elif isinstance(value, kind) and not isinstance(value, bool):
            return value
        elif kind is File and isinstance(value, bytes):
            return File(io.BytesIO(value))
        elif isinstance(value, str) and (reader := _reader(kind)):
            try:
                return reader(value)
            except ValueError as error:
                problem = TypeError(f"is no {_name(kind)}: {error}")
    raise problem or TypeError(f"is of the type {type(value).__name__}, not {_name(kinds[0])}")


def _reader(kind: Any) -> Any:
    """Return what reads a date, a time or a UUID from text; None for another kind."""
    return getattr(kind, "fromisoformat", kind if _name(kind) == "UUID" else None)


def _read_items(items: list[Any], kinds: tuple[Any, ...]) -> list[Any]:
    try:
        return [_read(item, kinds) for item in items]
    except TypeError as problem:
        raise TypeError(f"has an item that {problem}") from None


def _name(kind: Any) -> str:
    """Return the name of a kind in JSON, as Python has it."""
    return "list" if isinstance(kind, list) else "dict" if issubclass(kind, ApiObject) else str(kind.__name__)


def path_segment(value: object, name: str) -> str:
    """Return a value escaped as one segment of a path. Raises ValueError, naming it, for one that cannot be an id."""
    text = _to_text(value)
    if not isinstance(text, (str, int, float)) or text in ("", ".", ".."):
        raise ValueError(f"{name} is {value!r}, which would lead to another path; give an id that the server sent")
    return quote(plain_text(text), safe="")


def plain_text(value: Any) -> str:
    """Return a value as the text of a path, a header, a cookie or a form's field: JSON where it is no text by itself."""
    text = _to_text(value)
    return text if isinstance(text, str) else json.dumps(text)


def as_json(value: Any) -> Any:
    """Return what a caller passed as JSON; UNSET stays what it is."""
    return _to_json(value, absent=False)


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return headers or cookies as text, without those that are None or UNSET."""
    return {name: plain_text(value) for name, value in values.items() if value is not None and value is not UNSET}


def form_parts(name: str, value: Any) -> RequestFiles:
    """Return a field of a form as its parts: one for each item of a list, none for what is None or UNSET."""
    if value is None or value is UNSET:
        return []
    if isinstance(value, list):
        return [part for item in value for part in form_parts(name, item)]
    if isinstance(value, File):
        return [(name, value.to_tuple())]
    if isinstance(value, ApiObject):
        return [(name, (None, json.dumps(value.to_dict()).encode(), "application/json"))]
    return [(name, (None, plain_text(value).encode()))]


__all__ = [
    "UNSET",
    "ApiObject",
    "File",
    "FileTypes",
    "JsonObject",
    "RequestFiles",
    "Response",
    "Unset",
    "as_json",
    "as_texts",
    "form_parts",
    "given",
    "path_segment",
    "plain_text",
    "refuse",
    "take",
]
