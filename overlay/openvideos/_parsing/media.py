"""Decide whether a response's body is the file that was asked for. Pure.

Servers answer with an error page, with JSON, or with the video where a picture was asked for, all under a 200.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Self, TypeVar

import httpx
from attrs import define, frozen

from openvideos_raw.models.video_variant import VIDEO_VARIANT_VALUES

from .._errors import DownloadError
from .._headers import media_type
from .._secrets import scrub
from .responses import ended, secrets_of

T = TypeVar("T")

BEGINNING: Final = 4096
"""How many bytes of a body that is not the file are read, to show the first of them."""

_SHOWN: Final = 200
_KINDS: Final = frozenset({"video", "image"})
_PAGES: Final = frozenset(
    {"text/html", "text/plain", "application/json", "application/problem+json", "application/xml", "text/xml"}
)
"""What servers and gateways return in place of a file."""
_INDEXES: Final = frozenset({b"moov", b"meta"})
"""The boxes of which an MP4, and a picture that is stored like one, must have one."""


@frozen
class WantedFile:
    """A file of a job: the contract's variants are the video and pictures of it; a server may have others."""

    video_id: str | None
    variant: str

    @classmethod
    def of(cls, video_id: str | None, query: Mapping[str, Any] | None) -> Self:
        """Return the file that a request with these query parameters downloads."""
        return cls(video_id, str((query or {}).get("variant", "video")))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of media that the file may be; none if it is a vendor's own, which may be anything."""
        if self.variant == "video":
            return frozenset({"video"})
        return frozenset({"image"}) if self.variant in VIDEO_VARIANT_VALUES else frozenset()

    def may_be(self, response: httpx.Response) -> bool:
        """Return whether a response's media type can be that of the file. A server that does not know it says so.

        Only the kind counts: a PNG is a thumbnail, too.
        """
        named = media_type(response.headers) or ""
        kind, _, subtype = named.partition("/")
        if not named or subtype == "octet-stream":
            return True
        if response.status_code == HTTPStatus.PARTIAL_CONTENT and named == "multipart/byteranges":
            return True  # the caller has asked for several ranges
        if not self.kinds:
            return named not in _PAGES
        return ("video" if named == "application/mp4" else kind) in self.kinds

    def parse(self, parse: Callable[[httpx.Response], T], response: httpx.Response) -> T:
        """Parse a response that was read, if its body is the file.

        Raises:
            DownloadError: It cannot be.
        """
        if not self.may_be(response):
            raise self.refusal(response)
        if not response.content:
            raise DownloadError(
                f"The server sent 0 bytes as the {self.variant} of {self.video_id}. The video is untouched: see "
                "whether it is completed, and download it again.",
                video_id=self.video_id,
            )
        return parse(response)

    def refusal(self, response: httpx.Response) -> DownloadError:
        """Return the error for a body that cannot be the file; the response has at least its beginning."""
        # Secrets are removed before a text is cut, since half a secret would not be found.
        secrets = secrets_of(response)
        sent = scrub(response.headers.get("content-type", ""), secrets).partition(";")[0]
        if (media_type(response.headers) or "").partition("/")[0] in _KINDS:
            reason = "it does not offer this variant, or ignores it"
        else:
            text = scrub(response.content[:BEGINNING].decode("utf-8", "replace"), secrets)
            reason = " ".join(text[:_SHOWN].split()) + ("…" if len(text) > _SHOWN else "")
        wanted = " or ".join(f"{kind}/*" for kind in self.kinds) or "a file"
        return DownloadError(
            f"The {self.variant} of {self.video_id} was asked for ({wanted}), and the server sent "
            f"{sent[:_SHOWN]}: {ended(reason)} Nothing was saved, and the video is untouched.",
            video_id=self.video_id,
        )


@define
class Boxes:
    """The boxes of an MP4 (ISO/IEC 14496-12, 4.2) of which the bytes are fed in order, in pieces of any size.

    They tell whether the end of the file is missing, as it is while a server still writes it.
    """

    _head: bytes = b""
    """The beginning of a box's head that is not complete yet."""
    _left: float = 0
    """How many bytes of the current box are to come; inf for a box that extends to the end of the file."""
    _count: int = 0
    _has_index: bool = False
    _follows: bool = True
    """Whether the file has been boxes up to here."""

    @property
    def lacks_end(self) -> bool:
        """Whether the file begins as an MP4 and does not end as one; False of what is none."""
        if not self._count:
            return False
        return not (self._follows and self._has_index and not self._head and self._left in {0, float("inf")})

    def feed(self, data: bytes) -> None:
        """Go on with the next bytes of the file."""
        at = 0
        while self._follows and at < len(data):
            if self._left:
                step = int(min(self._left, len(data) - at))
                at += step
                self._left -= step
            else:
                step = (16 if self._head[:4] == b"\0\0\0\1" else 8) - len(self._head)
                self._head += data[at : at + step]
                at += step
                self._begin()

    def _begin(self) -> None:
        """Begin a box if its head is complete: a length in 4 bytes, a name in 4, and for the length 1 another in 8."""
        head, length = self._head, int.from_bytes(self._head[:4], "big")
        if len(head) < (16 if length == 1 else 8):
            return
        self._head = b""
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        self._has_index |= head[4:8] in _INDEXES
        self._left = length - len(head) if length else float("inf")
        self._follows = self._left >= 0 and (self._count > 0 or head[4:8] == b"ftyp")
        self._count += self._follows
