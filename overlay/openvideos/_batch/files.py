"""Put the files of completed jobs where the batch wants them: a folder, or a place that fsspec knows."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, TypeAlias

from attrs import define, field

from .. import APIConnectionError, APIStatusError, BatchError, DownloadError, NotFoundError, OpenVideosError

if TYPE_CHECKING:
    from .. import AsyncOpenVideos

Variant: TypeAlias = Literal["video", "thumbnail"]

SUFFIXES: Final = {"video": ".mp4", "thumbnail": ".webp"}
"""The suffix of each variant's file, by its media type in the contract."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
GONE: Final = frozenset({404, 410, 501})
"""Statuses that no later attempt changes; a key that is refused, or a job that is not ready, may pass."""
MOST_BROKEN: Final = 20
"""How often a file may arrive broken before its row is left to the next run."""
LATE_S: Final = 30.0
"""How long after the end of a job its file may be unknown: a server may tell of the end before the file is there."""
AT_ONCE: Final = 8
SHORTEST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
PIECE: Final = 1 << 20


@define
class Files:
    """Downloads files, checks them, and puts them where they belong."""

    client: AsyncOpenVideos
    out: str
    on_trouble: Callable[[str | None], None]
    """Called with what keeps files from being written, and with None once they are written again."""
    _slots: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def fetch(self, video_id: str, name: str, variant: Variant, known: dict[str, Any] | None) -> dict[str, Any]:
        """Return the name, the bytes and the sha256 of a file that is in its place, and is whole.

        `known` is what was recorded of it before: a file that is still so is not downloaded again. While the disk is
        full, or the server is away, this waits.

        Raises:
            OpenVideosError: The server refuses the file, or the place cannot be written.
        """
        target = name + SUFFIXES[variant]
        pause, broken, began = SHORTEST_PAUSE_S, 0, asyncio.get_running_loop().time()
        while True:
            try:
                async with self._slots:
                    if known is not None and known == await asyncio.to_thread(self._described, target):
                        return known
                    found = await self._download(video_id, target, variant)
            except (OSError, OpenVideosError) as error:
                broken += isinstance(error, DownloadError) and not isinstance(error.__cause__, OSError)
                if broken >= MOST_BROKEN:
                    raise
                is_late = variant == "video" and asyncio.get_running_loop().time() - began < LATE_S
                if not (isinstance(error, NotFoundError) and is_late):
                    self.on_trouble(_what_may_pass(error, target, self.out))
                await asyncio.sleep(pause)  # others may have the slot meanwhile
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self.on_trouble(None)
                return found

    async def _download(self, video_id: str, target: str, variant: Variant) -> dict[str, Any]:
        if "://" not in self.out:
            await self.client.videos.download(video_id, Path(self.out, target), variant=variant)
            found = await asyncio.to_thread(self._described, target)
            if found is None:
                raise BatchError(f"{target} was saved, and is gone; leave the folder of a batch alone while it runs.")
            return found
        with tempfile.TemporaryDirectory(prefix="openvideos-") as folder:
            path = await self.client.videos.download(video_id, Path(folder, target), variant=variant)
            found = {"file": target, **await asyncio.to_thread(digest_of, path)}
            await asyncio.to_thread(_put, path, self.out, target)
        return found

    def _described(self, target: str) -> dict[str, Any] | None:
        """Return what is known of a file that is in its place; None if there is none."""
        if "://" in self.out:
            return _described_remotely(self.out, target)
        try:
            return {"file": target, **digest_of(Path(self.out, target))}
        except FileNotFoundError:
            return None


def _what_may_pass(error: OSError | OpenVideosError, target: str, out: str) -> str:
    """Return why a file is not there yet, if that may pass.

    Raises:
        OpenVideosError: It will not.
    """
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and not isinstance(error, APIConnectionError):
        if cause.errno in FULL:
            return f"there is no room in {out}: make some, and the downloads go on"
        raise BatchError(f"{target} cannot be written: {cause.strerror or type(cause).__name__}.") from None
    if isinstance(error, APIStatusError) and error.status_code in GONE:
        raise error
    if not isinstance(error, (APIConnectionError, APIStatusError, DownloadError)):
        raise error
    return error.message


def digest_of(path: Path) -> dict[str, Any]:
    """Return the bytes and the sha256 of a file."""
    with path.open("rb") as file:
        return _digest_of_open(file)


def _digest_of_open(file: BinaryIO) -> dict[str, Any]:
    digest, length = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        length += len(piece)
    return {"bytes": length, "sha256": digest.hexdigest()}


def check_place(out: str) -> None:
    """Make the folder of a batch if it is a path, and see whether files can be written there.

    Raises:
        BatchError: They cannot.
    """
    try:
        if "://" in out:
            filesystem, path = _filesystem(out)
            filesystem.makedirs(path, exist_ok=True)
            return
        Path(out).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            return
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BatchError(f"files cannot be written in {out}: {reason}; name another folder with --out.") from None


def _filesystem(out: str) -> tuple[Any, str]:
    try:
        core: Any = importlib.import_module("fsspec.core")  # it ships no types
    except ImportError:
        raise BatchError(f"{out} needs fsspec, and what fsspec needs for it; pip install fsspec.") from None
    try:
        filesystem, path = core.url_to_fs(out)
    except (ImportError, ValueError) as error:
        raise BatchError(f"fsspec does not take {out}: {error}.") from None
    return filesystem, str(path).rstrip("/")


def _put(content: Path | bytes, out: str, target: str) -> None:
    """Write a file, or bytes, under another name first, so that its own name never has half a file."""
    part = f".{target}.part"
    if "://" not in out and isinstance(content, bytes):  # a file is downloaded to its place
        Path(out, part).write_bytes(content)
        Path(out, part).replace(Path(out, target))
        return
    filesystem, folder = _filesystem(out)
    if isinstance(content, bytes):
        filesystem.pipe_file(f"{folder}/{part}", content)
    else:
        filesystem.put_file(str(content), f"{folder}/{part}")
    filesystem.mv(f"{folder}/{part}", f"{folder}/{target}")


def _described_remotely(out: str, target: str) -> dict[str, Any] | None:
    filesystem, folder = _filesystem(out)
    try:
        with filesystem.open(f"{folder}/{target}", "rb") as file:
            return {"file": target, **_digest_of_open(file)}
    except FileNotFoundError:
        return None


def put_bytes(out: str, target: str, content: bytes) -> None:
    """Write a file beside those of a batch, whole or not at all.

    Raises:
        BatchError: It cannot be written.
    """
    try:
        _put(content, out, target)
    except OSError as error:
        raise BatchError(f"{target} cannot be written in {out}: {error.strerror}.") from None
