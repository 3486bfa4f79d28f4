"""The commands that make a video of each row of a file."""

from __future__ import annotations

import functools
import importlib.util
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import click

from .exit_codes import ExitCode
from .invocation import Invocation, common
from .jobs import complete_files
from .text import age, harmless

if TYPE_CHECKING:
    from .._batch.ledger import Ledger
    from .._batch.opening import Estimate
    from .._batch.running import Progress, Result

P = ParamSpec("P")
R = TypeVar("R")

LINE_S: Final = 10.0
"""How often a plain line tells how far a batch is."""
MOST_NAMED: Final = 20


class _Group(click.Group):
    """The commands, which say what is missing without the extra `batch`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if importlib.util.find_spec("dbos") is None:
            raise click.UsageError(
                "this needs the extra batch, which brings dbos; add it from where openvideos came, such as a clone: "
                "python -m pip install '.[cli,batch]'"
            )
        return super().invoke(ctx)


@click.group(cls=_Group)
def batch() -> None:
    """Make a video of each row of a file, and pay for none twice."""


def _whole(least: int) -> click.IntRange:
    return click.IntRange(min=least)


def _work_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add the options of a command that makes rows."""
    for option in (
        click.option("--in-flight", type=_whole(1), default=16, show_default=True, help="The most jobs at once."),
        click.option(
            "--retry-failed", type=_whole(0), default=0, metavar="N", help="Make a failed job again, N times."
        ),
        click.option("--retry-code", "retry_codes", multiple=True, help="Only for failures with this code."),
        click.option("--thumbnail", is_flag=True, help="Save a thumbnail of each video, too."),
        click.option(
            "--idempotency/--no-idempotency",
            "honours_keys",
            default=None,
            help="Whether the server honours Idempotency-Key.  [default: as its list of models says]",
        ),
        click.option(
            "--settle",
            type=click.FloatRange(min=0, min_open=True),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="How long after a create was cut off its job may still appear in the list.",
        ),
    ):
        function = option(function)
    return function


_database_option: Final = click.option(
    "--database", metavar="URL", help="The database of the batch.  [default: one in its folder]"
)


def _place_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add the options that say which batch is meant."""
    name = click.option("--batch", "batch_id", metavar="ID", help="The id of the batch, if the database has several.")
    return _database_option(name(function))


@batch.command(
    epilog="""\b
