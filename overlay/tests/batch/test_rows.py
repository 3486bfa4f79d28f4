"""Rows are read as they are meant, or refused by one sentence with their file and line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import BatchError
from openvideos._batch.rows import DEVICES, NAME, Row, read_rows

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip)


def read(path: Path, text: str | bytes, name: str = "jobs.csv") -> list[Row]:
    """Write a file and read its rows."""
    file = path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


@given(prompts=st.lists(TEXT, min_size=1, max_size=5))
def test_csv_and_json_lines_say_the_same(folder: Path, prompts: list[str]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([["prompt", "seconds", "mood"], *([prompt, "4", "calm"] for prompt in prompts)])
    by_csv = read(folder, stream.getvalue())
    lines = [json.dumps({"prompt": prompt, "seconds": 4, "mood": "calm"}) for prompt in prompts]
    by_json = read(folder, "\n".join(lines), "jobs.jsonl")
    assert prompts == [row.sent["prompt"] for row in by_csv]
    assert [(row.name, row.sent, row.extra, row.seconds) for row in by_csv] == [
        (row.name, row.sent, row.extra, row.seconds) for row in by_json
    ]


@given(prompts=st.lists(st.sampled_from(("a", "b", "c")), min_size=1, max_size=8))
def test_equal_rows_have_names_of_their_own(folder: Path, prompts: list[str]) -> None:
    names = [row.name for row in read(folder, "\n".join(["prompt", *prompts]))]
    assert len(names) == len({*names})
    again = [row.name for row in read(folder, "\n".join(["prompt", *reversed(prompts)]))]
    assert sorted(names) == sorted(again)


@given(name=st.text(max_size=30))
def test_no_name_leaves_the_folder(folder: Path, name: str) -> None:
    text = json.dumps({"prompt": "A cat", "name": name})
    if NAME.fullmatch(name) is None or DEVICES.fullmatch(name):
        with pytest.raises(BatchError, match=r"jobs\.jsonl:1: name is"):
            read(folder, text, "jobs.jsonl")
    else:
        (row,) = read(folder, text, "jobs.jsonl")
        assert (folder / f"{name}.mp4").resolve() == folder.resolve() / f"{row.name}.mp4"


def test_what_is_sent_and_what_is_handed_through(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"a picture")
    row, other = read(
        tmp_path,
        "\ufeffprompt,name,input_reference,seed,tag\nA cat,cat 1,cat.png, 7 ,x\n\n"
        '"A dog,\nrunning",,https://example.test/a.png,,\n',
    )
    assert (2, "cat 1", {"tag": "x"}) == (row.line, row.name, row.extra)
    assert {"prompt": "A cat", "seed": 7, "input_reference": str(tmp_path / "cat.png")} == row.sent
    assert {"prompt": "A dog,\nrunning", "input_reference": "https://example.test/a.png"} == other.sent
    assert (4, {}, None) == (other.line, other.extra, other.seconds)


def test_another_picture_is_another_row(tmp_path: Path) -> None:
    text = "prompt,input_reference\nA cat,cat.png\n"
    (tmp_path / "cat.png").write_bytes(b"one")
    (before,) = read(tmp_path, text)
    (tmp_path / "cat.png").write_bytes(b"two")
    (after,) = read(tmp_path, text)
    assert before.digest != after.digest


WRONG: dict[str, tuple[str | bytes, str]] = {
    "jobs.csv": (
        "model\nsora-2\n",
        ":1: there is no column prompt; the first line names the columns, and has ['model'].",
    ),
    "twice.csv": ("prompt,prompt\nA,B\n", ":1: the column 'prompt' is there twice"),
    "comma.csv": ("prompt,size\nA cat, a dog,720x1280\n", ":2: there are 3 fields for 2 columns"),
    "quote.csv": ('prompt\n"A cat\n', ":2 is no CSV"),
    "empty.csv": ("prompt\n", "has no row"),
    "blank.csv": ("prompt,size\n,720x1280\n", ":2: there is no prompt"),
    "size.csv": ("prompt,size\nA cat,banana\n", ":2: size is 'banana'; it must be like '720x1280'."),
    "seconds.csv": ("prompt,seconds\nA cat,-1\n", ":2: seconds is '-1'; it must be like '4'."),
    "seed.csv": ("prompt,seed\nA cat,x\n", ":2: seed is 'x'; it must be a whole number"),
    "below.jsonl": ('{"prompt": "A", "fps": 0}\n', ":1: fps is 0; it must be at least 1."),
    "model.jsonl": ('{"prompt": "A", "model": ""}\n', ":1: model is ''; it must be like 'sora-2'."),
    "several.csv": (
        "prompt,seed\nA,x\nB,1\nC,y\n" + "D,z\n" * 11,
        "Wrong as well, by line: 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 2 more.",
    ),
    "first.csv": ("prompt,seed\nA,x\nB,1,2\n", ":2: seed is 'x'"),
    "both.csv": ("prompt,seconds,num_frames\nA cat,4,8\n", ":2: seconds and num_frames are both given"),
    "picture.csv": ("prompt,input_reference\nA cat,no.png\n", ":2: the picture 'no.png' cannot be read: No such"),
    "name.csv": ("prompt,name\nA,Cat\nB,cat\n", ":3: the name 'cat' is that of line 2, too"),
    "device.csv": ("prompt,name\nA,con\n", ":2: name is 'con', which Windows takes for a device"),
    "bytes.csv": (f"prompt,name\nA,{'猫' * 67}\n", ", which has 201 bytes; a name has up to 200."),
    "up.csv": ("prompt,name\nA,../up\n", ":2: name is '../up'"),
    "latin.csv": (b"prompt\nA cat\nCaf\xe9\n", ":3 is not UTF-8"),
    "jobs.txt": ("prompt\nA\n", "is no .csv, .jsonl or .ndjson"),
    "jobs.jsonl": ('{"prompt": "A"}\n{"prompt": "B"\n', ":2 is no JSON"),
    "list.jsonl": ("\n[1]\n", ":2 is no JSON object"),
    "again.jsonl": ('{"prompt": "A", "prompt": "B"}\n', ":1 is no JSON: the field 'prompt' is there twice"),
    "number.jsonl": ('{"prompt": 7}\n', ":1: prompt is 7; it must be a text."),
    "reference.jsonl": ('{"prompt": "A", "input_reference": {}}\n', ":1: input_reference is {}"),
    "bool.jsonl": (
        '{"prompt": "A", "seed": 1}\n{"prompt": "A", "seed": true}\n',
        ":2: seed is True; it must be a whole number.",
    ),
    "long.jsonl": (json.dumps({"prompt": "A" * 40_000}), "; it must be at most 32000 characters long."),
    "taken.csv": ("prompt,file\nA,a.mp4\n", ":2: the column 'file' is one of the result's own"),
    "null.jsonl": ('{"prompt": null}\n', ":1: there is no prompt"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_by_its_line(tmp_path: Path, name: str) -> None:
    text, told = WRONG[name]
    with pytest.raises(BatchError) as raised:
        read(tmp_path, text, name)
    assert f"{tmp_path / name}" in raised.value.message
    assert told in raised.value.message
    assert len(raised.value.message) < 400


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"no\.csv cannot be read: No such file"):
        read_rows(tmp_path / "no.csv")


def test_a_field_that_is_too_long_is_no_end(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="field larger than field limit"):
        read(tmp_path, "prompt\n" + "A" * (1 << 21))
