"""Which connection a request has: no more than there may be, one user each, and those who wait in order."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import pytest
from attrs import define
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from openvideos._drivers.connections import EXPIRY_S, Connections, Origin, Waiting

A: Origin = (b"http", b"a.test", 80)
B: Origin = (b"https", b"b.test", 443)


@define(eq=False)
class Connection:
    """A connection of httpcore, as its pool sees it."""

    origin: Origin
    state: str = "new"
    expired: bool = False

    def is_idle(self) -> bool:
        return self.state == "idle"

    def is_closed(self) -> bool:
        return self.state == "closed"

    def has_expired(self) -> bool:
        return self.expired


class Clients(RuleBasedStateMachine):
    """Requests to two origins, over at most three connections."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.connections: Connections[Connection] = Connections(Connection, lambda: self.now, most=3)
        self.used: list[Connection] = []
        self.waiting: deque[Waiting[Connection]] = deque()
        self.closed: list[Connection] = []

    def close(self, closing: list[Connection]) -> None:
        for connection in closing:
            connection.state = "closed"
            self.closed.append(connection)
        assert [] == [each for each in closing if each in self.used]
        # Those who wait are served in their order.
        while self.waiting and self.waiting[0].connection is not None:
            waiting = self.waiting.popleft()
            received, more = self.connections.received(waiting)
            assert received is not None
            for each in more:
                each.state = "closed"
            self.use(received, waiting.origin)

    def use(self, connection: Connection, origin: Origin) -> None:
        assert connection not in self.used
        assert (origin, False) == (connection.origin, connection.expired)
        assert connection.state in {"new", "idle"}
        connection.state = "active"
        self.used.append(connection)

    @rule(origin=st.sampled_from([A, B]))
    def ask(self, origin: Origin) -> None:
        connection, closing = self.connections.take(origin)
        if connection is not None:
            self.use(connection, origin)
        else:
            assert 3 == len(self.used)
            self.waiting.append(self.connections.wait(origin, lambda: None))
        self.close(closing)

    @precondition(lambda self: self.used)
    @rule(
        which=st.integers(0, 2),
        state=st.sampled_from(["idle", "closed", "active"]),
        expired=st.booleans(),
        is_clean=st.booleans(),
    )
    def end(self, which: int, state: str, expired: bool, is_clean: bool) -> None:  # noqa: FBT001 - drawn
        connection = self.used.pop(which % len(self.used))
        connection.state, connection.expired = state, expired
        self.close(self.connections.give_back(connection, is_clean=is_clean))
        assert is_clean or (connection.is_closed() and connection not in self.connections.all())

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 5))
    def give_up(self, which: int) -> None:
        waiting = self.waiting[which % len(self.waiting)]
        self.waiting.remove(waiting)
        assert (None, []) == self.connections.received(waiting)

    @rule(seconds=st.sampled_from([1.0, EXPIRY_S + 1]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for connection in self.connections.all():
            connection.expired |= connection.state == "idle" and seconds > EXPIRY_S

    @invariant()
    def there_are_not_too_many(self) -> None:
        held = self.connections.all()
        assert len(held) <= 3
        assert {id(each) for each in self.used} <= {id(each) for each in held}
        assert not {id(each) for each in held} & {id(each) for each in self.closed}

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        assert not self.waiting or len(self.used) == 3

    def teardown(self) -> None:
        held = self.connections.all()
        woken: list[int] = []
        for number, waiting in enumerate(self.waiting):
            waiting.wake = partial(woken.append, number)
        assert held == self.connections.close()
        assert [*range(len(self.waiting))] == woken
        for connection in self.used:
            connection.state = "idle"
            assert [connection] == self.connections.give_back(connection)
        assert [] == self.connections.all()


TestClients = Clients.TestCase


def opened(*, most: int = 3, now: list[float] | None = None) -> Connections[Connection]:
    clock = now or [0.0]
    return Connections(Connection, lambda: clock[0], most=most)


def taken(connections: Connections[Connection], origin: Origin = A) -> Connection:
    connection, closing = connections.take(origin)
    assert connection is not None
    assert [] == closing
    connection.state = "idle"
    return connection


def test_the_connection_that_was_used_last_is_used_again() -> None:
    connections = opened()
    first, second = taken(connections), taken(connections)
    connections.give_back(first)
    connections.give_back(second)
    assert second is taken(connections)
    assert first is taken(connections)


def test_connections_that_nobody_asks_for_are_closed_in_time() -> None:
    now = [0.0]
    connections = opened(now=now)
    first, second, third = taken(connections), taken(connections), taken(connections)
    connections.give_back(first)
    now[0] = 1.0
    connections.give_back(second)
    now[0] = EXPIRY_S + 0.5
    assert [first] == connections.give_back(third)
    assert [second, third] == connections.all()


def test_a_connection_to_another_origin_makes_room() -> None:
    connections = opened(most=1)
    old = taken(connections)
    connections.give_back(old)
    new, closing = connections.take(B)
    assert new is not None
    assert (B, [old]) == (new.origin, closing)


@pytest.mark.parametrize("origin", [A, B])
def test_who_waits_has_a_connection_to_where_they_ask(origin: Origin) -> None:
    woken: list[Any] = []
    connections = opened(most=1)
    first = taken(connections)
    assert (None, []) == connections.take(origin)
    waiting = connections.wait(origin, lambda: woken.append(waiting.connection))
    closing = connections.give_back(first)
    connection, _ = connections.received(waiting)
    assert connection is not None
    assert (origin, [connection]) == (connection.origin, woken)
    assert ([] if origin == A else [first]) == closing


def test_a_connection_that_expires_on_its_way_to_who_waits_is_replaced() -> None:
    connections = opened(most=1)
    first = taken(connections)
    connections.take(A)
    waiting = connections.wait(A, lambda: None)
    connections.give_back(first)
    first.expired = True
    connection, closing = connections.received(waiting)
    assert connection is not first
    assert ([first], [connection]) == (closing, connections.all())


def test_a_connection_that_is_closed_on_its_way_to_who_waits_is_not_used() -> None:
    connections = opened(most=1)
    first = taken(connections)
    connections.take(A)
    waiting = connections.wait(A, lambda: None)
    connections.give_back(first)
    assert [first] == connections.close()
    assert (None, []) == connections.received(waiting)
