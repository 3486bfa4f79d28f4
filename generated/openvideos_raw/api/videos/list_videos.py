import json
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.list_order import ListOrder
from ...models.video_list import VideoList
from ...types import UNSET, Response, Unset, as_json


def build_request(
    *,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    order: ListOrder | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""

    params: dict[str, Any] = {}

    params["after"] = after

    params["limit"] = limit

    params["order"] = as_json(order)

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/videos",
        "params": params,
    }

    return _kwargs


def parse_response(status_code: int, content: bytes) -> ErrorResponse | VideoList | None:
    """Return what a body means under a status; None under a status that the contract does not name.

    Raises errors.UnreadableBody when the body is not what the status documents.
    """
    try:
        if status_code == 200:
            response_200 = VideoList.from_dict(json.loads(content))

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
) -> Response[ErrorResponse | VideoList]:
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
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    order: ListOrder | Unset = UNSET,
) -> Response[ErrorResponse | VideoList]:
    """List videos, newest first

     Return one page of the caller's videos. To get the next page, pass `last_id` as `after` while
    `has_more` is
    true.

    A walk over all pages MUST return each video exactly once, with any limit. Two walks over an
    unchanged list MUST
    return the videos in the same order, also those of one second. A job MUST be in the list as soon as
    its create
    has returned. A client's walk over pages MUST end, even if a server repeats a cursor.

    Args:
        after (str | Unset): The cursor: the id of the last video of the page before. A page MUST
            start right after the video that `after` names. An `after` that the server never issued
            MUST be refused with 400, 404 or 422; it SHOULD be a 404. The id of a deleted video as
            `after` MUST return the page that follows its place, or be refused with 400, 404, 410 or
            422. It SHOULD go on working for at least an hour. A walk MUST request the next page once,
            with the last video of an earlier page as `after`.
        limit (int | Unset): The largest number of videos on the page, from 1 to 100. A page MUST
            NOT hold more videos than limit, or than the default limit if the request has none. A page
            SHOULD be full if there are videos after it. Each limit within the bounds MUST be
            accepted. A limit that is out of bounds or not a whole number MUST be refused with 400 or
            422. Default: 20.
        order (ListOrder | Unset): The order by `created_at`. Videos MUST come newest first by
            default and with order=desc. With order=asc videos MUST come oldest first by `created_at`.
            Videos of one second have an order of the server's own, which may be another one in the
            other direction. An order that is neither asc nor desc MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | VideoList]
    """

    kwargs = build_request(
        after=after,
        limit=limit,
        order=order,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    order: ListOrder | Unset = UNSET,
) -> ErrorResponse | VideoList | None:
    """List videos, newest first

     Return one page of the caller's videos. To get the next page, pass `last_id` as `after` while
    `has_more` is
    true.

    A walk over all pages MUST return each video exactly once, with any limit. Two walks over an
    unchanged list MUST
    return the videos in the same order, also those of one second. A job MUST be in the list as soon as
    its create
    has returned. A client's walk over pages MUST end, even if a server repeats a cursor.

    Args:
        after (str | Unset): The cursor: the id of the last video of the page before. A page MUST
            start right after the video that `after` names. An `after` that the server never issued
            MUST be refused with 400, 404 or 422; it SHOULD be a 404. The id of a deleted video as
            `after` MUST return the page that follows its place, or be refused with 400, 404, 410 or
            422. It SHOULD go on working for at least an hour. A walk MUST request the next page once,
            with the last video of an earlier page as `after`.
        limit (int | Unset): The largest number of videos on the page, from 1 to 100. A page MUST
            NOT hold more videos than limit, or than the default limit if the request has none. A page
            SHOULD be full if there are videos after it. Each limit within the bounds MUST be
            accepted. A limit that is out of bounds or not a whole number MUST be refused with 400 or
            422. Default: 20.
        order (ListOrder | Unset): The order by `created_at`. Videos MUST come newest first by
            default and with order=desc. With order=asc videos MUST come oldest first by `created_at`.
            Videos of one second have an order of the server's own, which may be another one in the
            other direction. An order that is neither asc nor desc MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | VideoList
    """

    return sync_detailed(
        client=client,
        after=after,
        limit=limit,
        order=order,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    order: ListOrder | Unset = UNSET,
) -> Response[ErrorResponse | VideoList]:
    """List videos, newest first

     Return one page of the caller's videos. To get the next page, pass `last_id` as `after` while
    `has_more` is
    true.

    A walk over all pages MUST return each video exactly once, with any limit. Two walks over an
    unchanged list MUST
    return the videos in the same order, also those of one second. A job MUST be in the list as soon as
    its create
    has returned. A client's walk over pages MUST end, even if a server repeats a cursor.

    Args:
        after (str | Unset): The cursor: the id of the last video of the page before. A page MUST
            start right after the video that `after` names. An `after` that the server never issued
            MUST be refused with 400, 404 or 422; it SHOULD be a 404. The id of a deleted video as
            `after` MUST return the page that follows its place, or be refused with 400, 404, 410 or
            422. It SHOULD go on working for at least an hour. A walk MUST request the next page once,
            with the last video of an earlier page as `after`.
        limit (int | Unset): The largest number of videos on the page, from 1 to 100. A page MUST
            NOT hold more videos than limit, or than the default limit if the request has none. A page
            SHOULD be full if there are videos after it. Each limit within the bounds MUST be
            accepted. A limit that is out of bounds or not a whole number MUST be refused with 400 or
            422. Default: 20.
        order (ListOrder | Unset): The order by `created_at`. Videos MUST come newest first by
            default and with order=desc. With order=asc videos MUST come oldest first by `created_at`.
            Videos of one second have an order of the server's own, which may be another one in the
            other direction. An order that is neither asc nor desc MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | VideoList]
    """

    kwargs = build_request(
        after=after,
        limit=limit,
        order=order,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    after: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    order: ListOrder | Unset = UNSET,
) -> ErrorResponse | VideoList | None:
    """List videos, newest first

     Return one page of the caller's videos. To get the next page, pass `last_id` as `after` while
    `has_more` is
    true.

    A walk over all pages MUST return each video exactly once, with any limit. Two walks over an
    unchanged list MUST
    return the videos in the same order, also those of one second. A job MUST be in the list as soon as
    its create
    has returned. A client's walk over pages MUST end, even if a server repeats a cursor.

    Args:
        after (str | Unset): The cursor: the id of the last video of the page before. A page MUST
            start right after the video that `after` names. An `after` that the server never issued
            MUST be refused with 400, 404 or 422; it SHOULD be a 404. The id of a deleted video as
            `after` MUST return the page that follows its place, or be refused with 400, 404, 410 or
            422. It SHOULD go on working for at least an hour. A walk MUST request the next page once,
            with the last video of an earlier page as `after`.
        limit (int | Unset): The largest number of videos on the page, from 1 to 100. A page MUST
            NOT hold more videos than limit, or than the default limit if the request has none. A page
            SHOULD be full if there are videos after it. Each limit within the bounds MUST be
            accepted. A limit that is out of bounds or not a whole number MUST be refused with 400 or
            422. Default: 20.
        order (ListOrder | Unset): The order by `created_at`. Videos MUST come newest first by
            default and with order=desc. With order=asc videos MUST come oldest first by `created_at`.
            Videos of one second have an order of the server's own, which may be another one in the
            other direction. An order that is neither asc nor desc MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | VideoList
    """

    return (
        await asyncio_detailed(
            client=client,
            after=after,
            limit=limit,
            order=order,
        )
    ).parsed
