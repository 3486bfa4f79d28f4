"""The command that tells what is in force, and what a server is."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from .. import OpenVideosError, __version__
from .invocation import Invocation, common
from .text import harmless

if TYPE_CHECKING:
    from .. import ModelList
    from .._doctor.server import Exchange
    from .._doctor.settings import Setting, Settings

MOST_MODELS: Final = 20
"""The most models that are told in words; JSON has all."""


@click.command(
    epilog="""\b
Examples:
  openvideos doctor
  openvideos doctor --base-url http://127.0.0.1:8000/v1 --json"""
)
@common
def doctor(invocation: Invocation) -> None:
    """Tell which settings are in force and where they come from, and look at the server.

    It sends three requests that cost nothing: what the server offers, its newest video, and a video that it does not
    have. For a whole judgement there is `openvideos-conformance run`.
    """
    from attrs import asdict

    from .._doctor.contract import revision
    from .._doctor.server import exchanges
    from .._doctor.settings import settings_of

    versions = {"openvideos": __version__, "contract": revision(), "python": platform.python_version()}
    document: dict[str, Any] = {"versions": versions, "settings": None, "offers": None, "requests": []}

    def tell(lines: Iterator[tuple[str, str]]) -> None:
        for name, text in () if invocation.as_json else lines:
            invocation.give(f"{name:<14}{harmless(text, 1000)}", None)

    try:
        tell(iter([("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))]))
        with invocation.client() as client:
            settings = settings_of(client, is_key_asked=invocation.asks_key)
            document["settings"] = asdict(settings)
            tell(_lines_of_settings(settings))
            for exchange in exchanges(client):
                document["requests"].append(_document_of(exchange))
                tell(_lines_of_exchange(exchange))
                if exchange.offers is not None:
                    document["offers"] = exchange.offers.model_dump()
                    tell(_lines_of_offers(exchange.offers))
    except OpenVideosError:
        if invocation.as_json:
            invocation.give("", document)
        raise
    if invocation.as_json:
        invocation.give("", document)


def _lines_of_settings(settings: Settings) -> Iterator[tuple[str, str]]:
    def shown(setting: Setting, absent: str) -> str:
        return absent if setting.value is None else f"{setting.value} (from {setting.source})"

    yield "base URL", shown(settings.base_url, "")
    key = settings.api_key
    yield "API key", "none" if key.value is None else f"set, and not shown (from {key.source})"
    yield "proxy", shown(settings.proxy, "none")
    yield "certificates", shown(settings.certificates, "not needed, since the base URL is not https")
    for name in settings.unused:
        yield "not in force", f"{name}, which is set"


def _lines_of_exchange(exchange: Exchange) -> Iterator[tuple[str, str]]:
    how = "as the contract says"
    if not exchange.is_offered:
        how = "not offered"
    elif exchange.differences:
        how = "differs from the contract:"
    yield "server", f"{exchange.request}: {exchange.status}, {how}"
    for difference in exchange.differences:
        yield "", f"- {difference}"


def _lines_of_offers(offers: ModelList) -> Iterator[tuple[str, str]]:
    claim: Any = offers.contract  # a server may leave anything out
    if claim is not None:
        profiles, extensions = (", ".join(each or ()) or "none" for each in (claim.profiles, claim.extensions))
        yield "offers", f"contract {claim.revision}, profiles {profiles}, extensions {extensions}"
    for model in (offers.data or ())[:MOST_MODELS]:
        parts = [", ".join(model.sizes or ()), f"{', '.join(model.seconds)} s" if model.seconds else ""]
        default = " (the default)" if model.is_default else ""
        yield "model", "; ".join([f"{model.id}{default}", *filter(None, parts)])


def _document_of(exchange: Exchange) -> dict[str, Any]:
    return {
        "request": exchange.request,
        "status": exchange.status,
        "is_offered": exchange.is_offered,
        "differences": list(exchange.differences),
    }
