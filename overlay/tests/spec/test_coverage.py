"""The properties reach the whole contract: what they do not is listed with the reason, and a stale reason fails.

This runs the properties itself, few examples of each and the same ones every time, so that it judges a complete run
whatever else is selected, and on any worker.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from .clients import method_of
from .contract import OPERATIONS, WEBHOOKS
from .failures import ERRORS, REDIRECTS
from .properties import ANSWERS, EVENTS, REQUESTS, Case, check, quick

EXAMPLES = 3, 10, 60, 240
"""How many examples of a case are run: more, and then many, where something was not reached, as what is nested deep."""
REASONS: dict[str, str] = tomllib.loads(Path(__file__).with_name("not_exercised.toml").read_text("utf-8"))[
    "not_exercised"
]
ALL = {item for operation in [*OPERATIONS.values(), *WEBHOOKS.values()] for item in operation.items()}


def subjects(case: Case) -> list[str]:
    """Return what a case may reach of its operation, in the words of `Operation.items`."""
    own = str(case.detail).partition(" ")[0]
    return ["path", "query", "header", own] if case in REQUESTS else [own]


def reached() -> set[str]:
    """Return what the properties reach of the contract."""
    cases = [*REQUESTS, *ANSWERS, *ERRORS, *REDIRECTS, *EVENTS]
    found = set[str]()
    for examples in EXAMPLES:
        found = found.union(*(check(case, quick(examples)) for case in cases))
        # An item begins with its operation and what the case is about: a status, a media type, a place.
        lacking = {tuple(item.split()[:2]) for item in ALL - found - REASONS.keys()}
        cases = [case for case in cases if any((case.operation.id, word) in lacking for word in subjects(case))]
    return found


@pytest.mark.full
@pytest.mark.slow
def test_all_that_the_contract_says_is_reached_or_has_a_reason() -> None:
    found = reached()
    assert [] == sorted(ALL - found - REASONS.keys()), (
        "no property exercises these, and not_exercised.toml does not say why"
    )
    assert [] == sorted(REASONS.keys() & found), "not_exercised.toml has reasons for these, which are exercised"
    assert [] == sorted(found - ALL), "these were reached, and the contract does not have them"


def test_each_reason_is_for_something_that_the_contract_has() -> None:
    assert [] == sorted(REASONS.keys() - ALL)


def test_each_reason_is_a_sentence() -> None:
    assert [] == [reason for reason in REASONS.values() if len(reason.split()) < 5]


def test_each_operation_has_a_method_of_its_own() -> None:
    methods = [method_of(operation) for operation in OPERATIONS.values()]
    assert len(set(methods)) == len(OPERATIONS)
