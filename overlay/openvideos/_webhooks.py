"""Verify and read webhooks (openapi.yaml, webhooks), with the standardwebhooks library.

Anyone who knows a receiver's address can send it anything. So whatever is wrong with a webhook raises
WebhookVerificationError and no other exception; the library also raises TypeError, ValueError and binascii.Error.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from attrs import field, frozen

from openvideos_raw.models.video_completed_event import VideoCompletedEvent
from openvideos_raw.models.video_failed_event import VideoFailedEvent

from ._errors import ConfigurationError, InvalidArgumentError, WebhookVerificationError
from ._json import is_object

if TYPE_CHECKING:
    from standardwebhooks import Webhook

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_S: Final = 300
"""How far a timestamp may be from now, by Standard Webhooks; the library decides, this only explains."""

VideoCompleted: TypeAlias = VideoCompletedEvent
VideoFailed: TypeAlias = VideoFailedEvent


# For type checkers, the type of an unknown event is a word of its own. A `str` could be "video.completed" as well, and
# `if event.type == "video.completed"` would tell them nothing of the event.
_UnknownType: TypeAlias = Literal["a type that this version does not know"]


@frozen
class UnknownEvent:
    """A signed event of a type that this version does not know. Ignore it, or read `body`.

    Type checkers take `type` for a constant, so that they narrow a VideoEvent by it: compare `body["type"]` with a type
    that is newer than this version.
    """

    _type: str = field(alias="type")
    body: dict[str, Any]
    """The event as it was sent."""

    @property
    def type(self) -> _UnknownType:
        """The type of the event."""
        return cast("_UnknownType", self._type)

    @property
    def id(self) -> str:
        """The id of the event; empty if it has none."""
        value = self.body.get("id")
        return value if isinstance(value, str) else ""

    @property
    def data(self) -> Any:
        """What the event is about, as it was sent; None if it does not say."""
        return self.body.get("data")


VideoEvent: TypeAlias = VideoCompleted | VideoFailed | UnknownEvent
"""What `unwrap` returns. `event.type` tells which it is, to type checkers too."""


class Webhooks:
    """Verify, read and sign webhooks with the client's `webhook_secret`, or with a secret passed to a method."""

    def __init__(self, secret: str | Sequence[str] | None) -> None:
        """Verify with a secret, or with several of which one must match."""
        self._secret = secret

    def verify(
        self,
        payload: str | bytes,
        headers: Mapping[str, str],
        *,
        secret: str | Sequence[str] | None = None,
    ) -> None:
        """Check that a webhook was signed with the secret, at most five minutes ago.

        Args:
            payload: The body exactly as it was received; do not parse and serialize it again.
            headers: The headers of the request, in any case.
            secret: The secret, or several of which one must match; by default the client's.

        Raises:
            WebhookVerificationError: The webhook was not signed with the secret, is older than five minutes, or lacks a
                header; the message says which.
            ConfigurationError: There is no secret, or it is invalid.

        """
        secrets = secret if secret is not None else self._secret
        _verified(payload, headers, secrets)

    def unwrap(
        self,
        payload: str | bytes,
        headers: Mapping[str, str],
        *,
        secret: str | Sequence[str] | None = None,
    ) -> VideoEvent:
        """Check a webhook as `verify` does, and return its event: VideoCompleted, VideoFailed or UnknownEvent.

        Raises:
            WebhookVerificationError: The webhook was not signed with the secret, is too old, or is not an event.
            ConfigurationError: There is no secret, or it is invalid.
        """
        secrets = secret if secret is not None else self._secret
        return _event(_verified(payload, headers, secrets))

    def sign(
        self,
        payload: str | bytes,
        *,
        message_id: str = "msg_test",
        timestamp: float | None = None,
        secret: str | None = None,
    ) -> dict[str, str]:
        """Return the headers with which a server signs a payload, for tests of a receiver.

        Args:
            payload: The body of the webhook.
            message_id: The id of the delivery.
            timestamp: When it was signed, in Unix seconds; by default now.
            secret: The secret; by default the client's, the first if it has several.

        Raises:
            ConfigurationError: There is no secret, or it is invalid.
            InvalidArgumentError: The payload is not UTF-8, or the timestamp is not a time.
        """
        secrets = _several(secret if secret is not None else self._secret)
        return sign(payload, secret=secrets[0], message_id=message_id, timestamp=timestamp)


def sign(
    payload: str | bytes, *, secret: str, message_id: str = "msg_test", timestamp: float | None = None
) -> dict[str, str]:
    """Return the headers with which a server signs a payload, for tests of a receiver.

    `timestamp` is in Unix seconds; by default the current time.

    Raises:
        ConfigurationError: The secret is invalid.
        InvalidArgumentError: The payload is not UTF-8, or the timestamp is not a time.
    """
    signer = _webhook(secret)
    try:
        at = int(time.time() if timestamp is None else timestamp)
        text = payload if isinstance(payload, str) else payload.decode()
        signature = signer.sign(message_id, datetime.fromtimestamp(at, tz=UTC), text)
    except (ArithmeticError, AttributeError, OSError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"The webhook cannot be signed ({error}): payload is text or bytes in UTF-8, message_id is text, and "
            "timestamp is in Unix seconds."
        ) from error
    return dict(zip(HEADERS, (message_id, str(at), signature), strict=True))


