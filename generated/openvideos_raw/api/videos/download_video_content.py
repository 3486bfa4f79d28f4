import json
from io import BytesIO
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.video_variant import VideoVariant
from ...types import UNSET, File, Response, Unset, as_json, as_texts, path_segment


def build_request(
    video_id: str,
    *,
    variant: VideoVariant | Unset = UNSET,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""
    headers: dict[str, Any] = as_texts(
        {
            "Range": range_,
            "If-Range": if_range,
        }
    )

    params: dict[str, Any] = {}

    params["variant"] = as_json(variant)

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/videos/{video_id}/content".format(
            video_id=path_segment(video_id, "video_id"),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def parse_response(status_code: int, content: bytes) -> Any | ErrorResponse | File | None:
    """Return what a body means under a status; None under a status that the contract does not name.

    Raises errors.UnreadableBody when the body is not what the status documents.
    """
    try:
        if status_code == 200:
            response_200 = File(payload=BytesIO(content))

            return response_200

        if status_code == 206:
            response_206 = File(payload=BytesIO(content))

            return response_206

        if status_code == 302:
            response_302 = cast(Any, None)
            return response_302

        if status_code == 307:
            response_307 = cast(Any, None)
            return response_307

        if status_code == 400:
            response_400 = ErrorResponse.from_dict(json.loads(content))

            return response_400

        if status_code == 401:
            response_401 = ErrorResponse.from_dict(json.loads(content))

            return response_401

        if status_code == 403:
            response_403 = ErrorResponse.from_dict(json.loads(content))

            return response_403

        if status_code == 404:
            response_404 = ErrorResponse.from_dict(json.loads(content))

            return response_404

        if status_code == 409:
            response_409 = ErrorResponse.from_dict(json.loads(content))

            return response_409

        if status_code == 410:
            response_410 = ErrorResponse.from_dict(json.loads(content))

            return response_410

        if status_code == 416:
            response_416 = ErrorResponse.from_dict(json.loads(content))

            return response_416

        if status_code == 422:
            response_422 = ErrorResponse.from_dict(json.loads(content))

            return response_422

        if status_code == 429:
            response_429 = ErrorResponse.from_dict(json.loads(content))

            return response_429

        if 400 <= status_code <= 499:
            response_4xx = ErrorResponse.from_dict(json.loads(content))

            return response_4xx

        if 500 <= status_code <= 599:
            response_5xx = ErrorResponse.from_dict(json.loads(content))

            return response_5xx

    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise errors.UnreadableBody(status_code, content, str(error) or type(error).__name__) from error
    return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | ErrorResponse | File]:
    parsed = parse_response(response.status_code, response.content)
    if parsed is None and client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parsed,
    )


