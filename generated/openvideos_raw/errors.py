"""Contains shared errors types that can be raised from API functions"""


def _beginning(content: bytes) -> str:
    """Return a body as text, or its beginning when it is long: it can be a whole video."""
    text = content[: 4 * _LONGEST].decode(errors="ignore")
    return text if len(content) <= _LONGEST else f"{text[:_LONGEST]}… ({len(content)} bytes)"


_LONGEST = 300


class UnexpectedStatus(Exception):
    """Raised by api functions when the response status an undocumented status and Client.raise_on_unexpected_status is True"""

    def __init__(self, status_code: int, content: bytes):
        self.status_code = status_code
        self.content = content

        super().__init__(f"Unexpected status code: {status_code}\n\nResponse content:\n{_beginning(content)}")

    def __reduce__(self) -> tuple[type, tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class UnreadableBody(Exception):
    """Raised by api functions when a body is not what the status documents: no JSON, or another shape."""

    def __init__(self, status_code: int, content: bytes, problem: str):
        self.status_code = status_code
        self.content = content
        self.problem = problem

        super().__init__(f"The body of this {status_code} cannot be read: {problem}")

    def __reduce__(self) -> tuple[type, tuple[int, bytes, str]]:
        return type(self), (self.status_code, self.content, self.problem)


class MalformedModel(ValueError):
    """Raised by a model's `from_dict` when a required key is missing or of another type."""

    def __init__(self, model: str, key: str, problem: str):
        self.model = model
        self.key = key
        self.problem = problem

        super().__init__(f"{model}: the key '{key}' {problem}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.model, self.key, self.problem)


__all__ = ["MalformedModel", "UnexpectedStatus", "UnreadableBody"]
