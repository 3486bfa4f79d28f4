"""What a single page, and a wrong question for one, are answered."""

from __future__ import annotations

from openvideos_conformance._checks import BAD_INPUT, VIDEO_LIST, expect, fits
from openvideos_conformance._contract import Contract
from openvideos_conformance._suite import checks
from openvideos_conformance._wire import Wire


@checks("VID-LIST-001")
def test_a_page_fits_the_schema(wire: Wire) -> None:
    fits(wire.get("/videos"), VIDEO_LIST, "a list")


@checks("VID-LIST-012")
def test_a_limit_that_the_contract_does_not_allow_is_refused(wire: Wire, contract: Contract) -> None:
    schema = contract.at("#/paths/~1videos/get/parameters/1/schema")
    for limit in (schema["minimum"] - 1, schema["maximum"] + 1, -1, "ten", "1.5", "1e1", ""):
        expect(wire.get("/videos", query={"limit": limit}), BAD_INPUT, f"limit={limit}")


@checks("VID-LIST-013")
def test_an_order_that_the_contract_does_not_have_is_refused(wire: Wire) -> None:
    for order in ("newest", "random", ""):
        expect(wire.get("/videos", query={"order": order}), BAD_INPUT, f"order={order}")
