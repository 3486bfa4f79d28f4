"""Read the rows of a batch from CSV or JSON Lines; whatever is wrong is told by its line before a job is started."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, cast

from attrs import field, frozen
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .. import BatchError
from .._doctor.contract import URI, contract

TEXTS: Final = ("prompt", "model", "size", "seconds", "negative_prompt")
NUMBERS: Final = ("seed", "fps", "num_frames")
SENT: Final = (*TEXTS, *NUMBERS, "input_reference")
"""The columns that a create sends. `name` names the file, and any other column is handed through to the result."""
RESULTS: Final = frozenset(
    {"line", "state", "video_id", "attempt", "code", "message", "candidates", "file", "bytes", "sha256", "thumbnail"}
)
"""What a result tells of itself, so that no column may be called so."""
URLS: Final = ("http://", "https://", "data:")
NAME: Final = re.compile(r"[^\W_][\w. ()+,=@-]{0,99}(?<![. ])")
LONGEST_NAME: Final = 200
"""The most bytes of a name: folders take 255, of which a suffix and what marks a part of a file have some."""
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows gives to devices."""
LONGEST_FIELD: Final = 1 << 20
"""The most characters of a field of CSV: more than any server takes for a prompt."""
DIGEST_LENGTH: Final = 16
KINDS: Final = {"string": "a text", "integer": "a whole number"}
LIMITS: Final = {
    "minLength": ("at least", " characters long"),
    "maxLength": ("at most", " characters long"),
    "minimum": ("at least", ""),
    "maximum": ("at most", ""),
}
"""What the contract's limits are called in a message."""
SHOWN: Final = 40
MOST_NAMED: Final = 10
"""How many lines are named that are wrong besides the first one."""


@frozen
class Row:
    """A row of the file: what its create sends, and what is handed through."""

    line: int
    """Where it begins in its file, from 1."""
    name: str
    """What its files are named by: the column `name`, or a digest of what is sent."""
    digest: str
    """A digest of what is sent, with the content of a picture."""
    sent: Mapping[str, Any] = field(repr=False)
    extra: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)

    @property
    def seconds(self) -> int | None:
        """The duration that is asked for, in seconds; None if the server chooses it."""
        return int(self.sent["seconds"]) if "seconds" in self.sent else None


def read_rows(path: Path) -> list[Row]:
    """Read all rows of a file: `.csv`, or JSON Lines in `.jsonl` or `.ndjson`.

    Raises:
        BatchError: The file cannot be read, or a row is malformed; the message names the file and the line.
    """
    values = _values(path)
    pictures: dict[Path, str] = {}
    rows: list[Row] = []
    copies: Counter[str] = Counter()
    lines: dict[str, int] = {}
    wrong: dict[int, str] = {}
    broken: BatchError | None = None
    try:
        for line, value in values:
            try:
                row = _row(line, value, path.parent, pictures, copies)
            except ValueError as error:
                wrong[line] = str(error)
                continue
            before = lines.setdefault(row.name.casefold(), line)
            if before != line:
                wrong[line] = f"the name {row.name!r} is that of line {before}, too; rename one."
            rows.append(row)
    except BatchError as error:  # what comes after it cannot be read
        broken = error
    if broken is not None and not wrong:
        raise broken
    if wrong:
        raise BatchError(_told(path, wrong))
    if not rows:
        raise BatchError(f"{path} has no row; give each video a row with a prompt.")
    return rows


