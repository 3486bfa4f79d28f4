"""Keep the characters of one server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .._model.refusals import Reason, RefusalError, shown
from .._storage.job_store import Character

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._storage.job_store import Store
    from .idempotency import IdempotencyKeys, IdempotentRequest


class Characters:
    """The characters, and the operations on them."""

    def __init__(self, store: Store, keys: IdempotencyKeys, now: Callable[[], float]) -> None:
        """Keep them in this store; `now` returns the time that jobs see, in Unix seconds."""
        self._store, self._keys, self._now = store, keys, now

    def create(self, name: str, digest: str, *, idempotent: IdempotentRequest | None = None) -> Character:
        """Store a character. If `idempotent` is repeated, return the character that its first request made."""
        with self._store.transaction():
            repeated = self._keys.resource_of(idempotent)
            if repeated is not None:
                return self.retrieve(repeated)
            id_ = f"char_{secrets.token_hex(16)}"
            character = Character(id=id_, created_at=int(self._now()), name=name, digest=digest)
            self._store.add_character(character)
            self._keys.add(idempotent, id_)
        return character

    def retrieve(self, character_id: str) -> Character:
        """Find a character.

        Raises:
            RefusalError: No character has this id.
        """
        character = self._store.character(character_id)
        if character is None:
            raise RefusalError(
                Reason.NOT_FOUND,
                f"No character has the id {shown(character_id)}.",
                code="not_found",
                param="character_id",
            )
        return character
