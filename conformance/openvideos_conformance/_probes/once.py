"""Play each scene once in a run, when a check first asks for it; every check that looks at it shares it.

Scenes are not session fixtures of their own, since pytest would play those before it is known what the server offers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from .._core.outcomes import OutcomeError
from . import creates
from .list_walks import Walks, walk_all_ways
from .unfinished_job import Unfinished, ask_while_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.exchange import Exchange
    from .._server.downloads import Files
    from .._server.jobs import JobPool
    from .._server.recording_client import Wire

T = TypeVar("T")


class Scenes:
    """The scenes of a run, each played when it is first asked for. One that could not be played is not tried again."""

    def __init__(self, wire: Wire, jobs: JobPool, files: Files) -> None:
        """Play nothing yet."""
        self._wire, self._jobs, self._files = wire, jobs, files
        self._played: dict[str, object] = {}

    @property
    def unfinished(self) -> Unfinished:
        """A job that was asked, while it ran, for what only a completed one has."""
        is_json = self._jobs.refused_form is not None
        return self._once("unfinished", lambda: ask_while_unfinished(self._wire, as_json=is_json))

    @property
    def at_once(self) -> list[creates.Take]:
        """Jobs that were started at the same moment."""
        return self._once("at_once", lambda: creates.start_at_once(self._wire, self._jobs))

    @property
    def remix(self) -> creates.Remix:
        """A remix of the plain job."""
        return self._once("remix", lambda: creates.remix_the_plain(self._wire, self._jobs))

    @property
    def extension(self) -> Exchange:
        """An extension of the plain job."""
        return self._once("extension", lambda: creates.extend_the_plain(self._wire, self._jobs))

    @property
    def character(self) -> Exchange:
        """A character that was created from the clip of the plain job."""
        return self._once("character", lambda: creates.create_character(self._wire, self._files.video.body))

    @property
    def deletion(self) -> creates.Deletion:
        """The deletion of a job that had ended."""
        return self._once("deletion", lambda: creates.delete_the_doomed(self._wire, self._jobs))

    @property
    def race(self) -> creates.Race:
        """Deletions of one job at the same moment."""
        return self._once("race", lambda: creates.race_to_delete(self._wire, self.at_once))

    @property
    def walks(self) -> Walks:
        """Walks over all pages of the list."""
        fields = self._wire.target.choice(prompt="A clock strikes the next second")
        return self._once(
            "walks", lambda: walk_all_ways(self._wire, lambda: creates.create(self._wire, self._jobs, fields))
        )

    def _once(self, name: str, play: Callable[[], T]) -> T:
        if name not in self._played:
            try:
                self._played[name] = play()
            except OutcomeError as outcome:
                self._played[name] = outcome
        played = self._played[name]
        if isinstance(played, OutcomeError):
            raise played
        return cast("T", played)
