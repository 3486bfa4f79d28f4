"""Store the rendered files: render each one once, when it is first requested, and never return an incomplete file.

A file's name begins with the digest of its recipe, so that equal jobs share it, and a file that is lost is rendered
again. It ends with what has made the file: the names of files are known once FFmpeg and Pillow are loaded, which takes
a quarter of a second, so that is done with the first file. A file is written under a temporary name and then renamed.
Rendering has its own small pool of threads.
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
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from .._model.refusals import StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._model.jobs import Recipe

_WORKERS: Final = 2
_CHUNK: Final = 1 << 20
_PART: Final = ".part"
_OURS: Final = frozenset({_PART, ".mp4", ".webp", ".jpg"})
_LOG = logging.getLogger("openvideos_emulator")


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
        self._lock, self._token = threading.Lock(), secrets.token_hex(8)
        self._pending: dict[tuple[str, Variant], Future[None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="render")
        self._temporary: weakref.finalize[..., MediaLibrary] | None = None
        if directory is None:
            directory = _temporary_directory()
            self._temporary = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self._directory = directory
        try:
            directory.mkdir(exist_ok=True)
            with os.scandir(directory) as files:
                self._is_empty = next(files, None) is None
        except OSError as error:
            raise StartError(
                f"the directory for media, {directory}, cannot be made: {error}; name another file with --db"
            ) from error

    def close(self) -> None:
        """Wait for the files that are being rendered, cancel the others, and remove a temporary directory."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._temporary is not None:
            self._temporary()

    def request(self, recipe: Recipe, variant: Variant) -> Future[None]:
        """Start to render a file, unless it exists or is being rendered; after the future, `open` can open it."""
        key = recipe.digest, variant
        with self._lock:
            pending = self._pending.get(key)
            if pending is not None and not pending.cancelled():
                return pending
            if _is_maker_known() and self._path(*key).exists():
                done: Future[None] = Future()
                done.set_result(None)
                return done
            self._is_empty = False
            future = self._pool.submit(self._make, recipe, variant)
            self._pending[key] = future
        future.add_done_callback(lambda _: self._forget(key, future))
        return future

    def _make(self, recipe: Recipe, variant: Variant) -> None:
        path = self._path(recipe.digest, variant)
        if not path.exists():
            _make(variant, recipe, path, path.with_name(f"{path.name}.{self._token}{_PART}"))

    def _forget(self, key: tuple[str, Variant], future: Future[None]) -> None:
        with self._lock:
            if self._pending.get(key) is future:
                del self._pending[key]

    def open(self, recipe: Recipe, variant: Variant) -> Media:
        """Open a rendered file.

        Raises:
            FileNotFoundError: The file was not rendered, or was removed since.
        """
        path = self._path(recipe.digest, variant)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            facts = os.fstat(file.fileno())
            etag = f'"{_digest(path, facts.st_mtime_ns, facts.st_size)}"'
            stack.pop_all()
        return Media(file, facts.st_size, etag, variant.media_type)

    def discard(self, digest: str) -> None:
        """Remove the files of a recipe, at once or soon; who has a file open can still read it to its end."""
        if self._is_empty:
            return
        if _is_maker_known():
            self._discard(digest)
        else:
            with contextlib.suppress(RuntimeError):  # it is being closed; the next start sweeps
                self._pool.submit(self._discard, digest)

    def _discard(self, digest: str) -> None:
        for variant in Variant:
            self._remove(self._path(digest, variant))

    def sweep(self, is_needed: Callable[[str], bool]) -> None:
        """Remove all files but those of the recipes whose digests are needed, and of files that are being rendered.

        Once it is known what makes files, those that something else has made are removed, too.
        """
        for path in self._ours():
            digest, _, rest = path.name.partition("-")
            is_stale = _is_maker_known() and rest != f"{_maker()}{path.suffix}"
            if path.suffix == _PART or is_stale or not is_needed(digest):
                self._remove(path)

    def clear(self) -> None:
        """Remove all files, and render none of those that were requested; those that are being rendered come yet."""
        with self._lock:
            pending = list(self._pending.values())
        for future in pending:
            future.cancel()
        for path in self._ours():
            self._remove(path)

    def _ours(self) -> Iterator[Path]:
        """Yield all files, but for those that this library is writing."""
        for name in os.listdir(self._directory):  # noqa: PTH208 - Path.iterdir makes an object of each name at once
            path = self._directory / name
            if path.suffix in _OURS and not (path.suffix == _PART and self._token in name):
                yield path

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # Windows refuses while the file is open; a sweep removes it later
            path.unlink(missing_ok=True)

    def _path(self, digest: str, variant: Variant) -> Path:
        return self._directory / f"{digest}-{_maker()}{variant.suffix}"


def _temporary_directory() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="openvideos-emulator-"))
    except OSError as error:
        raise StartError(
            f"the temporary directory for media cannot be made: {error}; name another place with TMPDIR, or a file with"
            " --db"
        ) from error


def _make(variant: Variant, recipe: Recipe, path: Path, part: Path) -> None:
    # Not before the first file: FFmpeg and Pillow take a third of the time to start.
    from .rendering import render_spritesheet, render_thumbnail, render_video

    render = {
        Variant.VIDEO: render_video,
        Variant.THUMBNAIL: render_thumbnail,
        Variant.SPRITESHEET: render_spritesheet,
    }[variant]
    try:
        render(recipe, part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        _LOG.exception("rendering %s failed", path.name)
        raise


@cache
def _maker() -> str:
    """Return a hash of what the bytes of files depend on beside recipes; when it changes, they are rendered again."""
    import av
    import PIL

    from .fonts import fingerprint

    return hashlib.sha256(f"2/{av.__version__}/{PIL.__version__}/{fingerprint()}".encode()).hexdigest()[:8]


def _is_maker_known() -> bool:
    return _maker.cache_info().currsize > 0


@lru_cache(maxsize=4096)
def _digest(path: Path, _modified: int, _length: int) -> str:
    with path.open("rb") as file:
        hashed = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()[:32]
