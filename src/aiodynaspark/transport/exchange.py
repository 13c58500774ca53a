"""One request: its attempts, and the answer of the one that succeeds."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from .. import _attempts, _retry
from .._retry_after import in_words, parse_retry_after
from ..errors import (
    DynasparkError,
    RateLimitError,
    error_for_status,
)
from .answer import Answer
from .cold_start import LONGEST, NOTICE_AFTER, ColdStart
from .deadline import Deadline
from .request import MAX_ANSWER, log
from .sending import Sending, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .answer import Decoder
    from .line import Response
    from .pool import Transport
    from .request import Request

T = TypeVar("T")


class Exchange(Generic[T]):
    """An asynchronous context manager over one request, and an iterator over its answer.

    The entry holds all attempts and ends with the first thing decoded, so that nothing can be
    repeated once something was handed on.
    """

    _sending: Sending | None = None
    _has_slot = False
    _place: asyncio.Future[None] | None = None
    _failures: tuple[DynasparkError, ...] = ()
    _response: Response | None = None
    _answer: Answer[T] | None = None
    _first: list[T] | None = None
    _notice: asyncio.TimerHandle | None = None

    def __init__(
        self, transport: Transport, request: Request, decoder: Callable[[], Decoder[T]]
    ) -> None:
        self._transport = transport
        self._request = request
        self._new_decoder = decoder
        self._url, self._where = parse_url(request.url)
        self._host = transport.host(self._where, request.key)
        self._deadline = Deadline(
            request.seconds, self._where, stream=not request.whole, watch=transport.watch
        )

    async def __aenter__(self) -> Self:
        self._transport.active.add(self)
        try:
            while True:
                try:
                    if not self._may_go():
                        await self._in_turn()
                    else:  # as _go does, without one coroutine more for each of thousands
                        if not self._transport.slots.take():
                            await self._wait_for_slot()
                            if self._is_held_up(None):
                                self._let_go()
                                continue
                        await self._attempt()
                    break
                except DynasparkError as error:
                    if not await self._may_go_on(error):
                        raise
        except BaseException:
            self._close()
            raise
        finally:
            if self._notice is not None:
                self._notice.cancel()
        self._host.budget.give_back(1 + sum(map(_retry.cost_of_retry, self._failures)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __aiter__(self) -> Self:
        """Iterate lists of what was decoded, as the bytes arrive."""
        return self

    async def __anext__(self) -> list[T]:
        if self._first:
            batch, self._first = self._first, None
            return batch
        assert self._answer is not None, "enter the exchange first"
        try:
            batch = await self._answer.more()
        except DynasparkError as error:
            error.retryable = False  # something was handed on
            raise
        if not batch:
            raise StopAsyncIteration
        return batch

    async def _may_go_on(self, error: DynasparkError) -> bool:
        """Wait for the next attempt after one that failed; False where there is to be none."""
        self._let_go()
        self._failures += (error,)
        wait = _retry.wait_before_retry(
            self._failures,
            retries=self._request.allowed_retries,
            left=self._deadline.left(),
            jitter=random.random(),
        )
        waking = _retry.may_be_waking(error)
        if waking:
            self._transport.note_waking(self._where, _retry.WAKING_WAIT if wait is None else wait)
        if wait is None or not self._host.budget.take(_retry.cost_of_retry(error)):
            return False
        if not await _attempts.may_follow(error):
            return False
        self._transport.retries += 1
        log.info("attempt %d at %s failed; next in %.1f s", len(self._failures), self._where, wait)
        if not waking:  # else the queue behind the host does the waiting
            await self._sleep(wait)
        return True

    def _may_go(self) -> bool:
        """Whether there is neither a limit to wait for nor a host that may be waking up."""
        return self._host.limit.open_at <= self._deadline.now() and not self._transport.cold

    async def _in_turn(self) -> None:
        """Make one attempt when it is this request's turn."""
        went = False
        while not went:
            await self._respect_limit()
            cold = self._waking()
            went = await (self._go(None) if cold is None else self._as_probe(cold))

    def _waking(self) -> ColdStart | None:
        """The queue behind the host, if it may be waking up."""
        cold = self._transport.cold.get(self._where)
        return None if cold is None or cold.is_over(self._deadline.now()) else cold

    async def _as_probe(self, cold: ColdStart) -> bool:
        """Queue behind a waking host; False where no attempt was made when it was the turn."""
        if self._notice is None:
            loop = asyncio.get_running_loop()
            self._notice = loop.call_later(NOTICE_AFTER, self._tell_waking)
        async with cold.turn(self._deadline, self._transport.one_more_waiting) as probing:
            return probing and await self._probe(cold)

    async def _probe(self, cold: ColdStart) -> bool:
        """Make an attempt, and note how it went before the queue moves on."""
        try:
            if not await self._go(cold):
                return False
        except DynasparkError as error:
            if not _retry.answered(error):
                cold.failed(self._deadline.now(), _retry.WAKING_WAIT)
                raise
            self._transport.note_awake(self._where)
            raise
        self._transport.note_awake(self._where)
        return True

    def _tell_waking(self) -> None:
        tell = self._request.notify or log.warning
        tell(f"waking {self._url.host} (up to {LONGEST:.0f} s)")

    async def _respect_limit(self) -> None:
        while (wait := self._host.limit.wait(self._deadline.now())) > 0:
            if wait >= self._deadline.left():
                raise RateLimitError(
                    f"{self._where} takes no request for another {in_words(wait)}, which is past "
                    "the deadline; try again then.",
                    status=429,
                    retry_after=wait,
                )
            await self._sleep(wait)

    async def _go(self, cold: ColdStart | None) -> bool:
        """Make one attempt as soon as there is a slot; False where it must not be made by then.

        Args:
            cold: the queue that it heads, if any.
        """
        if not self._transport.slots.take():
            await self._wait_for_slot()
            if self._is_held_up(cold):
                self._let_go()
                return False
        await self._attempt()
        return True

    def _is_held_up(self, cold: ColdStart | None) -> bool:
        """Whether others have learnt, while this one queued, that it is to wait once more."""
        return self._host.limit.open_at > self._deadline.now() or self._waking() is not cold

    def _wait_for_slot(self) -> asyncio.Future[None]:
        self._place = self._transport.slots.wait()
        return self._deadline.until(self._place, idle=False)

    async def _attempt(self) -> None:
        """Send, check the status, and read up to the first thing decoded (or to the end)."""
        self._has_slot, self._place = True, None
        self._deadline.heard()
        if self._sending is None:
            self._sending = Sending(
                self._transport, self._request, self._url, self._where, self._deadline
            )
        response = self._response = await self._sending.send()
        epoch = time.time()
        retry_after = parse_retry_after(response.headers, epoch)
        self._host.limit.learn(
            response.headers, retry_after=retry_after, now=self._deadline.now(), epoch=epoch
        )
        answer = self._answer = Answer(
            response,
            self._new_decoder(),
            self._request.max_answer or MAX_ANSWER,
            self._deadline,
            self._where,
        )
        if response.status >= 300:
            raise error_for_status(
                response.status,
                headers=response.headers,
                body=await answer.excerpt(),
                where=self._where,
                retry_after=retry_after,
            )
        self._first = await answer.more()
        if self._request.whole:
            while more := await answer.more():
                self._first += more
            self._let_go()
        else:
            response.content.on_eof(self._give_slot_back)

    async def _sleep(self, seconds: float) -> None:
        with self._transport.one_more_waiting():
            await asyncio.sleep(seconds)

    def _let_go(self) -> None:
        """Give back what the attempt holds: the text so far, the connection, the slot."""
        if self._answer is not None:
            self._answer.close()
        if self._response is not None:
            self._response.close()  # a no-op where the body was read to its end
        self._give_slot_back()

    def _give_slot_back(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self._transport.slots.give_back()
        elif self._place is not None:
            self._transport.slots.leave(self._place)
            self._place = None

    def _close(self) -> None:
        self._failures = ()  # their tracebacks lead back here
        self._transport.active.discard(self)
        self._deadline.end()
        self._let_go()

    def abandon(self) -> None:
        """Mark the answer as closed, where no loop is left to close it with."""
        if self._response is not None:
            if self._response.connection is not None:
                self._response.connection.close()
            self._response.close()
