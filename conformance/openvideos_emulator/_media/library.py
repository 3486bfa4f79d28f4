"""Store the rendered files: render each one once, when it is first requested, and never return an incomplete file.

A file's name is a hash of its recipe, so that equal jobs share it, and a file that is lost is rendered again. A file is
written under a temporary name and then renamed. Rendering has its own small pool of threads.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import av
import PIL

from .._model.refusals import StartError
from .rendering import render_spritesheet, render_thumbnail, render_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._model.jobs import Recipe

_WORKERS: Final = 2
_CHUNK: Final = 1 << 20
_PART: Final = ".part"
_OURS: Final = frozenset({_PART, ".mp4", ".webp", ".jpg"})
_LOG = logging.getLogger("openvideos_emulator")
# The libraries' versions affect the bytes, so after an upgrade files are rendered again.
_MAKER: Final = f"1/{av.__version__}/{PIL.__version__}"


class Variant(Enum):
    """The files of a job; the values are those of the contract's `variant`."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"

    @property
    def media_type(self) -> str:
        """Return the media type of this file."""
        return {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}[self.value]

    @property
    def suffix(self) -> str:
        """Return the suffix of this file's name."""
        return {"video": ".mp4", "thumbnail": ".webp", "spritesheet": ".jpg"}[self.value]


_RENDERERS: Final[dict[Variant, Callable[[Recipe, Path], None]]] = {
    Variant.VIDEO: render_video,
    Variant.THUMBNAIL: render_thumbnail,
    Variant.SPRITESHEET: render_spritesheet,
}


@dataclass(frozen=True, slots=True)
class Media:
    """A complete file, open for reading; the caller closes `file`.

    `etag` is quoted and strong: a hash of the bytes. `length` is in bytes.
    """

    file: BinaryIO
    length: int
    etag: str
    media_type: str


class MediaLibrary:
    """The files of all jobs, in one directory; a temporary directory if the path is None."""

    def __init__(self, directory: Path | None) -> None:
        """Make the directory.

        Raises:
            StartError: The directory cannot be made.
        """
        self._lock = threading.Lock()
        self._pending: dict[Path, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="render")
        self._temporary: weakref.finalize[..., MediaLibrary] | None = None
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="openvideos-emulator-"))
            self._temporary = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self._directory = directory
        try:
            directory.mkdir(exist_ok=True)
        except OSError as error:
            raise StartError(f"the directory for media, {directory}, cannot be used: {error}") from error

    def close(self) -> None:
        """Wait for the files that are being rendered, cancel the others, and remove a temporary directory."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._temporary is not None:
            self._temporary()

    def request(self, recipe: Recipe, variant: Variant) -> Future[None]:
        """Start to render a file, unless it exists or is being rendered; after the future, `open` can open it."""
        path = self._path(recipe, variant)
        with self._lock:
            pending = self._pending.get(path)
            if pending is not None:
                return pending
            if path.exists():
                done: Future[None] = Future()
                done.set_result(None)
                return done
            future = self._pool.submit(_make, _RENDERERS[variant], recipe, path)
            self._pending[path] = future
        future.add_done_callback(lambda _: self._pending.pop(path, None))
        return future

    def open(self, recipe: Recipe, variant: Variant) -> Media:
        """Open a rendered file.

        Raises:
            FileNotFoundError: The file was not rendered, or was removed since.
        """
        path = self._path(recipe, variant)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            facts = os.fstat(file.fileno())
            etag = f'"{_digest(path, facts.st_mtime_ns, facts.st_size)}"'
            stack.pop_all()
        return Media(file, facts.st_size, etag, variant.media_type)

    def discard(self, recipe: Recipe) -> None:
        """Remove the files of a recipe; a response that has a file open can still read it to its end."""
        for variant in Variant:
            with contextlib.suppress(OSError):  # Windows refuses while the file is open; the next sweep removes it
                self._path(recipe, variant).unlink(missing_ok=True)

    def keep_only(self, recipes: Iterable[Recipe], *, with_parts: bool = False) -> None:
        """Remove all files but those of these recipes; `with_parts`, also the unfinished files of a killed process."""
        kept = {self._path(recipe, variant) for recipe in recipes for variant in Variant}
        for path in self._directory.iterdir():
            if path not in kept and path.suffix in _OURS and (with_parts or path.suffix != _PART):
                with contextlib.suppress(OSError):  # as in `discard`
                    path.unlink(missing_ok=True)

    def _path(self, recipe: Recipe, variant: Variant) -> Path:
        name = hashlib.sha256(repr((_MAKER, recipe.identity)).encode()).hexdigest()[:40]
        return self._directory / f"{name}{variant.suffix}"


def _make(render: Callable[[Recipe, Path], None], recipe: Recipe, path: Path) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_PART}")
    try:
        render(recipe, part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        _LOG.exception("rendering %s failed", path.name)
        raise


@lru_cache(maxsize=4096)
def _digest(path: Path, _modified: int, _length: int) -> str:
    with path.open("rb") as file:
        hashed = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()[:32]
