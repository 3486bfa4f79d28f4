"""What the suite is pointed at: the server, the key, and what a run may ask and spend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .contract import Contract

_A_FEW_SECONDS: Final = "4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and how it is to be judged.

    `base_url` ends with the prefix, such as `/v1`. `model`, `size` and `seconds` are what the server offers; None
    leaves the choice to the contract's default. `max_videos` bounds the jobs that a run starts, `deadline` how long it
    waits for them, in seconds, and `timeout` how long for one answer.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    size: str | None = None
    seconds: str | None = None
    failing_prompt: str | None = None
    declared: frozenset[str] = frozenset()
    """The capabilities that the operator says the server has; they are not detected, and never unsupported."""
    denied: frozenset[str] = frozenset()
    """Those that the operator says it has not."""
    max_videos: int = 40
    deadline: float = 600.0
    timeout: float = 30.0
    seed: int = 0
    webhook_port: int | None = None
    webhook_secret: str | None = field(default=None, repr=False)

    def duration(self, contract: Contract) -> str:
        """Return the seconds to ask for where they must be named: the operator's, the contract's, or a few."""
        return self.seconds or contract.default("VideoSeconds") or _A_FEW_SECONDS

    def choice(self, **fields: str) -> dict[str, str]:
        """Return the fields of a create, with the model, the size and the seconds that the server offers."""
        chosen = {"model": self.model, "size": self.size, "seconds": self.seconds}
        return {**{name: value for name, value in chosen.items() if value is not None}, **fields}
