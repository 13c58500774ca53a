"""A client's connection whose small writes leave together with the others of their turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..transport.corked import Cork

WRITE_BUFFER = 32 * 1024
"""Bytes of an answer that may wait for a client; then its model waits, too."""


class CorkedTransport(asyncio.Transport):
    """A connection as asyncio has it, but for the time at which small writes leave.

    Args:
        transport: the connection.
        cork: of its loop.
    """

    __slots__ = ("_cork", "_transport")

    def __init__(self, transport: asyncio.Transport, cork: Cork) -> None:
        self._transport = transport
        self._cork = cork

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data at the end of this turn of the loop; as much as may wait at all, now."""
        if len(data) < WRITE_BUFFER:
            self._cork.write(self._transport, bytes(data))
        else:
            self.write_now(data)

    def write_now(self, data: bytes | bytearray | memoryview) -> None:
        """Send what is held back, and data after it."""
        self._cork.release()
        self._transport.write(data)

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send pieces as one."""
        self.write(b"".join(pieces))

    def write_eof(self) -> None:
        """Send what is held back, and no more."""
        self._cork.release()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Whether the connection's two halves close apart."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """Send what is held back, and close the connection when it has left."""
        self._cork.release()
        self._transport.close()

    def abort(self) -> None:
        """Close the connection now, and send nothing of what is held back."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the system did not take yet, once nothing is held back."""
        self._cork.release()
        return self._transport.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The two sizes between which the writer is paused and resumed."""
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set those two."""
        self._transport.set_write_buffer_limits(high, low)

    def is_reading(self) -> bool:
        """Whether data is read as it arrives."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """Leave what arrives with the system."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection, such as its ``peername``."""
        return self._transport.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom data is read for."""
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Read for another one."""
        self._transport.set_protocol(protocol)
