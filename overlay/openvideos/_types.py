"""Define the types of callers' arguments: sentinels for omitted arguments, files, and the contract's values."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from os import PathLike
from typing import IO, Literal, NotRequired, Protocol, TypeAlias, TypedDict, TypeVar, runtime_checkable

from openvideos_raw.models.list_order import ListOrderValue
from openvideos_raw.models.reference_role import ReferenceRole as KnownReferenceRole
from openvideos_raw.models.video_model import VideoModel as KnownVideoModel
from openvideos_raw.models.video_variant import VideoVariantValue

T = TypeVar("T")


class Omit:
    """The type of `omit`: the parameter is not sent, and the server's default applies. None means the same."""

    def __bool__(self) -> Literal[False]:
        """Be false, so that `if value` skips an argument that was left out."""
        return False

    def __repr__(self) -> str:
        """Return the name that callers use."""
        return "omit"

    def __reduce__(self) -> str:
        """Pickle by name, so that `is omit` holds in another process."""
        return "omit"


class NotGiven:
    """The type of `NOT_GIVEN`: the client's setting applies, while `None` would turn it off."""

    def __bool__(self) -> Literal[False]:
        """Be false, so that `if value` skips an argument that was not given."""
        return False

    def __repr__(self) -> str:
        """Return the name that callers use."""
        return "NOT_GIVEN"

    def __reduce__(self) -> str:
        """Pickle by name, so that `is NOT_GIVEN` holds in another process."""
        return "NOT_GIVEN"


omit = Omit()
"""An argument that is not sent, so that the server's default applies; the default of most arguments."""
NOT_GIVEN = NotGiven()
"""A `timeout` that is not given, so that the client's applies."""
not_given = NOT_GIVEN
"""`NOT_GIVEN` by the other name that openai-python has."""


def given(value: T | Omit | NotGiven | None) -> T | None:
    """Return an optional argument; None if it was left out, by `omit`, None or, as openai-python allows, NOT_GIVEN."""
    return None if isinstance(value, (Omit, NotGiven)) else value


@runtime_checkable
class PhaseTimeouts(Protocol):
    """A timeout for each phase of a request, in seconds: an httpx.Timeout or httpx2.Timeout."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the seconds of the phases connect, read, write and pool; None for no timeout."""
        ...


class BlockingHTTPClient(Protocol):
    """A client that OpenVideos can send with: an httpx.Client or httpx2.Client."""

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncHTTPClient(Protocol):
    """A client that AsyncOpenVideos can send with: of httpx, httpx2 or httpx-aiohttp."""

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class AsyncFile(Protocol):
    """A file that is awaited, such as Starlette's UploadFile and what `anyio.open_file` returns."""

    def read(self, size: int = -1, /) -> Awaitable[bytes]:
        """Return the next bytes, at most `size`; none at the end."""
        ...


FileContent: TypeAlias = IO[bytes] | bytes | PathLike[str] | AsyncFile
"""The content of a file: an open binary file, bytes, a path, or an async file, which AsyncOpenVideos alone takes."""

FileTypes: TypeAlias = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""A file to upload: its content, or (file name, content[, media type[, headers]])."""


ReferenceRole: TypeAlias = KnownReferenceRole
"""What a reference is for, such as "first_frame": one of the contract's words, or any other that the server offers."""


class ImageReference(TypedDict, total=False):
    """A reference image, by exactly one of the two keys: its URL, or the id of a file."""

    image_url: str
    file_id: str


class Reference(TypedDict):
    """An image that a video is made from, its role, and the image by exactly one of the other keys."""

    role: ReferenceRole
    image: NotRequired[FileTypes]
    image_url: NotRequired[str]
    file_id: NotRequired[str]


class VideoReference(TypedDict):
    """A completed video of the same server, by its id."""

    id: str


ListOrder: TypeAlias = ListOrderValue
"""The order of a list by `created_at`, such as "desc" for the newest first."""

VideoVariant: TypeAlias = VideoVariantValue
"""The name of one of a job's files, such as "video" for the clip."""

VideoModel: TypeAlias = KnownVideoModel
"""A model's name: one of the contract's, or any other that the server offers."""

VideoSeconds: TypeAlias = Literal["4", "8", "12"] | str | int
"""A clip's duration in whole seconds, as a decimal string or an integer."""

VideoSize: TypeAlias = Literal["720x1280", "1280x720", "1024x1792", "1792x1024"] | str
"""A picture's size in pixels, "WIDTHxHEIGHT"."""
