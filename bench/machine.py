"""What a run was made on, so that nobody takes its figures for another machine's."""

from __future__ import annotations

import os
import platform
import ssl
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .peers import installed


def describe() -> dict[str, str]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{len(os.sched_getaffinity(0))} cores of {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "TLS": ssl.OPENSSL_VERSION,
        "peers": installed() or "none",
        **{name: _version(name) for name in ("aiohttp", "msgspec", "uvloop", "yarl")},
        "load before": f"{os.getloadavg()[2]:.1f} (15 minutes)",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
