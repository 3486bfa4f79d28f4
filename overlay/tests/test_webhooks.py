"""A webhook is what a holder of the secret signed, at most five minutes ago, or WebhookVerificationError."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import (
    ConfigurationError,
    InvalidArgumentError,
    OpenVideos,
    UnknownEvent,
    VideoCompleted,
    VideoFailed,
    WebhookVerificationError,
    sign,
)

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="
OTHER = "whsec_YW5vdGhlci1zZWNyZXQ="
WEBHOOKS = OpenVideos(base_url="http://server.test/v1", webhook_secret=SECRET).webhooks


def event(kind: str = "video.completed", **changes: Any) -> str:
    body = {"id": "evt_1", "object": "event", "created_at": 1, "type": kind, "data": {"id": "video_1"}}
    return json.dumps(body | changes)


class TestUnwrap:
    @pytest.mark.parametrize(("kind", "expected"), [("video.completed", VideoCompleted), ("video.failed", VideoFailed)])
    def test_returns_the_event(self, kind: str, expected: type) -> None:
        payload = event(kind)
        for body in (payload, payload.encode(), bytearray(payload.encode())):
            found = WEBHOOKS.unwrap(body, sign(payload, secret=SECRET))  # type: ignore[arg-type]
            assert isinstance(found, expected)
            assert ("video_1", "evt_1", kind) == (found.data.id, found.id, found.type_)  # type: ignore[union-attr]

    @pytest.mark.parametrize("kind", ["video.completed.v2", "video", "VIDEO.COMPLETED", "", "response.completed"])
    def test_goes_by_the_exact_type(self, kind: str) -> None:
        payload = event(kind, extra=[1])
        found = WEBHOOKS.unwrap(payload, sign(payload, secret=SECRET))
        assert UnknownEvent(type=kind, body=json.loads(payload)) == found
        assert (kind, "evt_1", {"id": "video_1"}) == (found.type, found.id, found.data)

    @pytest.mark.parametrize("body", [{}, {"id": 7, "data": None}, {"id": None}])
    def test_an_unknown_event_may_be_bare(self, body: dict[str, Any]) -> None:
        payload = json.dumps({"type": "video.rotated", **body})
        found = WEBHOOKS.unwrap(payload, sign(payload, secret=SECRET))
        assert ("video.rotated", "", None) == (found.type, found.id, found.data)

    @pytest.mark.parametrize(
        "payload", ["", "nul", "[]", "7", "{}", '{"type": 7}', event(data=7), event(data={}), "[" * 9999]
    )
    def test_refuses_what_is_signed_and_no_event(self, payload: str) -> None:
        with pytest.raises(WebhookVerificationError, match="signed"):
            WEBHOOKS.unwrap(payload, sign(payload, secret=SECRET))

    def test_takes_headers_in_any_case(self) -> None:
        payload = event()
        headers = {name.title(): value for name, value in sign(payload, secret=SECRET).items()}
        WEBHOOKS.verify(payload, headers)


class TestVerify:
    @pytest.mark.parametrize("age", [-299, 0, 299])
    def test_takes_what_is_recent(self, age: int) -> None:
        WEBHOOKS.verify("x", sign("x", secret=SECRET, timestamp=time.time() - age))

    @pytest.mark.parametrize("age", [-310, 310, 1e9, -1e12])
    def test_refuses_what_is_not(self, age: float) -> None:
        with pytest.raises(WebhookVerificationError):
            WEBHOOKS.verify("x", {**sign("x", secret=SECRET), "webhook-timestamp": str(int(time.time() - age))})

    def test_refuses_another_body(self) -> None:
        with pytest.raises(WebhookVerificationError, match="exactly as it was received"):
            WEBHOOKS.verify("y", sign("x", secret=SECRET))

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_names_a_header_that_is_missing(self, name: str) -> None:
        headers = sign("x", secret=SECRET)
        del headers[name]
        with pytest.raises(WebhookVerificationError, match=name):
            WEBHOOKS.verify("x", headers)

    def test_names_all_headers_that_are_missing(self) -> None:
        with pytest.raises(WebhookVerificationError, match="webhook-id, webhook-timestamp, webhook-signature"):
            WEBHOOKS.verify("x", {})

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"webhook-timestamp": "now"}, "webhook-timestamp is 'now', which is no time"),
            ({"webhook-timestamp": "nan"}, "webhook-timestamp is 'nan', which is no time"),
            ({"webhook-timestamp": "inf"}, "webhook-timestamp is 'inf', which is no time"),
            ({"webhook-timestamp": "1"}, r"signed [\d.e+]+ seconds ago; at most 300 .* clock"),
            ({"webhook-timestamp": "1" + "0" * 12}, "seconds in the future; at most 300"),
            ({"webhook-timestamp": str(int(time.time()) - 400)}, "seconds ago"),
            ({"webhook-signature": "v2,abc v1"}, "webhook-signature has no signature of the form v1,BASE64"),
            ({"webhook-signature": "v1,a"}, "No signature of the webhook matches the webhook secret: "),
            ({"webhook-id": "msg_2"}, "No signature of the webhook matches the webhook secret: "),
        ],
    )
    def test_says_which_header_is_wrong(self, changes: dict[str, str], message: str) -> None:
        with pytest.raises(WebhookVerificationError, match=message) as caught:
            WEBHOOKS.verify("x", sign("x", secret=SECRET) | changes)
        assert len(str(caught.value)) < 300

    def test_says_that_the_secret_is_wrong_without_showing_it(self) -> None:
        for secrets, words in (
            (OTHER, "matches the webhook secret: "),
            ([OTHER, OTHER], "any of the 2 webhook secrets"),
        ):
            with pytest.raises(WebhookVerificationError, match=f"{words}.*the secret is not the sender's") as caught:
                WEBHOOKS.verify("x", sign("x", secret=SECRET), secret=secrets)
            assert OTHER.removeprefix("whsec_") not in str(caught.value)
            assert caught.value.__cause__ is None

    def test_takes_any_of_several_secrets(self) -> None:
        """During a rotation both the old and the new secret are good."""
        for secret in (SECRET, OTHER):
            WEBHOOKS.verify("x", sign("x", secret=secret), secret=[OTHER, SECRET])
        with pytest.raises(WebhookVerificationError):
            WEBHOOKS.verify("x", sign("x", secret="whsec_bm9uZQ=="), secret=[OTHER, SECRET])

    def test_takes_any_of_several_signatures(self) -> None:
        """A sender in a rotation signs with both; what it signs in another way is passed over."""
        old, new = sign("x", secret=OTHER), sign("x", secret=SECRET)
        odd = f"v2,abc,def v1a,xyz garbage {old['webhook-signature']} {new['webhook-signature']}"
        WEBHOOKS.verify("x", {**new, "webhook-signature": odd})

    @pytest.mark.parametrize("headers", [None, "webhook-id", [1], 7])
    def test_headers_that_are_no_mapping_are_refused(self, headers: Any) -> None:
        with pytest.raises(WebhookVerificationError, match="not a mapping of names to values"):
            WEBHOOKS.unwrap("x", headers)

    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            (None, "is of the type NoneType; pass the bytes or the text"),
            ({"id": "evt_1"}, "is of the type dict; pass the bytes or the text"),
            (b"\xff", "is not UTF-8"),
        ],
    )
    def test_a_payload_that_is_no_text_is_refused(self, payload: Any, message: str) -> None:
        with pytest.raises(WebhookVerificationError, match=message):
            WEBHOOKS.unwrap(payload, sign("x", secret=SECRET))

    @given(
        st.one_of(st.binary(), st.text(), st.none(), st.integers(), st.just("x")),
        st.dictionaries(
            st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "Webhook-Id", "x"]),
            st.text() | st.binary() | st.integers() | st.none() | st.just("v1,AAAA") | st.just(str(int(time.time()))),
        )
        | st.none()
        | st.text()
        | st.lists(st.integers()),
    )
    def test_hostile_input_raises_nothing_else(self, payload: Any, headers: Any) -> None:
        with pytest.raises(WebhookVerificationError):
            WEBHOOKS.unwrap(payload, headers)

    @given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters()), st.text(alphabet=st.characters()))
    def test_hostile_headers_raise_nothing_else(self, message_id: str, timestamp: str, signature: str) -> None:
        headers = {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
        with pytest.raises(WebhookVerificationError):
            WEBHOOKS.unwrap("x", headers)


class TestSecrets:
    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_=", "whsec_a", "whsec_é", " ", 7])
    def test_that_are_none_are_a_configuration_error(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            WEBHOOKS.verify("x", sign("x", secret=SECRET), secret=secret)
        assert "whsec_ and base64" in str(caught.value) or "No webhook secret" in str(caught.value)

    def test_that_are_missing_are_a_configuration_error(self) -> None:
        client = OpenVideos(base_url="http://server.test/v1")
        with pytest.raises(ConfigurationError, match="OPENVIDEOS_WEBHOOK_SECRET"):
            client.webhooks.verify("x", sign("x", secret=SECRET))
        with pytest.raises(ConfigurationError):
            client.webhooks.verify("x", sign("x", secret=SECRET), secret=[])

    def test_without_the_library_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "standardwebhooks", None)
        with pytest.raises(ConfigurationError, match=r"the extra webhooks, .*'\.\[webhooks\]'"):
            sign("x", secret=SECRET)

    def test_without_the_library_the_package_can_be_imported(self) -> None:
        code = """
