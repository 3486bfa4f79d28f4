"""Build the emulator as an ASGI app from its parts."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._http.app import EmulatorApp


def version() -> str:
    """Return the version of the package that holds the emulator."""
    import importlib.metadata

    try:
        return importlib.metadata.version("openvideos")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        return "unknown"


def create_app(
    *,
    database: str | Path | None = None,
    api_key: str | None = None,
    pace: str = "instant",
    profile: str = "default",
    max_body_bytes: int | None = None,
    clock: Callable[[], float] = time.time,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    imitate: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> EmulatorApp:
    """Build the emulator as an ASGI app.

    Args:
        database: The SQLite file that stores the jobs; media are stored next to it. With None or `:memory:`, jobs are
            kept in memory and media in a temporary directory, until the app is closed.
        api_key: The key that requests must carry. With None, requests need no key, and any key is accepted.
        pace: The job speed: `instant`, `polls:N`, `seconds:S`, or `manual` (tests advance the jobs).
        profile: Which sizes and durations the server accepts: `default` or `sora`.
        max_body_bytes: The size limit of a request's body; 64 MiB if None.
        clock: The source of the time, in Unix seconds.
        webhook_url: The URL that receives a webhook when a job completes or fails; None for no webhooks. A separate
            thread delivers them until the app is closed.
        webhook_secret: The secret that signs webhooks: `whsec_` and the base64 of 24 to 64 bytes.
        imitate: The server whose departures from the contract the emulator imitates, such as `vllm-omni`; None for
            an emulator that keeps the contract.
        allowed_hosts: The hosts that requests may name, beside `localhost` and loopback addresses, so that no page that
            a browser has open reads or changes anything by DNS rebinding; None for any host. A server that listens on a
            port without an `api_key` needs this; an app in memory does not.

    Raises:
        ValueError: The job speed, the profile or the server to imitate is unknown, the webhook's URL or secret is
            missing or wrong, or an allowed host is not the name of a host.
        StartError: The database cannot be used; the message says why.

    """
    # Imported here, so that `main` can report a missing extra before these imports fail.
    from ._engine.engine import Engine
    from ._http.app import MAX_BODY_BYTES, EmulatorApp
    from ._imitations.servers import imitation
    from ._model.jobs import Pace
    from ._model.neighbours import Neighbours
    from ._model.profiles import profile_of

    accepted = profile_of(profile)
    neighbours = Neighbours.of(allowed_hosts, has_key=api_key is not None)
    imitated = None if imitate is None else imitation(imitate)
    endpoint = None
    if webhook_url is not None or webhook_secret is not None:
        from ._webhooks.endpoint import Endpoint  # the HTTP client under it is slow to import

        endpoint = Endpoint.of(webhook_url, webhook_secret)
    engine = Engine(
        database=None if database is None else Path(database),
        pace=Pace.parse(pace),
        profile=accepted,
        clock=clock,
        has_events=endpoint is not None,
    )
    dispatcher = None
    if endpoint is not None:
        from ._webhooks.dispatcher import Dispatcher

        dispatcher = Dispatcher(engine.outbox, endpoint, now=engine.now)
        dispatcher.start()
    limit = MAX_BODY_BYTES if max_body_bytes is None else max_body_bytes
    wrap = None if imitated is None else partial(imitated.wrap, max_body_bytes=limit)
    return EmulatorApp(
        engine,
        api_key=api_key,
        neighbours=neighbours,
        max_body_bytes=limit,
        dispatcher=dispatcher,
        wrap=wrap,
        version=version(),
    )
