"""Wrong clients: what they make of pages, videos and files."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any

from .registry import defect
from .right import Client, FailedError, Json, LostError, RefusedError


@defect("CLI-LIST-001", "plain", "huge-list", along={"CLI-LIST-002": "the walk comes to no end"})
class GoesOnBehindTheFirst(Client):
    """Go on after the first video of a page."""

    attempts = 1

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        del after
        return page.get("first_id") if page.get("has_more") else None

    def videos(self) -> list[Json]:
        found: dict[str, Json] = {}
        for number, page in enumerate(self.pages()):
            found |= {video["id"]: video for video in page["data"]}
            if number > 100:
                break
        return list(found.values())


@defect("CLI-LIST-001", "plain", "huge-list")
class EachNextPageIsRequestedTwice(Client):
    """Look at the next page before it asks for it."""

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        cursor = super().next_cursor(page, after)
        if cursor is not None:
            self.page(cursor)
        return cursor


@defect("CLI-LIST-002", "huge-list", "short-pages")
class StopsAfterOnePage(Client):
    """Take the first page for the list."""

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        del page, after
        return None


@defect("CLI-LIST-002", "huge-list")
class StopsAfterTenPages(Client):
    """List two hundred videos at the most."""

    def videos(self) -> list[Json]:
        found: list[Json] = []
        for number, page in enumerate(self.pages()):
            found += page["data"]
            if number == 9:
                break
        return found


@defect("CLI-LIST-002", "short-pages")
class AShortPageIsTheLast(Client):
    """Stop at a page that is not full."""

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        return None if len(page["data"]) < self.limit else super().next_cursor(page, after)


@defect("CLI-LIST-006", "empty-page")
class AnEmptyPageIsTheLast(Client):
    """Stop at a page without videos."""

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        return super().next_cursor(page, after) if page["data"] else None


@defect("CLI-LIST-003", "duplicate-cursor")
class WalksInACircle(Client):
    """Do not notice that a cursor repeats."""

    def videos(self) -> list[Json]:
        found: list[Json] = []
        after: str | None = None
        while True:
            page = self.page(after)
            found += page["data"]
            after = self.next_cursor(page, after)
            if after is None:
                return found


@defect("CLI-LIST-004", "plain", "huge-list")
class TheLastOfEachPageIsDropped(Client):
    """Lose the last video of each page."""

    def videos(self) -> list[Json]:
        return [video for page in self.pages() for video in page["data"][:-1]]


@defect("CLI-READ-001", "unknown-fields")
class FieldsOfListsAreDropped(Client):
    """Keep of a listed video what the client knows."""

    def videos(self) -> list[Json]:
        return [
            {name: value for name, value in video.items() if not name.startswith("x_")} for video in super().videos()
        ]


@defect("CLI-LIST-004", "plain")
class TheFirstPageComesTwice(Client):
    """Give the first page twice."""

    def videos(self) -> list[Json]:
        found = super().videos()
        return found[: self.limit] + found


@defect("CLI-LIST-005", "no-has-more")
class NoHasMoreIsTheEnd(Client):
    """Take a page without has_more for the last."""

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        del after
        return page.get("last_id") if page.get("has_more") else None


@defect("CLI-READ-001", "unknown-fields")
class FieldsAreDropped(Client):
    """Keep of a video what the client knows."""

    def save(self, name: str, value: Any) -> None:
        if name == "video.json":
            value = {key: each for key, each in value.items() if not key.startswith("x_")}
        super().save(name, value)


@defect("CLI-READ-001", "plain")
class TimesAreTexts(Client):
    """Give times as texts."""

    def save(self, name: str, value: Any) -> None:
        super().save(name, {**value, "created_at": str(value["created_at"])} if name == "video.json" else value)


@defect("CLI-READ-002", "unknown-list-status")
class AListWithANewStatusIsAnError(Client):
    """Fail on a list that has a status which the client does not know."""

    def videos(self) -> list[Json]:
        found = super().videos()
        if any(each["status"] not in {"queued", "in_progress", "completed", "failed"} for each in found):
            raise FailedError("a status is unknown")
        return found


# ---------------------------------------------------------------- files
PART = {"CLI-CONTENT-002": "the part is left under its final name"}


class _Direct(Client):
    """Writes a download under its final name, and takes what came for the file."""

    def download(self, video: Json) -> None:
        self.fetch(video, self.output / "video.mp4")

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file once, whatever it is."""
        response = self.send("GET", f"/videos/{self.downloaded(video)}/content")
        try:
            content = response.read()
        except http.client.IncompleteRead as problem:
            content = problem.partial
        part.write_bytes(content)


@defect("CLI-CONTENT-001", "lasting-truncation", "truncated-download", along=PART)
class APartIsAFile(_Direct):
    """Take a part of a file for the whole."""


@defect("CLI-CONTENT-001", "html-content", "json-content")
class AnyResponseIsAFile(_Direct):
    """Take a web page for a file; notice a download that breaks off."""

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file once, whatever it is."""
        response = self.send("GET", f"/videos/{self.downloaded(video)}/content")
        part.write_bytes(response.read())


@defect("CLI-CONTENT-001", "missing-content", "expired-content")
class NoFileIsSuccess(Client):
    """Report success if there is no file."""

    def download(self, video: Json) -> None:
        try:
            super().download(video)
        except RefusedError:
            return


@defect("CLI-CONTENT-001", "plain")
class AnotherVideoIsDownloaded(Client):
    """Download the newest video of the list."""

    def downloaded(self, video: Json) -> str:
        return str(next(each["id"] for each in self.page(None)["data"] if each["id"] != video["id"]))


@defect("CLI-CONTENT-001", "changed-content")
class PartsOfTwoFilesAreJoined(Client):
    """Go on after a break, and do not ask whether the file is the same."""

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file, from where the part ends."""
        content, length = b"", 1
        while len(content) < length:
            headers: Any = {"range": f"bytes={len(content)}-"} if content else {}
            response = self.send("GET", f"/videos/{video['id']}/content", **headers)
            length = len(content) + int(response.headers["content-length"])
            try:
                content += response.read()
            except http.client.IncompleteRead as problem:
                content += problem.partial
        part.write_bytes(content)


@defect("CLI-CONTENT-002", "lasting-truncation")
class APartIsLeft(_Direct):
    """Write under the final name, notice the break, and leave the part."""

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file once."""
        try:
            super(_Direct, self).fetch(video, part)
        except http.client.IncompleteRead as problem:
            part.write_bytes(problem.partial)
            raise LostError("the download broke off") from problem


@defect("CLI-CONTENT-003", "huge-file")
class TheFileIsHeldInMemory(Client):
    """Read the whole file, and then write it."""

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file once."""
        response = self.send("GET", f"/videos/{self.downloaded(video)}/content")
        if not (response.headers.get("content-type") or "").startswith("video/"):
            raise FailedError("the response is no video")
        part.write_bytes(response.read())


@defect("CLI-RUN-002", "duplicate-cursor")
class WaitsForEverForAnotherCursor(Client):
    """Wait where a cursor repeats until it does no more."""

    def videos(self) -> list[Json]:
        try:
            return super().videos()
        except FailedError:
            time.sleep(3600)
            return []


@defect("CLI-RUN-001", "unknown-fields")
class AnUnknownFieldIsAnError(Client):
    """Fail on a field that the client does not know."""

    def parsed(self, body: bytes) -> Any:
        value = json.loads(body)
        if any(name.startswith("x_") for name in value):
            raise FailedError("a field is unknown")
        return value
