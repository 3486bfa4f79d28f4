"""Choose what of two contracts is compared: their paths below a prefix, and those of one API among several. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .model import objects


class EmptyScopeError(Exception):
    """Nothing of a contract is in a scope. The message says what the contract has."""


@dataclass(frozen=True)
class Scope:
    """What is compared; everything, by default."""

    prefix: str = ""
    """What all paths begin with, whether it stands in them or at the end of the servers' URLs, such as `/v1`."""
    only: tuple[str, ...] = ()
    """The paths that are compared, with those below them; without a slash, what the names of webhooks begin with."""

    def name(self, path: str) -> str | None:
        """Return the name by which a path or a webhook is compared with that of another contract; None if it is not."""
        prefix = self.prefix.strip("/")
        if prefix and f"{path}/".startswith(f"/{prefix}/"):
            path = path.removeprefix(f"/{prefix}") or "/"
        if not self.only:
            return path
        for word in self.only:
            if f"{path}/".startswith(f"{word.rstrip('/')}/") if word.startswith("/") else path.startswith(word):
                return path
        return None

    def names(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the names of the paths that are compared.

        A path that has no prefix makes way for one that has the same name with it: gateways serve both.
        """
        told = {path: name for path in paths if (name := self.name(path)) is not None}
        taken = {name for path, name in told.items() if name != path}
        return {path: f"{name} beside" if name == path and name in taken else name for path, name in told.items()}

    def refuse_nothing(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        """Refuse contracts, by their files, of which it chooses nothing. Raises EmptyScopeError."""
        for file, spec in files.items():
            paths = [*spec.get("paths", {}), *spec.get("webhooks", {})]
            if self.only and not self.names(paths):
                raise EmptyScopeError(
                    f"no path of {file} is below {' or '.join(self.only)}; it has {', '.join(paths[:3]) or 'none'}"
                )
        urls = [str(node["url"]) for spec in files.values() for node in objects(spec) if "url" in node]
        paths = [path for spec in files.values() for path in spec.get("paths", {})]
        bare = Scope(self.prefix)
        is_there = any(bare.url(url) != url for url in urls) or any(bare.name(path) != path for path in paths)
        if self.prefix.strip("/") and not is_there:
            raise EmptyScopeError(f"no path and no server of {' or '.join(files)} has the prefix {self.prefix}")

    def servers(self, servers: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        """Return servers with the URLs by which they are compared."""
        return [{**server, "url": self.url(server["url"])} for server in servers or [{"url": "/"}]]

    def url(self, url: str) -> str:
        """Return the URL of a server without the prefix of all paths."""
        prefix = f"/{self.prefix.strip('/')}"
        bare = url.rstrip("/")
        is_host = bare.endswith(f"/{prefix}")  # as in https://v1
        return bare.removesuffix(prefix) or "/" if prefix != "/" and bare.endswith(prefix) and not is_host else url