def sync_detailed(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
    variant: VideoVariant | Unset = UNSET,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Response[Any | ErrorResponse | File]:
    """Download a completed video, its thumbnail or its spritesheet

     Return the file itself, or redirect to it. A server SHOULD support byte ranges (RFC 9110, section
    14): they let
    a player seek and a client resume. Send `Range`, with the `ETag` of the first answer as `If-Range`.

    The content of a job that has not ended MUST be refused with 400, 404, 409 or 422. The content of a
    job that has
    not ended SHOULD be refused with 409. The content of a failed job MUST be refused with 400, 404,
    409, 410 or
    422. Content whose time is up is a 410. The content of an id that the server never issued MUST be a
    404. Two
    downloads of a completed job MUST return the same bytes. Jobs with different prompts MUST have
    different
    content.

    A client MUST NOT report success unless the file on disk is complete. An interrupted download MUST
    NOT leave a
    partial file under its final name.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.
        variant (VideoVariant | Unset): Which file of a job: `video` is the clip, `thumbnail` one
            picture of it, `spritesheet` several in a grid. A server MAY offer the clip alone.
            variant=video MUST return the same file as no variant. variant=thumbnail MUST return a
            WebP picture that decodes, as image/webp. variant=spritesheet MUST return a JPEG picture
            that decodes, as image/jpeg. A variant that the server does not offer MUST be refused with
            400, 404 or 501, and never answered by another file; `param` is `variant` then. A variant
            that the contract does not have MUST be refused with 400, 404, 422 or 501.
        range_ (str | Unset): The bytes wanted, such as `bytes=0-1023`. A Range that cannot be
            understood MUST be ignored.
        if_range (str | Unset): The ETag for which `Range` holds. A range MUST be a 206 if its If-
            Range matches, and the complete file as a 200 if it does not.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorResponse | File]
    """

    kwargs = build_request(
        video_id=video_id,
        variant=variant,
        range_=range_,
        if_range=if_range,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
    variant: VideoVariant | Unset = UNSET,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Any | ErrorResponse | File | None:
    """Download a completed video, its thumbnail or its spritesheet

     Return the file itself, or redirect to it. A server SHOULD support byte ranges (RFC 9110, section
    14): they let
    a player seek and a client resume. Send `Range`, with the `ETag` of the first answer as `If-Range`.

    The content of a job that has not ended MUST be refused with 400, 404, 409 or 422. The content of a
    job that has
    not ended SHOULD be refused with 409. The content of a failed job MUST be refused with 400, 404,
    409, 410 or
    422. Content whose time is up is a 410. The content of an id that the server never issued MUST be a
    404. Two
    downloads of a completed job MUST return the same bytes. Jobs with different prompts MUST have
    different
    content.

    A client MUST NOT report success unless the file on disk is complete. An interrupted download MUST
    NOT leave a
    partial file under its final name.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.
        variant (VideoVariant | Unset): Which file of a job: `video` is the clip, `thumbnail` one
            picture of it, `spritesheet` several in a grid. A server MAY offer the clip alone.
            variant=video MUST return the same file as no variant. variant=thumbnail MUST return a
            WebP picture that decodes, as image/webp. variant=spritesheet MUST return a JPEG picture
            that decodes, as image/jpeg. A variant that the server does not offer MUST be refused with
            400, 404 or 501, and never answered by another file; `param` is `variant` then. A variant
            that the contract does not have MUST be refused with 400, 404, 422 or 501.
        range_ (str | Unset): The bytes wanted, such as `bytes=0-1023`. A Range that cannot be
            understood MUST be ignored.
        if_range (str | Unset): The ETag for which `Range` holds. A range MUST be a 206 if its If-
            Range matches, and the complete file as a 200 if it does not.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorResponse | File
    """

    return sync_detailed(
        video_id=video_id,
        client=client,
        variant=variant,
        range_=range_,
        if_range=if_range,
    ).parsed


async def asyncio_detailed(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
    variant: VideoVariant | Unset = UNSET,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Response[Any | ErrorResponse | File]:
    """Download a completed video, its thumbnail or its spritesheet

     Return the file itself, or redirect to it. A server SHOULD support byte ranges (RFC 9110, section
    14): they let
    a player seek and a client resume. Send `Range`, with the `ETag` of the first answer as `If-Range`.

    The content of a job that has not ended MUST be refused with 400, 404, 409 or 422. The content of a
    job that has
    not ended SHOULD be refused with 409. The content of a failed job MUST be refused with 400, 404,
    409, 410 or
    422. Content whose time is up is a 410. The content of an id that the server never issued MUST be a
    404. Two
    downloads of a completed job MUST return the same bytes. Jobs with different prompts MUST have
    different
    content.

    A client MUST NOT report success unless the file on disk is complete. An interrupted download MUST
    NOT leave a
    partial file under its final name.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.
        variant (VideoVariant | Unset): Which file of a job: `video` is the clip, `thumbnail` one
            picture of it, `spritesheet` several in a grid. A server MAY offer the clip alone.
            variant=video MUST return the same file as no variant. variant=thumbnail MUST return a
            WebP picture that decodes, as image/webp. variant=spritesheet MUST return a JPEG picture
            that decodes, as image/jpeg. A variant that the server does not offer MUST be refused with
            400, 404 or 501, and never answered by another file; `param` is `variant` then. A variant
            that the contract does not have MUST be refused with 400, 404, 422 or 501.
        range_ (str | Unset): The bytes wanted, such as `bytes=0-1023`. A Range that cannot be
            understood MUST be ignored.
        if_range (str | Unset): The ETag for which `Range` holds. A range MUST be a 206 if its If-
            Range matches, and the complete file as a 200 if it does not.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorResponse | File]
    """

    kwargs = build_request(
        video_id=video_id,
        variant=variant,
        range_=range_,
        if_range=if_range,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
    variant: VideoVariant | Unset = UNSET,
    range_: str | Unset = UNSET,
    if_range: str | Unset = UNSET,
) -> Any | ErrorResponse | File | None:
    """Download a completed video, its thumbnail or its spritesheet

     Return the file itself, or redirect to it. A server SHOULD support byte ranges (RFC 9110, section
    14): they let
    a player seek and a client resume. Send `Range`, with the `ETag` of the first answer as `If-Range`.

    The content of a job that has not ended MUST be refused with 400, 404, 409 or 422. The content of a
    job that has
    not ended SHOULD be refused with 409. The content of a failed job MUST be refused with 400, 404,
    409, 410 or
    422. Content whose time is up is a 410. The content of an id that the server never issued MUST be a
    404. Two
    downloads of a completed job MUST return the same bytes. Jobs with different prompts MUST have
    different
    content.

    A client MUST NOT report success unless the file on disk is complete. An interrupted download MUST
    NOT leave a
    partial file under its final name.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.
        variant (VideoVariant | Unset): Which file of a job: `video` is the clip, `thumbnail` one
            picture of it, `spritesheet` several in a grid. A server MAY offer the clip alone.
            variant=video MUST return the same file as no variant. variant=thumbnail MUST return a
            WebP picture that decodes, as image/webp. variant=spritesheet MUST return a JPEG picture
            that decodes, as image/jpeg. A variant that the server does not offer MUST be refused with
            400, 404 or 501, and never answered by another file; `param` is `variant` then. A variant
            that the contract does not have MUST be refused with 400, 404, 422 or 501.
        range_ (str | Unset): The bytes wanted, such as `bytes=0-1023`. A Range that cannot be
            understood MUST be ignored.
        if_range (str | Unset): The ETag for which `Range` holds. A range MUST be a 206 if its If-
            Range matches, and the complete file as a 200 if it does not.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorResponse | File
    """

    return (
        await asyncio_detailed(
            video_id=video_id,
            client=client,
            variant=variant,
            range_=range_,
            if_range=if_range,
        )
    ).parsed
