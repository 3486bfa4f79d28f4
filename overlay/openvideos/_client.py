"""The clients: their settings, connections and resources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import httpx
from attrs import evolve

from ._calls import Settings, Timeout
from ._drivers.transport import AsyncTransport, SyncTransport
from ._environment import endpoint
from ._errors import ConfigurationError
from ._headers import check_header
from ._secrets import shown
from ._session import AsyncSession, SyncSession
from ._types import NOT_GIVEN, NotGiven
from ._version import __version__

if TYPE_CHECKING:
    from ._async_videos import AsyncVideos
    from ._videos import Videos
    from ._webhooks import Webhooks

DEFAULT_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
DEFAULT_MAX_RETRIES: Final = 2
USER_AGENT: Final = f"openvideos/{__version__}"

S = TypeVar("S", SyncSession, AsyncSession)


class _Client(Generic[S]):
    """The common part of both clients: their settings, and how they are copied and shown."""

    _session: S

    @property
    def _settings(self) -> Settings:
        return self._session.settings

    def _with(self, session: S) -> Self:
        """Return a copy of this client with another session."""
        other = self.__class__.__new__(self.__class__)
        other.__dict__["_session"] = session
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the settings; the copy opens its own connections."""
        return {"_session": self._session}

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at its end."""
        return self._settings.base_url

    @property
    def api_key(self) -> str | None:
        """The API key, if there is one."""
        return self._settings.api_key

    @property
    def webhook_secret(self) -> str | Sequence[str] | None:
        """The secret, or secrets, that webhooks are verified with."""
        return self._settings.webhook_secret

    @property
    def timeout(self) -> Timeout:
        """The timeout of a request, in seconds; of each phase of it, if it is an httpx.Timeout."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """How often a failed request is repeated, if it may be repeated."""
        return self._settings.max_retries

    @cached_property
    def webhooks(self) -> Webhooks:
        """Verify and read webhooks."""
        from ._webhooks import Webhooks

        return Webhooks(self.webhook_secret)

    def __repr__(self) -> str:
        """Show the base URL, and whether there is an API key, but not the key."""
        key = "'[redacted]'" if self._settings.api_key else None
        return f"{type(self).__name__}(base_url={shown(self.base_url)!r}, api_key={key})"


def _settings(
    *,
    base_url: str | httpx.URL | None,
    api_key: str | None,
    webhook_secret: str | Sequence[str] | None,
    timeout: Timeout | NotGiven,
    max_retries: int,
    default_headers: Mapping[str, str] | None,
    default_query: Mapping[str, object] | None,
    idempotent_posts: bool,
) -> Settings:
    """Build the settings from a client's arguments and the environment.

    Raises:
        ConfigurationError: There is no base URL, or a setting is invalid.
        InvalidArgumentError: A default header cannot be sent.
    """
    _check_retries(max_retries)
    where = endpoint(None if base_url is None else str(base_url), api_key, os.environ)
    headers = {"User-Agent": USER_AGENT, **(default_headers or {})}
    for name, value in headers.items():
        check_header(name, value)
    secret = webhook_secret or os.environ.get("OPENVIDEOS_WEBHOOK_SECRET") or None
    return Settings(
        base_url=where.base_url,
        api_key=where.api_key,
        timeout=DEFAULT_TIMEOUT if isinstance(timeout, NotGiven) else timeout,
        max_retries=max_retries,
        idempotent_posts=idempotent_posts,
        headers=headers,
        query=dict(default_query or {}),
        webhook_secret=tuple(secret) if isinstance(secret, list) else secret,
    )


def _check_retries(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"max_retries is {value!r}; it must be an integer, zero or more.")


def _changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Apply the changes that are not NOT_GIVEN; headers and query parameters are added to the existing ones.

    Raises:
        ConfigurationError: A setting is invalid.
        InvalidArgumentError: A default header cannot be sent.
    """
    given = {name: value for name, value in changes.items() if not isinstance(value, NotGiven)}
    base_url, api_key = given.pop("base_url", None), given.pop("api_key", None)
    if base_url is not None:
        # The old key belongs to the old server, and must not be sent to the new one.
        where = endpoint(str(base_url), api_key, os.environ)
        settings = evolve(settings, base_url=where.base_url, api_key=where.api_key)
    elif api_key is not None:
        settings = evolve(settings, api_key=endpoint(settings.base_url, api_key, {}).api_key)
    if "default_headers" in given:
        given["headers"] = {**settings.headers, **given.pop("default_headers")}
        for name, value in given["headers"].items():
            check_header(name, value)
    if "max_retries" in given:
        _check_retries(given["max_retries"])
    if "default_query" in given:
        given["query"] = {**settings.query, **given.pop("default_query")}
    if isinstance(given.get("webhook_secret"), list):
        given["webhook_secret"] = tuple(given["webhook_secret"])
    return evolve(settings, **given)


