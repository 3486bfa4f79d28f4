"""Turn what came of an effect into JSON, in which DBOS records it, and back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from attrs import asdict

from .ledger import storable
from .placing import Ambiguous, Blind, Busy, Doubt, Held, Intent, Placed, Refused, Sight

KINDS: Final[dict[str, Callable[..., Any]]] = {
    kind.__name__: kind for kind in (Intent, Placed, Refused, Busy, Doubt, Sight, Blind, Held, Ambiguous)
}


def encoded(outcome: Any) -> dict[str, Any]:
    """Return an outcome as JSON, in which it is recorded: whoever could write pickles there could run code here."""
    return {"kind": type(outcome).__name__, **{name: storable(value) for name, value in asdict(outcome).items()}}


def decoded(said: Any) -> Any:
    """Return an outcome as it was."""
    if not isinstance(said, dict):
        return said
    values = dict(cast("dict[str, Any]", said))
    kind = KINDS[values.pop("kind")]
    if "intent" in values:
        values["intent"] = Intent(**values["intent"])
    tuples = {name: tuple(cast("list[str]", value)) for name, value in values.items() if isinstance(value, list)}
    return kind(**values | tuples)
