"""Hold what a client's resources, pages and answers share: settings, clocks and the driver.

It pickles; connections do not.
"""

from __future__ import annotations

import random
import time
from typing import Generic, Self, TypeVar

from attrs import define, evolve, field

from ._calls import Settings
from ._drivers.async_ import AsyncDriver
from ._drivers.sync import SyncDriver
from ._drivers.transport import AsyncTransport, SyncTransport
from ._errors import ConfigurationError
from ._flows.retrying import Clocks, Retries

D = TypeVar("D", SyncDriver, AsyncDriver)


def _clocks() -> Clocks:
    return Clocks(monotonic=time.monotonic, wall=time.time, random=random.random)


@define
class Session(Generic[D]):
    """Settings, and the means to carry calls out."""

    settings: Settings
    driver: D = field(repr=False)
    clocks: Clocks = field(factory=_clocks, repr=False)

    @property
    def retries(self) -> Retries:
        """How often and how fast calls are sent again."""
        return Retries(
            limit=self.settings.max_retries, clocks=self.clocks, idempotent_posts=self.settings.idempotent_posts
        )

    def changed(self, settings: Settings) -> Self:
        """Return a session with other settings and the same connections."""
        return evolve(self, settings=settings)

    def _check_picklable(self) -> None:
        if self.driver.transport.given is not None:
            # Without it the copy would connect past the proxy, or with other certificates.
            raise ConfigurationError(
                "A client with an http_client of your own cannot be pickled; make one in each process."
            )


@define
class SyncSession(Session[SyncDriver]):
    """What a blocking client's parts share."""

    @classmethod
    def of(cls, settings: Settings, transport: SyncTransport) -> SyncSession:
        """Return a session that connects when it is first needed."""
        return cls(settings=settings, driver=SyncDriver(transport))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the settings; the copy connects anew."""
        self._check_picklable()
        return _sync_session, (self.settings,)


@define
class AsyncSession(Session[AsyncDriver]):
    """What an asynchronous client's parts share."""

    @classmethod
    def of(cls, settings: Settings, transport: AsyncTransport) -> AsyncSession:
        """Return a session that connects when it is first needed."""
        return cls(settings=settings, driver=AsyncDriver(transport))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the settings; the copy connects anew."""
        self._check_picklable()
        return _async_session, (self.settings,)


def _sync_session(settings: Settings) -> SyncSession:
    return SyncSession.of(settings, SyncTransport())


def _async_session(settings: Settings) -> AsyncSession:
    return AsyncSession.of(settings, AsyncTransport())
