import json
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.video_delete_response import VideoDeleteResponse
from ...types import Response, path_segment


def build_request(
    video_id: str,
) -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/videos/{video_id}".format(
            video_id=path_segment(video_id, "video_id"),
        ),
    }

    return _kwargs


def parse_response(status_code: int, content: bytes) -> ErrorResponse | VideoDeleteResponse | None:
    """Return what a body means under a status; None under a status that the contract does not name.

    Raises errors.UnreadableBody when the body is not what the status documents.
    """
    try:
        if status_code == 200:
            response_200 = VideoDeleteResponse.from_dict(json.loads(content))

            return response_200

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
) -> Response[ErrorResponse | VideoDeleteResponse]:
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
) -> Response[ErrorResponse | VideoDeleteResponse]:
    """Delete a video and its files

     Delete the job and what it produced. Retrieve, content, remix and delete of a deleted id MUST return
    404. A
    deleted video MUST NOT be in a list; as a cursor its id goes on working, or is refused.

    Deleting an id that the server never issued MUST return 404. Deleting a running job MUST either end
    it and
    return 200, or be refused with 409. Deleting one video MUST NOT change another. Of several
    concurrent deletions
    of one video, exactly one SHOULD be confirmed.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | VideoDeleteResponse]
    """

    kwargs = build_request(
        video_id=video_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | VideoDeleteResponse | None:
    """Delete a video and its files

     Delete the job and what it produced. Retrieve, content, remix and delete of a deleted id MUST return
    404. A
    deleted video MUST NOT be in a list; as a cursor its id goes on working, or is refused.

    Deleting an id that the server never issued MUST return 404. Deleting a running job MUST either end
    it and
    return 200, or be refused with 409. Deleting one video MUST NOT change another. Of several
    concurrent deletions
    of one video, exactly one SHOULD be confirmed.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | VideoDeleteResponse
    """

    return sync_detailed(
        video_id=video_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorResponse | VideoDeleteResponse]:
    """Delete a video and its files

     Delete the job and what it produced. Retrieve, content, remix and delete of a deleted id MUST return
    404. A
    deleted video MUST NOT be in a list; as a cursor its id goes on working, or is refused.

    Deleting an id that the server never issued MUST return 404. Deleting a running job MUST either end
    it and
    return 200, or be refused with 409. Deleting one video MUST NOT change another. Of several
    concurrent deletions
    of one video, exactly one SHOULD be confirmed.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | VideoDeleteResponse]
    """

    kwargs = build_request(
        video_id=video_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    video_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | VideoDeleteResponse | None:
    """Delete a video and its files

     Delete the job and what it produced. Retrieve, content, remix and delete of a deleted id MUST return
    404. A
    deleted video MUST NOT be in a list; as a cursor its id goes on working, or is refused.

    Deleting an id that the server never issued MUST return 404. Deleting a running job MUST either end
    it and
    return 200, or be refused with 409. Deleting one video MUST NOT change another. Of several
    concurrent deletions
    of one video, exactly one SHOULD be confirmed.

    Args:
        video_id (str): The id of a video, as the server gave it. Escape it when you put it into
            the path. An id that the server cannot have issued, such as one with slashes, dots,
            spaces, percent signs or other scripts, or of great length, MUST return 404, 400, 414, 422
            or 431.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | VideoDeleteResponse
    """

    return (
        await asyncio_detailed(
            video_id=video_id,
            client=client,
        )
    ).parsed
