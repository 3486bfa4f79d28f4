"""Test what is sent at the same time: a few independent requests, and never two that may each cost the same money."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest

from openvideos_conformance._probes.concurrently import eight_at_a_time
from openvideos_conformance._probes.invalid_requests import InvalidRequests
from openvideos_conformance._server.capabilities import Capabilities

from .synthetic_server import SyntheticServer, client_of

OFFERED = cast("Capabilities", SimpleNamespace(has=lambda _: True))


def test_eight_calls_are_under_way_at_a_time_and_their_results_are_in_order() -> None:
    together = threading.Barrier(8, timeout=20)

    def call(number: int) -> int:
        together.wait()
        return number

    assert [*range(16)] == eight_at_a_time([partial(call, number) for number in range(16)])
    assert [] == eight_at_a_time([])


def test_the_first_call_that_fails_tells_why() -> None:
    def fail(why: str) -> None:
        raise ValueError(why)

    with pytest.raises(ValueError, match="first"):
        eight_at_a_time([partial(fail, why) for why in ("first", "second")])


def test_one_illegal_create_of_each_requirement_is_accepted_at_the_most() -> None:
    with client_of(SyntheticServer(), max_videos=1_000) as client:
        requests = InvalidRequests(client, OFFERED)
        refused = list(requests.all())
        of_case = {case.what: case.requirement for case in requests._cases}
        accepted = Counter(
            of_case[what]
            for what, each in requests._exchanges.items()
            if each.operation == "create_video" and each.is_ok
        )
        assert accepted
        assert {1} == set(accepted.values())
        assert not {case.requirement for case, _ in refused} & accepted.keys()
