"""Build the emulator as an ASGI app: the one place that knows all its parts."""

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
        database: The SQLite file that keeps the jobs; media lie beside it. None keeps all in memory and a temporary
            directory, and forgets it at the end.
        api_key: The key that requests must carry; None takes any key, and none.
        pace: How fast jobs run: `instant`, `polls:N`, `seconds:S`, or `manual`: as they are told to.
        profile: Which sizes and durations are offered: `default` or `sora`.
        max_body_bytes: How large a request's body may be; 64 MiB if None.
        clock: Where the time comes from, in Unix seconds.
        webhook_url: Where the news is posted that a job was completed or failed; nowhere if None. A thread of its own
            does that, until the app is closed.
        webhook_secret: The secret that signs webhooks: `whsec_` and the base64 of 24 to 64 bytes.

    Raises:
        ValueError: The pace or the profile is unknown, or the webhook's URL or secret is missing or wrong.
        StartError: The database cannot be used; the message says why.

    """
    # Imported here, so that `main` can say which extra is missing before anything needs it.
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
