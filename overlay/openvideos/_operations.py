"""Build the call of each operation from a method's arguments. Pure, except that the beginning of a file is read.

Each function combines the raw client's request with the client's settings. Arguments that are `omit` are not sent, so
that the server's defaults apply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from attrs import evolve, frozen

from openvideos_raw.api.characters import create_character as raw_create_character
from openvideos_raw.api.characters import retrieve_character as raw_retrieve_character
from openvideos_raw.api.videos import create_video as raw_create
from openvideos_raw.api.videos import delete_video as raw_delete
from openvideos_raw.api.videos import download_video_content as raw_download
from openvideos_raw.api.videos import edit_video as raw_edit
from openvideos_raw.api.videos import extend_video as raw_extend
from openvideos_raw.api.videos import list_models as raw_list_models
from openvideos_raw.api.videos import list_videos as raw_list
from openvideos_raw.api.videos import remix_video as raw_remix
from openvideos_raw.api.videos import retrieve_video as raw_retrieve
from openvideos_raw.models.character import Character
from openvideos_raw.models.create_character_form import CreateCharacterForm
from openvideos_raw.models.create_video_form import CreateVideoForm
from openvideos_raw.models.create_video_json import CreateVideoJson
from openvideos_raw.models.edit_video_form import EditVideoForm
from openvideos_raw.models.edit_video_json import EditVideoJson
from openvideos_raw.models.extend_video_form import ExtendVideoForm
from openvideos_raw.models.extend_video_json import ExtendVideoJson
from openvideos_raw.models.image_reference import ImageReference as RawImageReference
from openvideos_raw.models.reference import Reference as RawReference
from openvideos_raw.models.remix_video_json import RemixVideoJson
from openvideos_raw.models.video import Video
from openvideos_raw.models.video_reference import VideoReference as RawVideoReference
from openvideos_raw.types import UNSET, ApiObject, Unset

from ._calls import Call, Extras, Parser, is_json_asked_for, make_call
from ._errors import InvalidArgumentError, repr_of
from ._parsing import responses as parsing
from ._parsing.media import WantedFile
from ._settings import Settings
from ._types import FileTypes, ImageReference, Omit, Reference, VideoReference, given, omit
from ._uploads.upload import named_reference, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from openvideos_raw.models.model_list import ModelList
    from openvideos_raw.models.video_delete_response import VideoDeleteResponse


T = TypeVar("T")
C = TypeVar("C")

NO_LIMIT: Final = None
REFERENCE_KEYS: Final = ("image_url", "file_id")


@frozen
class ListOptions:
    """The parameters of a list, which the requests of all its pages share."""

    after: str | None = None
    limit: int | None = None
    order: str | None = None

    @classmethod
    def of(cls, *, after: str | Video | Omit | None, limit: int | Omit | None, order: str | Omit | None) -> ListOptions:
        """Build the options from a caller's arguments. The server checks their values.

        Raises:
            InvalidArgumentError: An argument has a wrong type.
        """
        return cls(
            after=_of_type("after", after.id if isinstance(after, Video) else given(after), str),
            limit=_whole("limit", limit),
            order=_of_type("order", given(order), str),
        )


def _of_type(name: str, value: T | None, kind: type) -> T | None:
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise InvalidArgumentError(f"{name} is {repr_of(value)}; it must be of the type {kind.__name__}.")
    return value


def create(
    settings: Settings,
    extras: Extras,
    *,
    prompt: str,
    input_reference: FileTypes | ImageReference | Omit | None,
    model: str | Omit | None,
    seconds: str | int | Omit | None,
    size: str | Omit | None,
    negative_prompt: str | Omit | None = omit,
    seed: int | Omit | None = omit,
    fps: int | Omit | None = omit,
    num_frames: int | Omit | None = omit,
    references: Sequence[Reference] | Omit | None = omit,
) -> Call[Video]:
    """Build the call of create_video: JSON for images by URL or file id, a form for everything else.

    A create without images is JSON if the caller's Content-Type asks for that: some servers take nothing else.
    """
    fields: dict[str, Any] = {
        "prompt": _text("prompt", prompt),
        "model": _optional("model", model),
        "seconds": UNSET if given(seconds) is None else _duration(seconds),
        "size": _optional("size", size),
        "negative_prompt": _optional("negative_prompt", negative_prompt),
        "seed": _or_unset(_whole("seed", seed)),
        "fps": _or_unset(_whole("fps", fps)),
        "num_frames": _or_unset(_whole("num_frames", num_frames)),
    }
    image: Any = given(input_reference)
    if given(references) is not None:
        if image is not None:
            raise InvalidArgumentError("input_reference and references exclude each other; pass one of them.")
        arguments = _with_references(fields, references)
    elif isinstance(image, Mapping):
        reference = _image_reference(cast("Mapping[str, object]", image), "input_reference")
        arguments = raw_create.build_request(body=CreateVideoJson(**fields, input_reference=reference))
    elif image is not None:
        form = CreateVideoForm(**fields, input_reference=upload("input_reference", image))
        arguments = raw_create.build_request(body=form)
    else:
        kind = CreateVideoJson if is_json_asked_for(settings, extras) else CreateVideoForm
        arguments = raw_create.build_request(body=kind(**fields))
    return make_call(settings, "create_video", arguments, parsing.video, extras)


def _with_references(fields: dict[str, Any], references: object) -> dict[str, Any]:
    """Return the arguments of a create with references: a form for files, JSON for URLs and ids.

    Raises:
        InvalidArgumentError: The references cannot be sent.
    """
    if isinstance(references, (str, bytes)) or not isinstance(references, Sequence):
        raise InvalidArgumentError(f"references is of the type {type(references).__name__}; pass a list of references.")
    found = cast("Sequence[object]", references)
    named = [named_reference(number, reference) for number, reference in enumerate(found)]
    roles = [role for role, _ in named]
    if not named:
        raise InvalidArgumentError("references is empty; pass one image at least, or leave it out.")
    if len({"image" in image for _, image in named}) > 1:
        raise InvalidArgumentError("references has files and URLs or ids; pass all as files, or none.")
    if "image" not in named[0][1]:
        images = [
            RawReference(
                role=_text(f"references[{number}].role", role),
                **_image_reference(image, f"references[{number}]").to_dict(),
            )
            for number, (role, image) in enumerate(named)
        ]
        return raw_create.build_request(body=CreateVideoJson(**fields, references=images))
    if len(set(roles)) < len(roles):
        raise InvalidArgumentError("references has two files of one role; a form has one of each. Pass them by URL.")
    arguments = raw_create.build_request(body=CreateVideoForm(**fields))
    for role, image in named:
        name = f"references[{role}]"
        arguments["files"].append((name, upload(name, cast("FileTypes", image["image"])).to_tuple()))
    return arguments


def retrieve(settings: Settings, extras: Extras, *, video_id: str | Video) -> Call[Video]:
    """Build the call of retrieve_video."""
    video_id = id_of_video(video_id)
    return make_call(
        settings,
        "retrieve_video",
        _built(lambda: raw_retrieve.build_request(video_id)),
        parsing.video,
        extras,
        video_id=video_id,
        accepts_error_status=parsing.is_failed_job_as_error,
    )


def list_(settings: Settings, extras: Extras, *, options: ListOptions, parse: Parser[T]) -> Call[T]:
    """Build the call of list_videos for one page."""
    arguments = raw_list.build_request(
        after=UNSET if options.after is None else options.after,
        limit=UNSET if options.limit is None else options.limit,
        order=UNSET if options.order is None else options.order,
    )
    return make_call(settings, "list_videos", arguments, parse, extras)


def delete(settings: Settings, extras: Extras, *, video_id: str | Video) -> Call[VideoDeleteResponse]:
    """Build the call of delete_video."""
    video_id = id_of_video(video_id)
    return make_call(
        settings,
        "delete_video",
        _built(lambda: raw_delete.build_request(video_id)),
        lambda response: parsing.deletion(video_id, response),
        extras,
        video_id=video_id,
    )


def download(
    settings: Settings, extras: Extras, *, video_id: str | Video, variant: str | Omit | None, parse: Parser[T]
) -> Call[T]:
    """Build the call of download_video_content."""
    video_id = id_of_video(video_id)
    arguments = _built(
        lambda: raw_download.build_request(
            video_id, variant=_optional("variant", variant), range_=UNSET, if_range=UNSET
        ),
    )
    # Media cannot be compressed further, and with an encoding, lengths and ranges would not be those of the file.
    headers = {**arguments.get("headers", {}), "Accept-Encoding": "identity"}
    call = make_call(
        settings,
        "download_video_content",
        {**arguments, "headers": headers},
        parse,
        extras,
        video_id=video_id,
        # A 409 means that the job is not completed, which takes longer than a retry waits.
        conflict_may_pass=False,
        largest=NO_LIMIT,
    )
    return evolve(call, parse=partial(WantedFile.of(call.video_id, call.query).parse, parse))


def remix(settings: Settings, extras: Extras, *, video_id: str | Video, prompt: str) -> Call[Video]:
    """Build the call of remix_video."""
    video_id = id_of_video(video_id)
    body = RemixVideoJson(prompt=_text("prompt", prompt))
    arguments = _built(lambda: raw_remix.build_request(video_id, body=body))
    return make_call(settings, "remix_video", arguments, parsing.video, extras, video_id=video_id)


def edit(
    settings: Settings, extras: Extras, *, prompt: str, video: FileTypes | VideoReference | Video | str
) -> Call[Video]:
    """Build the call of edit_video: JSON for a video by its id, a form for a file."""
    prompt = _text("prompt", prompt)
    reference = _video_reference(video)
    if reference is not None:
        arguments = raw_edit.build_request(body=EditVideoJson(prompt=prompt, video=reference))
        return make_call(settings, "edit_video", arguments, parsing.video, extras, video_id=reference.id)
    form = EditVideoForm(prompt=prompt, video=upload("video", cast("FileTypes", video)))
    return make_call(settings, "edit_video", raw_edit.build_request(body=form), parsing.video, extras)


def extend(
    settings: Settings,
    extras: Extras,
    *,
    prompt: str,
    seconds: str | int,
    video: FileTypes | VideoReference | Video | str,
) -> Call[Video]:
    """Build the call of extend_video: JSON for a video by its id, a form for a file."""
    prompt, duration = _text("prompt", prompt), _duration(seconds)
    reference = _video_reference(video)
    if reference is not None:
        body = ExtendVideoJson(prompt=prompt, seconds=duration, video=reference)
        arguments = raw_extend.build_request(body=body)
        return make_call(settings, "extend_video", arguments, parsing.video, extras, video_id=reference.id)
    form = ExtendVideoForm(prompt=prompt, seconds=duration, video=upload("video", cast("FileTypes", video)))
    return make_call(settings, "extend_video", raw_extend.build_request(body=form), parsing.video, extras)


def create_character(settings: Settings, extras: Extras, *, name: str, video: FileTypes) -> Call[Character]:
    """Build the call of create_character."""
    form = CreateCharacterForm(name=_text("name", name), video=upload("video", video))
    arguments = raw_create_character.build_request(body=form)
    return make_call(settings, "create_character", arguments, parsing.character, extras)


def get_character(settings: Settings, extras: Extras, *, character_id: str | Character) -> Call[Character]:
    """Build the call of retrieve_character."""
    arguments = _built(lambda: raw_retrieve_character.build_request(_id("character_id", character_id, Character)))
    return make_call(settings, "retrieve_character", arguments, parsing.character, extras)


def list_models(settings: Settings, extras: Extras) -> Call[ModelList]:
    """Build the call of list_models."""
    return make_call(settings, "list_models", raw_list_models.build_request(), parsing.model_list, extras)


def _built(build: Callable[[], T]) -> T:
    """Run a builder of a request.

    Raises:
        InvalidArgumentError: An argument is not valid Unicode text.
    """
    try:
        return build()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"An argument is not valid Unicode text: {error.reason}.") from error


def callback(name: str, value: C) -> C:
    """Return a caller's callback, or None, before anything is sent that would be lost when it cannot be called.

    Raises:
        InvalidArgumentError: The value is neither.
    """
    if value is not None and not callable(value):
        raise InvalidArgumentError(f"{name} is of the type {type(value).__name__}; pass a function.")
    return value


def id_of_video(value: str | Video) -> str:
    """Return the id of a video that is given by its id or as itself.

    Raises:
        InvalidArgumentError: The value is neither, or the id is not safe in a path.
    """
    return _id("video_id", value, Video)


def _id(name: str, value: object, kind: type[Video | Character]) -> str:
    """Return an id that is safe in a path.

    Raises:
        InvalidArgumentError: The value is neither text nor of the kind, or is empty, or would change the path (`.` and
            `..`).
    """
    if isinstance(value, kind):
        name, value = f"{name}.id", value.id
    if not isinstance(value, str):
        raise InvalidArgumentError(
            f"{name} is of the type {type(value).__name__}; pass the id, or the {kind.__name__} itself."
        )
    if not value.strip():
        raise InvalidArgumentError(f"{name} is empty; pass the id that create returned.")
    if value in {".", ".."}:
        raise InvalidArgumentError(f"{name} is {value!r}, which names another path; pass the id that create returned.")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} is of the type {type(value).__name__}; it must be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} is not valid Unicode text: {error.reason}.") from error
    return value


def _optional(name: str, value: str | Omit | None) -> str | Unset:
    return UNSET if given(value) is None else _text(name, value)


def _or_unset(value: T | None) -> T | Unset:
    return UNSET if value is None else value


def _whole(name: str, value: int | Omit | None) -> int | None:
    number = _of_type(name, given(value), int)
    if number is not None and abs(number) >= 1 << 63:
        raise InvalidArgumentError(f"{name} has more than 64 bits; no server takes that.")
    return number


def _duration(value: object) -> str:
    """Return a duration in the contract's form, a decimal string."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError as error:  # Python does not write so many digits
            raise InvalidArgumentError(f"seconds is {repr_of(value)}; no server takes that.") from error
    return _text("seconds", value)


def _image_reference(value: Mapping[str, object], name: str) -> RawImageReference:
    given = [key for key in REFERENCE_KEYS if key in value]
    if len(given) != 1 or len(value) != 1:
        raise InvalidArgumentError(
            f"{name} has the keys {sorted(map(str, value))}; it has exactly one of image_url and file_id"
            f"{', or image for a file' if name.startswith('references') else ''}."
        )
    return RawImageReference(**{given[0]: _text(f"{name}.{given[0]}", value[given[0]])})


def _video_reference(value: object) -> RawVideoReference | None:
    """Return a caller's reference to a video; None if the value is a file."""
    if isinstance(value, (str, ApiObject)):
        return RawVideoReference(id=_id("video", value, Video))
    if isinstance(value, Mapping):
        return RawVideoReference(id=_id("video['id']", cast("Mapping[str, object]", value).get("id"), Video))
    return None