def _webhook(secret: object) -> Webhook:
    """Return the library's verifier for a secret.

    Raises:
        ConfigurationError: The secret is invalid, or standardwebhooks is not installed.
    """
    try:
        from standardwebhooks import Webhook
    except ImportError as error:
        raise ConfigurationError(
            "Webhooks need the extra webhooks, which brings standardwebhooks; add it from where openvideos came, such "
            "as a clone: python -m pip install '.[webhooks]'."
        ) from error
    if not isinstance(secret, str) or not secret.removeprefix("whsec_").strip("= \t\r\n"):
        raise ConfigurationError("A webhook secret is empty or not text; it looks like whsec_ and base64.")
    with contextlib.suppress(Exception):  # binascii's errors and others, whose attributes may have the secret
        return Webhook(secret)
    raise ConfigurationError("A webhook secret is not base64; it looks like whsec_ and base64.")


def _verified(payload: object, headers: object, secrets: str | Sequence[str] | None) -> str:
    """Return the payload as text if one of the secrets matches its signature.

    Raises:
        WebhookVerificationError: No secret matches, or the webhook is malformed.
        ConfigurationError: There is no secret, or it is invalid.
    """
    verifiers = [_webhook(secret) for secret in _several(secrets)]
    text = _text(payload)
    signed = _headers(headers)
    if any(_is_signed_for(verifier, text, signed) for verifier in verifiers):
        return text
    raise WebhookVerificationError(_why_refused(signed, len(verifiers)))


def _is_signed_for(verifier: Webhook, text: str, signed: dict[str, str]) -> bool:
    try:
        verifier.verify(text, signed, json_parse=False)
    except Exception:  # noqa: BLE001 - a hostile header can make the library raise any exception
        return False
    return True


def _several(secrets: str | Sequence[str] | None) -> Sequence[str]:
    """Return one secret or several as several.

    Raises:
        ConfigurationError: There is none.
    """
    if not secrets:
        raise ConfigurationError("No webhook secret: pass webhook_secret=, or set OPENVIDEOS_WEBHOOK_SECRET.")
    return secrets if isinstance(secrets, (list, tuple)) else [cast("str", secrets)]


def _why_refused(signed: dict[str, str], secrets: int) -> str:
    """Say which of a webhook's headers, or the secret, is why the library refuses it."""
    moment, signatures = signed[HEADERS[1]], signed[HEADERS[2]]
    try:
        age = time.time() - float(moment)
    except ValueError:
        age = math.nan
    if not math.isfinite(age):
        return f"The webhook's header {HEADERS[1]} is {moment[:40]!r}, which is no time in Unix seconds."
    if abs(age) > TOLERANCE_S:
        side = "ago" if age > 0 else "in the future"
        return (
            f"The webhook's header {HEADERS[1]} says that it was signed {abs(age):.6g} seconds {side}; at most "
            f"{TOLERANCE_S} are allowed. It is an old delivery, or the clock of this machine or the sender's is wrong."
        )
    if not signatures:
        return f"The webhook's header {HEADERS[2]} has no signature of the form v1,BASE64."
    which = "the webhook secret" if secrets == 1 else f"any of the {secrets} webhook secrets"
    return (
        f"No signature of the webhook matches {which}: the secret is not the sender's, or the body or the header "
        f"{HEADERS[0]} was changed. Pass the body exactly as it was received."
    )


def _text(payload: object) -> str:
    if isinstance(payload, (bytes, bytearray, memoryview)):
        try:
            return bytes(cast("bytes", payload)).decode()
        except UnicodeDecodeError as error:
            raise WebhookVerificationError("The webhook's body is not UTF-8.") from error
    if isinstance(payload, str):
        return payload
    raise WebhookVerificationError(
        f"The webhook's body is of the type {type(payload).__name__}; pass the bytes or the text that was received."
    )


def _headers(headers: object) -> dict[str, str]:
    """Return the three headers with lower-case names, and without signatures of other versions or forms.

    Raises:
        WebhookVerificationError: A header is missing.
    """
    try:
        items = {str(name).lower(): str(value) for name, value in dict(headers).items()}  # type: ignore[call-overload]
    except Exception as error:
        raise WebhookVerificationError("The webhook's headers are not a mapping of names to values.") from error
    missing = [name for name in HEADERS if not items.get(name)]
    if missing:
        raise WebhookVerificationError(f"The webhook lacks the headers {', '.join(missing)}.")
    signatures = [word for word in items[HEADERS[2]].split(" ") if word.startswith("v1,") and word.count(",") == 1]
    return {HEADERS[0]: items[HEADERS[0]], HEADERS[1]: items[HEADERS[1]], HEADERS[2]: " ".join(signatures)}


def _event(text: str) -> VideoEvent:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WebhookVerificationError("The webhook is signed, but its body is not JSON.") from error
    kind = body.get("type") if is_object(body) else None
    if not isinstance(kind, str):
        raise WebhookVerificationError("The webhook is signed, but its body is not an event: it has no type.")
    try:
        # The type must match exactly: a type with the same beginning is another event.
        if kind == "video.completed":
            return VideoCompleted.from_dict(body)
        if kind == "video.failed":
            return VideoFailed.from_dict(body)
    except (TypeError, ValueError) as error:
        raise WebhookVerificationError(
            f"The webhook is signed, but its body is not a {kind} event: {error}."
        ) from error
    return UnknownEvent(type=kind, body=body)
