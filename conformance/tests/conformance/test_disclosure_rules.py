"""Test the rules for what responses must keep to themselves: paths of files, and statuses as codes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .histories import CALM, Log, breaks, error, judged, keeps, video

PATHS = [
    "/srv/videos/video_1.mp4",
    "/home/gpu/out/a.mp4",
    "/var/lib/videos/clip.mp4",
    "file:///mnt/a.mp4",
    r"C:\videos\a.mp4",
]
NAMES = st.sampled_from(["file_path", "output_path", "save_path", "filepath", "local_dir"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("message", ["{}", "No such file or directory: '{}'", "cannot read {}."])
def test_a_path_in_any_text_is_found(path: str, message: str) -> None:
    log = Log()
    log.refused("GET", "/videos/video_1", 404, json=error(message.format(path)))
    assert path in breaks(log, "VID-ROBUST-006").message.replace("\\\\", "\\")


@CALM
@given(name=NAMES, path=st.sampled_from([*PATHS, "outputs/a.mp4", "/data/outputs/a.mp4", "./a/b"]))
def test_a_field_that_names_a_file_holds_none(name: str, path: str) -> None:
    log = Log()
    log.created()
    log.retrieved(returned={**video(), "worker": [{name: path}]})
    assert judged("VID-ROBUST-006", log).findings


@CALM
@given(
    path=st.sampled_from([*PATHS, "../../etc/passwd"]),
    wrap=st.sampled_from(["{}", "a film of {}", "«{}»"]),
    way=st.sampled_from(["prompt", "id", "json"]),
)
def test_what_a_request_has_sent_may_come_back(path: str, wrap: str, way: str) -> None:
    text, log = wrap.format(path), Log()
    if way == "prompt":
        log.created(request_fields={"prompt": text}, prompt=text)
        log.listed(video(prompt=text))
    elif way == "id":
        log.refused("GET", "/videos/" + text.replace("/", "%2F"), 404, json=error(f"there is no {text}"))
    else:
        log.refused("POST", "/videos", 400, request_body=text.encode(), json=error(f"{text!s} is wrong"))
    assert not judged("VID-ROBUST-006", log).findings


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "/v1/videos/video_1/content"},
        {"url": "https://cdn.example.org/srv/videos/a.mp4?x=/var/a"},
        {"url": "//cdn.example.org/var/a.mp4"},
        {"file_path": None},
        {"file_path": "https://cdn.example.org/a.mp4"},
        {"file_path": "a.mp4"},
        {"stage": "encode/mux", "ratio": "16/9", "note": "1/2 done, at 3:4 and and/or"},
        {"error_path": "body/prompt"},
    ],
)
def test_urls_and_slashes_are_no_paths(fields: dict[str, Any]) -> None:
    log = Log()
    log.created()
    log.retrieved(returned={**video(), **fields})
    assert not judged("VID-ROBUST-006", log).findings


@pytest.mark.parametrize("code", ["400", "404", "500"])
def test_a_status_is_no_code(code: str) -> None:
    log = Log()
    log.refused("GET", "/videos/video_1", 404, json=error(code=code))
    assert f"the code '{code}'" in breaks(log, "VID-ERROR-012").message


@pytest.mark.parametrize("code", ["not_found", "E404", "4040", "", None])
def test_words_are_codes(code: str | None) -> None:
    log = Log()
    log.refused("GET", "/videos/video_1", 404, json=error(code=code))
    keeps(log)
