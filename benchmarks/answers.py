"""The bytes that every client gets, in memory and over a connection, so that all of them are compared by the same."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

MEBIBYTE: Final = 1 << 20
PAGE: Final = 100
"""The most jobs on a page of the list, by the contract."""
VIDEO: Final[dict[str, Any]] = {
    "id": "video_0",
    "object": "video",
    "created_at": 1,
    "model": "sora-2",
    "status": "completed",
    "progress": 100,
    "completed_at": 3,
    "expires_at": 4,
    "prompt": "A cat on a piano",
    "size": "720x1280",
    "seconds": "4",
    "remixed_from_video_id": None,
    "error": None,
}
FIELDS: Final = {name: str(VIDEO[name]) for name in ("prompt", "model", "size", "seconds")}
"""What a create sends."""
FORM_TYPE: Final = "multipart/form-data; boundary=0123456789abcdef0123456789abcdef"
FORM: Final = (
    "".join(
        f'--0123456789abcdef0123456789abcdef\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in FIELDS.items()
    )
    + "--0123456789abcdef0123456789abcdef--\r\n"
).encode()
"""The same as the form that the clients make of it."""


def video(id_: str, status: str = "completed") -> bytes:
    """Return a job."""
    ended = {} if status == "completed" else {"completed_at": None, "progress": 0}
    return json.dumps({**VIDEO, "id": id_, "status": status, **ended}).encode()


@cache
def page(first: int, jobs: int, limit: int = PAGE) -> bytes:
    """Return the page of a list of so many jobs that begins at the job of this number."""
    last = min(first + limit, jobs)
    data = [{**VIDEO, "id": f"video_{number}"} for number in range(first, last)]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return json.dumps({"object": "list", "data": data, **ends, "has_more": last < jobs}).encode()


def page_of(query: dict[str, str], jobs: int) -> bytes:
    """Return the page that a query asks for."""
    after = query.get("after", "")
    return page(int(after.removeprefix("video_")) + 1 if after else 0, jobs, int(query.get("limit", "20")))
