"""The gateways of a run: how each is started, and where it is asked."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from . import peers
from .processes import MEASURED, Child, holder
from .results import OURS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from .run import Run

    Commands = Callable[[int, int], list[list[str]]]

NGINX, LITELLM = "nginx", "LiteLLM's proxy"
FASTAPI, STOCK = "minimal FastAPI", "minimal aiohttp"
PROMPT = "What would you say to a friend who asks for the way?"
PATIENCE = 120
NGINX_CONFIG = """\
daemon off; worker_processes {processes}; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream up {{ server {address}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096 reuseport;
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
    """How to start one.

    Attributes:
        commands: what starts it, for a port and a number of processes that share it.
    """

    name: str
    commands: Commands
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

    def start(self, processes: int = 1, core: int | None = MEASURED) -> Running:
        return Running(self, processes, core)


class Running:
    """A gateway, on one core or any, each of whose processes has given a 200.

    Attributes:
        cold: seconds from the start to the first 200.
    """

    def __init__(self, gateway: Gateway, processes: int, core: int | None) -> None:
        self.gateway = gateway
        self.port = _free_port()
        self.cold = 0.0
        self._start = time.perf_counter()
        with ExitStack() as stack:
            self._children = [
                stack.enter_context(
                    Child(command, core, gateway.environment, quiet=True, unread=True)
                )
                for command in gateway.commands(self.port, processes)
            ]
            self._wait(processes)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def cpu(self) -> float:
        """Seconds of CPU that its processes have used."""
        return sum(child.cpu() for child in self._children)

    def memory(self) -> float:
        """Megabytes that its processes hold."""
        return sum(child.memory() for child in self._children)

    def _wait(self, processes: int) -> None:
        answered: set[int] = set()
        while True:
            if pid := self._answering():
                answered.add(pid)
            if len(answered) == processes:
                return
            ended = any(child.has_ended() for child in self._children)
            if ended or time.perf_counter() - self._start > PATIENCE:
                raise RuntimeError(f"{len(answered)} of {processes} processes gave an answer")
            time.sleep(0.01)

    def _answering(self) -> int | None:
        """The process that answers a request, None where none does."""
        head, _, body = self.gateway.request().partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.connect()
            client = connection.sock.getsockname()[1]
            connection.request("POST", self.gateway.route, body, headers)
            if connection.getresponse().status != 200:
                return None
            self.cold = self.cold or time.perf_counter() - self._start
            return holder(self.port, client, [pid for c in self._children for pid in c.family()])
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def ours(url: str, provider: str = "dynaspark") -> Gateway:
    def commands(port: int, processes: int) -> list[list[str]]:
        serve = ["serve", "--no-access-log", "--provider", provider, "--port", str(port)]
        return [[sys.executable, "-m", "aiodynaspark", *serve, *_shared(processes)]] * processes

    return Gateway(OURS, commands, {"DYNASPARK_URL": f"{url}/asked"})


def stock(url: str) -> Gateway:
    def commands(port: int, processes: int) -> list[list[str]]:
        module, asked = "bench.contenders.gateway_aiohttp", f"{url}/asked"
        command = [sys.executable, "-m", module, asked, str(port), *_shared(processes)]
        return [command] * processes

    return Gateway(STOCK, commands, {})


def others(run: Run, url: str) -> list[Gateway]:
    """The peers that can be had; the others are reported."""
    found = [stock(url)]
    if python := run.wanted(
        FASTAPI,
        lambda: peers.python_with(
            "fastapi", "fastapi", "uvicorn[standard]", "aiohttp", "python-multipart"
        ),
    ):
        module = "bench.contenders.gateway_fastapi"
        arguments = [python, "-m", module, f"{url}/asked"]
        found.append(
            Gateway(FASTAPI, lambda port, workers: [[*arguments, str(port), str(workers)]], {})
        )
    if nginx := run.wanted(NGINX, lambda: peers.program("nginx")):
        found.append(Gateway(NGINX, _nginx(nginx, run.folder, url), {}))
    if python := run.wanted(LITELLM, lambda: peers.python_with("litellm", "litellm[proxy]")):
        found.append(_litellm(python, run.folder, url))
    return found


def _shared(processes: int) -> list[str]:
    return ["--reuse-port"] if processes > 1 else []


def _nginx(program: str, folder: Path, url: str) -> Commands:
    def commands(port: int, processes: int) -> list[list[str]]:
        config = folder / f"nginx-{port}.conf"
        address = url.removeprefix("http://")
        config.write_text(
            NGINX_CONFIG.format(folder=folder, address=address, port=port, processes=processes)
        )
        return [[program, "-c", str(config), "-e", "stderr"]]

    return commands


def _litellm(python: str, folder: Path, url: str) -> Gateway:
    config = folder / "litellm.yaml"
    config.write_text(LITELLM_CONFIG.format(url=f"{url}/asked/v1"))
    program = python.removesuffix("python") + "litellm"

    def commands(port: int, workers: int) -> list[list[str]]:
        place = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", str(workers)]
        return [[program, "--config", str(config), *place]]

    settings = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # spares it the key's check
    }
    return Gateway(LITELLM, commands, settings, "/v1/chat/completions")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port
