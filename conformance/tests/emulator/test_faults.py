"""A fault of the emulator's own is a 500 with the envelope, and the next request is served as if nothing was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from openvideos_emulator._media import rendering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Server

    from openvideos_emulator._model.jobs import Recipe


def test_a_picture_that_cannot_be_made_is_tried_again(
    serve: type[Server],
    fits: Callable[[object, str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_recipe: Recipe, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    with serve(database=tmp_path / "jobs.db") as server:
        path = f"videos/{server.create()['id']}/content"
        with monkeypatch.context() as patch:
            patch.setattr(rendering, "render_video", fail)
            response = server.together(("GET", path))[0]
        assert (500, "server_error") == (response.status_code, response.json()["error"]["type"])
        fits(response.json(), "#/components/schemas/ErrorResponse")
        assert response.headers["x-request-id"] in caplog.text
        assert "No space left" not in response.text
        assert [] == list((tmp_path / "jobs.db-media").iterdir())
        assert 200 == server.get(path).status_code


def test_a_transaction_that_fails_leaves_nothing(serve: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as server:
        store = server.app._engine._store

        def fail(_claim: object) -> None:
            raise OSError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(store, "add_claim", fail)
            with pytest.raises(AssertionError, match="server_error"):
                server.post("videos", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
        assert [] == server.ok("GET", "videos")["data"]
        server.ok("POST", "videos", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
