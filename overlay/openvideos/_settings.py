"""Decide a client's settings from its arguments and the environment, and what of them another address gets. Pure."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar, cast

import httpx
from attrs import evolve, field, frozen

from ._environment import ApiKey, checked_key, endpoint, same_origin
from ._errors import ConfigurationError, InvalidArgumentError, repr_of
from ._headers import check_header
from ._secrets import SHORTEST, is_secret_name, shown
from ._types import NotGiven, PhaseTimeouts
from ._version import __version__

DEFAULT_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
"""The timeout of a client that is given none: 60 s for each phase of a request, 10 s to connect."""
DEFAULT_MAX_RETRIES: Final = 2
"""How often a client that is given no number sends a failed request again, if it may be sent again."""
USER_AGENT: Final = f"openvideos/{__version__}"

V = TypeVar("V")

Timeout: TypeAlias = float | timedelta | httpx.Timeout | PhaseTimeouts | None
"""A timeout as callers write it: seconds, a timedelta, one for each phase, or None for no timeout."""
CheckedTimeout: TypeAlias = float | httpx.Timeout | None
LONGEST_TIMEOUT_S: Final = 2_147_483
"""The longest timeout: some systems count its milliseconds in 31 bits."""


@frozen
class Settings:
    """A client's settings, which apply to all of its calls."""

    base_url: str = field(repr=shown)
    api_key: ApiKey | None = field(repr=False)
    timeout: CheckedTimeout
    max_retries: int
    idempotent_posts: bool
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, object] = field(repr=False)
    webhook_secret: str | Sequence[str] | None = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must not appear in an error or a log."""
        return secrets_of_key(self.api_key) if isinstance(self.api_key, str) else ()


def secrets_of_key(key: str) -> tuple[str, ...]:
    """Return what must not appear in an error or a log of a call with an API key; a short one would hide words."""
    return (key,) if len(key) >= SHORTEST else ()


def initial_settings(
    *,
    base_url: str | httpx.URL | None,
    api_key: ApiKey | None,
    webhook_secret: str | Sequence[str] | None,
    timeout: Timeout | NotGiven,
    max_retries: int,
    default_headers: Mapping[str, str] | None,
    default_query: Mapping[str, object] | None,
    idempotent_posts: bool,
    environ: Mapping[str, str],
) -> Settings:
    """Build the settings from a client's arguments and the environment.

    Raises:
        ConfigurationError: There is no base URL, or a setting is invalid.
        InvalidArgumentError: A default header cannot be sent.
    """
    where = endpoint(None if base_url is None else str(base_url), api_key, environ)
    initial = Settings(
        base_url=where.base_url,
        api_key=where.api_key,
        timeout=DEFAULT_TIMEOUT,
        max_retries=max_retries,
        idempotent_posts=idempotent_posts,
        headers={"User-Agent": USER_AGENT},
        query={},
        webhook_secret=None,
    )
    return changed(
        initial,
        webhook_secret=webhook_secret or environ.get("OPENVIDEOS_WEBHOOK_SECRET") or None,
        timeout=timeout,
        max_retries=max_retries,
        default_headers=default_headers or {},
        default_query=default_query or {},
        idempotent_posts=idempotent_posts,
    )


def changed(
    settings: Settings,
    *,
    webhook_secret: str | Sequence[str] | None | NotGiven,
    timeout: Timeout | NotGiven,
    max_retries: int | NotGiven,
    default_headers: Mapping[str, str] | NotGiven,
    default_query: Mapping[str, object] | NotGiven,
    idempotent_posts: bool | NotGiven,
) -> Settings:
    """Check and apply what is given; headers and query parameters are added to the existing ones.

    Raises:
        ConfigurationError: A setting is invalid.
        InvalidArgumentError: A default header cannot be sent.
    """
    if not isinstance(webhook_secret, NotGiven):
        secret = tuple(webhook_secret) if isinstance(webhook_secret, list) else webhook_secret
        settings = evolve(settings, webhook_secret=secret)
    if not isinstance(timeout, NotGiven):
        settings = evolve(settings, timeout=checked_timeout(timeout, ConfigurationError))
    if not isinstance(max_retries, NotGiven):
        if isinstance(max_retries, bool) or not isinstance(cast("object", max_retries), int) or max_retries < 0:
            raise ConfigurationError(f"max_retries is {repr_of(max_retries)}; it must be an integer, zero or more.")
        settings = evolve(settings, max_retries=max_retries)
    if not isinstance(default_headers, NotGiven):
        headers = checked_mapping("default_headers", default_headers, ConfigurationError)
        for name, value in headers.items():
            check_header(name, value)
        settings = evolve(settings, headers={**settings.headers, **headers})
    if not isinstance(default_query, NotGiven):
        query = checked_mapping("default_query", default_query, ConfigurationError)
        settings = evolve(settings, query={**settings.query, **query})
    if not isinstance(idempotent_posts, NotGiven):
        settings = evolve(settings, idempotent_posts=idempotent_posts)
    return settings


def checked_timeout(value: object, kind: type[ConfigurationError | InvalidArgumentError]) -> CheckedTimeout:
    """Return a timeout in seconds, or for each phase; None for no timeout.

    Raises:
        ConfigurationError, InvalidArgumentError: It is not a timeout that can be kept; `kind` says which is raised.
    """
    if isinstance(value, PhaseTimeouts):
        value = httpx.Timeout(**value.as_dict())
        for name, phase in value.as_dict().items():
            # Not to wait for a connection of the pool is of use; every other phase takes time.
            if phase is not None and (phase != 0 or name != "pool"):
                _seconds(f"timeout.{name}", phase, kind)
        return value
    if value is None:
        return None
    return _seconds("timeout", value.total_seconds() if isinstance(value, timedelta) else value, kind)


def _seconds(name: str, value: object, kind: type[ConfigurationError | InvalidArgumentError]) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise kind(
            f"{name} is {repr_of(value)}; it must be a number of seconds, a timedelta, an httpx.Timeout, or None for "
            "no timeout."
        )
    if not 0 < cast("float", value) <= LONGEST_TIMEOUT_S:
        raise kind(
            f"{name} is {repr_of(value)}; it must be more than 0 seconds, in which nothing can arrive, and at most "
            f"{LONGEST_TIMEOUT_S}. None is no timeout."
        )
    return float(value)


def checked_mapping(
    name: str, value: Mapping[str, V], kind: type[ConfigurationError | InvalidArgumentError]
) -> Mapping[str, V]:
    """Return a caller's headers, parameters or fields.

    Raises:
        ConfigurationError, InvalidArgumentError: It is no mapping whose keys are text; `kind` says which is raised.
    """
    if not isinstance(cast("object", value), Mapping):
        raise kind(f"{name} is of the type {type(value).__name__}; it must be a mapping, such as a dict.")
    for key in value:
        if not isinstance(cast("object", key), str):
            raise kind(f"{name} has a key of the type {type(key).__name__}; its keys must be text.")
    return value


def keyed(settings: Settings, api_key: ApiKey | None) -> Settings:
    """Change the API key. None removes it; then that of the environment is not used either.

    Raises:
        ConfigurationError: The key is invalid.
    """
    return evolve(settings, api_key=api_key if callable(api_key) else checked_key(api_key))


def moved(settings: Settings, base_url: str, api_key: ApiKey | None | NotGiven, environ: Mapping[str, str]) -> Settings:
    """Change the base URL. What is secret belongs to the old server, and must not be sent to one of another origin.

    Raises:
        ConfigurationError: The base URL is invalid.
    """
    # The environment may have the new server's key, which is not looked at if the caller has passed one, or None.
    where = endpoint(base_url, None if isinstance(api_key, NotGiven) else "", environ)
    if same_origin(httpx.URL(settings.base_url), httpx.URL(where.base_url)):
        return evolve(settings, base_url=where.base_url)
    return evolve(
        settings,
        base_url=where.base_url,
        api_key=where.api_key,
        headers=_public(settings.headers, settings.secrets),
        query=_public(settings.query, settings.secrets),
    )


def _public(values: Mapping[str, V], secrets: tuple[str, ...]) -> dict[str, V]:
    return {
        name: value
        for name, value in values.items()
        if not is_secret_name(name) and not any(secret in str(value) for secret in secrets)
    }
