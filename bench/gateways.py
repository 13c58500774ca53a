"""The gateways of a run: how each is started, and where it is asked."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from . import peers
from .processes import MEASURED, Child
from .results import OURS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .run import Run

NGINX, LITELLM = "nginx", "LiteLLM's proxy"
FASTAPI, STOCK = "minimal FastAPI", "minimal aiohttp"
PROMPT = "What would you say to a friend who asks for the way?"
PATIENCE = 120
NGINX_CONFIG = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream up {{ server {address}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    keepalive_requests 1000000;
    location / {{
      proxy_pass http://up/asked/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
LITELLM_CONFIG = """\
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: {url}, api_key: none}}
litellm_settings: {{telemetry: false}}
"""


@dataclass
class Gateway:
    """How to start one; the commands get their port at the end."""

    name: str
    command: Callable[[int], list[str]]
    environment: dict[str, str]
    route: str = "/generate_response"

    def request(self, answer: str = "whole", *, stream: bool = False) -> str:
        """The bytes of a request for a kind of answer (see ``bench.upstream``)."""
        prompt = f"{PROMPT} ANSWER_{answer}_"
        if self.route == "/generate_response":
            kind = "application/x-www-form-urlencoded"
            body = f"user_input={quote_plus(prompt)}&ai_model=gemini-1.5-flash"
        else:
            kind = "application/json"
            messages = [{"role": "user", "content": prompt}]
            body = json.dumps({"model": "bench", "messages": messages, "stream": stream})
        return (
            f"POST {self.route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def start(self) -> Running:
        return Running(self)


class Running(Child):
    """A gateway that has given its first 200.

    Attributes:
        cold: seconds from the start of its process to that.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.port = _free_port()
        start = time.perf_counter()
        command = gateway.command(self.port)
        super().__init__(command, MEASURED, gateway.environment, quiet=True, unread=True)
        try:
            self._wait(start)
        except BaseException:
            self.__exit__()
            raise
        self.cold = time.perf_counter() - start

    def _wait(self, start: float) -> None:
        while not _answers(self.port, self.gateway):
            if time.perf_counter() - start > PATIENCE or self._process.poll() is not None:
                raise RuntimeError(f"{self.gateway.name} gave no answer")
            time.sleep(0.01)


def ours(url: str, provider: str = "dynaspark") -> Gateway:
    def command(port: int) -> list[str]:
        serve = ["serve", "--no-access-log", "--provider", provider, "--port", str(port)]
        return [sys.executable, "-m", "aiodynaspark", *serve]

    return Gateway(OURS, command, {"DYNASPARK_URL": f"{url}/asked"})


def stock(url: str) -> Gateway:
    module = "bench.contenders.gateway_aiohttp"
    return Gateway(
        STOCK, lambda port: [sys.executable, "-m", module, f"{url}/asked", str(port)], {}
    )


def others(run: Run, url: str) -> list[Gateway]:
    """The peers that can be had; the others are reported."""
    found = [stock(url)]
    if python := run.wanted(
        FASTAPI,
        lambda: peers.python_with("fastapi", "fastapi", "uvicorn", "aiohttp", "python-multipart"),
    ):
        module = "bench.contenders.gateway_fastapi"
        arguments = [python, "-m", module, f"{url}/asked"]
        found.append(Gateway(FASTAPI, lambda port: [*arguments, str(port)], {}))
    if nginx := run.wanted(NGINX, lambda: peers.program("nginx")):
        found.append(Gateway(NGINX, _nginx(nginx, run.folder, url), {}))
    if python := run.wanted(LITELLM, lambda: peers.python_with("litellm", "litellm[proxy]")):
        found.append(_litellm(python, run.folder, url))
    return found


def _nginx(program: str, folder: Path, url: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        config = folder / f"nginx-{port}.conf"
        address = url.removeprefix("http://")
        config.write_text(NGINX_CONFIG.format(folder=folder, address=address, port=port))
        return [program, "-c", str(config), "-e", "stderr"]

    return command


def _litellm(python: str, folder: Path, url: str) -> Gateway:
    config = folder / "litellm.yaml"
    config.write_text(LITELLM_CONFIG.format(url=f"{url}/asked/v1"))
    program = python.removesuffix("python") + "litellm"

    def command(port: int) -> list[str]:
        return [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]

    settings = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # spares it the key's check
    }
    return Gateway(LITELLM, command, settings, "/v1/chat/completions")


def _answers(port: int, gateway: Gateway) -> bool:
    head, _, body = gateway.request().partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", gateway.route, body, headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port
