"""LiteLLM's proxy as one more peer, where its `litellm` command is on the PATH: it is no dependency of ours."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.gateway_servers import MODEL
from bench.processes import Server

NAME = "LiteLLM's proxy"
_START_SECONDS = 120


def missing() -> str | None:
    """Why it is not measured, None where it can be."""
    return None if shutil.which("litellm") else "LiteLLM's proxy is not measured: there is no `litellm` on the PATH."


@contextmanager
def proxy(upstream: str, folder: Path) -> Iterator[Server]:
    """One worker, no logging, no database, forwarding to `upstream`."""
    # Without a master key, since it listens on loopback and holds no key.
    config = folder / "litellm.yaml"
    config.write_text(
        f"model_list:\n- model_name: {MODEL}\n  litellm_params:\n    model: openai/{MODEL}\n"
        f"    api_base: {upstream}/v1\n    api_key: placeholder\n"
        "general_settings:\n  dangerously_permit_weak_or_unset_master_key: true\n"
    )
    port = _free_port()
    command = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    # Without this it asks the network for its price table when it starts.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, process, folder / "litellm.log")
            yield Server(url, process.pid, faithful=False)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health/liveliness", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"LiteLLM's proxy did not start: {log.read_text(errors='replace')[-500:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
