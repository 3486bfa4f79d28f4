"""Break the overlay on purpose, one way each, to see that whatever checks clients notices.

The properties are run over each defect by `test_proof`. From outside, `OPENVIDEOS_BROKEN` names the defect that a
script is run with:

    OPENVIDEOS_BROKEN=lost_form_field python overlay/tests/spec/broken.py script.py [argument …]

Importing this module with the variable set breaks the overlay too. It needs nothing but `openvideos`.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

import httpx

from openvideos import _calls, _operations
from openvideos._flows import downloading, effects, paging, retrying
from openvideos._parsing import responses as _parsing
from openvideos_raw.models.video import Video

VARIABLE: Final = "OPENVIDEOS_BROKEN"

Break = Callable[[Callable[[object, str, Any], None]], None]


def lost_form_field(replace: Callable[[object, str, Any], None]) -> None:
    """Leave the size out of forms: the job is made in the server's size."""
    real = _calls.make_call

    def make_call(settings: Any, operation: str, arguments: Any, *rest: Any, **named: Any) -> Any:
        if "files" in arguments:
            arguments = {**arguments, "files": [part for part in arguments["files"] if part[0] != "size"]}
        return real(settings, operation, arguments, *rest, **named)

    replace(_operations, "make_call", make_call)


def swapped_cursor(replace: Callable[[object, str, Any], None]) -> None:
    """Continue after the first item of a page, instead of its last."""

    def first(_: paging.Walk, ids: list[str], *, has_more: bool | None, **__: Any) -> str | None:
        return ids[0] if has_more else None

    replace(paging, "_next", first)


def dropped_unknown_field(replace: Callable[[object, str, Any], None]) -> None:
    """Forget the fields of a video that the contract does not know."""
    real = _parsing.read_video

    def read_video(data: Any, response: httpx.Response, *rest: Any) -> Video:
        video = real(data, response, *rest)
        video.additional_properties.clear()
        return video

    for module in (_parsing, paging):
        replace(module, "read_video", read_video)


def double_create(replace: Callable[[object, str, Any], None]) -> None:
    """Send a POST again after a failure that may have started its job, and under another Idempotency-Key."""
    real_send = effects.Send

    def may_repeat(call: Any, outcome: Any, **_: Any) -> bool:
        return bool(call.rewindable and retrying.is_transient(outcome))

    def send(call: Any, **named: Any) -> Any:
        if call.is_post:
            call.headers.pop("Idempotency-Key", None)
            call.headers["Idempotency-Key"] = os.urandom(8).hex()
        return real_send(call, **named)

    replace(retrying, "may_repeat", may_repeat)
    replace(retrying, "Send", send)


def truncated_file_kept(replace: Callable[[object, str, Any], None]) -> None:
    """Take a file that broke off for whole."""
    real = downloading._attempt

    def attempt(call: Any, sink: Any, *rest: Any) -> Generator[Any, Any, Any]:
        problem = yield from real(call, sink, *rest)
        return None if sink.size else problem

    replace(downloading, "_attempt", attempt)


DEFECTS: Final[dict[str, Break]] = {
    defect.__name__: defect
    for defect in (lost_form_field, swapped_cursor, dropped_unknown_field, double_create, truncated_file_kept)
}
"""Each defect by its id."""


@contextmanager
def applied(name: str) -> Generator[None]:
    """Break the overlay by a defect for the time of a block."""
    with ExitStack() as patches:
        DEFECTS[name](lambda owner, attribute, value: patches.enter_context(patch.object(owner, attribute, value)))
        yield


def apply(name: str) -> None:
    """Break the overlay for the rest of the process. Exits, naming the defects, for a name that is none."""
    if name not in DEFECTS:
        sys.exit(f"{VARIABLE} is {name!r}; the defects are {', '.join(DEFECTS)}")
    DEFECTS[name](setattr)


if os.environ.get(VARIABLE):
    apply(os.environ[VARIABLE])

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
