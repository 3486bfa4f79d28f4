"""A page of another site, which a browser on this machine has open, reads nothing and changes nothing."""

from __future__ import annotations

import ipaddress
import string
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from openvideos_emulator import create_app
from openvideos_emulator._model.neighbours import Neighbours, host_of, is_loopback, spelled_name
from openvideos_emulator._model.refusals import RefusalError

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.emulator.conftest import Run, Server

LABELS = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join).filter(lambda name: not name[-1].isdigit())
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
PORTS = st.one_of(st.just(""), st.just(":"), st.integers(0, 65_535).map(lambda port: f":{port}"))
CHANGES = st.sampled_from(["POST", "PUT", "DELETE", "PATCH"])
READS = st.sampled_from(["GET", "HEAD", "OPTIONS"])


def headers(hosts: Sequence[str], **others: str) -> list[tuple[bytes, bytes]]:
    pairs = [("host", host) for host in hosts] + [(name.replace("_", "-"), text) for name, text in others.items()]
    return [(name.encode(), text.encode("latin-1", "replace")) for name, text in pairs]


def code(neighbours: Neighbours, method: str, sent: list[tuple[bytes, bytes]]) -> str | None:
    """Return the code of the refusal of a request, None if it is served; the message is one harmless line."""
    refusal: RefusalError | None = None
    try:
        neighbours.check(method, sent)
    except RefusalError as error:
        refusal = error
    assert refusal is None or (refusal.message.isprintable() and len(refusal.message) < 500)
    return None if refusal is None else refusal.code


def local(*hosts: str) -> Neighbours:
    """Return what a server without a key does that listens on loopback, and allows these hosts."""
    return Neighbours.of(["127.0.0.1", *hosts], has_key=False)


