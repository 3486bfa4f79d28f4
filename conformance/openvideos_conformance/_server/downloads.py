"""Download each file of the completed plain job once per run, and share it among checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.exchange import is_past
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .jobs import JobPool
    from .recording_client import RecordingClient

_OK: Final = 200
_MP4: Final = b"ftyp"
_GONE: Final = 410


class Files:
    """The files of the completed plain job, each downloaded when a check first needs it."""

    def __init__(self, client: RecordingClient, jobs: JobPool) -> None:
        """Download nothing yet."""
        self._client, self._jobs = client, jobs
        self._responses: dict[str, Exchange] = {}

    @property
    def video(self) -> Exchange:
        """The complete clip, requested without a variant."""
        return self._downloaded("video")

    @property
    def upload(self) -> bytes:
        """The clip, to be sent to the server as a file.

        Raises:
            OutcomeError: There is none, or it is no MP4, which a server may refuse.

        """
        exchange = self.video
        if exchange.body[4:8] != _MP4:
            raise NotReachedError("the content of the completed job is no MP4 that could be uploaded", exchange)
        return exchange.body

    @property
    def thumbnail(self) -> Exchange:
        """The complete thumbnail."""
        return self._downloaded("thumbnail")

    @property
    def spritesheet(self) -> Exchange:
        """The complete spritesheet."""
        return self._downloaded("spritesheet")

    def response(self, variant: str) -> Exchange:
        """Return the exchange that downloads a file, whatever its status is.

        Raises:
            OutcomeError: The plain job was not accepted, or did not complete, or its files have expired, as it said.

        """
        job = self._jobs.completed()
        if variant not in self._responses:
            query = {} if variant == "video" else {"variant": variant}
            self._responses[variant] = self._client.get(f"{job.path}/content", query=query)
        exchange = self._responses[variant]
        expires = job.video.get("expires_at")
        if exchange.status == _GONE and is_past(expires, exchange):
            raise NotReachedError(
                f"the {variant} of the job {job.id} expired at {expires}, before it was downloaded; "
                "let the server keep files for longer than a run takes",
                exchange,
            )
        return exchange

    def _downloaded(self, variant: str) -> Exchange:
        exchange = self.response(variant)
        if exchange.failure or exchange.status != _OK:
            raise NotReachedError(
                f"the {variant} of the completed job could not be downloaded: {exchange.summary}", exchange
            )
        return exchange
