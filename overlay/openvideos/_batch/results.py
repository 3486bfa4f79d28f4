"""Write what came of the rows: a line for each, and tables and pages for people."""

from __future__ import annotations

import csv
import html
import importlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .. import BatchError
from .files import put_bytes

if TYPE_CHECKING:
    from .ledger import Ledger

RESULTS: Final = "results.jsonl"
COLUMNS: Final = ("name", "line", "state", "video_id", "attempt", "code", "message", "candidates")
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a cell begins that a spreadsheet would carry out; the last four are the wide forms of the first."""


def results(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Yield what came of each row: its state, its job, its files, what was sent, and what was handed through."""
    for row in ledger.rows():
        files: dict[str, dict[str, Any]] = row["files"] or {}
        found: dict[str, Any] = {name: row[name] for name in COLUMNS if row[name] is not None}
        if "video" in files:
            found |= files["video"]
        if "thumbnail" in files:
            found["thumbnail"] = files["thumbnail"]["file"]
        yield {**row["extra"], **row["sent"], **found}


def write_results(ledger: Ledger) -> None:
    """Write `results.jsonl` beside the files, whole or not at all."""
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in results(ledger))
    put_bytes(ledger.batch.out, RESULTS, text.encode("utf-8", "backslashreplace"))


def export(ledger: Ledger, form: str, to: Path) -> None:
    """Write the results as "csv", "parquet" or "html".

    Raises:
        BatchError: The file cannot be written, or pyarrow is missing.
    """
    put_bytes(str(to.parent), to.name, exported(ledger, form, to.parent))


def exported(ledger: Ledger, form: str, folder: Path) -> bytes:
    """Return the results as "csv", "parquet" or "html", a page that is to be in a folder.

    Raises:
        BatchError: pyarrow is missing.
    """
    rows = [*results(ledger)]
    match form:
        case "csv":
            return _csv(rows)
        case "html":
            return _html(rows, _base(ledger.batch.out, folder)).encode("utf-8", "backslashreplace")
        case _:
            return _parquet(rows)


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    return [*dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    stream = io.StringIO(newline="")
    columns = _columns(rows)
    writer = csv.writer(stream)
    for cells in (columns, *([_text(row.get(name)) for name in columns] for row in rows)):
        writer.writerow([f"'{cell}" if cell.startswith(FORMULAS) else cell for cell in cells])
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    try:
        pa: Any = importlib.import_module("pyarrow")  # it ships no types
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise BatchError("parquet needs pyarrow; pip install pyarrow.") from None
    columns = _columns(rows)
    numbers = {"line", "attempt", "bytes"}
    arrays = {
        name: pa.array([row.get(name) for row in rows], pa.int64())
        if name in numbers
        else pa.array([_text(row[name]) if row.get(name) is not None else None for row in rows], pa.string())
        for name in columns
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays), sink)
    return bytes(sink.getvalue())


def _base(out: str, folder: Path) -> str:
    """Return where the files are, as seen from a page."""
    if "://" in out:
        return f"{out}/"
    try:
        return quote(Path(os.path.relpath(out, folder.resolve())).as_posix()) + "/"
    except ValueError:  # on Windows, on another drive
        return Path(out).as_uri() + "/"


def _html(rows: list[dict[str, Any]], base: str) -> str:
    """Return a contact sheet: a page with a picture, the prompt and the state of each row."""
    figures = "\n".join(_figure(row) for row in rows)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<base href="{html.escape(base, quote=True)}">
<title>{len(rows)} videos</title>
<style>
body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }}
figure {{ margin: 0; overflow-wrap: anywhere; }}
img, video {{ width: 100%; aspect-ratio: 16 / 9; object-fit: contain; background: #222; }}
figcaption {{ max-height: 8rem; overflow: auto; }}
</style>
<h1>{len(rows)} videos</h1>
<main>
{figures}
</main>
</html>
"""


def _figure(row: dict[str, Any]) -> str:
    name, file, thumbnail = (html.escape(str(row.get(key) or ""), quote=True) for key in ("name", "file", "thumbnail"))
    if file:
        picture = f'<video controls preload="none" src="{file}"' + (f' poster="{thumbnail}"' if thumbnail else "")
        picture += f' aria-label="{name}"></video>'
    else:
        picture = ""
    said = " ".join(str(row[key]) for key in ("state", "code", "message") if row.get(key))
    prompt = html.escape(str(row.get("prompt", "")))
    texts = f"<b>{name}</b> <bdi>{html.escape(said)}</bdi><br><bdi>{prompt}</bdi>"
    return f"<figure>{picture}<figcaption>{texts}</figcaption></figure>"
