"""Read the profiles of the contract, and derive the verdict of a run on each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from .catalogue import CORE, Level, capabilities, catalogue
from .contract import contract
from .exchange import json_array, json_object
from .operations import OPERATIONS, capability_of
from .outcomes import BOUND_REACHED
from .verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .catalogue import Requirement
    from .verdicts import Result

CONDITIONS: Final = frozenset({"authentication", "failing", "tenants"})
"""Capabilities that say what a run can judge, not what a server offers; so every profile has their requirements."""

NEED_OPTIONS: Final = CONDITIONS | {"webhooks"}
"""Capabilities that cannot be judged without an option, even if they are declared."""


class ProfileVerdict(StrEnum):
    """The verdict of a run on a profile."""

    MET = "met"
    NOT_MET = "not met"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileResult:
    """The verdict on one profile: the ids of the MUST that failed, or the reason why it was not judged."""

    name: str
    revision: str
    verdict: ProfileVerdict
    failed: tuple[str, ...] = ()
    reason: str = ""

    @property
    def title(self) -> str:
        """The name and the month of the revision, such as `Core 2026-12`."""
        return f"{self.name.capitalize()} {self.revision.rpartition('-')[0]}"

    @property
    def line(self) -> str:
        """The verdict as reports show it, such as `Core 2026-12: met`."""
        if self.verdict is ProfileVerdict.NOT_MET:
            return f"{self.title}: {len(self.failed)} MUST {'fails' if len(self.failed) == 1 else 'fail'}"
        return f"{self.title}: {self.verdict}" + (f": {self.reason}" if self.reason else "")


def profiles() -> tuple[str, ...]:
    """Return the names of the profiles, the smallest first."""
    return tuple(_document())


def operations_of(profile: str) -> tuple[str, ...]:
    """Return the operations of a profile and of those that it includes."""
    return tuple(name for each in _chain(profile) for name in each["operations"])


def promised(profile: str) -> frozenset[str]:
    """Return the capabilities of a server that offers a profile."""
    named = {name for each in _chain(profile) for name in each["capabilities"]}
    return frozenset({CORE, *named, *map(capability_of, operations_of(profile))})


def beyond(profile: str) -> frozenset[str]:
    """Return the capabilities that are not judged where a profile is."""
    return frozenset(capabilities()) - promised(profile) - CONDITIONS


def requirements_of(profile: str) -> list[Requirement]:
    """Return the requirements that a server must meet for a profile, in the catalogue's order."""
    left_out = beyond(profile)
    return [each for each in catalogue().values() if each.capability not in left_out]


def claims(account: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each profile and extension of a server's account of itself, with each capability that it promises."""
    for claim in json_array(account.get("profiles")):
        if claim in profiles():
            yield from ((claim, each) for each in sorted(promised(claim)))
    for claim in json_array(account.get("extensions")):
        yield from ((claim, each) for each in capabilities() if each == claim)
        if isinstance(claim, str) and claim in OPERATIONS:
            yield claim, capability_of(claim)


def claimed(account: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the capabilities that a server claims; None if it names no profile that the contract has."""
    if not any(name in profiles() for name in json_array(account.get("profiles"))):
        return None
    return frozenset(capability for _, capability in claims(account))


def judge_profiles(
    results: Iterable[Result], *, revision: str, within: str | None = None, problem: str = ""
) -> tuple[ProfileResult, ...]:
    """Return the verdict on each profile.

    A profile is judged if each of its operations and capabilities was: an operation by the requirement that its
    response fits, a capability by any. It is met if no MUST of it failed, whether the failure was expected or not.
    `within` is the profile that the run is limited to; `problem` says why the run has no verdict.
    """
    by_id = {result.requirement.id: result for result in results}
    found: list[ProfileResult] = []
    for name in profiles():
        reason = problem or next(_reasons(name, by_id, within), "")
        must = [by_id[each.id] for each in requirements_of(name) if each.level is Level.MUST and each.id in by_id]
        failed = tuple(each.requirement.id for each in must if each.verdict is Verdict.FAIL)
        verdict = ProfileVerdict.NOT_MET if failed else ProfileVerdict.MET
        if reason:
            verdict = ProfileVerdict.NOT_JUDGED
        found.append(ProfileResult(name=name, revision=revision, verdict=verdict, failed=failed, reason=reason))
    return tuple(found)


_JUDGED: Final = (Verdict.PASS, Verdict.FAIL, Verdict.WARN)


def _reasons(name: str, by_id: Mapping[str, Result], within: str | None) -> Iterator[str]:
    """Yield why a profile was not judged, the most telling reason first; nothing if it was."""
    if within is not None and name not in _names(within):
        yield f"the run judges the profile {within}"
    required = requirements_of(name)
    if any(each.id not in by_id for each in required):
        yield "the run judged only some requirements"
        return
    yield from (f"the suite itself failed in {each.id}" for each in required if by_id[each.id].verdict is Verdict.ERROR)
    unsent = [by_id[each.id] for each in required if each.level is Level.MUST and _was_beyond_bound(by_id[each.id])]
    if unsent:
        yield f"{len(unsent)} MUST were not exercised: {unsent[0].message}"
    missing: list[str] = []
    unexercised: list[str] = []
    for capability in [each for each in capabilities() if each in promised(name)]:
        group = [by_id[each.id] for each in required if each.capability == capability]
        if any(each.verdict in _JUDGED for each in group):
            continue
        if all(each.verdict is Verdict.UNSUPPORTED for each in group) and capability not in NEED_OPTIONS:
            missing.append(capability)
        else:
            unexercised.append(f"{capability} was not exercised: {group[0].message}")
    if missing:
        yield f"{_and(missing)} {'is' if len(missing) == 1 else 'are'} not offered"
    yield from unexercised
    for operation in operations_of(name):
        result = by_id[OPERATIONS[operation].requirement]
        if result.verdict not in _JUDGED:
            yield f"{operation} was not exercised: {result.message}"


def _was_beyond_bound(result: Result) -> bool:
    """Tell whether a requirement was not exercised since the run may start no more videos."""
    return result.verdict is Verdict.NOT_REACHED and result.message.startswith(BOUND_REACHED)


def _and(words: Sequence[str]) -> str:
    return " and ".join([*filter(None, [", ".join(words[:-1])]), words[-1]])


def _document() -> Mapping[str, dict[str, Any]]:
    return json_object(contract().document["x-profiles"])


def _names(profile: str) -> list[str]:
    """Return the name of a profile, and those of the profiles that it includes."""
    names: list[str] = []
    name: str | None = profile
    while name is not None:
        names.append(name)
        name = _document()[name].get("includes")
    return names


def _chain(profile: str) -> list[dict[str, Any]]:
    return [_document()[name] for name in _names(profile)[::-1]]
