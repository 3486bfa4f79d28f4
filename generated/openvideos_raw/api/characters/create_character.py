import json
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.character import Character
from ...models.create_character_form import CreateCharacterForm
from ...models.error_response import ErrorResponse
from ...types import UNSET, Response, Unset, as_texts


def build_request(
    *,
    body: CreateCharacterForm,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments of `httpx.Client.request` for this operation, without sending anything."""
    headers: dict[str, Any] = as_texts(
        {
            "Idempotency-Key": idempotency_key,
        }
    )

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/videos/characters",
    }

    _kwargs["files"] = body.to_multipart()

    _kwargs["headers"] = headers
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

        if status_code == 402:
            response_402 = ErrorResponse.from_dict(json.loads(content))

            return response_402

        if status_code == 403:
            response_403 = ErrorResponse.from_dict(json.loads(content))

            return response_403

        if status_code == 409:
            response_409 = ErrorResponse.from_dict(json.loads(content))

            return response_409

        if status_code == 413:
            response_413 = ErrorResponse.from_dict(json.loads(content))

            return response_413

        if status_code == 415:
            response_415 = ErrorResponse.from_dict(json.loads(content))

            return response_415

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
    *,
    client: AuthenticatedClient | Client,
    body: CreateCharacterForm,
    idempotency_key: str | Unset = UNSET,
) -> Response[Character | ErrorResponse]:
    """Create a character from a video file

     Store a character, so that later prompts can feature it. The answer is complete at once. A prompt
    features a character by its name, such as "Ada walks through the rain". Creating a character MUST
    return 200 with a character that fits the schema and has the requested name.

    Args:
        idempotency_key (str | Unset): A value that names this one call, the same on each attempt
            of it. A create that may have been carried out MUST NOT be sent again, except with the
            same Idempotency-Key. A create that is repeated with the same Idempotency-Key SHOULD
            return the job of the first create, in its current state. Creates with different
            Idempotency-Keys, and creates without one, MUST each start a job of their own.
            A server that honours keys keeps each for 24 hours at least, for each caller. Concurrent
            creates with the same Idempotency-Key MUST start at most one job; the others wait for it,
            or get a 409 with Retry-After. A request with the Idempotency-Key of a request with
            another path or body MUST return 409; bodies are equal if their fields and files are. An
            Idempotency-Key MUST have the same effect on a remix as on a create. An Idempotency-Key
            MUST have the same effect on an edit and an extension as on a create. An Idempotency-Key
            of one caller MUST NOT change what a request of another caller does. After an attempt that
            was refused (4XX), the key can be used again. If the job was deleted since, a repeat is a
            409 and starts no other. A server that does not honour keys ignores the header.
        body (CreateCharacterForm): A character's name and a video that shows it. A create of a
            character that breaks its schema MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Character | ErrorResponse]
    """

    kwargs = build_request(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: CreateCharacterForm,
    idempotency_key: str | Unset = UNSET,
) -> Character | ErrorResponse | None:
    """Create a character from a video file

     Store a character, so that later prompts can feature it. The answer is complete at once. A prompt
    features a character by its name, such as "Ada walks through the rain". Creating a character MUST
    return 200 with a character that fits the schema and has the requested name.

    Args:
        idempotency_key (str | Unset): A value that names this one call, the same on each attempt
            of it. A create that may have been carried out MUST NOT be sent again, except with the
            same Idempotency-Key. A create that is repeated with the same Idempotency-Key SHOULD
            return the job of the first create, in its current state. Creates with different
            Idempotency-Keys, and creates without one, MUST each start a job of their own.
            A server that honours keys keeps each for 24 hours at least, for each caller. Concurrent
            creates with the same Idempotency-Key MUST start at most one job; the others wait for it,
            or get a 409 with Retry-After. A request with the Idempotency-Key of a request with
            another path or body MUST return 409; bodies are equal if their fields and files are. An
            Idempotency-Key MUST have the same effect on a remix as on a create. An Idempotency-Key
            MUST have the same effect on an edit and an extension as on a create. An Idempotency-Key
            of one caller MUST NOT change what a request of another caller does. After an attempt that
            was refused (4XX), the key can be used again. If the job was deleted since, a repeat is a
            409 and starts no other. A server that does not honour keys ignores the header.
        body (CreateCharacterForm): A character's name and a video that shows it. A create of a
            character that breaks its schema MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Character | ErrorResponse
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: CreateCharacterForm,
    idempotency_key: str | Unset = UNSET,
) -> Response[Character | ErrorResponse]:
    """Create a character from a video file

     Store a character, so that later prompts can feature it. The answer is complete at once. A prompt
    features a character by its name, such as "Ada walks through the rain". Creating a character MUST
    return 200 with a character that fits the schema and has the requested name.

    Args:
        idempotency_key (str | Unset): A value that names this one call, the same on each attempt
            of it. A create that may have been carried out MUST NOT be sent again, except with the
            same Idempotency-Key. A create that is repeated with the same Idempotency-Key SHOULD
            return the job of the first create, in its current state. Creates with different
            Idempotency-Keys, and creates without one, MUST each start a job of their own.
            A server that honours keys keeps each for 24 hours at least, for each caller. Concurrent
            creates with the same Idempotency-Key MUST start at most one job; the others wait for it,
            or get a 409 with Retry-After. A request with the Idempotency-Key of a request with
            another path or body MUST return 409; bodies are equal if their fields and files are. An
            Idempotency-Key MUST have the same effect on a remix as on a create. An Idempotency-Key
            MUST have the same effect on an edit and an extension as on a create. An Idempotency-Key
            of one caller MUST NOT change what a request of another caller does. After an attempt that
            was refused (4XX), the key can be used again. If the job was deleted since, a repeat is a
            409 and starts no other. A server that does not honour keys ignores the header.
        body (CreateCharacterForm): A character's name and a video that shows it. A create of a
            character that breaks its schema MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Character | ErrorResponse]
    """

    kwargs = build_request(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: CreateCharacterForm,
    idempotency_key: str | Unset = UNSET,
) -> Character | ErrorResponse | None:
    """Create a character from a video file

     Store a character, so that later prompts can feature it. The answer is complete at once. A prompt
    features a character by its name, such as "Ada walks through the rain". Creating a character MUST
    return 200 with a character that fits the schema and has the requested name.

    Args:
        idempotency_key (str | Unset): A value that names this one call, the same on each attempt
            of it. A create that may have been carried out MUST NOT be sent again, except with the
            same Idempotency-Key. A create that is repeated with the same Idempotency-Key SHOULD
            return the job of the first create, in its current state. Creates with different
            Idempotency-Keys, and creates without one, MUST each start a job of their own.
            A server that honours keys keeps each for 24 hours at least, for each caller. Concurrent
            creates with the same Idempotency-Key MUST start at most one job; the others wait for it,
            or get a 409 with Retry-After. A request with the Idempotency-Key of a request with
            another path or body MUST return 409; bodies are equal if their fields and files are. An
            Idempotency-Key MUST have the same effect on a remix as on a create. An Idempotency-Key
            MUST have the same effect on an edit and an extension as on a create. An Idempotency-Key
            of one caller MUST NOT change what a request of another caller does. After an attempt that
            was refused (4XX), the key can be used again. If the job was deleted since, a repeat is a
            409 and starts no other. A server that does not honour keys ignores the header.
        body (CreateCharacterForm): A character's name and a video that shows it. A create of a
            character that breaks its schema MUST be refused with 400 or 422.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        errors.UnreadableBody: If the body is not what the status code documents.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Character | ErrorResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
