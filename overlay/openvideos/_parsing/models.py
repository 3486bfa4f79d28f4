"""Make models of decoded JSON, strict about an id and a status and lenient about the rest. Pure.

Where a key is null, missing or of another type than the contract's, its attribute is None, and what an attribute does
not hold is kept in `additional_properties`, so that nothing is lost. pydantic reads them so, too.
"""

from __future__ import annotations

import re
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from openvideos_raw.errors import MalformedModel
from openvideos_raw.models.character import Character
from openvideos_raw.models.contract_claim import ContractClaim
from openvideos_raw.models.model import Model
from openvideos_raw.models.model_list import ModelList
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_delete_response import VideoDeleteResponse

from .._json import is_object

T = TypeVar("T")


@frozen
class Shape(Generic[T]):
    """A model, what messages call it, and the keys without which it is of no use: their values must be text."""

    model: type[T]
    name: str
    needs: tuple[str, ...] = ()


VIDEO: Final = Shape(Video, "a video", ("id", "status"))
DELETION: Final = Shape(VideoDeleteResponse, "a confirmation", ("id",))
CHARACTER: Final = Shape(Character, "a character", ("id",))
MODEL: Final = Shape(Model, "a model", ("id",))
CLAIM: Final = Shape(ContractClaim, "a claim")
MODEL_LIST: Final = Shape(ModelList, "a list of models")

_REPORTS: Final = ("status", "result", "state", "code", "status_code")
"""Where the answer to a deletion may say how it went."""
# A code that is no status of HTTP may be a vendor's own for a success.
_NO: Final = re.compile(r"false|no|error|fail(ed|ure)?|rejected|[45]\d\d")


def read(shape: Shape[T], data: Any) -> T:
    """Make a model of decoded JSON. What it does not need may be anything.

    Raises:
        ValueError: The JSON is no object, or a key that is needed is not right.
    """
    if not is_object(data):
        raise ValueError(f"{shape.name} is expected, and the JSON is of the type {type(data).__name__}")
    model: Any = shape.model
    made = model._from_server(data, shape.needs)  # noqa: SLF001 - pydantic reads by it, too
    if "id" in shape.needs and not made.id:
        raise MalformedModel(model.__name__, "id", "is empty")
    result: T = made
    return result


def confirms(data: dict[str, Any]) -> bool:
    """Return whether nothing in the answer to a deletion says that the video is still there.

    What says neither is a deletion: the answer's status was a success, which says that it was done (RFC 9110, 9.3.5),
    and servers confirm it in words of their own.
    """
    if any(_is_no(data.get(key)) or data.get(key) in (0, "0") for key in ("deleted", "success", "ok")):
        return False
    if data.get("object") == "video" or "created_at" in data:
        return True  # the job that was deleted, whose status and error are those of the job
    return not data.get("error") and not any(_is_no(data.get(key)) for key in _REPORTS)


def _is_no(value: Any) -> bool:
    return _NO.fullmatch(str(value).strip().lower()) is not None
