"""Ray itself: loaded where it is needed, found at its address or started here."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from .. import settings
from ..errors import ConnectError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray tells nobody of its use, and does not warn of its own defaults, unless the user says so."""

LOOPBACK = "127.0.0.2"
"""Where a local Ray listens: whoever reaches it may run programs, and it would turn 127.0.0.1
into the machine's address in its network."""

PATIENCE = 5.0
"""Seconds for a first word from a cluster; Ray itself would try for minutes."""

EVERY = 2.0
"""Seconds between two looks at the head of a cluster."""

MISSES = 5
"""So many looks in a row see nobody where a cluster is gone. Ray would wait for its head for a
minute, and then end the process without a word of what to do."""


def load() -> Any:
    """Import Ray.

    Raises:
        UsageError: it is not installed.
    """
    try:
        with settings.defaults(**QUIET):
            import ray
    except ImportError:
        raise UsageError(
            "Ray is not installed here; run `pip install 'aiodynaspark[ray]'`."
        ) from None
    return ray


async def check(address: str | None) -> None:
    """See that something listens where a cluster is said to be; start nothing.

    Raises:
        UsageError: Ray is not installed, or this is no address of a cluster.
        ConnectError: nobody answers there.
    """
    ray = load()
    address = address or settings.ray_address()
    if address == "auto":
        address = await asyncio.to_thread(_latest, ray)
    if address in (None, "", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(
            f"{address!r} is no address of a Ray cluster; give HOST:PORT of its head, or auto."
        )
    if not await _listens(address):
        raise _nobody(address)


async def watch(ray: Any, gate: Any) -> NoReturn:
    """Look after a cluster, from its own signs of life and not from how fast a model answers.

    Ray says where the node of the driver dies, and with it the gate; of a head it says nothing.

    Raises:
        ConnectError: the cluster is gone.
    """
    head = ray.get_runtime_context().gcs_address
    staying = gate.stay.remote()
    gone = asyncio.wrap_future(staying.future())
    misses = 0
    try:
        while misses < MISSES and not gone.done():
            await asyncio.wait({gone}, timeout=EVERY)
            misses = 0 if await _listens(head) else misses + 1
        raise _gone(head) from (gone.exception() if gone.done() else None)
    finally:
        gone.cancel()
        ray.cancel(staying)  # else the gate would outlive the run in a program's own Ray


async def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, OverflowError):
        return False
    writer.close()
    return True


@asynccontextmanager
async def opened(address: str | None) -> AsyncIterator[Any]:
    """Give Ray, connected to a cluster or to one that is started here for as long as inside.

    Args:
        address: the cluster's; None for ``RAY_ADDRESS``, else one on this machine alone.

    Raises:
        ConnectError: there is no cluster.
        UsageError: its versions of Ray or Python are not the ones here.
    """
    ray = load()
    if ray.is_initialized():
        yield ray  # the program's own
        return
    try:
        await asyncio.to_thread(_start, ray, address or settings.ray_address())
        yield ray
    finally:
        await asyncio.to_thread(ray.shutdown)


def _latest(ray: Any) -> str:
    """The cluster that Ray takes for ``auto``, which may be one that is no more."""
    # There is no public way to ask: ray.init waits for two minutes, and then ends the process.
    try:
        found: str = ray._private.services.canonicalize_bootstrap_address("auto")
    except ConnectionError:
        raise _nobody("auto") from None
    return found


def _start(ray: Any, address: str | None) -> None:
    # Without an address, Ray would join a local one of another run, and fall with it.
    here = address in (None, "", "local")
    where = {"address": "local", "_node_ip_address": LOOPBACK} if here else {"address": address}
    try:
        with settings.defaults(**QUIET):
            ray.init(**where, include_dashboard=False if here else None, **_SILENT)
    except ConnectionError:
        raise (_nobody if address in (None, "auto", "local") else _no_word)(address) from None
    except RuntimeError as error:
        if "ersion mismatch" not in str(error):
            raise
        raise UsageError(
            f"The Ray cluster and this program do not match: {one_line(str(error))}"
        ) from None


_SILENT = {"log_to_driver": False, "logging_level": "ERROR"}


def _no_word(address: str | None) -> ConnectError:
    return ConnectError(
        f"What listens at {address} does not answer as a Ray cluster; where it asks for a token, "
        "set RAY_AUTH_MODE=token, and the token as RAY_AUTH_TOKEN or in ~/.ray/auth_token.",
        retryable=False,
    )


def _nobody(address: str | None) -> ConnectError:
    return ConnectError(
        f"There is no Ray cluster at {address}; start one with `ray start --head`.",
        retryable=False,
    )


def _gone(address: str) -> ConnectError:
    return ConnectError(
        f"The Ray cluster at {address} is gone, or this machine's part of it; what was finished is "
        "kept: run the same command again, with a cluster there, to go on.",
        retryable=False,
    )