def _values(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return the rows of a file as it has them, with their lines."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BatchError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BatchError(f"{path}:{line} is not UTF-8; convert the file.") from None
    kind = path.suffix.lower()
    if kind not in {".csv", ".jsonl", ".ndjson"}:
        raise BatchError(f"{path} is no .csv, .jsonl or .ndjson; rename the file by what it is.")
    return _csv(path, text) if kind == ".csv" else _json_lines(path, text)


def _told(path: Path, wrong: Mapping[int, str]) -> str:
    """Return what is wrong with the first line, and which others are wrong, too."""
    (first, said), *others = wrong.items()
    named = ", ".join(str(line) for line, _ in others[:MOST_NAMED])
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    also = f" Wrong as well, by line: {named}{more}." if others else ""
    return f"{path}:{first}: {said}{also}"


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(LONGEST_FIELD)
    # Lines end as csv sees them; str.splitlines would also end them at characters that a prompt may have.
    reader = csv.reader(re.split(r"(?<=\n)", text), strict=True)
    line = 1
    try:
        header = [each.strip() for each in next(reader, list[str]())]
        if "prompt" not in header:
            raise BatchError(
                f"{path}:1: there is no column prompt; the first line names the columns, and has {_shown(header)}."
            )
        doubled = [each for each, count in Counter(header).items() if count > 1]
        if doubled:
            raise BatchError(f"{path}:1: the column {doubled[0]!r} is there twice; rename one.")
        line = reader.line_num + 1
        for values in reader:
            if values and len(values) != len(header):
                raise BatchError(
                    f"{path}:{line}: there are {len(values)} fields for {len(header)} columns; "
                    "write a field with a comma or a line break in double quotes."
                )
            if values:
                yield line, {name: value for name, value in zip(header, values, strict=True) if value != ""}
            line = reader.line_num + 1
    except csv.Error as error:
        raise BatchError(f"{path}:{line} is no CSV: {error}.") from None


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, words in enumerate(text.split("\n"), start=1):
        if not words.strip():
            continue
        try:
            value = json.loads(words, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise BatchError(f"{path}:{line} is no JSON: {error}.") from None
        if not isinstance(value, dict):
            raise BatchError(f"{path}:{line} is no JSON object; write one in each line.")
        yield line, {name: each for name, each in cast("dict[str, Any]", value).items() if each is not None}


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in pairs:
        if name in known:
            raise ValueError(f"the field {name!r} is there twice")
        known[name] = value
    return known


def _row(line: int, value: dict[str, Any], folder: Path, pictures: dict[Path, str], copies: Counter[str]) -> Row:
    """Return a row.

    Raises:
        ValueError: It is malformed; the message says how.
    """
    sent: dict[str, Any] = {name: _sent(name, value[name]) for name in SENT if name in value}
    if not str(sent.get("prompt", "")).strip():
        raise ValueError("there is no prompt; say what the video shall show.")
    hashed = dict(sent)
    if "input_reference" in sent:
        sent["input_reference"], hashed["input_reference"] = _picture(sent["input_reference"], folder, pictures)
    if "seconds" in sent and "num_frames" in sent:
        raise ValueError("seconds and num_frames are both given; leave one out.")
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    copies[digest] += 1
    name = value.get("name")
    if name is None:
        # Equal rows are several videos, each with a name of its own.
        name = digest[:DIGEST_LENGTH] + (f"-{copies[digest]}" if copies[digest] > 1 else "")
    elif isinstance(name, str) and DEVICES.fullmatch(name):
        raise ValueError(f"name is {_shown(name)}, which Windows takes for a device; choose another.")
    elif not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise ValueError(
            f"name is {_shown(name)}; a name of a file has up to 100 letters, digits and .-_ ()+,=@, begins with a "
            "letter or a digit, and does not end with a dot."
        )
    elif len(name.encode()) > LONGEST_NAME:
        raise ValueError(
            f"name is {_shown(name)}, which has {len(name.encode())} bytes; a name has up to {LONGEST_NAME}."
        )
    taken = next((key for key in value if key in RESULTS), None)
    if taken is not None:
        raise ValueError(f"the column {taken!r} is one of the result's own; rename it.")
    extra = {key: each for key, each in value.items() if key not in {*SENT, "name"}}
    return Row(line, name, digest, sent, extra)


def _sent(name: str, value: Any) -> Any:
    """Return a value as a create sends it."""
    if name == "input_reference":
        if not isinstance(value, str):
            raise ValueError(f"input_reference is {_shown(value)}; give a path or a URL.")
        return value
    if name == "seconds" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if name in NUMBERS and isinstance(value, str):
        if not value.strip().isascii() or not value.strip().isdigit():
            raise ValueError(f"{name} is {_shown(value)}; it must be a whole number.")
        value = int(value)
    # Rows have their settings in common, and prompts of their own.
    is_common = name != "prompt" and isinstance(value, (str, int))
    wanted = _broken_before(name, value) if is_common else _broken(name, value)
    if wanted is not None:
        raise ValueError(f"{name} is {_shown(value)}; it must be {wanted}.")
    return value


def _broken(name: str, value: Any) -> str | None:
    """Return what the contract wants of a value that breaks it, in words."""
    problem = next(iter(_validator(name).iter_errors(value)), None)
    if problem is None:
        return None
    schema: dict[str, Any] = problem.schema
    if problem.validator == "type":
        return KINDS.get(schema["type"], str(schema["type"]))
    if schema.get("examples"):
        return f"like {schema['examples'][0]!r}"
    words, unit = LIMITS[problem.validator]
    return f"{words} {schema[problem.validator]}{unit}"


_broken_before: Final = lru_cache(1024, typed=True)(_broken)
"""The same, once for each value: it takes most of the time of reading a file."""


@cache
def _validator(name: str) -> Any:
    registry: Registry[Any] = Registry()
    registry = registry.with_resource(URI, DRAFT202012.create_resource(contract()))
    rooted = {"$ref": f"{URI}#/components/schemas/CreateVideoJson/properties/{name}"}
    return cast("Any", Draft202012Validator(rooted, registry=registry))  # its types are partly unknown


def _picture(text: str, folder: Path, pictures: dict[Path, str]) -> tuple[str, str]:
    """Return where a picture is, and what stands for its content in a digest."""
    if text.startswith(URLS):
        return text, text
    path = (folder / text).absolute()
    if path not in pictures:
        try:
            pictures[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ValueError(f"the picture {text!r} cannot be read: {reason}.") from None
    return str(path), pictures[path]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
