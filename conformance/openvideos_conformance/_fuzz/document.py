"""Adapt the contract to one server, so that this server can accept the requests generated from it. Pure.

Operations that the server does not offer are removed. Model, size and seconds are pinned to what the operator has
chosen, and a create must name them, since the defaults of a server may be dear.
Headers that a server may ignore, or whose effect depends on earlier requests, are removed; other checks send those.
"""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, Any, Final, cast

from .._core.exchange import json_array, json_object
from .._core.request_validation import FORM
from .._server.jobs import FPS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .._core.contract import Contract, Schema
    from .._core.target import Target

IMAGE: Final = "image/png"
VIDEO: Final = "video/mp4"

JSON_CREATE: Final = "json"
"""The capability of a server that accepts a create as JSON, too."""

FRAMES: Final = "num_frames"
"""The field that says how long a video is in place of `seconds`."""

PINNED: Final = {"model": "VideoModel", "seconds": "VideoSeconds", "size": "VideoSize"}
_CREATES: Final = ("CreateVideoForm", "CreateVideoJson")
_LEFT_OUT: Final = frozenset({"Idempotency-Key", "Range", "If-Range"})


def adapted(contract: Contract, target: Target, *, offered: Collection[str], picture: bytes) -> Schema:
    """Return the contract for one server. `offered` are its operations and extensions, and `json`."""
    document = copy.deepcopy(contract.document)
    document["servers"] = [{"url": target.base_url.rstrip("/")}]
    document.pop("webhooks", None)
    for path, item in list(document["paths"].items()):
        for method, operation in list(item.items()):
            if "operationId" in json_object(operation) and operation["operationId"] not in offered:
                del item[method]
        if not any("operationId" in json_object(operation) for operation in item.values()):
            del document["paths"][path]
    parameters = document["components"]["parameters"]
    if JSON_CREATE not in offered:
        document["paths"]["/videos"]["post"]["requestBody"]["content"].pop("application/json", None)
    for operation in _operations(document):
        _adapt_operation(operation, parameters)
        _name_media_types(operation, contract)
        _drop_links(operation, contract, offered)
    _settle_security(document, target)
    _drop_extensions(document, contract, offered)
    _pin(document, target, target.duration(contract))
    url = f"data:{IMAGE};base64,{base64.b64encode(picture).decode()}"
    document["components"]["schemas"]["ImageUrl"]["enum"] = [url]
    _rewrite_examples(document, target.choice(), target.duration(contract), url)
    return document


def _adapt_operation(operation: Schema, parameters: Mapping[str, Any]) -> None:
    kept: list[Any] = []
    for parameter in json_array(operation.get("parameters")):
        definition = parameters[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        if definition["name"] not in _LEFT_OUT:
            kept.append(parameter)
    operation["parameters"] = kept


def _name_media_types(operation: Schema, contract: Contract) -> None:
    """Name the media type of each file in a form; without one, schemathesis does not send the file with its type."""
    form = json_object(json_object(operation.get("requestBody")).get("content")).get(FORM)
    if form is not None:
        fields = contract.resolve(form["schema"]).get("properties", {})
        files = [name for name, schema in fields.items() if contract.resolve(schema).get("format") == "binary"]
        form["encoding"] = {name: {"contentType": VIDEO if "video" in name else IMAGE} for name in files}


def _drop_links(operation: Schema, contract: Contract, offered: Collection[str]) -> None:
    """Remove the links to operations that the server does not offer."""
    for response in operation["responses"].values():
        links = json_object(json_object(response).get("links"))
        for link_name, link in list(links.items()):
            if contract.resolve(link).get("operationId") not in offered:
                del links[link_name]


def _settle_security(document: Schema, target: Target) -> None:
    """Let a server need a key or none. The contract allows both."""
    needs_key = target.api_key is not None and "authentication" not in target.denied
    usual = json_array(document.get("security"))
    for part in (*_operations(document), document):
        part["security"] = [each for each in json_array(part.get("security", usual)) if each] if needs_key else []


def _drop_extensions(document: Schema, contract: Contract, offered: Collection[str]) -> None:
    """Remove the fields of extensions that the server does not offer."""
    for body in _CREATES:
        properties = document["components"]["schemas"][body]["properties"]
        for name, schema in list(properties.items()):
            extension = contract.resolve(schema).get("x-extension")
            if extension is not None and extension not in offered:
                del properties[name]


def _pin(document: Schema, target: Target, added: str) -> None:
    """Require the model, size and seconds that the operator has chosen, and remove the others.

    A create with a number of frames has no seconds.
    """
    schemas = document["components"]["schemas"]
    for name, schema_name in PINNED.items():
        value = getattr(target, name)
        for body in _CREATES:
            if value is None:
                schemas[body]["properties"].pop(name, None)
        if value is not None:
            schemas[schema_name] = {"type": "string", "enum": [value]}
            for body in _CREATES:
                if name != "seconds" or FRAMES not in schemas[body]["properties"]:
                    schemas[body]["required"] = [*schemas[body]["required"], name]
    schemas["ExtensionSeconds"]["enum"] = [added]
    role = schemas["Reference"]["properties"]["role"]
    role["enum"] = role["x-known-values"]
    schemas["FramesPerSecond"]["enum"] = [FPS]
    schemas["FrameCount"]["enum"] = [FPS * int(added)]


def _rewrite_examples(document: Schema, choice: Mapping[str, str], seconds: str, url: str) -> None:
    for operation in _operations(document):
        for media in json_object(json_object(operation.get("requestBody")).get("content")).values():
            for example in json_object(media.get("examples")).values():
                value = json_object(example.get("value"))
                for name in PINNED:
                    value.pop(name, None)
                if operation["operationId"] == "create_video":
                    value.update(choice)
                elif operation["operationId"] == "extend_video":
                    value["seconds"] = seconds
                if "input_reference" in value:
                    value["input_reference"] = {"image_url": url}


def _operations(document: Schema) -> Iterator[Schema]:
    for item in document["paths"].values():
        for operation in item.values():
            if "operationId" in json_object(operation):
                yield cast("Schema", operation)
