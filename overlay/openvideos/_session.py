"""Hold the settings, the clocks and the driver, which a client's resources, pages and responses share.

A session can be pickled, without its connections.
"""

from __future__ import annotations

import copy
import random
import time
from abc import abstractmethod
from typing import Any, Generic, Self, TypeVar

from attrs import define, evolve, field

from ._drivers.async_ import AsyncDriver
from ._drivers.sync import SyncDriver
from ._drivers.transport import AsyncTransport, SyncTransport
from ._errors import ConfigurationError
from ._flows.retrying import Clocks, Retries
from ._settings import Settings

D = TypeVar("D", SyncDriver, AsyncDriver)


def _clocks() -> Clocks:
    return Clocks(monotonic=time.monotonic, wall=time.time, random=random.random)


@define
class Session(Generic[D]):
    """Settings, and the driver and clocks that carry calls out."""

    settings: Settings
    driver: D = field(repr=False)
    clocks: Clocks = field(factory=_clocks, repr=False)

    @property
    def retries(self) -> Retries:
        """The settings for retries."""
        return Retries(
            limit=self.settings.max_retries, clocks=self.clocks, idempotent_posts=self.settings.idempotent_posts
        )

    def changed(self, settings: Settings) -> Self:
        """Return a session with other settings and the same connections."""
        return evolve(self, settings=settings)

    @classmethod
    @abstractmethod
    def connecting(cls, settings: Settings) -> Self:
        """Build a session that opens its own connections when it is first used."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the settings; the copy opens its own connections."""
        if self.driver.transport.callers is not None:
            # Without the http_client, the copy would not use its proxy or its certificates.
            raise ConfigurationError("A client with your own http_client cannot be pickled; make one in each process.")
        return self.connecting, (self.settings,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy the settings; the copy opens its own connections, unless they are those of the caller's http_client."""
        settings = copy.deepcopy(self.settings, memo)
        return self.connecting(settings) if self.driver.transport.callers is None else self.changed(settings)


@define
class SyncSession(Session[SyncDriver]):
    """The session of a blocking client."""

    @classmethod
    def of(cls, settings: Settings, transport: SyncTransport) -> SyncSession:
        """Build a session that connects when it is first used."""
        return cls(settings=settings, driver=SyncDriver(transport))

    @classmethod
    def connecting(cls, settings: Settings) -> SyncSession:
        """Build a session that opens its own connections when it is first used."""
        return cls.of(settings, SyncTransport())


@define
class AsyncSession(Session[AsyncDriver]):
    """The session of an asynchronous client."""

    @classmethod
    def of(cls, settings: Settings, transport: AsyncTransport) -> AsyncSession:
        """Build a session that connects when it is first used."""
        return cls(settings=settings, driver=AsyncDriver(transport))

    @classmethod
    def connecting(cls, settings: Settings) -> AsyncSession:
        """Build a session that opens its own connections when it is first used."""
        return cls.of(settings, AsyncTransport())