class TestHosts:
    @given(NAMES, PORTS, st.data())
    def test_a_name_is_the_same_in_each_spelling(self, name: str, port: str, data: st.DataObject) -> None:
        mixed = "".join(data.draw(st.sampled_from([char, char.upper()])) for char in name)
        dot = data.draw(st.sampled_from(["", "."]))
        assert name == host_of(f"{mixed}{dot}{port}") == spelled_name(f"{mixed}{dot}")
        assert code(local(mixed), "GET", headers([f"{name}{port}"])) is None

    @given(st.ip_addresses(v=6), PORTS)
    def test_an_address_is_the_same_in_each_spelling(self, address: ipaddress.IPv6Address, port: str) -> None:
        texts = [str(address), address.exploded, str(address).upper()]
        spelled = {host_of(f"[{text}]{port}") for text in texts}
        assert spelled == {spelled_name(text) for text in texts} == {spelled_name(f"[{texts[0]}]")}
        assert None not in spelled
        assert host_of(f"{address}{port}") is None  # without brackets, its end could be a port

    @given(st.ip_addresses(v=4))
    def test_an_address_of_version_4_is_the_same_within_version_6(self, address: ipaddress.IPv4Address) -> None:
        assert str(address) == host_of(f"[::ffff:{address}]:80") == host_of(f"{address}.")

    @given(NAMES, NAMES)
    def test_another_name_is_refused_with_the_way_out(self, allowed: str, sent: str) -> None:
        assume(allowed != sent and not is_loopback(sent))
        with pytest.raises(RefusalError, match="--api-key") as refused:
            local(allowed).check("GET", headers([sent]))
        assert "host_not_allowed" == refused.value.code
        assert f"--allow-host {sent}"[:60] in refused.value.message
        assert code(local(allowed, sent), "GET", headers([sent])) is None

    @given(ADDRESSES)
    def test_of_addresses_only_those_of_loopback_are_allowed(self, address: ipaddress.IPv4Address) -> None:
        sent = f"[{address}]" if ":" in str(address) else str(address)
        mapped = getattr(address, "ipv4_mapped", None) or address
        refused = None if mapped.is_loopback else "host_not_allowed"
        assert refused == code(local(), "GET", headers([sent]))
        assert code(local(str(address)), "GET", headers([sent])) is None

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST.:1", "app.localhost:80", "127.0.0.1", "127.9.9.9:8000", "[::1]:80", "[::1]"]
    )
    def test_loopback_is_allowed(self, host: str) -> None:
        assert code(local(), "POST", headers([host])) is None

    @pytest.mark.parametrize(
        "host",
        [
            *("localhost.example.com", "notlocalhost", "127.0.0.1.example.com", "0.0.0.0", "[::]", "0", "2130706433"),  # noqa: S104
            *("", ".", " localhost", "localhost ", "localhost:80:80", "user@localhost", "localhost/", "::1", "[::1"),
            *(
                "[127.0.0.1]",
                "localhost:x",
                "http://localhost",
                "localhost,example.com",
                "localhost\u00e9",
                "local\0host",
            ),
        ],
    )
    def test_what_resembles_loopback_is_refused(self, host: str) -> None:
        assert "host_not_allowed" == code(local(), "GET", headers([host]))

    @given(st.text(st.characters(max_codepoint=255)), st.one_of(READS, CHANGES))
    def test_any_text_is_judged(self, text: str, method: str) -> None:
        host = host_of(text)
        served = host is not None and (host == "127.0.0.1" or is_loopback(host))
        assert code(local(), method, headers([text])) == (None if served else "host_not_allowed")

    @given(st.lists(st.just("localhost"), max_size=3))
    def test_there_is_one_host(self, hosts: list[str]) -> None:
        assert (len(hosts) == 1) == (code(local(), "GET", headers(hosts)) is None)

    @given(st.text(st.characters(min_codepoint=0xE0, max_codepoint=0x24F, categories=["Ll"]), min_size=1, max_size=8))
    def test_an_international_name_is_allowed_as_it_is_sent(self, label: str) -> None:
        sent = f"{label}.example".encode("idna").decode()
        assert code(local(sent), "GET", headers([sent.upper()])) is None
        with pytest.raises(ValueError, match="ASCII"):
            spelled_name(f"{label}.example")

    @pytest.mark.parametrize("text", ["", "a b", "http://a", "a:80", "a/b", "[::1]:80", "*", "a,b", "\u212a"])
    def test_what_is_no_host_cannot_be_allowed(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is not the name of a host; write it without a scheme and a port"):
            spelled_name(text)

    def test_a_zone_is_left_out(self) -> None:
        assert "fe80::1" == spelled_name("fe80::1%eth0") == host_of("[fe80::1]")


class TestPages:
    @given(CHANGES, NAMES, PORTS)
    def test_a_page_of_another_host_changes_nothing(self, method: str, name: str, port: str) -> None:
        assume(not is_loopback(name))
        sent = headers(["localhost:8000"], origin=f"https://{name}{port}")
        assert "cross_site" == code(local(), method, sent)
        assert code(local(name), method, sent) is None

    @pytest.mark.parametrize("origin", ["null", "", "localhost", "://", "file://", "http://localhost:8000@example.com"])
    def test_an_origin_that_is_none_changes_nothing(self, origin: str) -> None:
        sent = headers(["localhost:8000"], origin=origin)
        assert "cross_site" == code(local(), "PUT", sent)
        assert code(local(), "GET", sent) is None

    @pytest.mark.parametrize("origin", ["http://localhost:8000", "http://127.0.0.1:3000", "https://app.localhost"])
    def test_pages_of_this_machine_are_served(self, origin: str) -> None:
        assert code(local(), "POST", headers(["127.0.0.1:8000"], origin=origin, sec_fetch_site="same-site")) is None

    def test_two_origins_must_both_be_right(self) -> None:
        sent = [*headers(["localhost"], origin="http://localhost"), (b"origin", b"http://example.com")]
        assert "cross_site" == code(local(), "POST", sent)

    @given(NAMES, CHANGES)
    def test_a_key_keeps_pages_out_by_itself(self, name: str, method: str) -> None:
        sent = headers([name], origin="http://example.com", sec_fetch_site="cross-site")
        assert code(Neighbours.of(None, has_key=True), method, sent) is None
        assert (code(Neighbours.of([], has_key=True), method, sent) is None) == is_loopback(name)

    @given(NAMES, CHANGES)
    def test_in_memory_any_host_is_served(self, name: str, method: str) -> None:
        anyone = Neighbours.of(None, has_key=False)
        assert code(anyone, method, headers([name, name], origin="null")) is None
        assert "cross_site" == code(anyone, method, headers([name], sec_fetch_site="cross-site"))
        assert code(anyone, "GET", headers([name], sec_fetch_site="cross-site")) is None

    @given(READS, NAMES)
    def test_a_read_that_is_counted_changes_something(self, method: str, name: str) -> None:
        page = headers(["localhost"], sec_fetch_site="cross-site", origin=f"http://{name}")
        for neighbours, refused in ((local(), "cross_site"), (Neighbours.of([], has_key=True), None)):
            kinds = [(page, refused), (page[:2], refused), (headers(["localhost"], sec_fetch_site="none"), None)]
            for sent, expected in kinds:
                found: str | None = None
                try:
                    neighbours.check(method, sent, is_counted=True)
                except RefusalError as error:
                    found = error.code
                assert expected == found


class TestServer:
    def test_a_page_of_another_site_moves_no_job_and_uses_no_fault_up(self, serve: type[Server]) -> None:
        page = {"Sec-Fetch-Site": "cross-site"}
        with serve(pace="polls:2") as server:
            done = server.ok("POST", "http://emulator/_emulator/jobs", json={"size": "64x48", "seconds": "1"})
            video = server.create()
            server.ok("POST", "http://emulator/_emulator/faults", json={"status": 418})
            for method, path in (("GET", f"videos/{video['id']}"), ("GET", "videos"), ("OPTIONS", "videos")):
                assert "cross_site" == server.refused(403, method, path, headers=page)["code"]
            assert 200 == server.get(done["url"], headers=page).status_code
            assert 200 == server.get("http://emulator/", headers=page).status_code
            server.refused(418, "GET", f"videos/{video['id']}")
            assert 0 == server.ok("GET", f"http://emulator/_emulator/jobs/{video['id']}")["polls"]

    def test_a_refusal_is_a_response_like_any_other(self, serve: type[Server]) -> None:
        with serve(allowed_hosts=[]) as server:
            for path in ("videos", "http://emulator/", "http://emulator/health", f"{CONTROL}/state"):
                error = server.refused(403, "GET", path)
                assert ("host_not_allowed", "Host") == (error["code"], error["param"])
            assert 200 == server.get("videos", headers={"Host": "localhost"}).status_code

    def test_a_planned_fault_waits_for_another_request(self, serve: type[Server]) -> None:
        with serve(allowed_hosts=["emulator"]) as server:
            server.ok("POST", f"{CONTROL}/faults", json={"status": 418})
            server.refused(403, "GET", "videos", headers={"Host": "example.com"})
            server.refused(403, "POST", "videos", headers={"Origin": "http://example.com"}, json={"prompt": "A cat"})
            server.refused(418, "GET", "videos")

    def test_an_imitation_refuses_it_too(self, serve: type[Server]) -> None:
        with serve(allowed_hosts=[], imitate="fastvideo") as server:
            assert "host_not_allowed" == server.refused(403, "GET", "videos")["code"]

    def test_create_app_takes_no_url_for_a_host(self) -> None:
        with pytest.raises(ValueError, match="'http://emulator' is not the name of a host"):
            create_app(allowed_hosts=["http://emulator"])


class TestCommand:
    def test_without_a_key_the_command_checks_hosts_and_origins(self, run: Run, tmp_path: Path) -> None:
        with (
            run("--ephemeral", "--allow-host", "Emulator,other", cwd=tmp_path) as (_, base_url),
            httpx.Client(base_url=base_url.removesuffix("/v1"), trust_env=False) as client,
        ):
            for path in ("/", "/health", "/openapi.yaml", "/v1/videos", "/_emulator/state"):
                assert 403 == client.get(path, headers={"Host": "rebound.example"}).status_code
                for host in (client.base_url.netloc.decode(), "emulator:8000", "OTHER", "localhost:1"):
                    assert 200 == client.get(path, headers={"Host": host}).status_code
            webhook = {"url": "http://127.0.0.1:9/", "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
            for origin, status in (("http://example.com", 403), (base_url.removesuffix("/v1"), 200)):
                answer = client.put("/_emulator/webhook", json=webhook, headers={"Origin": origin})
                assert status == answer.status_code

    def test_with_a_key_the_command_takes_any_host(self, run: Run, tmp_path: Path) -> None:
        with run("--ephemeral", "--api-key", "k", cwd=tmp_path) as (_, base_url):
            sent = {"Host": "emulator", "Origin": "http://example.com", "Authorization": "Bearer k"}
            assert (
                200 == httpx.post(f"{base_url}/videos", headers=sent, json={"prompt": "A"}, trust_env=False).status_code
            )
