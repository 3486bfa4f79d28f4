"""The overlay and the raw client keep the contract, whatever they are called with and whatever they are answered."""

from __future__ import annotations

import pytest
from hypothesis import settings

from .failures import ERRORS, FILES, ONCE, REDIRECTS, WALKS
from .properties import ANSWERS, EVENTS, FORBIDDEN, REQUESTS, Case, check

pytestmark = pytest.mark.hypothesis  # `check` draws the examples

OFTEN = settings()
SELDOM = settings(max_examples=settings().max_examples // 3)


@pytest.mark.parametrize("case", REQUESTS, ids=str)
def test_a_request_is_valid_and_carries_what_was_given(case: Case) -> None:
    check(case, OFTEN)


@pytest.mark.parametrize("case", ANSWERS, ids=str)
def test_an_response_is_kept_whole(case: Case) -> None:
    check(case, OFTEN)


@pytest.mark.parametrize("case", FORBIDDEN, ids=str)
def test_a_forbidden_value_is_refused(case: Case) -> None:
    check(case, OFTEN)


@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_an_event_is_kept_whole(case: Case) -> None:
    check(case, OFTEN)


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_an_error_is_typed(case: Case) -> None:
    check(case, SELDOM)


@pytest.mark.parametrize("case", REDIRECTS, ids=str)
def test_a_redirect_is_followed(case: Case) -> None:
    check(case, SELDOM)


@pytest.mark.parametrize("case", ONCE, ids=str)
def test_a_job_that_may_have_been_started_is_not_started_again(case: Case) -> None:
    check(case, SELDOM)


@pytest.mark.parametrize("case", WALKS, ids=str)
def test_a_list_is_walked_to_its_end(case: Case) -> None:
    check(case, OFTEN)


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_file_is_whole_or_absent(case: Case) -> None:
    check(case, OFTEN)
