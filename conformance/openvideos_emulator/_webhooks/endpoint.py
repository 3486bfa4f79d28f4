"""Build the signed requests that deliver webhooks (Standard Webhooks 1.0.0), with the standardwebhooks library.

The library decodes a secret leniently, so that a mistyped secret silently signs with another key. This module refuses
secrets that do not have the standard's form. No message contains a secret, or a URL, which may contain a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx
from standardwebhooks import Webhook

from .._model.webhook_events import payload

if TYPE_CHECKING:
    from .._model.webhook_events import Event

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PORTS: Final = range(1, 65_536)
_MAKE_ONE: Final = (
    "make one with: python -c \"import base64, secrets; print('whsec_' +"
    ' base64.b64encode(secrets.token_bytes(32)).decode())"'
)


class Endpoint:
    """The URL that receives webhooks, and the secret that signs them."""

    def __init__(self, url: str, secret: str) -> None:
        """Send to this URL, and sign with this secret.

        Raises:
            ValueError: The URL or the secret is invalid.
        """
        self._url = _parsed(url)
        self._signer = Webhook(_key(secret))

    @classmethod
    def of(cls, url: str | None, secret: str | None) -> Endpoint:
        """Build the endpoint from optional values.

        Raises:
            ValueError: The URL or the secret is missing or invalid.
        """
        if url is None:
            raise ValueError("there is a webhook secret, but no webhook URL; give both, or neither")
        if secret is None:
            raise ValueError(f"there is a webhook URL, but no webhook secret, and webhooks are signed; {_MAKE_ONE}")
        return cls(url, secret)

    @property
    def shown_url(self) -> str:
        """Return the URL as far as it may be shown: its query and its fragment may hold a secret."""
        return str(self._url.copy_with(query=b"***" if self._url.query else None, fragment=None))

    def request(self, event: Event, *, at: float) -> httpx.Request:
        """Build the request that delivers an event, signed at `at`: real time in Unix seconds, not the jobs' time."""
        body = payload(event)
        signed_at = int(at)
        headers = {
            "content-type": "application/json",
            "user-agent": "openvideos-emulator",
            "connection": "close",
            "webhook-id": event.id,
            "webhook-timestamp": str(signed_at),
            "webhook-signature": self._signer.sign(event.id, datetime.fromtimestamp(signed_at, tz=UTC), body),
        }
        return httpx.Request("POST", self._url, headers=headers, content=body)


def _parsed(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL()
    is_host = _HOST.fullmatch(url.raw_host.decode("latin-1"))  # httpx allows a space as a host
    is_port = url.port is None or url.port in _PORTS
    if url.scheme not in {"http", "https"} or not is_host or not is_port:
        raise ValueError(
            "the webhook URL must be http:// or https:// and a host, such as http://127.0.0.1:9000/webhooks"
        )
    if url.userinfo:
        raise ValueError(
            "the webhook URL contains a user name or a password; leave them out: the signature identifies the sender"
        )
    return url


def _key(secret: str) -> bytes:
    digits = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError(f"the webhook secret must be whsec_ and the base64 of 24 to 64 bytes; {_MAKE_ONE}")
    return key
