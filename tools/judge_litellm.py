"""Run the conformance suite against LiteLLM's proxy, a real gateway, with the emulator as its upstream.

What it is known to break stands in conformance/targets/litellm-proxy.toml, with reasons: a failure that is not there,
and one that is there and no longer comes, fail. What the emulator's imitation of it breaks is in litellm.toml.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT: Final = Path(__file__).resolve().parent.parent
EXPECTED: Final = ROOT / "conformance" / "targets" / "litellm-proxy.toml"
UPSTREAM_KEY: Final = "sk-upstream-of-the-proxy-0123456789"
MASTER_KEY: Final = "sk-litellm-0123456789abcdef0123456789abcdef"
MODEL: Final = "sora-2"
STARTING_SECONDS: Final = 300.0

CONFIG: Final = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: {upstream}
      api_key: {key}
"""

START: Final = """\
import os
import sys

from litellm import run_server
from litellm.llms.openai.videos.transformation import OpenAIVideoConfig

# What the proxy cannot decode it sends to the vendor's own host, which its code names: that is the emulator here.
with_host = OpenAIVideoConfig.get_complete_url


def get_complete_url(self, model, api_base, litellm_params):
    return with_host(self, model, api_base or os.environ["UPSTREAM"], litellm_params)


OpenAIVideoConfig.get_complete_url = get_complete_url
sys.exit(run_server())
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the suite's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", type=Path, default=ROOT / "litellm-report", help="where the reports go")
    options, rest = parser.parse_known_args(arguments)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openvideos-litellm-")))
        upstream = stack.enter_context(_emulator(scratch))
        proxy = stack.enter_context(_proxy(scratch, upstream))
        judging = [
            *(sys.executable, "-m", "openvideos_conformance", "run", "--base-url", f"{proxy}/v1"),
            *("--api-key", MASTER_KEY, "--model", MODEL, "--size", "64x48", "--seconds", "1"),
            *("--failing-prompt", "[fail] A prompt that fails", "--deadline", "120"),
            *("--expected-failures", str(EXPECTED), "--report", str(options.report), *rest),
        ]
        return subprocess.run(judging, check=False, cwd=scratch).returncode


@contextlib.contextmanager
def _emulator(scratch: Path) -> Generator[str]:
    """Run the emulator as the proxy's upstream; yield its base URL."""
    port = _free_port()
    command = [
        *(sys.executable, "-m", "openvideos_emulator", "--port", str(port), "--api-key", UPSTREAM_KEY),
        *("--pace", "seconds:3", "--db", str(scratch / "upstream.db")),
    ]
    with _running(command, scratch / "emulator.log", dict(os.environ), f"http://127.0.0.1:{port}/v1/videos"):
        yield f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def _proxy(scratch: Path, upstream: str) -> Generator[str]:
    """Run LiteLLM's proxy with an upstream; yield its URL."""
    if importlib.util.find_spec("litellm") is None:
        raise SystemExit("the proxy is not installed here; run `nox -s litellm`, which installs it")
    config, port = scratch / "litellm.yaml", _free_port()
    config.write_text(CONFIG.format(model=MODEL, upstream=upstream, key=UPSTREAM_KEY), encoding="utf-8")
    env = {
        **{name: value for name, value in os.environ.items() if "DATABASE" not in name},
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # use the prices that it contains; fetch nothing
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "LITELLM_TELEMETRY": "False",
        "NO_PROXY": "127.0.0.1",
        "OPENAI_API_KEY": UPSTREAM_KEY,
        "UPSTREAM": upstream,
    }
    command = [sys.executable, "-c", START, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with _running(command, scratch / "litellm.log", env, f"{url}/health/liveliness"):
        yield url


@contextlib.contextmanager
def _running(command: list[str], log: Path, env: dict[str, str], alive: str) -> Generator[None]:
    """Run a server during the block, which begins after the server's first response."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=log.parent) as server,
    ):
        try:
            end = time.monotonic() + STARTING_SECONDS
            while not _responds(alive):
                if server.poll() is not None or time.monotonic() > end:
                    raise SystemExit(
                        f"{command[0]} does not start: {log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
                    )
                time.sleep(0.2)
            yield
        finally:
            server.kill()


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    raise SystemExit(main())
