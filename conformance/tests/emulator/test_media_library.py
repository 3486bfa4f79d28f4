"""Who asks for a file, or deletes one, does not wait while FFmpeg and Pillow are loaded, by which files are named."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from openvideos_emulator._media import library, rendering
from openvideos_emulator._media.library import MediaLibrary, Variant
from openvideos_emulator._model.jobs import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 30.0
RECIPE = Recipe("A cat", "sora-2", "64x48", 1)
OTHER = Recipe("A dog", "sora-2", "64x48", 1)


class Maker:
    """Takes the place of `_maker`: it is not known before `release`."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.asked, self.release = threading.Semaphore(0), threading.Event()

    def __call__(self) -> str:
        self.threads.add(threading.current_thread().name)
        self.asked.release()
        assert self.release.wait(PATIENCE)
        return "maker"


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    maker = Maker()
    monkeypatch.setattr(library, "_maker", maker)
    monkeypatch.setattr(library, "_is_maker_known", maker.release.is_set)
    monkeypatch.setattr(rendering, "render_video", lambda recipe, path: path.write_text(recipe.prompt))
    yield maker
    maker.release.set()


def test_a_file_is_asked_for_and_deleted_without_a_wait(maker: Maker, tmp_path: Path) -> None:
    (tmp_path / f"{OTHER.digest}-maker.mp4").touch()
    files = MediaLibrary(tmp_path)
    asked = [files.request(RECIPE, Variant.VIDEO) for _ in range(2)]
    files.discard(OTHER.digest)
    files.sweep(lambda digest: digest == OTHER.digest)
    assert asked[0] is asked[1]
    assert not asked[0].done()
    assert [True] * 2 == [maker.asked.acquire(timeout=PATIENCE) for _ in range(2)]  # each in its thread
    maker.release.set()
    asked[0].result(PATIENCE)
    files.close()
    assert [f"{RECIPE.digest}-maker.mp4"] == [path.name for path in tmp_path.iterdir()]
    assert all(name.startswith("render") for name in maker.threads)


def test_a_file_of_an_earlier_run_is_not_rendered_again(maker: Maker, tmp_path: Path) -> None:
    path = tmp_path / f"{RECIPE.digest}-maker.mp4"
    path.write_text("of an earlier run")
    files = MediaLibrary(tmp_path)
    asked = files.request(RECIPE, Variant.VIDEO)
    maker.release.set()
    asked.result(PATIENCE)
    assert "of an earlier run" == path.read_text()
    assert files.request(RECIPE, Variant.VIDEO).done()
    files.close()


def test_what_something_else_has_made_is_swept_once_that_is_known(maker: Maker, tmp_path: Path) -> None:
    (tmp_path / f"{RECIPE.digest}-earlier.mp4").touch()
    files = MediaLibrary(tmp_path)
    files.sweep(lambda _: True)
    assert 1 == len(list(tmp_path.iterdir()))
    maker.release.set()
    files.sweep(lambda _: True)
    assert [] == list(tmp_path.iterdir())
    files.close()


def test_nothing_is_looked_for_where_nothing_was_rendered(maker: Maker, tmp_path: Path) -> None:
    files = MediaLibrary(tmp_path)
    files.discard(RECIPE.digest)
    files.close()
    assert set() == maker.threads
