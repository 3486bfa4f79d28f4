"""Build the emulator as an ASGI app from its parts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._http.app import EmulatorApp


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
) -> EmulatorApp:
    """Build the emulator as an ASGI app.

    Args:
        database: The SQLite file that stores the jobs; media are stored next to it. With None, jobs are kept in memory
            and media in a temporary directory, until the app is closed.
        api_key: The key that requests must carry. With None, requests need no key, and any key is accepted.
        pace: The job speed: `instant`, `polls:N`, `seconds:S`, or `manual` (tests advance the jobs).
        profile: Which sizes and durations the server accepts: `default` or `sora`.
        max_body_bytes: The size limit of a request's body; 64 MiB if None.
        clock: The source of the time, in Unix seconds.
        webhook_url: The URL that receives a webhook when a job completes or fails; None for no webhooks. A separate
            thread delivers them until the app is closed.
        webhook_secret: The secret that signs webhooks: `whsec_` and the base64 of 24 to 64 bytes.

    Raises:
        ValueError: The job speed or the profile is unknown, or the webhook's URL or secret is missing or wrong.
        StartError: The database cannot be used; the message says why.

    """
    # Imported here, so that `main` can report a missing extra before these imports fail.
    from ._engine.engine import Engine
    from ._http.app import MAX_BODY_BYTES, EmulatorApp
    from ._model.jobs import Pace
    from ._model.profiles import PROFILES

    if profile not in PROFILES:
        raise ValueError(f"the profile {profile!r} is unknown; use one of {', '.join(PROFILES)}")
    endpoint = None
    if webhook_url is not None or webhook_secret is not None:
        from ._webhooks.endpoint import Endpoint  # the HTTP client under it is slow to import

        endpoint = Endpoint.of(webhook_url, webhook_secret)
    engine = Engine(
        database=None if database is None else Path(database),
        pace=Pace.parse(pace),
        profile=PROFILES[profile],
        clock=clock,
        has_events=endpoint is not None,
    )
    dispatcher = None
    if endpoint is not None:
        from ._webhooks.dispatcher import Dispatcher

        dispatcher = Dispatcher(engine.outbox, endpoint, now=engine.now)
        dispatcher.start()
    limit = MAX_BODY_BYTES if max_body_bytes is None else max_body_bytes
    return EmulatorApp(engine, api_key=api_key, max_body_bytes=limit, dispatcher=dispatcher)
