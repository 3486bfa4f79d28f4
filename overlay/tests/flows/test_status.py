"""Servers use more words than the contract has; each word means the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos._status import contract_status, is_completed, is_failed, is_known, is_terminal

from .world import FLOWS

COMPLETED = ["completed", "complete", "succeeded", "succeed", "success", "done", "finished"]
FAILED = [
    *("failed", "failure", "fail", "error", "rejected", "aborted", "timeout", "timed_out"),
    *("cancelled", "canceled", "expired", "deleted"),
]
RUNNING = ["queued", "in_progress", "processing"]
UNKNOWN = ["", "pending", "NOT_START", "unknown", "generating", "postprocessing", "cancelling", "completed!"]


def spelled(word: str) -> list[str]:
    """Return the ways in which servers write a word."""
    return [word, word.upper(), word.capitalize(), f" {word}\n"]


class TestWords:
    """Synonyms that servers send: succeeded/success/done = completed; error/cancelled/… = failed-like and terminal."""

    @pytest.mark.parametrize("word", COMPLETED)
    def test_completed(self, word: str) -> None:
        for status in spelled(word):
            assert (True, False, True, True) == (
                is_completed(status),
                is_failed(status),
                is_terminal(status),
                is_known(status),
            )
            assert "completed" == contract_status(status)

    @pytest.mark.parametrize("word", FAILED)
    def test_failed(self, word: str) -> None:
        for status in spelled(word):
            assert (False, True, True, True) == (
                is_completed(status),
                is_failed(status),
                is_terminal(status),
                is_known(status),
            )
            assert "failed" == contract_status(status)

    @pytest.mark.parametrize("word", RUNNING)
    def test_running(self, word: str) -> None:
        for status in spelled(word):
            assert (False, True) == (is_terminal(status), is_known(status))
            assert status == contract_status(status)

    @pytest.mark.parametrize("word", UNKNOWN)
    def test_unknown(self, word: str) -> None:
        assert (False, False) == (is_terminal(word), is_known(word))
        assert word == contract_status(word)


class TestAnyWord:
    """A word ends a job in one way or not at all."""

    @FLOWS
    @given(word=st.text() | st.sampled_from([*COMPLETED, *FAILED, *RUNNING]))
    def test_never_both(self, word: str) -> None:
        assert not (is_completed(word) and is_failed(word))
        assert is_terminal(word) == (is_completed(word) or is_failed(word))
        assert is_known(word) or not is_terminal(word)
        assert contract_status(word) == contract_status(contract_status(word))
        assert is_terminal(word) == (contract_status(word) in {"completed", "failed"})