Examples:
  openvideos batch run prompts.csv --out videos
  openvideos batch run prompts.csv --out videos --max-videos 100 --yes
  openvideos batch run prompts.jsonl --out s3://bucket/videos \\
      --database postgresql://db.example.com/batches"""
)
@click.argument("jobs", type=click.Path(path_type=Path), shell_complete=complete_files)
@click.option("--out", required=True, metavar="DIR", help="Save the videos here; the folder is made.")
@click.option("--max-videos", type=_whole(1), metavar="N", help="Start at most so many jobs, failed ones with them.")
@click.option("--max-seconds-of-video", type=_whole(1), metavar="N", help="Ask for at most so many seconds of video.")
@click.option("--per-minute", type=_whole(1), metavar="N", help="Send at most so many creates in a minute.")
@click.option("--add", is_flag=True, help="Take rows in that were added to JOBS since the batch was begun.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@_work_options
@_database_option
@common
def run(
    invocation: Invocation,
    jobs: Path,
    out: str,
    database: str | None,
    *,
    add: bool,
    is_sure: bool,
    **options: Any,
) -> ExitCode:
    """Make a video of each row of JOBS, a file of CSV or JSON Lines with a prompt in each row.

    Run it again to go on with a batch that was broken off, whatever broke it: no row is paid for twice. Ctrl-C starts
    no more jobs, and waits for those that are under way; a second one leaves them to the server.
    """
    # A URL of a database may hold a password.
    same_database = "" if database is None else ", with the same --database"
    words = f"{invocation.command_line('batch run', str(jobs))} {harmless(shlex.join(['--out', out]))}"
    invocation.hint = f"Go on with: {words}{same_database}"

    def confirm(expected: Estimate) -> bool:
        _tell(invocation, expected, options)
        return is_sure or not sys.stdin.isatty() or click.confirm("Start them?", err=True)

    place = {"jobs": jobs, "out": out, "add": add, "database": database}
    return _work(invocation, {**place, "confirm": confirm}, options)


@batch.command(
    epilog="""\b
Example:
  openvideos batch worker --database postgresql://db.example.com/batches"""
)
@_work_options
@_place_options
@common
def worker(invocation: Invocation, database: str | None, batch_id: str | None, **options: Any) -> ExitCode:
    """Make rows of a batch that another machine has begun, until all have ended."""
    if database is None:
        raise click.UsageError("--database says where the batch is; give the one of `openvideos batch run`.")
    return _work(invocation, {"jobs": None, "out": None, "database": database, "batch": batch_id}, options)


def _work(invocation: Invocation, words: dict[str, Any], options: dict[str, Any]) -> ExitCode:
    from .. import batch as library

    api_key = invocation.asked_key() if invocation.asks_key else None
    result = library.run(
        **words,
        base_url=invocation.base_url,
        api_key=api_key,
        settings=library.Settings(**options),
        on_progress=_Teller(invocation).tell,
    )
    invocation.hint = None if _is_whole(result) else invocation.hint
    return _report(invocation, result)


def _is_whole(result: Result) -> bool:
    return result.counts["done"] == sum(result.counts.values())


def _report(invocation: Invocation, result: Result) -> ExitCode:
    """Tell what a batch has come to, and how to go on."""
    from .._batch.running import INTERRUPTED

    counts = {state: count for state, count in result.counts.items() if count}
    document = {"batch": result.batch, "rows": counts, "videos": result.videos, "seconds": result.seconds}
    invocation.give(_line(counts, result.videos, result.seconds), {**document, "stopped": result.stopped})
    if result.stopped is not None and result.stopped != INTERRUPTED:
        invocation.note(f"No more jobs were started: {result.stopped}")
    elif counts.get("pending"):
        why = "" if result.stopped else ", since the limit leaves no room for them"
        invocation.note(f"{counts['pending']} rows were not started{why}.")
    if counts.get("ambiguous"):
        invocation.note("Some rows may have a job that is not known; `openvideos batch status` names them.")
    if not _is_whole(result) and invocation.hint:
        invocation.note(invocation.hint)
    if result.stopped == INTERRUPTED:
        return ExitCode.INTERRUPTED
    if result.stopped is not None:
        return ExitCode.NO_ACCESS
    if counts.get("failed") or counts.get("ambiguous"):
        return ExitCode.JOB_FAILED
    return ExitCode.DONE if _is_whole(result) else ExitCode.STILL_RUNNING


def _line(counts: Any, videos: int, seconds: int) -> str:
    rows = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{rows or 'no rows'}; {videos} videos started, {seconds} s of video asked for"


def _tell(invocation: Invocation, expected: Estimate, options: dict[str, Any]) -> None:
    limit = options.get("max_videos")
    seconds = "" if expected.seconds is None else f", {expected.seconds} s of video"
    limited = "" if limit is None else f"; the limit is {limit}, and {expected.spent} were started before"
    invocation.note(f"{expected.videos} videos are to be made{seconds}{limited}.")


def _is_terminal() -> bool:
    return sys.stderr.isatty()


class _Teller:
    """Tells how far a batch is: in one line of a terminal, or by a plain line from time to time."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._at = 0.0
        self._trouble: str | None = None
        self._is_terminal = _is_terminal()

    def tell(self, progress: Progress) -> None:
        """Tell of it, unless it was told a moment ago."""
        if progress.trouble and progress.trouble != self._trouble:
            self._invocation.note(progress.trouble)
        self._trouble = progress.trouble
        now = time.monotonic()
        if now - self._at < (1.0 if self._is_terminal else LINE_S):
            return
        self._at = now
        left = "" if progress.left is None else f"; about {age(progress.left)} left"
        line = _line(progress.counts, progress.videos, progress.seconds) + left
        if self._is_terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        else:
            self._invocation.note(line)


def _opened(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the ledger of the batch that its argument DIR, or its options, name."""

    @click.argument("out", metavar="[DIR]", required=False)
    @_place_options
    @common
    @functools.wraps(function)
    def invoke(
        invocation: Invocation, out: str | None, database: str | None, batch_id: str | None, **options: Any
    ) -> Any:
        from .._batch.opening import open_batch, place_of

        if out is None and database is None:
            raise click.UsageError("name the folder of the batch, or its --database.")
        with closing(open_batch(place_of(out), database, name=batch_id)) as ledger:
            return function(invocation, ledger, **options)

    return invoke


@batch.command(
    epilog="""\b
Example:
  openvideos batch status videos"""
)
@_opened
def status(invocation: Invocation, ledger: Ledger) -> None:
    """Show how far the batch in DIR is, which rows need you, and which are in doubt."""
    counts, _, _ = ledger.counts()
    videos, seconds = ledger.spent()
    keys = ("name", "line", "state", "code", "message", "candidates")
    needing, in_doubt = (
        [{key: row[key] for key in keys} for row in ledger.rows(states=which)]
        for which in (("failed", "ambiguous"), ("doubt",))
    )
    rows = needing + in_doubt
    document = {"batch": ledger.batch.id, "rows": {state: count for state, count in counts.items() if count}}
    text = "\n".join([_line(counts, videos, seconds), *(_told(row) for row in rows[:MOST_NAMED])])
    if len(rows) > MOST_NAMED:
        text += f"\nand {len(rows) - MOST_NAMED} more; --json names all"
    invocation.give(
        text, {**document, "videos": videos, "seconds": seconds, "needing_you": needing, "in_doubt": in_doubt}
    )


def _told(row: dict[str, Any]) -> str:
    said = ": ".join(harmless(row[name], 200) for name in ("code", "message") if row[name])
    which = (
        f" (jobs to look at: {', '.join(harmless(each) for each in row['candidates'])})" if row["candidates"] else ""
    )
    return f"{row['state']} {row['name']} (line {row['line']}): {said}{which}"


@batch.command(
    epilog="""\b
Examples:
  openvideos batch retry videos
  openvideos batch retry videos --row cat --row dog"""
)
@click.option("--row", "names", multiple=True, metavar="NAME", help="Only this row; may be repeated.")
@click.option("--code", metavar="CODE", help="Only rows that failed with this code.")
@_opened
def retry(invocation: Invocation, ledger: Ledger, *, names: tuple[str, ...], code: str | None) -> None:
    """Let failed rows of the batch in DIR begin anew with the next run. Each is paid for once more."""
    from .._batch import mending

    chosen = mending.retry(ledger, names, code)
    invocation.give(f"{len(chosen)} rows begin anew with the next `openvideos batch run`.", {"rows": chosen})


@batch.command(
    epilog="""\b
Examples:
  openvideos batch resolve videos --row cat --adopt video_123
  openvideos batch resolve videos --row cat --send"""
)
@click.option("--row", "name", required=True, metavar="NAME", help="The row.")
@click.option("--adopt", "video_id", metavar="ID", help="This job is that of the row.")
@click.option("--send", "sends", is_flag=True, help="It has no job, or one that you do not want: send it once more.")
@_opened
def resolve(invocation: Invocation, ledger: Ledger, *, name: str, video_id: str | None, sends: bool) -> None:
    """Decide about an ambiguous row of the batch in DIR: which job is its own, or that it is sent once more."""
    from .._batch import mending

    if (video_id is None) == (not sends):
        raise click.UsageError("give either --adopt ID or --send.")
    if video_id is None:
        mending.send(ledger, name)
    else:
        with invocation.client() as client:
            mending.adopt(ledger, name, video_id, client)
    invocation.give(f"{harmless(name)} goes on with the next `openvideos batch run`.", {"rows": [name]})


@batch.command(
    epilog="""\b
Example:
  openvideos batch export videos --format html --output videos/index.html"""
)
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "html"]), required=True, help="The format.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Write it here.")
@_opened
def export(invocation: Invocation, ledger: Ledger, *, form: str, output: Path) -> None:
    """Write what came of the rows of the batch in DIR; as html, a page with all videos."""
    from .._batch import results

    results.export(ledger, form, output)
    invocation.give(harmless(output), {"path": str(output)})
