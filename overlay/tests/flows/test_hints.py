"""Hints are what servers say of waiting: read where they make sense, and absent where they do not."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos._flows.hints import LONGEST_POLL_PAUSE_S, poll_after, retry_after

from .world import FLOWS, WALL

NONSENSE = [
    "",
    " ",
    ".",
    "-1",
    "-0.5",
    "+5",
    "1e3",
    "nan",
    "inf",
    "-inf",
    "infinity",
    "1_000",
    "0x10",
    "1.5.2",
    "1,5",
    "soon",
    "٣",
    "5 s",
    "5\x1f",
    "5, 6",
    "X5",
    "9" * 33,
    "9" * 5000,
    "Wed, 99 Foo 2015 07:28:00 GMT",
    "Wed, 21 Oct 99999 07:28:00 GMT",
    "Wed, 21 Oct 2015 07:28:00 +99999999",
]


@pytest.fixture(params=["UTC0", "XYZ-5:30", "XYZ+11"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a time zone, which no hint may depend on."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TestRetryAfter:
    """`retry-after-ms`, else `Retry-After` in seconds or as a date, in seconds from now."""

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("0", 0.0), ("5", 5.0), ("1.5", 1.5), (" 7\t", 7.0), ("007", 7.0), ("3.", 3.0), (".5", 0.5)],
    )
    def test_seconds(self, text: str, seconds: float) -> None:
        assert seconds == retry_after({"retry-after": text}, now=WALL)

    @pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("1500", 1.5), ("1500.5", 1.5005), ("1", 0.001)])
    def test_milliseconds(self, text: str, seconds: float) -> None:
        assert seconds == retry_after({"retry-after-ms": text}, now=WALL)

    def test_milliseconds_go_before_seconds(self) -> None:
        assert 0.25 == retry_after({"retry-after": "9", "retry-after-ms": "250"}, now=WALL)

    @pytest.mark.parametrize("text", NONSENSE)
    def test_nonsense_in_milliseconds_leaves_the_seconds(self, text: str) -> None:
        assert 9.0 == retry_after({"retry-after": "9", "retry-after-ms": text}, now=WALL)

    @pytest.mark.parametrize("ahead", [1, 30, 86_400])
    def test_a_date_ahead(self, ahead: int) -> None:
        assert float(ahead) == retry_after({"retry-after": formatdate(WALL + ahead, usegmt=True)}, now=WALL)

    @pytest.mark.parametrize("behind", [0, 1, 86_400])
    def test_a_date_that_has_passed_asks_for_no_pause(self, behind: int) -> None:
        assert 0.0 == retry_after({"retry-after": formatdate(WALL - behind, usegmt=True)}, now=WALL)

    @pytest.mark.usefixtures("_zone")
    @pytest.mark.parametrize(
        "text",
        [
            "Tue, 14 Nov 2023 22:13:30 GMT",
            "Tuesday, 14-Nov-23 22:13:30 GMT",
            "Tue Nov 14 22:13:30 2023",
            "Tue, 14 Nov 2023 22:13:30",
            "Tue, 14 Nov 2023 22:13:30 -0000",
            "Tue, 14 Nov 2023 23:13:30 +0100",
        ],
    )
    def test_every_form_of_a_date_is_in_gmt_wherever_the_client_is(self, text: str) -> None:
        """A recipient MUST accept all three forms of a date, and a date is in GMT (RFC 9110, 5.6.7)."""
        assert 10.0 == retry_after({"retry-after": text}, now=WALL)

    @pytest.mark.parametrize("text", NONSENSE)
    def test_nonsense_is_no_hint(self, text: str) -> None:
        assert retry_after({"retry-after": text}, now=WALL) is None

    def test_the_longest_number_that_is_read(self) -> None:
        assert 1e32 == pytest.approx(retry_after({"retry-after": "9" * 32}, now=WALL))

    def test_no_header_is_no_hint(self) -> None:
        assert retry_after({}, now=WALL) is None

    def test_the_poll_hint_is_another(self) -> None:
        assert retry_after({"openai-poll-after-ms": "5"}, now=WALL) is None


class TestPollAfter:
    """`openai-poll-after-ms`, above zero and up to an hour."""

    @pytest.mark.parametrize(
        ("text", "seconds"), [("1", 0.001), ("1500", 1.5), ("1500.5", 1.5005), ("3600000", LONGEST_POLL_PAUSE_S)]
    )
    def test_milliseconds(self, text: str, seconds: float) -> None:
        assert seconds == poll_after({"openai-poll-after-ms": text})

    @pytest.mark.parametrize("text", [*NONSENSE, "0", "0.0", "3600001", "99999999999"])
    def test_nonsense_is_no_hint(self, text: str) -> None:
        assert poll_after({"openai-poll-after-ms": text}) is None

    def test_no_header_is_no_hint(self) -> None:
        assert poll_after({"retry-after": "5", "retry-after-ms": "5"}) is None


class TestAnyText:
    """Whatever a server writes, a hint is a finite number of seconds, zero or more, or there is none."""

    @FLOWS
    @given(text=st.text(), ms=st.text(), poll=st.text(), now=st.floats(0, 1e11))
    @example(text="9" * 32, ms="1" * 32, poll="1", now=WALL)
    @example(text="Fri, 31 Dec 9999 23:59:59 GMT", ms="", poll="", now=0.0)
    @example(text="Mon, 01 Jan 0001 00:00:00 +2359", ms="", poll="", now=0.0)
    def test_never_raises_and_never_goes_astray(self, text: str, ms: str, poll: str, now: float) -> None:
        headers = {"retry-after": text, "retry-after-ms": ms, "openai-poll-after-ms": poll}
        for hint in (retry_after(headers, now=now), retry_after({"retry-after": text}, now=now), poll_after(headers)):
            assert hint is None or (math.isfinite(hint) and hint >= 0)

    @FLOWS
    @given(
        day=st.text(max_size=5),
        number=st.integers(-99, 99),
        month=st.sampled_from(["Jan", "Feb", "Xyz", ""]),
        year=st.integers(-1, 100_000),
        hour=st.integers(-1, 99),
        zone=st.sampled_from(["GMT", "", "+9999", "-0000", "EST"]),
    )
    def test_nor_does_what_nearly_is_a_date(
        self, day: str, number: int, month: str, year: int, hour: int, zone: str
    ) -> None:
        hint = retry_after({"retry-after": f"{day}, {number} {month} {year} {hour}:00:00 {zone}"}, now=WALL)
        assert hint is None or (math.isfinite(hint) and hint >= 0)

    @FLOWS
    @given(seconds=st.floats(0, 1e9).map(lambda number: round(number, 3)))
    def test_a_plain_number_is_itself(self, seconds: float) -> None:
        assert seconds == retry_after({"retry-after": f"{seconds:.3f}"}, now=WALL)
