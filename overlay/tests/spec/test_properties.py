"""The overlay and the raw client keep the contract, whatever they are called with and whatever they are answered."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

from .failures import ERRORS, FILES, ONCE, REDIRECTS, WALKS
from .properties import ANSWERS, EVENTS, FORBIDDEN, REQUESTS, Case, check

pytestmark = pytest.mark.hypothesis  # `check` draws the examples

OFTEN = settings()
SELDOM = settings(max_examples=settings().max_examples // 3)

LONGEST = 600
"""The most characters of what a property that fails says: an example may be as long as the contract lets it."""


def check_in_short(case: Case, profile: settings) -> None:
    """Run a property, and say in one line what does not hold, and for what.

    A smaller example is not looked for: that takes five minutes, and it would be drawn from the same data.
    """
    try:
        check(case, settings(profile, phases=[Phase.reuse, Phase.generate], report_multiple_bugs=False))
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is told in short
        said = " ".join(f"{type(error).__name__}: {error} {' '.join(getattr(error, '__notes__', []))}".split())
        pytest.fail(f"{case}: {said[:LONGEST]}", pytrace=False)


@pytest.mark.parametrize("case", REQUESTS, ids=str)
def test_a_request_is_valid_and_carries_what_was_given(case: Case) -> None:
    check_in_short(case, OFTEN)


@pytest.mark.parametrize("case", ANSWERS, ids=str)
def test_an_response_is_kept_whole(case: Case) -> None:
    check_in_short(case, OFTEN)


@pytest.mark.parametrize("case", FORBIDDEN, ids=str)
def test_a_forbidden_value_is_refused(case: Case) -> None:
    check_in_short(case, OFTEN)


@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_an_event_is_kept_whole(case: Case) -> None:
    check_in_short(case, OFTEN)


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_an_error_is_typed(case: Case) -> None:
    check_in_short(case, SELDOM)


@pytest.mark.parametrize("case", REDIRECTS, ids=str)
def test_a_redirect_is_followed(case: Case) -> None:
    check_in_short(case, SELDOM)


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_a_job_that_may_have_been_started_is_not_started_again(case: Case) -> None:
    check_in_short(case, SELDOM)


@pytest.mark.parametrize("case", WALKS, ids=str)
def test_a_list_is_walked_to_its_end(case: Case) -> None:
    check_in_short(case, OFTEN)


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_file_is_whole_or_absent(case: Case) -> None:
    check_in_short(case, OFTEN)
