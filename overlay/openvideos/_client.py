"""The clients: their settings, connections and resources."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import httpx

from ._drivers.transport import AsyncTransport, SyncTransport
from ._environment import ApiKey
from ._request import AsyncRequests, SyncRequests
from ._secrets import shown
from ._session import AsyncSession, SyncSession
from ._settings import DEFAULT_MAX_RETRIES, CheckedTimeout, Settings, Timeout, changed, initial_settings, keyed, moved
from ._types import NOT_GIVEN, AsyncHTTPClient, BlockingHTTPClient, NotGiven

if TYPE_CHECKING:
    from ._async_videos import AsyncVideos
    from ._videos import Videos
    from ._webhooks import Webhooks

S = TypeVar("S", SyncSession, AsyncSession)


class _Client(Generic[S]):
    """The common part of both clients: their settings, and how they are copied and shown."""

    _session: S

    @property
    def _settings(self) -> Settings:
        return self._session.settings

    def with_options(
        self,
        *,
        base_url: str | httpx.URL | NotGiven = NOT_GIVEN,
        api_key: ApiKey | None | NotGiven = NOT_GIVEN,
        webhook_secret: str | Sequence[str] | None | NotGiven = NOT_GIVEN,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        default_query: Mapping[str, object] | NotGiven = NOT_GIVEN,
        idempotent_posts: bool | NotGiven = NOT_GIVEN,
    ) -> Self:
        """Return a client with some settings changed, which shares this client's connections.

        Headers and query parameters are added to this client's. `api_key=None` removes the key. A base_url of another
        origin (scheme, host and port) gets none of this client's secrets: neither the key nor the default headers and
        query parameters that hold it or whose names are those of secrets. Pass them again if they are the same.

        Raises:
            ConfigurationError: A setting is invalid.
            InvalidArgumentError: A default header cannot be sent.
        """
        settings = self._settings
        if not isinstance(base_url, NotGiven):
            settings = moved(settings, str(base_url), api_key, os.environ)
        if not isinstance(api_key, NotGiven):
            settings = keyed(settings, api_key)
        settings = changed(
            settings,
            webhook_secret=webhook_secret,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            idempotent_posts=idempotent_posts,
        )
        return self._with(self._session.changed(settings))

    copy = with_options

    def _with(self, session: S) -> Self:
        """Return a copy of this client with another session."""
        other = self.__class__.__new__(self.__class__)
        for name, value in {**self._attributes(), "_session": session}.items():
            object.__setattr__(other, name, value)
        return other

    def _attributes(self) -> dict[str, Any]:
        """Return all attributes, those of subclasses too, except resources, which are made anew for each client."""
        # With __slots__, the state is a pair, whose second part has those.
        state: Any = object.__getstate__(self)
        attributes: dict[str, Any] = {**state[0], **state[1]} if isinstance(state, tuple) else state
        kind = type(self)
        return {
            name: value
            for name, value in attributes.items()
            if not isinstance(getattr(kind, name, None), cached_property)
        }

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the settings and a subclass's own attributes; the copy opens its own connections."""
        return self._attributes()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes that were pickled, also those in __slots__."""
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Self:
        """Return a client with the same settings, which shares this client's connections."""
        return self._with(self._session.changed(self._settings))

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at its end."""
        return self._settings.base_url

    @property
    def api_key(self) -> ApiKey | None:
        """The API key, or the function that returns it, if there is one. Set it for this client's later calls.

        Raises:
            ConfigurationError: A key that is set is invalid.
        """
        return self._settings.api_key

    @api_key.setter
    def api_key(self, value: ApiKey | None) -> None:
        self._session.settings = keyed(self._settings, value)

    @property
    def webhook_secret(self) -> str | Sequence[str] | None:
        """The secret, or secrets, that webhooks are verified with."""
        return self._settings.webhook_secret

    @property
    def timeout(self) -> CheckedTimeout:
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


class OpenVideos(SyncRequests, _Client[SyncSession]):
    """A client of a server that implements the Videos API.

    A client can be shared between threads. It can be pickled, and can be used after a fork; it then opens new
    connections.
    """

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: str | Callable[[], str] | None = None,
        webhook_secret: str | Sequence[str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: BlockingHTTPClient | None = None,
        idempotent_posts: bool = False,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            base_url: The address of the API, such as "http://127.0.0.1:8000/v1"; by default OPENVIDEOS_BASE_URL or, if
                that is not set, OPENAI_BASE_URL.
            api_key: The API key of that server, or a function that returns it, which is called before each attempt; by
                default OPENVIDEOS_API_KEY or OPENAI_API_KEY, from the same pair of variables as the base URL.
            webhook_secret: The secret that webhooks are signed with, or several during a rotation; by default
                OPENVIDEOS_WEBHOOK_SECRET.
            timeout: The timeout of a request in seconds or as a timedelta, by default 60 s (10 to connect); None for
                no timeout.
            max_retries: How often a failed request is repeated, if it may be repeated.
            default_headers: Headers to send with every request.
            default_query: Query parameters to send with every request.
            http_client: Your own httpx.Client or httpx2.Client, for proxies, certificates and so on. It is closed with
                this client.
            idempotent_posts: Declare that the server honours `Idempotency-Key`, so that a POST whose outcome is unknown
                may be sent again without starting a second job.

        Raises:
            ConfigurationError: There is no base URL, or a setting is invalid.
            InvalidArgumentError: A default header cannot be sent.

        """
        settings = initial_settings(
            base_url=base_url,
            api_key=api_key,
            webhook_secret=webhook_secret,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            idempotent_posts=idempotent_posts,
            environ=os.environ,
        )
        self._session = SyncSession.of(settings, SyncTransport(http_client))

    @cached_property
    def videos(self) -> Videos:
        """Create, poll, download, list, delete and remix videos."""
        from ._videos import Videos

        return Videos(self._session)

    def close(self) -> None:
        """Close the connections. This client, and clients that share its connections, cannot be used afterwards."""
        self._session.driver.transport.close()

    @property
    def is_closed(self) -> bool:
        """Whether this client, or your own `http_client`, was closed."""
        return self._session.driver.transport.is_closed

    def __enter__(self) -> Self:
        """Return the client; the end of the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()


class AsyncOpenVideos(AsyncRequests, _Client[AsyncSession]):
    """An asynchronous client of a server that implements the Videos API, for asyncio or trio.

    Its methods are those of OpenVideos, but async. It can be pickled, and can be used after a fork and in another event
    loop; it then opens new connections.
    """

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: ApiKey | None = None,
        webhook_secret: str | Sequence[str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: AsyncHTTPClient | None = None,
        idempotent_posts: bool = False,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        The arguments are those of OpenVideos, except that `http_client` is an httpx.AsyncClient, httpx2.AsyncClient or
        httpx_aiohttp.HttpxAiohttpClient, and that `api_key` may be an async function.

        Raises:
            ConfigurationError: There is no base URL, or a setting is invalid.
            InvalidArgumentError: A default header cannot be sent.
        """
        settings = initial_settings(
            base_url=base_url,
            api_key=api_key,
            webhook_secret=webhook_secret,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            idempotent_posts=idempotent_posts,
            environ=os.environ,
        )
        self._session = AsyncSession.of(settings, AsyncTransport(http_client))

    @cached_property
    def videos(self) -> AsyncVideos:
        """Create, poll, download, list, delete and remix videos."""
        from ._async_videos import AsyncVideos

        return AsyncVideos(self._session)

    async def close(self) -> None:
        """Close the connections. This client, and clients that share its connections, cannot be used afterwards."""
        await self._session.driver.transport.aclose()

    @property
    def is_closed(self) -> bool:
        """Whether this client, or your own `http_client`, was closed."""
        return self._session.driver.transport.is_closed

    async def __aenter__(self) -> Self:
        """Return the client; the end of the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()
