"""Check the responses to requests that are generated from the contract, once per run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .._core.outcomes import Finding, NotReachedError, ViolationError
from .._fuzz.findings import MAPPED
from .._pytest.marker import Check, Phase

if TYPE_CHECKING:
    from .._fuzz.engine import Fuzzed


def _checks(requirement: str) -> pytest.MarkDecorator:
    return pytest.mark.openvideos_check(Check(requirement, Phase.FUZZ, ("json",), "fuzz", None))


@pytest.mark.parametrize("requirement", [pytest.param(each, id=each, marks=_checks(each)) for each in MAPPED])
def test_generated_requests_keep(requirement: str, fuzzed: Fuzzed) -> None:
    failures = fuzzed.failures.get(requirement, [])
    if failures:
        raise ViolationError.of(
            [
                Finding(
                    f"{each.exchange.method} {each.exchange.target[:120]}: {each.message}",
                    (each.exchange,),
                    each.statuses,
                )
                for each in failures
            ]
        )
    if not fuzzed.tested[requirement]:
        raise NotReachedError("no generated request exercised it")
