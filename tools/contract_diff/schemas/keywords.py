"""Name the keywords of schemas, by what they are to a comparison. What stands nowhere here is told as unknown."""

from __future__ import annotations

from ..model import KNOWN_VALUES

TYPES = ("null", "boolean", "number", "string", "array", "object")

LOWER = ("minLength", "minItems", "minProperties")
UPPER = ("maxLength", "maxItems", "maxProperties")
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")

COUNTED = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
"""The keywords of each type that bound a number of things."""

OPAQUE = {
    "number": ("multipleOf", "format"),
    "string": ("pattern", "format", "contentEncoding", "contentMediaType"),
}
"""The keywords of each type whose values are not bounds."""

WHOLE = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
"""The formats that say which whole numbers are legal, and between which bounds."""
HINTS = frozenset({"password"})
"""The formats that limit no value: they are for those who show it."""
FORMATS = {
    "number": frozenset({*WHOLE, "float", "double"}),
    "string": frozenset(
        {
            *(
                "date-time",
                "date",
                "time",
                "duration",
                "email",
                "idn-email",
                "hostname",
                "idn-hostname",
                "ipv4",
                "ipv6",
            ),
            *("uri", "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "regex"),
            *("relative-json-pointer", "byte", "binary"),
        }
    ),
}
"""The formats that are known: each says something of one type alone. Whether others limit anything cannot be told."""
WIDER_FORMATS = frozenset(
    {
        *(("float", "double"), ("email", "idn-email"), ("hostname", "idn-hostname"), ("uri", "iri")),
        *(("uri", "uri-reference"), ("iri", "iri-reference"), ("uri", "iri-reference")),
    }
)
"""Each a format, and one that has all of its values and more."""

UNIONS = ("anyOf", "oneOf")
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
SHAPING = frozenset(
    {
        *(*REFERENCES, "type", "enum", "const", "allOf", "not", "if", "then", "else", *UNIONS, *LOWER, *UPPER, *BOUNDS),
        *("pattern", "format", "multipleOf", "contentEncoding", "contentMediaType", "contentSchema", "uniqueItems"),
        *("items", "prefixItems", "contains", "minContains", "maxContains", "unevaluatedItems", "required"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames", "unevaluatedProperties"),
        *("dependentRequired", "dependentSchemas"),
    }
)
"""The keywords that say which values are legal."""

WORDS = ("description", "title", "example", "examples", "summary", "externalDocs", "$comment")
NAMING = ("$defs", "definitions", "$anchor", "$dynamicAnchor", "$recursiveAnchor")
"""What gives schemas names; what they name is compared where it is used."""
CHOICES = ("x-at-most-one", "x-exactly-one")
"""Extensions that hold groups of fields, of which a request has one at most, or exactly one."""
FLAGS = ("deprecated", "readOnly", "writeOnly")
NOTES = frozenset({*WORDS, *NAMING, *FLAGS, "default", "discriminator", "format"})
"""The keywords that are understood, and do not say which values are legal, `format` if it is a hint."""
BY_ITEM = frozenset({"x-recommended", KNOWN_VALUES, *CHOICES})
"""Extensions whose items are compared one by one."""
EXTENSION = "x-extension"
"""The keyword that names the extension which a field belongs to: a server need not offer it."""
PROMISES = frozenset({*FLAGS, *BY_ITEM, EXTENSION, "default", "discriminator"})
"""The keywords that promise something beside which values are legal, also where a branch of a union alone has them."""
OWN_DIALECTS = frozenset(
    {
        "https://json-schema.org/draft/2020-12/schema",
        *("https://spec.openapis.org/oas/3.1/dialect/base", "https://spec.openapis.org/oas/3.1/dialect/2024-11-10"),
        "https://spec.openapis.org/oas/3.2/dialect/2025-09-17",
    }
)
"""The dialects that hold where none is named: that of JSON Schema, and OpenAPI's, which only add words to it."""


def is_editorial(keyword: str) -> bool:
    """Return whether a change of a keyword's value changes no promise."""
    return keyword.startswith("x-") or keyword.partition(" of ")[0] in {*WORDS, *NAMING}
