"""Decide what a request gets that was sent before under the same idempotency key: what it made then, or a refusal."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._model.refusals import Reason, RefusalError
from .._storage.job_store import Claim

if TYPE_CHECKING:
    from .._model.jobs import Job
    from .._storage.job_store import Store


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key and the fingerprint of the request that carries it."""

    key: str
    fingerprint: str


class Claims:
    """What idempotency keys stand for. A request without one (None) repeats nothing."""

    def __init__(self, store: Store) -> None:
        """Keep the claims in this store."""
        self._store = store

    def job_of(self, once: Once | None) -> Job | None:
        """Find the job that an earlier request with this key started; None if there was no such request."""
        made = self.made_by(once)
        job = None if made is None else self._store.job(made)
        if made is not None and job is None:
            raise RefusalError(
                Reason.CONFLICT,
                f"The Idempotency-Key was used for {made}, which was deleted since; use a new key for a new job.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        return job

    def made_by(self, once: Once | None) -> str | None:
        """Find the id of what an earlier request with this key made; None if there was no such request."""
        claim = None if once is None else self._store.claim(once.key)
        if claim is None or once is None:
            return None
        if not secrets.compare_digest(claim.fingerprint, once.fingerprint):
            raise RefusalError(
                Reason.CONFLICT,
                "The Idempotency-Key was used for another request; use a new key for a new request.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        return claim.resource_id

    def add(self, once: Once | None, resource_id: str) -> None:
        """Store what this key stands for from now on."""
        if once is not None:
            self._store.add_claim(Claim(once.key, once.fingerprint, resource_id))
