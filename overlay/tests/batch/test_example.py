"""The example of the guide: its file is made as it is, and its page shows it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from openvideos.__main__ import main

EXAMPLE = Path(__file__).parents[3] / "examples/batch/prompts.csv"


@pytest.mark.usefixtures("in_environment")
def test_the_example_is_made(tmp_path: Path) -> None:
    out = tmp_path / "videos"
    assert 0 == main(["batch", "run", str(EXAMPLE), "--out", str(out), "--thumbnail", "--yes", "--settle", "1"])
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert 10 == len(rows)
    told = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    for row, result in zip(rows, told, strict=True):
        assert ("done", f"{row['name']}.mp4", row["shot"]) == (result["state"], result["file"], result["shot"])
        assert row["prompt"] == result["prompt"]
        assert (out / result["file"]).stat().st_size == result["bytes"]
        assert (out / result["thumbnail"]).exists()
    assert 0 == main(["batch", "export", str(out), "--format", "html", "--output", str(out / "index.html")])
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 10 == page.count("<figure>") == page.count("poster=")
