import json
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.model_list import ModelList
from ...types import Response


def build_request() -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/videos/models",
    }

    return _kwargs


def parse_response(status_code: int, content: bytes) -> ErrorResponse | ModelList | None:
    """Return what a body means under a status; None under a status that the contract does not name.

    Raises errors.UnreadableBody when the body is not what the status documents.
    """
    try:
        if status_code == 200:
            response_200 = ModelList.from_dict(json.loads(content))

            return response_200

        if status_code == 401:
            response_401 = ErrorResponse.from_dict(json.loads(content))

            return response_401

        if status_code == 403:
            response_403 = ErrorResponse.from_dict(json.loads(content))

            return response_403

        if status_code == 404:
            response_404 = ErrorResponse.from_dict(json.loads(content))

            return response_404

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
) -> Response[ErrorResponse | ModelList]:
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
) -> Response[ErrorResponse | ModelList]:
    """Tell what the server offers

     Return the revision of the contract that the server keeps, its profiles and its extensions, and its
    models. A server without this operation answers 404, 405 or 501. What a server claims under
    `contract` MUST be true. A create without a model MUST get the model of which `is_default` is true.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelList]
    """

    kwargs = build_request()

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | ModelList | None:
    """Tell what the server offers

     Return the revision of the contract that the server keeps, its profiles and its extensions, and its
    models. A server without this operation answers 404, 405 or 501. What a server claims under
    `contract` MUST be true. A create without a model MUST get the model of which `is_default` is true.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelList
    """

    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorResponse | ModelList]:
    """Tell what the server offers

     Return the revision of the contract that the server keeps, its profiles and its extensions, and its
    models. A server without this operation answers 404, 405 or 501. What a server claims under
    `contract` MUST be true. A create without a model MUST get the model of which `is_default` is true.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | ModelList]
    """

    kwargs = build_request()

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
) -> ErrorResponse | ModelList | None:
    """Tell what the server offers

     Return the revision of the contract that the server keeps, its profiles and its extensions, and its
    models. A server without this operation answers 404, 405 or 501. What a server claims under
    `contract` MUST be true. A create without a model MUST get the model of which `is_default` is true.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | ModelList
    """

    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
