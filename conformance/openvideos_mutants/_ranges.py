"""Break requirements about parts of content, and about its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openvideos_emulator._imitations.wrapping import error

from ._content import CONTENT
from ._registry import mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler, Request, ServerResponse

    from ._registry import Memory


@mutant("VID-CONTENT-013")
async def the_length_is_not_told(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send content in chunks."""
    response = await ask(request)
    if request.operation == CONTENT:
        response.has_length = False
    return response


@mutant("VID-CONTENT-014")
async def there_is_no_etag(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send content without an ETag."""
    return (await ask(request)).with_header("etag", None)


@mutant("VID-CONTENT-014")
async def the_etag_is_weak(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send content with a weak ETag."""
    response = await ask(request)
    etag = response.header("etag")
    return response if etag is None else response.with_header("etag", f"W/{etag}")


@mutant("VID-CONTENT-015", along={"VID-CONTENT-020": "the ETag that was sent does not hold for If-Range"})
async def the_etag_changes(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send another ETag at each request."""
    response = await ask(request)
    memory["count"] = memory.get("count", 0) + 1
    return response if response.header("etag") is None else response.with_header("etag", f'"{memory["count"]}"')


@mutant("VID-CONTENT-015", along={"VID-CONTENT-020": "the ETag that was sent does not hold for If-Range"})
async def all_files_have_one_etag(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the same ETag with each file."""
    response = await ask(request)
    return response if response.header("etag") is None else response.with_header("etag", '"file"')


@mutant(
    "VID-CONTENT-016", along={"VID-MODELS-003": "the emulator's account of itself claims Standard, which has ranges"}
)
async def ranges_are_not_offered(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Range, and say so."""
    response = await ask(request.with_header("range", None))
    return response.with_header("accept-ranges", None)


@mutant("VID-CONTENT-017")
async def ranges_are_one_byte_off(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a byte too many at the end of a range."""
    response = await ask(request)
    if (
        request.operation == CONTENT
        and response.status == 206
        and "multipart" not in (response.header("content-type") or "")
    ):
        response.body += b"\0"
    return response


@mutant("VID-CONTENT-017")
async def ranges_say_the_wrong_place(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Say in Content-Range that each range begins at 0."""
    response = await ask(request)
    reported = response.header("content-range")
    if request.operation == CONTENT and response.status == 206 and reported:
        return response.with_header("content-range", f"bytes 0-{len(response.body) - 1}/{reported.partition('/')[2]}")
    return response


@mutant(
    "VID-CONTENT-017",
    along=dict.fromkeys(("VID-CONTENT-016", "VID-CONTENT-019"), "the whole file is sent for any range"),
)
async def ranges_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Say Accept-Ranges: bytes, and ignore each range."""
    return await ask(request.with_header("range", None))


@mutant("VID-CONTENT-018")
async def suffixes_are_prefixes(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the first bytes instead of the last ones."""
    value = request.header("range") or ""
    if request.operation == CONTENT and value.startswith("bytes=-") and value[7:].isdecimal():
        request = request.with_header("range", f"bytes=0-{max(0, int(value[7:]) - 1)}")
    return await ask(request)


@mutant("VID-CONTENT-018")
async def open_ranges_miss_the_last_byte(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """End an open range one byte before the end."""
    value = request.header("range") or ""
    response = await ask(request)
    if request.operation == CONTENT and response.status == 206 and value.endswith("-") and len(response.body) > 1:
        response.body = response.body[:-1]
        reported = response.header("content-range") or ""
        place, total = reported.removeprefix("bytes ").split("/")
        first, last = place.split("-")
        return response.with_header("content-range", f"bytes {first}-{int(last) - 1}/{total}")
    return response


@mutant("VID-CONTENT-019")
async def ranges_behind_the_end_are_the_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the whole file for a range after its end."""
    response = await ask(request)
    if request.operation == CONTENT and response.status == 416:
        return await ask(request.with_header("range", None))
    return response


@mutant("VID-CONTENT-020")
async def conditions_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the range, whatever If-Range says."""
    return await ask(request.with_header("if-range", None))


@mutant("VID-CONTENT-020")
async def conditions_never_hold(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the whole file whenever there is an If-Range."""
    if request.operation == CONTENT and request.header("if-range"):
        request = request.with_header("range", None)
    return await ask(request)


@mutant("VID-CONTENT-021")
async def unknown_ranges_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse a Range of another unit."""
    value = request.header("range")
    if request.operation == CONTENT and value is not None and not value.startswith("bytes="):
        return error(400, "Range is wrong.", param="Range")
    return await ask(request)


@mutant("VID-CONTENT-022", along={"VID-CONTENT-017": "the Content-Range is that of the first range alone"})
async def several_ranges_are_run_together(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send several ranges one after the other, as if they were one."""
    value = request.header("range") or ""
    if request.operation == CONTENT and "," in value:
        pieces = [await ask(request.with_header("range", f"bytes={one.strip()}")) for one in value[6:].split(",")]
        if all(piece.status == 206 for piece in pieces):
            pieces[0].body = b"".join(piece.body for piece in pieces)
            return pieces[0]
    return await ask(request)


@mutant("VID-CONTENT-017")
async def ranges_of_thumbnails_begin_at_0(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the beginning of a thumbnail as any range of it."""
    response = await ask(request)
    if request.operation == CONTENT and request.parameter("variant") == "thumbnail" and response.status == 206:
        whole = await ask(request.with_header("range", None))
        response.body = whole.body[: len(response.body)]
    return response
