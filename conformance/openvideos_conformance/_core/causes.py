"""Group the failures of a run by what they have in common, so that one change of the server mends a group. Pure.

Nothing is guessed: two failures have one cause only if their evidence shows the same deviation. That is a response that
alone explains a failure (none at all, a server error, an operation that is not there), a refusal or an acceptance where
the contract has the opposite, or a flaw of a body that the requirement is about. Any other failure is its own cause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .catalogue import CLIENT, Harm
from .contract import contract
from .exchange import json_array, json_object
from .sanitize import one_line
from .verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from .verdicts import Observation, Result

_HARMS: Final = tuple(Harm)
_UNAUTHORIZED: Final = 401
_BAD: Final = 400
_SERVER_ERROR: Final = 500
_ABSENT: Final = frozenset({405, 501})
_LONGEST: Final = 300
_SHOWN_BODY: Final = 100
_SHOWN_OPERATIONS: Final = 3
_VARIES: Final = re.compile(r"'[^']*'|\"[^\"]*\"(?!\s*:)|[\w./+-]*\d[\w./+-]*")
"""What differs between two messages about one thing: what was quoted, and what has a digit. Keys of objects do not."""
_WALK: Final = frozenset({"has_more", "last_id"})
"""The fields of a page by which a walk goes on, and ends."""
_PATH: Final = re.compile(r"(?:\$(?:\.\w+|\[\d+\])*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What failures have in common: what was seen, what was expected, and the requirements, the worst first."""

    harm: Harm
    seen: str
    expected: str
    requirements: tuple[str, ...]
    is_failure: bool
    """Whether one of the requirements makes the run fail; a cause of warnings alone does not."""


class _Deviation(NamedTuple):
    key: Hashable
    seen: str
    operation: str = ""
    """The operation whose response `seen` describes; empty if `seen` is a sentence of its own."""


class _Flaw(NamedTuple):
    place: str
    """The path of the value; of a field that is missing, the path of its object."""
    field: str
    text: str
    is_missing: bool


def causes(results: Iterable[Result]) -> list[Cause]:
    """Return the causes of the failures and warnings of a run: those that fail the run first, then by harm and size."""
    failed = [each for each in results if each.counts or (each.verdict is Verdict.WARN and each.expected is None)]
    groups: dict[Hashable, list[tuple[Result, _Deviation]]] = {}
    for result in failed:
        for deviation in _deviations(result):
            groups.setdefault(deviation.key, []).append((result, deviation))
    found = [_cause(group) for group in groups.values()]
    return sorted(found, key=lambda each: (not each.is_failure, _HARMS.index(each.harm), -len(each.requirements)))


def shape(text: str) -> str:
    """Return a message without what varies between two that say the same: quoted texts, numbers and ids."""
    return _VARIES.sub("…", one_line(text))


def _cause(group: Sequence[tuple[Result, _Deviation]]) -> Cause:
    """Return the cause of a group, whose results are in the catalogue's order: there, the plainest comes first."""
    plainest, deviation = min(group, key=lambda pair: not pair[0].counts)
    ranked = sorted((result for result, _ in group), key=lambda each: (not each.counts, _HARMS.index(_harm(each))))
    where = _listed(each.operation for _, each in group if each.operation)
    return Cause(
        harm=_harm(ranked[0]),
        seen=_cut(f"{where} → {deviation.seen}" if deviation.operation else deviation.seen),
        expected=plainest.requirement.statement,
        requirements=tuple(dict.fromkeys(each.requirement.id for each in ranked)),
        is_failure=plainest.counts,
    )


def _harm(result: Result) -> Harm:
    return Harm.FORM if result.is_stale else result.requirement.harm


def _deviations(result: Result) -> Iterator[_Deviation]:
    if result.is_stale:
        seen = "it passes, and its failure is expected: remove it from the expected failures"
        yield _Deviation(("stale", result.requirement.id), seen)
        return
    for observation in result.observations:
        if observation.outcome is Outcome.VIOLATED:
            for finding in _findings(observation):
                yield from _of_finding(result, finding)


def _findings(observation: Observation) -> Iterator[Mapping[str, Any]]:
    """Yield the findings of a check that have exchanges, and the first in any case."""
    first = {"message": observation.message, "exchanges": observation.evidence, "statuses": observation.statuses}
    yield first
    yield from (each for each in observation.more if each["exchanges"])


