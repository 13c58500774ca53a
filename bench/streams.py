"""Many answers at once through a gateway: first bytes, memory of each, and what is left.

    python bench/streams.py [STREAMS]

A real ``dynaspark serve`` in a process of its own stands between the clients and an upstream that
sends a first piece and then waits; both of those live in this process. The memory is the growth of
the server's resident set from idle to all streams open, divided by their number, and holds both
sides of each stream: the client's connection and the upstream's.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
FIRST = b'{"response": "first'
FORM = b"user_input=hello"
REQUEST = (
    b"POST /generate_response HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
) % (len(FORM), FORM)


class Upstream:
    """Sends the first piece of an answer to everybody, and counts who is there."""

    def __init__(self) -> None:
        self.here = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.here += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + b"%x\r\n%s\r\n" % (len(FIRST), FIRST))
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            self.here -= 1
            writer.close()


async def begin(port: int) -> tuple[float, asyncio.StreamWriter]:
    """Ask, and read the first piece; gives the seconds that took."""
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    await reader.readuntil(b"first")
    return time.perf_counter() - started, writer


async def health(port: int) -> float:
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b" 200 " in await reader.readline()
    writer.close()
    return time.perf_counter() - started


def resident(pid: int) -> int:
    """Bytes of a process's resident set."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def main(streams: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    upstream = Upstream()
    listener = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=4096)
    far = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiodynaspark", "serve", "--port", "0", "--model", "far=dynaspark"),
        *("--max-requests", str(streams), "--drain", "0"),
        env={**os.environ, "DYNASPARK_URL": far},
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stderr is not None
    port = int((await server.stderr.readline()).split(b" at ")[1].split()[0].rpartition(b":")[2])
    reading = asyncio.create_task(server.stderr.read())
    _, warm = await begin(port)
    warm.close()
    await asyncio.sleep(1)
    idle_memory, idle_descriptors = resident(server.pid), descriptors(server.pid)

    started = time.perf_counter()
    opened = await asyncio.gather(*(begin(port) for _ in range(streams)))
    took = time.perf_counter() - started
    waits = sorted(seconds for seconds, _ in opened)
    each = (resident(server.pid) - idle_memory) / streams
    print(f"{streams} streams: all have their first byte after {took:.1f} s")
    print(f"first byte: median {waits[streams // 2]:.2f} s, last {waits[-1]:.2f} s")
    print(f"memory: {each / 1024:.1f} KiB a stream; upstream calls: {upstream.here}")
    print(f"another request meanwhile: {await health(port) * 1000:.0f} ms")

    for _, writer in opened:
        writer.close()
    started = time.perf_counter()
    while upstream.here or descriptors(server.pid) > idle_descriptors:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    print(f"everything let go of {time.perf_counter() - started:.2f} s after the clients left")
    server.terminate()
    await reading
    print(f"exit code: {await server.wait()}")
    listener.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
