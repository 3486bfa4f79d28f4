"""Decide how to treat a request whose idempotency key was used before: return the earlier result, or refuse it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._model.refusals import Reason, RefusalError
from .._storage.job_store import KEY_SECONDS, Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._model.jobs import Job
    from .._storage.job_store import Store


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """An idempotency key and the fingerprint of the request that carries it."""

    key: str
    fingerprint: str


class IdempotencyKeys:
    """The idempotency keys that were used, each with the resource that its first request made, for 24 hours."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        """Keep the keys in this store; `now` returns the time that jobs see, in Unix seconds."""
        self._store, self._now = store, now

    def job_of(self, idempotent: IdempotentRequest | None) -> Job | None:
        """Find the job that an earlier request with this key started; None if there was none, or no key was sent.

        Raises:
            RefusalError: The key was used for another request, or the job was deleted since.
        """
        job_id = self.resource_of(idempotent)
        job = None if job_id is None else self._store.job(job_id)
        if job_id is not None and job is None:
            raise RefusalError(
                Reason.CONFLICT,
                f"The Idempotency-Key was used for {job_id}, which was deleted since; use a new key for a new job.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        return job

    def resource_of(self, idempotent: IdempotentRequest | None) -> str | None:
        """Find the id of what an earlier request with this key made; None if there was none, or no key was sent.

        Raises:
            RefusalError: The key was used for another request.
        """
        claim = None if idempotent is None else self._store.claim(idempotent.key)
        if claim is None or idempotent is None or self._now() >= claim.used_at + KEY_SECONDS:
            return None
        if not secrets.compare_digest(claim.fingerprint, idempotent.fingerprint):
            raise RefusalError(
                Reason.CONFLICT,
                "The Idempotency-Key was used for another request; use a new key for a new request.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        return claim.resource_id

    def add(self, idempotent: IdempotentRequest | None, resource_id: str) -> None:
        """Store the resource that a request with this key made; without a key, store nothing."""
        if idempotent is not None:
            self._store.add_claim(Claim(idempotent.key, idempotent.fingerprint, resource_id, self._now()))
