"""Join what serves one OpenAPI document: its router, its validator and its handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .body import parse_json
from .handlers import handlers_of
from .router import Router
from .validation import Fields, Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._contract import Contract


class Api:
    """The operations of one OpenAPI document under one path prefix: their router, validator and handlers."""

    def __init__(self, document: Contract, prefix: str, operations: object) -> None:
        """Use the methods of `operations` as the handlers of the document's operations."""
        self.router = Router(document.operations, prefix=prefix)
        self.validator = Validator(document)
        self.handlers = handlers_of(operations, document)

    def validate_json(self, body: Sequence[bytes], address: str, *, note: Callable[[Fields], None]) -> Fields:
        """Parse and validate a JSON body by the schema at `address`; call `note` with what it holds, right or wrong.

        Raises:
            RefusalError: The body is not JSON, or breaks its schema.
        """
        parsed = parse_json(body)
        note(parsed)
        return self.validator.json_fields(parsed, address)
