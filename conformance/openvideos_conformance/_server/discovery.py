"""Ask a server, once per run, what it offers by its own account (`GET /videos/models`)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from .._core.catalogue import CORE
from .._core.exchange import json_array, json_object
from .._core.profiles import NEED_OPTIONS, claimed

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .recording_client import RecordingClient

SAMPLING: Final = "sampling"
"""The extension, and the capability, of the fields seed, negative_prompt, fps and num_frames."""

REFERENCES: Final = "references"
"""The extension, and the capability, of several images with a role each."""

EXTENSIONS: Final = (SAMPLING, REFERENCES)

_UNCLAIMED: Final = NEED_OPTIONS | {CORE, "discovery", "url"}
"""Capabilities that no account tells: what an operator sets up, the account itself, and what a Video shows."""


class Discovery:
    """What a server says of itself. A server that answers with another status than 200 says nothing."""

    def __init__(self, client: RecordingClient) -> None:
        """Ask nothing yet."""
        self._client = client

    @cached_property
    def exchange(self) -> Exchange:
        """The exchange that asked the server."""
        return self._client.get("/videos/models")

    @property
    def claim(self) -> dict[str, Any]:
        """What the server claims to keep of the contract; empty if it says nothing."""
        return json_object(self.exchange.object.get("contract")) if self.exchange.is_ok else {}

    @property
    def models(self) -> list[dict[str, Any]]:
        """The models that the server names."""
        return [json_object(each) for each in json_array(self.exchange.object.get("data")) if self.exchange.is_ok]

    def silence(self, capability: str) -> str | None:
        """Return why a capability is not offered by the server's own account; None if that does not say so.

        An extension is offered only if it is named. Another capability is not offered if the server names its profiles,
        and none that has it.
        """
        if capability in EXTENSIONS:
            is_named = capability in json_array(self.claim.get("extensions"))
            return None if is_named else f"GET /videos/models does not name the extension {capability}"
        if capability in _UNCLAIMED:
            return None
        found = claimed(self.claim)
        is_open = found is None or capability in found
        return None if is_open else f"GET /videos/models names no profile or extension that has {capability}"
