"""Wrong clients: what they send, and to whom they show the key."""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from .registry import defect
from .right import Client, Json

NO_JOB = {"CLI-RUN-001": "nothing goes wrong, and the work fails"}
"""What comes along where a client cannot do its work at all."""


@defect("CLI-REQUEST-001", "plain", along=NO_JOB)
class AsksAnotherPath(Client):
    """Poll at a path that the contract does not have."""

    def read(self, video_id: str) -> tuple[Json, Mapping[str, str]]:
        response = self.send("GET", f"/videos/generations/{video_id}")
        return dict(self.parsed(response.read())), {}


@defect("CLI-REQUEST-001", "plain")
class LooksForHealth(Client):
    """Ask first whether the server is well, at a path of its own."""

    def work(self) -> None:
        try:
            self.call("GET", "/health")
        except Exception:
            sys.stderr.write("no health\n")
        super().work()


@defect("CLI-REQUEST-002", "plain", along=NO_JOB)
class LimitIsTooLarge(Client):
    """Ask for a thousand videos at a time."""

    limit = 1000


@defect("CLI-REQUEST-002", "plain", along={**NO_JOB, "CLI-REQUEST-003": "the server reads no field"})
class LinesEndWithLf(Client):
    """End the lines of a form with LF alone."""

    def form(self, fields: Mapping[str, str]) -> tuple[str, bytes]:
        media_type, body = super().form(fields)
        return media_type, body.replace(b"\r\n", b"\n")


@defect("CLI-REQUEST-002", "plain", along=NO_JOB)
class FieldsAreFiles(Client):
    """Send each field of a form as a file."""

    def part(self, name: str, value: str) -> bytes:
        head = f'content-disposition: form-data; name="{name}"; filename="{name}.txt"\r\n\r\n'
        return head.encode() + value.encode() + b"\r\n"


@defect("CLI-REQUEST-002", "plain", along={**NO_JOB, "CLI-REQUEST-003": "the seconds are others"})
class SecondsAreWords(Client):
    """Send the seconds with their unit."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted["seconds"] += "s"


@defect("CLI-REQUEST-003", "plain")
class SizeIsLost(Client):
    """Leave the size out of the create."""

    def __init__(self) -> None:
        super().__init__()
        del self.wanted["size"]


@defect("CLI-REQUEST-003", "plain", along=NO_JOB)
class PromptIsTrimmed(Client):
    """Cut the prompt at the first character that is not ASCII."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted["prompt"] = self.wanted["prompt"].encode("ascii", "ignore").decode()


@defect("CLI-REQUEST-003", "awkward-prompt", along=NO_JOB)
class PromptIsCutAtASemicolon(Client):
    """Take a semicolon in a prompt for the end of it, as curl -F does."""

    def part(self, name: str, value: str) -> bytes:
        return super().part(name, value.partition(";")[0])


@defect("CLI-REQUEST-003", "awkward-prompt", along={**NO_JOB, "CLI-REQUEST-002": "the rest of the prompt is no form"})
class BoundaryIsFixed(Client):
    """Separate the parts of a form by a word that a prompt may have."""

    def form(self, fields: Mapping[str, str]) -> tuple[str, bytes]:
        parts = [self.part(name, value) for name, value in fields.items()]
        body = b"".join(b"--boundary\r\n" + part for part in parts) + b"--boundary--\r\n"
        return "multipart/form-data; boundary=boundary", body


@defect("CLI-REQUEST-004", "upload", along=NO_JOB)
class FileIsText(Client):
    """Read the file as text, and send that."""

    def file_content(self, path: str) -> bytes:
        return Path(path).read_bytes().decode("utf-8", "replace").encode()


@defect(
    "CLI-REQUEST-004",
    "upload",
    along={**NO_JOB, "CLI-REQUEST-002": "what is behind the quotation mark is no form"},
)
class FileNameBreaksTheForm(Client):
    """Do not send the name of the field where the name of the file has a quotation mark."""

    def file_part(self, path: str) -> bytes:
        head = f'content-disposition: form-data; filename="{Path(path).name}"; name="input_reference"\r\n'
        return head.encode().replace(b'name="input', b'nam="input') + b"\r\n" + self.file_content(path) + b"\r\n"


# ---------------------------------------------------------------- the key
@defect("CLI-AUTH-001", "plain", along=NO_JOB)
class KeyIsBasic(Client):
    """Send the key as a password."""

    def headers(self) -> dict[str, str]:
        pair = base64.b64encode(f"user:{self.key}".encode()).decode()
        return {"authorization": f"Basic {pair}"}


@defect("CLI-AUTH-001", "plain", along=NO_JOB)
class DownloadHasNoKey(Client):
    """Leave the key out of downloads."""

    def send(
        self, method: str, path: str, *, body: bytes | None = None, base: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        if path.endswith("/content"):
            headers["authorization"] = ""
        return super().send(method, path, body=body, base=base, **headers)


@defect("CLI-AUTH-002", "redirect")
class KeyFollowsRedirects(Client):
    """Send the key wherever a download is redirected."""

    def after_redirect(self, headers: dict[str, str]) -> dict[str, str]:
        return headers


@defect("CLI-AUTH-002", "redirect-all")
class KeyFollowsAllRedirects(Client):
    """Follow redirects of POST, too, with the key; for downloads, leave it out."""

    redirects = True

    def on_wire(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        is_elsewhere = not url.startswith(self.base)
        if is_elsewhere and method == "POST":
            headers = {**headers, **self.headers()}
        return super().on_wire(method, url, body, headers)


@defect("CLI-AUTH-003", "plain")
class KeyIsInTheQuery(Client):
    """Put the key into the URL, too."""

    def page(self, after: str | None) -> Json:
        more = "" if after is None else f"&after={after}"
        return dict(self.call("GET", f"/videos?limit={self.limit}{more}&api_key={quote(self.key)}"))


@defect("CLI-AUTH-003", "plain")
class KeyIsPrinted(Client):
    """Show the settings, with the key, when it begins."""

    def work(self) -> None:
        sys.stdout.write(json.dumps(dict(os.environ)) + "\n")
        super().work()


@defect("CLI-AUTH-003", "plain")
class KeyIsInAForm(Client):
    """Send the key as a field, too."""

    def form(self, fields: Mapping[str, str]) -> tuple[str, bytes]:
        return super().form({**fields, "api_key": self.key})


@defect("CLI-AUTH-003", "missing-content")
class KeyIsInAnError(Client):
    """Show the request of a failure, with its headers."""

    def main(self) -> int:
        code = super().main()
        if code:
            sys.stderr.write(f"the request was sent with {self.headers()}\n")
        return code
