"""The commands that make a video of each row of a file."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import click

from .batch_telling import Advice, Teller, expectation, limits_of, line_of, report
from .exit_codes import ExitCode
from .invocation import Invocation, common, given
from .jobs import complete_files
from .text import harmless, number

if TYPE_CHECKING:
    from .._batch.ledger import Ledger
    from .._batch.opening import Estimate

P = ParamSpec("P")
R = TypeVar("R")

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
    same_database = "" if database is None else " (with the same --database)"
    # Rows are added once, and what is asked is not there again.
    words = invocation.command_line("batch run", str(jobs), more=given(without=("add", "database")))
    go_on = f"{words}{same_database}"

    def confirm(expected: Estimate) -> bool:
        invocation.note(expectation(expected))
        if is_sure or not sys.stdin.isatty() or click.confirm("Start them?", err=True):
            return True
        invocation.note("Nothing is started.")
        raise click.exceptions.Exit(ExitCode.PROBLEM)

    place = {"jobs": jobs, "out": out, "add": add, "database": database}
    commands = (f"`{invocation.command_line(f'batch {name}', out)}`{same_database}" for name in ("status", "retry"))
    return _work(invocation, {**place, "confirm": confirm}, options, Advice(go_on, *commands))


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
    place = {"jobs": None, "out": None, "database": database, "batch": batch_id}
    words = invocation.command_line("batch worker", more=given(without=("database",)))
    same_database = " (with the same --database)"
    which = [] if batch_id is None else ["--batch", batch_id]
    commands = (
        f"`{invocation.command_line(f'batch {name}', more=which)}`{same_database}" for name in ("status", "retry")
    )
    return _work(invocation, place, options, Advice(f"{words}{same_database}", *commands))


def _work(invocation: Invocation, words: dict[str, Any], options: dict[str, Any], advice: Advice) -> ExitCode:
    from .. import batch as library

    invocation.hint = f"Go on with: {advice.go_on}"
    api_key = invocation.asked_key() if invocation.asks_key else None
    settings = library.Settings(**options)
    teller = Teller(invocation)
    try:
        result = library.run(
            **words, base_url=invocation.base_url, api_key=api_key, settings=settings, on_progress=teller.tell
        )
    except library.BatchError:
        invocation.hint = None  # the same command would end alike
        raise
    finally:
        teller.clear()
    return report(invocation, result, advice)


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
    limits = limits_of(*ledger.limits.values())
    keys = ("name", "line", "state", "code", "message", "candidates")
    needing, in_doubt, sending = (
        [{key: row[key] for key in keys} for row in ledger.rows(states=which)]
        for which in (("failed", "ambiguous"), ("doubt",), ("sending",))
    )
    rows = needing + in_doubt + sending
    document = {"batch": ledger.batch.id, "rows": {state: count for state, count in counts.items() if count}}
    line = line_of(counts, videos, seconds) + (f"; the limit is {limits}" if limits else "")
    text = "\n".join([line, *(_told(row) for row in rows[:MOST_NAMED])])
    if len(rows) > MOST_NAMED:
        text += f"\nand {len(rows) - MOST_NAMED} more; --json names all"
    told = {"needing_you": needing, "in_doubt": in_doubt, "sending": sending}
    invocation.give(text, {**document, "videos": videos, "seconds": seconds, **told})


def _told(row: dict[str, Any]) -> str:
    said = ": ".join(harmless(row[name], 200) for name in ("code", "message") if row[name])
    if row["state"] == "sending":
        said = "its create is being sent, or was when the batch was broken off"
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
    """Let failed rows of the batch in DIR begin anew with the next run. Each is paid for once more.

    A row whose prompt was refused by moderation is left out, unless --row or --code names it.
    """
    from .._batch import mending

    chosen = mending.retry(ledger, names, code)
    refused = 0 if names or code else ledger.counts()[0]["failed"]
    left = f" {number(refused, 'row')} left out that moderation refused: --row or --code takes them." if refused else ""
    text = f"{number(len(chosen), 'row')} to begin anew with the next `openvideos batch run`.{left}"
    invocation.give(text, {"rows": chosen})


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
@click.option("--output", "-o", required=True, metavar="FILE", help="Write it here; - is the standard output.")
@_opened
def export(invocation: Invocation, ledger: Ledger, *, form: str, output: str) -> None:
    """Write what came of the rows of the batch in DIR; as html, a page with all videos."""
    from .._batch import results

    if output == "-":
        sys.stdout.buffer.write(results.exported(ledger, form, Path.cwd()))
        return
    results.export(ledger, form, Path(output))
    invocation.give(harmless(output), {"path": str(output)})
