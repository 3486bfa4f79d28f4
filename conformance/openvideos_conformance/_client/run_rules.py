"""Judge how a command ends, by the work that it has done. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.outcomes import ViolationError
from .job_rules import BUSY, LOSING
from .rule import CALM, need, rule

if TYPE_CHECKING:
    from .command_run import CommandRun


@rule("CLI-RUN-001", *CALM)
def does_its_work(run: CommandRun) -> None:
    """Look for what the command was told to do: a job with its prompt, seen to complete, and its file requested."""
    need(run.exchanges, "request")
    if run.exit_code is None:
        return  # it did not end in time, which another requirement says
    if run.exit_code != 0:
        raise ViolationError(
            f"nothing went wrong, but the command ended with exit code {run.exit_code}: {run.output_tail}",
            *run.exchanges[-1:],
        )
    lacking = _lacking(run)
    if lacking:
        raise ViolationError(f"the command reported success, but {lacking}", *run.exchanges[-1:])


def _lacking(run: CommandRun) -> str:
    wanted = run.wanted_ids()
    if not wanted:
        return "it started no job with the prompt that it was told to request"
    seen = [video.get("status") for each in wanted for _, video in run.seen(each)]
    if "completed" not in seen:
        return "it did not see its job complete"
    return "" if run.of("download_video_content") else "it downloaded no video"


@rule("CLI-RUN-002")
def ends(run: CommandRun) -> None:
    """Look for a command that had to be killed."""
    need(run.exchanges, "request")
    if run.exit_code is None:
        raise ViolationError(
            f"the command did not end within {run.limit:g} s (see --timeout); it had sent "
            f"{len(run.exchanges)} requests",
            *run.exchanges[-1:],
        )


@rule("CLI-RUN-003", *LOSING, *BUSY)
def needs_a_job_for_success(run: CommandRun) -> None:
    """Look for success without a job: its create was refused, or its response was lost."""
    need(run.of("create_video"), "create")
    if run.is_done and not run.wanted_ids():
        raise ViolationError(
            "the command reported success, and knows of no job with the prompt that it was told to request",
            run.of("create_video")[-1],
        )
    remixes = run.of("remix_video")
    if run.is_done and remixes and not any(each.operation == "remix_video" for each in run.accepted()):
        raise ViolationError("the command reported success, and its remix was not accepted", remixes[-1])