import sys
sys.modules["standardwebhooks"] = None
import openvideos
try:
    openvideos.sign("x", secret="whsec_c2VjcmV0")
except openvideos.ConfigurationError as error:
    print(error)
"""
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ".[webhooks]" in run.stdout


class TestSign:
    def test_signs_with_the_secret_of_the_client(self) -> None:
        payload = event()
        assert isinstance(WEBHOOKS.unwrap(payload, WEBHOOKS.sign(payload)), VideoCompleted)
        assert sign("x", secret=SECRET, message_id="msg_1", timestamp=1) == WEBHOOKS.sign(
            "x", message_id="msg_1", timestamp=1
        )

    def test_signs_with_the_first_of_several(self) -> None:
        several = OpenVideos(base_url="http://server.test/v1", webhook_secret=[OTHER, SECRET]).webhooks
        assert sign("x", secret=OTHER, timestamp=1) == several.sign("x", timestamp=1)

    def test_or_with_the_secret_that_is_passed(self) -> None:
        assert sign("x", secret=OTHER, timestamp=1) == WEBHOOKS.sign("x", secret=OTHER, timestamp=1)

    def test_needs_a_secret(self) -> None:
        with pytest.raises(ConfigurationError, match="OPENVIDEOS_WEBHOOK_SECRET"):
            OpenVideos(base_url="http://server.test/v1").webhooks.sign("x")

    @pytest.mark.parametrize(
        "options",
        [
            {"payload": b"\xff"},
            {"payload": "\ud800"},
            {"payload": None},
            {"payload": "x", "timestamp": float("nan")},
            {"payload": "x", "timestamp": 1e300},
            {"payload": "x", "timestamp": "now"},
        ],
    )
    def test_what_cannot_be_signed_is_an_invalid_argument(self, options: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgumentError, match="The webhook cannot be signed"):
            WEBHOOKS.sign(**options)


def test_sign_takes_bytes_and_a_time() -> None:
    headers = sign(b"x", secret=SECRET, message_id="msg_1", timestamp=1_700_000_000.9)
    assert ("msg_1", "1700000000") == (headers["webhook-id"], headers["webhook-timestamp"])
    assert headers["webhook-signature"].startswith("v1,")
