"""A part file becomes its target whole, or leaves nothing: beside whatever stands there, whatever the path."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import DownloadError, InvalidArgumentError
from openvideos._drivers.part_file import PartFile, write_whole

from .world import FLOWS


def names(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class TestWriting:
    """The bytes go to a unique part file beside the target, and are renamed into place."""

    def test_the_target_is_there_only_once_it_is_whole(self, tmp_path: Path) -> None:
        part = PartFile(tmp_path / "a.mp4")
        assert [] == names(tmp_path)
        part.open()
        part.write(b"01")
        part.write(b"")
        part.write(b"234")
        assert (5, [part.path.name]) == (part.size, names(tmp_path))
        assert tmp_path / "a.mp4" == part.commit()
        assert (["a.mp4"], b"01234") == (names(tmp_path), (tmp_path / "a.mp4").read_bytes())

    def test_what_stood_there_is_replaced_at_the_end(self, tmp_path: Path) -> None:
        target = tmp_path / "a.mp4"
        target.write_bytes(b"old")
        part = PartFile(target)
        part.open()
        part.write(b"new")
        assert b"old" == target.read_bytes()
        part.commit()
        assert b"new" == target.read_bytes()

    @pytest.mark.parametrize("name", ["new/", "new/.", "old/", "old/.", "./", ""])
    def test_what_names_a_directory_is_no_file(self, tmp_path: Path, name: str) -> None:
        """A slash at the end says so, though no directory is there yet."""
        (tmp_path / "old").write_bytes(b"old")
        with pytest.raises(InvalidArgumentError, match="names a directory; name the file to write"):
            write_whole(f"{tmp_path}/{name}", b"new")
        assert (["old"], b"old") == (names(tmp_path), (tmp_path / "old").read_bytes())

    def test_two_to_one_target_do_not_meet(self, tmp_path: Path) -> None:
        parts = [PartFile(tmp_path / "a.mp4") for _ in range(2)]
        for number, part in enumerate(parts):
            part.open()
            part.write(b"%d" % number * 5)
        parts[1].write(b"1")
        assert 2 == len(names(tmp_path))
        parts[0].commit()
        assert b"00000" == (tmp_path / "a.mp4").read_bytes()
        parts[1].commit()
        assert (b"111111", ["a.mp4"]) == ((tmp_path / "a.mp4").read_bytes(), names(tmp_path))

    def test_the_part_file_is_hidden_and_short(self, tmp_path: Path) -> None:
        part = PartFile(tmp_path / ("a" * 255))
        assert part.path.name.startswith(".openvideos-")
        assert part.path.name.endswith(".part")
        assert len(part.path.name) <= 40
        part.open()
        part.commit()
        assert ["a" * 255] == names(tmp_path)

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
    def test_the_file_has_the_mode_of_any_other(self, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(b"")
        write_whole(tmp_path / "a.mp4", b"")
        assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == stat.S_IMODE((tmp_path / "a.mp4").stat().st_mode)

    def test_a_disk_that_takes_less_at_once_gets_the_rest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
        write_whole(tmp_path / "a.mp4", b"0123456789")
        assert b"0123456789" == (tmp_path / "a.mp4").read_bytes()

    @FLOWS
    @given(steps=st.lists(st.binary(max_size=9) | st.none(), max_size=20))
    def test_what_was_written_since_the_last_restart_is_there(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | None]
    ) -> None:
        folder = tmp_path_factory.mktemp("parts")
        part, expected = PartFile(folder / "a.mp4"), b""
        part.open()
        for step in steps:
            if step is None:
                part.restart()
                expected = b""
            else:
                part.write(step)
                expected += step
            assert len(expected) == part.size
        part.commit()
        assert (expected, ["a.mp4"]) == ((folder / "a.mp4").read_bytes(), names(folder))

    def test_a_whole_file_at_once(self, tmp_path: Path) -> None:
        assert tmp_path / "a.mp4" == write_whole(str(tmp_path / "a.mp4"), b"x")
        assert ["a.mp4"] == names(tmp_path)

    def test_a_home_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        assert tmp_path / "a.mp4" == write_whole("~/a.mp4", b"x")


class TestDiscarding:
    """Discarding leaves nothing, harms nothing after a commit, and may be done twice."""

    def test_before_anything(self, tmp_path: Path) -> None:
        part = PartFile(tmp_path / "a.mp4")
        part.discard()
        part.discard()
        assert [] == names(tmp_path)

    def test_on_the_way(self, tmp_path: Path) -> None:
        part = PartFile(tmp_path / "a.mp4")
        part.open()
        part.write(b"x")
        part.discard()
        part.discard()
        assert [] == names(tmp_path)
        with pytest.raises(DownloadError, match=r"a\.mp4: the part file is closed\."):
            part.write(b"x")

    def test_after_a_commit(self, tmp_path: Path) -> None:
        part = PartFile(tmp_path / "a.mp4")
        part.open()
        part.commit()
        part.discard()
        assert ["a.mp4"] == names(tmp_path)

    def test_no_descriptor_is_left(self, tmp_path: Path) -> None:
        before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else None
        for number in range(20):
            part = PartFile(tmp_path / "a.mp4")
            part.open()
            if number % 2:
                part.commit()
            part.discard()
        after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else None
        assert before == after


@pytest.mark.skipif(os.name != "posix", reason="file modes, links and pipes are POSIX")
class TestWhatStandsThere:
    """Links are followed, a file hands its mode on, and what is no file is left alone."""

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755, 0o444])
    def test_a_file_hands_its_mode_on(self, tmp_path: Path, mode: int) -> None:
        target = tmp_path / "a.mp4"
        target.write_bytes(b"old")
        target.chmod(mode)
        part = PartFile(target)
        part.open()
        assert mode == stat.S_IMODE(part.path.stat().st_mode), "the bytes are as private on their way"
        part.write(b"new")
        part.commit()
        assert (b"new", mode) == (target.read_bytes(), stat.S_IMODE(target.stat().st_mode))

    def test_a_disk_without_modes_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        (tmp_path / "a.mp4").write_bytes(b"old")
        monkeypatch.setattr(os, "chmod", refuse)
        write_whole(tmp_path / "a.mp4", b"new")
        assert b"new" == (tmp_path / "a.mp4").read_bytes()

    @pytest.mark.parametrize("exists", [True, False])
    @pytest.mark.parametrize("links", [1, 2])
    @pytest.mark.parametrize("relative", [True, False])
    def test_a_link_is_followed(self, tmp_path: Path, exists: bool, links: int, relative: bool) -> None:  # noqa: FBT001 - parameters
        real, link = tmp_path / "real" / "a.mp4", tmp_path / "link.mp4"
        real.parent.mkdir()
        if exists:
            real.write_bytes(b"old")
        to = real
        for number in range(links):
            link = tmp_path / f"link-{number}.mp4"
            link.symlink_to(os.path.relpath(to, tmp_path) if relative else to)
            to = link
        part = PartFile(link)
        part.open()
        part.write(b"new")
        assert 1 + exists == len(names(real.parent)), "the part file is on the disk of the file"
        assert link == part.commit()
        assert (b"new", True) == (real.read_bytes(), link.is_symlink())
        assert (["a.mp4"], 1 + links) == (names(real.parent), len(names(tmp_path)))

    def test_a_link_in_a_circle_is_not_written(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(DownloadError, match="cannot be written: Too many levels"):
            write_whole(tmp_path / "a", b"x")
        assert (["a", "b"], True) == (names(tmp_path), (tmp_path / "a").is_symlink())

    @pytest.mark.parametrize("linked", [True, False])
    def test_a_pipe_is_refused_and_stays(self, tmp_path: Path, linked: bool) -> None:  # noqa: FBT001 - a parameter
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        target = tmp_path / "link" if linked else pipe
        if linked:
            target.symlink_to(pipe)
        before = names(tmp_path)
        with pytest.raises(InvalidArgumentError, match="is a pipe, a device or a socket, which a file would replace"):
            write_whole(target, b"x")
        assert (True, before) == (stat.S_ISFIFO(pipe.stat().st_mode), names(tmp_path))


class TestPaths:
    """A directory is refused; what cannot be written is a DownloadError; nothing else comes out."""

    @pytest.mark.parametrize("name", ["", ".", "/"])
    def test_a_directory(self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InvalidArgumentError, match=r"(is|names) a directory; name the file to write"):
            PartFile(name).open()
        with pytest.raises(InvalidArgumentError, match=r"(is|names) a directory; name the file to write"):
            PartFile(tmp_path).open()
        assert [] == names(tmp_path)

    @pytest.mark.parametrize("path", ["missing/a.mp4", "file/a.mp4", "b" * 256, "b" * 5000, "c" * 300 + "/a.mp4"])
    def test_what_cannot_be_written(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "file").write_bytes(b"x")
        part = PartFile(tmp_path / path)
        with pytest.raises(DownloadError, match=r"cannot be written: .*\. Nothing was left there\.$"):
            write_and_commit(part)
        part.discard()
        assert ["file"] == names(tmp_path)

    @pytest.mark.parametrize("target", [None, 7, [], "a\0b", "~nobody-has-this-name/a.mp4"])
    def test_what_is_no_path(self, target: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="is not a path that a file can have"):
            PartFile(target)


def write_and_commit(part: PartFile) -> None:
    """Write a file as a download does."""
    part.open()
    part.write(b"x")
    part.commit()