class OpenVideos(_Client[SyncSession]):
    """A client of a server that implements the Videos API.

    A client can be shared between threads. It can be pickled, and can be used after a fork; it then opens new
    connections.
    """

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: str | None = None,
        webhook_secret: str | Sequence[str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: httpx.Client | None = None,
        idempotent_posts: bool = False,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            base_url: The address of the API, such as "http://127.0.0.1:8000/v1"; by default OPENVIDEOS_BASE_URL or, if
                that is not set, OPENAI_BASE_URL.
            api_key: The API key of that server; by default OPENVIDEOS_API_KEY or OPENAI_API_KEY, from the same pair
                of variables as the base URL.
            webhook_secret: The secret that webhooks are signed with, or several during a rotation; by default
                OPENVIDEOS_WEBHOOK_SECRET.
            timeout: The timeout of a request in seconds, by default 60 (10 to connect); None for no timeout.
            max_retries: How often a failed request is repeated, if it may be repeated.
            default_headers: Headers to send with every request.
            default_query: Query parameters to send with every request.
            http_client: Your own httpx client, for proxies, certificates and so on. It is closed with this client.
            idempotent_posts: Declare that the server honours `Idempotency-Key`, so that a POST whose outcome is unknown
                may be sent again without starting a second job.

        Raises:
            ConfigurationError: There is no base URL, or a setting is invalid.

        """
        settings = _settings(
            base_url=base_url,
            api_key=api_key,
            webhook_secret=webhook_secret,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            idempotent_posts=idempotent_posts,
        )
        self._session = SyncSession.of(settings, SyncTransport(http_client))

    @cached_property
    def videos(self) -> Videos:
        """Create, poll, download, list, delete and remix videos."""
        from ._videos import Videos

        return Videos(self._session)

    def with_options(
        self,
        *,
        base_url: str | httpx.URL | NotGiven = NOT_GIVEN,
        api_key: str | NotGiven = NOT_GIVEN,
        webhook_secret: str | Sequence[str] | NotGiven = NOT_GIVEN,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        default_query: Mapping[str, object] | NotGiven = NOT_GIVEN,
        idempotent_posts: bool | NotGiven = NOT_GIVEN,
    ) -> Self:
        """Return a client with some settings changed, which shares this client's connections.

        Headers and query parameters are added to this client's. With another base_url, this client's API key is not
        used; pass the key again if it is the same.

        Raises:
            ConfigurationError: A setting is invalid.
        """
        changes = {name: value for name, value in locals().items() if name != "self"}
        return self._with(self._session.changed(_changed(self._settings, changes)))

    copy = with_options

    def close(self) -> None:
        """Close the connections. This client, and clients that share its connections, cannot be used afterwards."""
        self._session.driver.transport.close()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._session.driver.transport.closed

    def __enter__(self) -> Self:
        """Return the client; the end of the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()


class AsyncOpenVideos(_Client[AsyncSession]):
    """An asynchronous client of a server that implements the Videos API, for asyncio or trio.

    Its methods are those of OpenVideos, but async. It can be pickled, and can be used after a fork and in another event
    loop; it then opens new connections.
    """

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: str | None = None,
        webhook_secret: str | Sequence[str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: httpx.AsyncClient | None = None,
        idempotent_posts: bool = False,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        The arguments are those of OpenVideos, except that `http_client` is an httpx.AsyncClient.

        Raises:
            ConfigurationError: There is no base URL, or a setting is invalid.
        """
        settings = _settings(
            base_url=base_url,
            api_key=api_key,
            webhook_secret=webhook_secret,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            idempotent_posts=idempotent_posts,
        )
        self._session = AsyncSession.of(settings, AsyncTransport(http_client))

    @cached_property
    def videos(self) -> AsyncVideos:
        """Create, poll, download, list, delete and remix videos."""
        from ._async_videos import AsyncVideos

        return AsyncVideos(self._session)

    def with_options(
        self,
        *,
        base_url: str | httpx.URL | NotGiven = NOT_GIVEN,
        api_key: str | NotGiven = NOT_GIVEN,
        webhook_secret: str | Sequence[str] | NotGiven = NOT_GIVEN,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        default_query: Mapping[str, object] | NotGiven = NOT_GIVEN,
        idempotent_posts: bool | NotGiven = NOT_GIVEN,
    ) -> Self:
        """Return a client with some settings changed, which shares this client's connections.

        See OpenVideos.with_options.
        """
        changes = {name: value for name, value in locals().items() if name != "self"}
        return self._with(self._session.changed(_changed(self._settings, changes)))

    copy = with_options

    async def close(self) -> None:
        """Close the connections. This client, and clients that share its connections, cannot be used afterwards."""
        await self._session.driver.transport.aclose()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._session.driver.transport.closed

    async def __aenter__(self) -> Self:
        """Return the client; the end of the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()
