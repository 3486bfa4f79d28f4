"""Each API key has an emulator of its own; to make or to close one holds up no request with another key."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from openvideos_emulator import create_app
from openvideos_emulator._http import callers
from openvideos_emulator._http.app import EmulatorApp
from openvideos_emulator._http.callers import Callers
from openvideos_emulator._model.refusals import StartError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Ask = Callable[[str], Awaitable[int]]

PATIENCE = 30.0


class Emulators:
    """Makes the emulators of keys: `held` ones wait for `release`, `failing` ones fail."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.made: list[str] = []
        self.closed: list[str] = []
        self.held: set[str] = set()
        self.failing: set[str] = set()
        self.begun, self.release = threading.Event(), threading.Event()

    def hold(self, key: str) -> None:
        if key in self.held:
            self.begun.set()
            assert self.release.wait(PATIENCE)

    def app_of(self, key: str) -> EmulatorApp:
        self.hold(key)
        if key in self.failing:
            raise StartError("there is no room")
        self.made.append(key)
        app, close = create_app(api_key=key), EmulatorApp.close

        def close_it() -> None:
            self.hold(f"close {key}")
            self.closed.append(key)
            close(app)

        self.patch.setattr(app, "close", close_it)
        return app


@pytest.fixture
def emulators(monkeypatch: pytest.MonkeyPatch) -> Emulators:
    monkeypatch.setattr(callers, "_MOST", 2)
    return Emulators(monkeypatch)


@pytest.fixture
def app(emulators: Emulators) -> Iterator[Callers]:
    app = Callers(emulators.app_of)
    yield app
    emulators.release.set()
    app.close()
    assert sorted(emulators.made) == sorted(emulators.closed)


def use(app: Callers, scenario: Callable[[Ask], Awaitable[None]]) -> None:
    async def run() -> None:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator/v1/") as http,
            asyncio.timeout(PATIENCE),
        ):

            async def ask(key: str) -> int:
                return (await http.get("videos", headers={"authorization": f"Bearer {key}"})).status_code

            await scenario(ask)

    asyncio.run(run())


def test_others_are_served_while_one_is_made(app: Callers, emulators: Emulators) -> None:
    emulators.held.add("slow")

    async def scenario(ask: Ask) -> None:
        assert 200 == await ask("quick")
        waiting = [asyncio.ensure_future(ask("slow")) for _ in range(60)]
        assert await asyncio.to_thread(emulators.begun.wait, PATIENCE)
        assert 200 == await ask("quick")
        assert not any(each.done() for each in waiting)
        emulators.release.set()
        assert {200} == set(await asyncio.gather(*waiting))
        assert 1 == emulators.made.count("slow")

    use(app, scenario)


def test_others_are_served_while_an_idle_one_is_closed(app: Callers, emulators: Emulators) -> None:
    emulators.held.add("close first")

    async def scenario(ask: Ask) -> None:
        for key in ("first", "second", "third"):
            assert 200 == await ask(key)
        assert await asyncio.to_thread(emulators.begun.wait, PATIENCE)
        for key in ("second", "third", "fourth"):
            assert 200 == await ask(key)
        assert [] == emulators.closed

    use(app, scenario)


def test_one_that_is_used_is_not_closed(app: Callers, emulators: Emulators) -> None:
    async def scenario(ask: Ask) -> None:
        for key in ("first", "second", "first", "third", "first"):
            assert 200 == await ask(key)
        assert ["first", "second", "third"] == emulators.made[1:]

    use(app, scenario)


def test_one_that_is_given_up_while_it_is_made_is_there_for_the_next_request(
    app: Callers, emulators: Emulators
) -> None:
    emulators.held.add("slow")

    async def scenario(ask: Ask) -> None:
        waiting = asyncio.ensure_future(ask("slow"))
        assert await asyncio.to_thread(emulators.begun.wait, PATIENCE)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        emulators.release.set()
        assert 200 == await ask("slow")
        assert 1 == emulators.made.count("slow")

    use(app, scenario)


def test_a_url_holds_its_right_whatever_key_comes_with_it(app: Callers) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator/v1/") as http:
            mine = {"authorization": "Bearer mine"}
            body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
            id_ = (await http.post("videos", json=body, headers=mine)).json()["id"]
            url = (await http.get(f"videos/{id_}", headers=mine)).json()["url"]
            for headers in (mine, {"authorization": "Bearer another"}, {}):
                assert 200 == (await http.get(url, headers=headers)).status_code
            assert 401 == (await http.get(f"{url}0", headers=mine)).status_code

    asyncio.run(scenario())


def test_a_key_may_have_any_character(app: Callers) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator/v1/") as http:
            headers = [(b"authorization", b"Bearer gr\xfcn")]
            assert 200 == (await http.get("videos", headers=headers)).status_code

    asyncio.run(scenario())


def test_one_that_cannot_be_made_is_told_and_tried_again(app: Callers, emulators: Emulators) -> None:
    async def scenario(ask: Ask) -> None:
        emulators.failing.add("key")
        assert 507 == await ask("key")
        emulators.failing.clear()
        assert 200 == await ask("key")

    use(app, scenario)
