import json
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.character import Character
from ...models.error_response import ErrorResponse
from ...types import Response, path_segment


def build_request(
    character_id: str,
) -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/videos/characters/{character_id}".format(
            character_id=path_segment(character_id, "character_id"),
        ),
    }

    return _kwargs


def parse_response(status_code: int, content: bytes) -> Character | ErrorResponse | None:
    """Return what a body means under a status; None under a status that the contract does not name.

    Raises errors.UnreadableBody when the body is not what the status documents.
    """
    try:
        if status_code == 200:
            response_200 = Character.from_dict(json.loads(content))

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
) -> Response[Character | ErrorResponse]:
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
    character_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Character | ErrorResponse]:
    """Retrieve a character

     Return a stored character. Retrieving a character MUST return it as it was created. Retrieving a
    character that the server never issued MUST return 404.

    Args:
        character_id (str): The id of a character, as `create_character` gave it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Character | ErrorResponse]
    """

    kwargs = build_request(
        character_id=character_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    character_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Character | ErrorResponse | None:
    """Retrieve a character

     Return a stored character. Retrieving a character MUST return it as it was created. Retrieving a
    character that the server never issued MUST return 404.

    Args:
        character_id (str): The id of a character, as `create_character` gave it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Character | ErrorResponse
    """

    return sync_detailed(
        character_id=character_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    character_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[Character | ErrorResponse]:
    """Retrieve a character

     Return a stored character. Retrieving a character MUST return it as it was created. Retrieving a
    character that the server never issued MUST return 404.

    Args:
        character_id (str): The id of a character, as `create_character` gave it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Character | ErrorResponse]
    """

    kwargs = build_request(
        character_id=character_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    character_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Character | ErrorResponse | None:
    """Retrieve a character

     Return a stored character. Retrieving a character MUST return it as it was created. Retrieving a
    character that the server never issued MUST return 404.

    Args:
        character_id (str): The id of a character, as `create_character` gave it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Character | ErrorResponse
    """

    return (
        await asyncio_detailed(
            character_id=character_id,
            client=client,
        )
    ).parsed
