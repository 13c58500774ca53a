"""One llama.cpp engine per process and setup: loaded once, shared by every loop and thread."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import settings
from ..errors import ModelUnavailable, TransportTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

Event: TypeAlias = dict[str, Any]
"""One chunk of a chat completion, shaped as OpenAI's API has it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine is loaded with.

    Attributes:
        weights: the GGUF file.
        projector: the GGUF file that lets the weights see pictures.
        slots: how many answers are made at once; further ones wait their turn.
        threads: how many threads compute, None for llama.cpp's own choice.
        context: how many tokens one prompt and its answer may have together.
    """

    weights: Path
    projector: Path | None = None
    slots: int = 2
    threads: int | None = None
    context: int = 4096


class Engine:
    """An engine with its weights in memory; made by ``load``, ended by ``unload``."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.key = secrets.token_urlsafe(32)
        self.server = _start(setup, self.key)
        self._slots = threading.Semaphore(setup.slots)
        self._closing = threading.Event()

    def __repr__(self) -> str:
        state = "unloaded" if self._closing.is_set() else "loaded"
        return f"<Engine {self.setup.weights.name}, {self.setup.slots} slots, {state}>"

    async def stream(
        self, request: Event, *, deadline: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield the chunks of one chat completion; closing the generator stops the model.

        A slow reader holds no slot: what it has not read yet waits in memory, and is never more
        than one context of tokens.

        Args:
            request: the body of a chat completion.
            deadline: by the running loop's clock, in seconds, over waiting and answering.

        Raises:
            TransportTimeout: the deadline has passed.
            ModelUnavailable: the engine failed or was unloaded.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        stop = threading.Event()

        def put(event: Event | Exception | None) -> None:
            try:
                loop.call_soon_threadsafe(events.put_nowait, event)
            except RuntimeError:  # the loop was closed under its generators
                stop.set()

        # A daemon of its own for each request: the executor's threads would hold up the exit.
        threading.Thread(target=self._answer, args=(request, put, stop), daemon=True).start()
        try:
            while (event := await _next(events, deadline)) is not None:
                if isinstance(event, Exception):
                    raise ModelUnavailable(f"The embedded model failed: {event}.") from event
                yield event
        finally:
            stop.set()
        if self._closing.is_set():
            raise ModelUnavailable("The embedded model was unloaded while it answered.")

    def _answer(
        self,
        request: Event,
        put: Callable[[Event | Exception | None], None],
        stop: threading.Event,
    ) -> None:
        def stopped() -> bool:
            return stop.is_set() or self._closing.is_set()

        def hand_on(event: Event) -> bool:
            put(event)
            return stopped()

        try:
            with self._slots:
                if not stopped():
                    self.server.handle_chat_completions({**request, "stream": True}, hand_on)
        except Exception as error:  # raised where the answer is read
            put(error)
        put(None)

    def close(self) -> None:
        """Stop all answers and free the memory; blocks until the last one has let go."""
        self._closing.set()
        for _ in range(self.setup.slots):
            self._slots.acquire()
        del self.server
        self._slots.release(self.setup.slots)  # those still in the queue find it closed


async def _next(
    events: asyncio.Queue[Event | Exception | None], deadline: float | None
) -> Event | Exception | None:
    try:
        async with asyncio.timeout_at(deadline):
            return await events.get()
    except TimeoutError as error:
        raise TransportTimeout(
            "The embedded model did not end its answer before the timeout; give it more seconds."
        ) from error


_engines: dict[tuple[int, Setup], Engine] = {}
_lock = threading.Lock()


def load(setup: Setup) -> Engine:
    """Load the engine for a setup, or return the one that this process has; blocks meanwhile.

    A forked child loads its own, since threads do not survive a fork.

    Raises:
        ModelUnavailable: xllamacpp is not installed, or it cannot load the weights.
    """
    with _lock:
        if not _engines:
            atexit.register(unload)
        key = (os.getpid(), setup)
        if key not in _engines:
            _engines[key] = Engine(setup)
        return _engines[key]


def loaded(setup: Setup) -> Engine | None:
    """The engine for a setup where this process has it already."""
    return _engines.get((os.getpid(), setup))


def unload() -> None:
    """End every engine of this process; blocks until their memory is free."""
    with _lock:
        for key in [key for key in _engines if key[0] == os.getpid()]:
            _engines.pop(key).close()
        atexit.unregister(unload)


def _start(setup: Setup, key: str) -> Any:
    try:
        # Its threads spin while they wait unless told otherwise, which on a busy machine takes
        # the cores from the one thread that they all wait for: 2 tokens a second instead of 40.
        with settings.defaults(OMP_WAIT_POLICY="passive"):
            import xllamacpp  # here: an optional dependency
    except ImportError as error:
        raise ModelUnavailable(
            "The embedded model needs xllamacpp; run `pip install 'aiodynaspark[local]'`."
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(setup.weights)
    params.model_alias = {setup.weights.stem}  # its own listing shows no path
    if setup.projector is not None:
        params.mmproj.path = str(setup.projector)
    params.n_parallel = setup.slots
    params.n_ctx = setup.context * setup.slots
    if setup.threads is not None:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = setup.threads
    # It always opens a loopback port; nobody but us can know the key.
    params.api_keys = [key]
    params.ui = False
    params.verbosity = 0
    params.cache_ram_mib = 64
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelUnavailable(
            f"llama.cpp cannot load the weights in {setup.weights}; the file is damaged or of an "
            "unknown kind, so fetch it again."
        ) from error
