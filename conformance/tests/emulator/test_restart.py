"""A job outlives the process: it goes on by the clock, keeps its pace, and its files are made again if need be."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openvideos_emulator._model.refusals import StartError

if TYPE_CHECKING:
    from tests.emulator.conftest import Server


def test_jobs_go_on_after_a_restart(serve: type[Server], tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    with serve(database=database, pace="seconds:10") as server:
        id_ = server.create("A cat that stays")["id"]
        clock = server.clock
        clock.advance(4)
        assert 40 == server.ok("GET", f"videos/{id_}")["progress"]
    with serve(database=database, pace="polls:9", clock=clock) as server:
        clock.advance(3)
        assert 70 == server.ok("GET", f"videos/{id_}")["progress"]
        clock.advance(3)
        video = server.ok("GET", f"videos/{id_}")
        assert ("completed", "A cat that stays") == (video["status"], video["prompt"])
        assert 200 == server.get(f"videos/{id_}/content").status_code


def test_reads_are_remembered(serve: type[Server], tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    with serve(database=database, pace="polls:2") as server:
        id_ = server.create()["id"]
        server.ok("GET", f"videos/{id_}")
    with serve(database=database) as server:
        assert "completed" == server.ok("GET", f"videos/{id_}")["status"]


def test_a_file_has_the_same_etag_after_a_restart(serve: type[Server], tmp_path: Path) -> None:
    etags = []
    id_ = ""
    for _ in range(2):
        with serve(database=tmp_path / "jobs.db") as server:
            id_ = id_ or server.create()["id"]
            etags.append(server.get(f"videos/{id_}/content").headers["etag"])
    assert etags[0] == etags[1]


def test_files_that_no_job_needs_are_swept_away(serve: type[Server], tmp_path: Path) -> None:
    media = tmp_path / "jobs.db-media"
    with serve(database=tmp_path / "jobs.db") as server:
        for prompt in ("stays", "expires"):
            server.get(f"videos/{server.create(prompt)['id']}/content")
        clock = server.clock
    kept = set(media.iterdir())
    for name in ("abc.mp4.1234.part", "abc.mp4"):
        (media / name).write_bytes(b"half")
    (media / "notes.txt").write_text("not ours")
    with serve(database=tmp_path / "jobs.db", clock=clock) as server:
        server.app._engine.sweep().result()
        assert {*kept, media / "notes.txt"} == set(media.iterdir())
    clock.advance(86_400)
    with serve(database=tmp_path / "jobs.db", clock=clock) as server:
        server.app._engine.sweep().result()
        assert {media / "notes.txt"} == set(media.iterdir())


def test_two_servers_do_not_share_a_database(serve: type[Server], tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    with serve(database=database), pytest.raises(StartError, match="in use by another process"):
        serve(database=database)
    with serve(database=database):
        pass


def test_what_is_not_our_database_is_refused_and_left_alone(serve: type[Server], tmp_path: Path) -> None:
    text, foreign = tmp_path / "notes.txt", tmp_path / "foreign.db"
    text.write_text("These are notes, no database, and long enough to be sure of it." * 20)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()
    for path, reason in ((text, "not a database"), (foreign, "another program"), (tmp_path, "cannot be")):
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(StartError, match=reason):
            serve(database=path)
        assert not path.is_file() or before == path.read_bytes()
    with pytest.raises(StartError, match="directory exist"):
        serve(database=tmp_path / "missing" / "jobs.db")


def test_a_database_of_another_version_is_refused(serve: type[Server], tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    with serve(database=database):
        pass
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartError, match="schema 99"):
        serve(database=database)


def test_without_a_database_nothing_stays(serve: type[Server]) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        server.get(f"videos/{id_}/content")
        directory = server.app._engine._media._directory
        assert any(directory.iterdir())
    assert not directory.exists()


@pytest.mark.parametrize("database", [":memory:", Path(":memory:")])
def test_a_database_in_memory_leaves_nothing(
    serve: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str | Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve(database=database) as server:
        id_ = server.create()["id"]
        assert 200 == server.get(f"videos/{id_}/content").status_code
        directory = server.app._engine._media._directory
        assert [] == list(tmp_path.iterdir())
    assert not directory.exists()