def _of_finding(result: Result, finding: Mapping[str, Any]) -> list[_Deviation]:
    requirement, message = result.requirement, str(finding["message"])
    exchanges = [json_object(each) for each in finding["exchanges"]]
    found: list[_Deviation] = []
    if exchanges and requirement.capability != CLIENT:
        exchange = next(filter(_explains_itself, reversed(exchanges)), exchanges[-1])
        one = _by_response(exchange) or _by_status(exchange, frozenset(finding["statuses"]), message, requirement.id)
        found = [one] if one is not None else [*_by_flaws(exchange, f"{requirement.statement} {message}")]
    return found or [_Deviation(("requirement", requirement.id), message)]


def _by_response(exchange: Mapping[str, Any]) -> _Deviation | None:
    """Return the deviation of a response that alone explains a failure."""
    where, status, failure = _where(exchange), _status(exchange), _failure(exchange)
    if failure:
        return _Deviation(("failure", where, failure.partition(":")[0]), f"no complete response: {failure}", where)
    if not _explains_itself(exchange):
        return None
    key = ("absent", where) if status in _ABSENT else ("status", status, shape(_body(exchange))[:_SHOWN_BODY])
    return _Deviation(key, _response(exchange), where)


def _explains_itself(exchange: Mapping[str, Any]) -> bool:
    status = _status(exchange)
    is_absent = status in _ABSENT and exchange.get("operation") is not None
    return bool(_failure(exchange)) or is_absent or (status >= _SERVER_ERROR and status not in _ABSENT)


def _by_status(
    exchange: Mapping[str, Any], expected: frozenset[int], message: str, requirement: str
) -> _Deviation | None:
    """Return the deviation of a response whose status is not one of those that were expected."""
    where, status = _where(exchange), _status(exchange)
    if not expected or status in expected:
        return None
    if min(expected) < _BAD <= status:
        return _Deviation(("refused", where, status), _response(exchange), where)
    # A key is checked in one place for all operations.
    place = "" if expected == frozenset({_UNAUTHORIZED}) else where
    # What a server has to look at to refuse bad input, each requirement says.
    kind = min(expected) if len(expected) == 1 else requirement
    return _Deviation(("accepted" if status < _BAD else status, place, kind), message)


def _by_flaws(exchange: Mapping[str, Any], text: str) -> Iterator[_Deviation]:
    """Yield the deviations of a response whose body has flaws that a text is about."""
    flaws = [_flaw(str(each)) for each in json_array(exchange.get("flaws"))]
    words = set(re.findall(r"\w+", text))
    if "walk" in words:
        words |= _WALK
    is_about_all = bool(words & {"fit", "fits", "envelope"})
    schema = str(exchange.get("schema")).rpartition("/")[2]
    for found in flaws:
        if not is_about_all and found.field not in words:
            continue
        if not found.is_missing:
            key = ("flaw", schema, found.place, found.field, shape(found.text))
            yield _Deviation(key, f"{schema}: {found.text}", _where(exchange))
            continue
        # Fields that one object lacks are one cause: who wrote it did not write them.
        missing = [each.field for each in flaws if each.is_missing and each.place == found.place]
        place = found.place.removeprefix("$").removeprefix(".")
        seen = f"{schema} without {', '.join(missing)}" + (f" in {place}" if place else "")
        yield _Deviation(("missing", schema, found.place), seen, _where(exchange))


def _flaw(text: str) -> _Flaw:
    end = next(_PATH.finditer(text)).end()
    path, problem = text[:end], text[end:].removeprefix(": ").strip()
    place = re.sub(r"\[\d+\]", "[]", path)
    above, _, field = place.rpartition(".")
    is_missing = problem == "is missing"
    return _Flaw(above if is_missing else place, field, text, is_missing=is_missing)


def _where(exchange: Mapping[str, Any]) -> str:
    """Return the method of an exchange, and its path as the contract writes it, or else its URL."""
    known = {each.id: f"{each.method} {each.path}" for each in contract().operations}
    request = json_object(exchange.get("request"))
    return known.get(str(exchange.get("operation")), f"{request.get('method')} {request.get('url')}")


def _status(exchange: Mapping[str, Any]) -> int:
    return json_object(exchange.get("answer")).get("status") or 0


def _failure(exchange: Mapping[str, Any]) -> str:
    return str(json_object(exchange.get("answer")).get("failure") or "")


def _body(exchange: Mapping[str, Any]) -> str:
    return one_line(str(json_object(exchange.get("answer")).get("body") or ""))


def _response(exchange: Mapping[str, Any]) -> str:
    body = _body(exchange)
    return f"{_status(exchange)} {body[:_SHOWN_BODY]}{'…' if len(body) > _SHOWN_BODY else ''}".rstrip()


def _listed(operations: Iterable[str]) -> str:
    names = list(dict.fromkeys(operations))
    more = len(names) - _SHOWN_OPERATIONS
    return ", ".join(names[:_SHOWN_OPERATIONS]) + (f" and {more} more" if more > 0 else "")


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
