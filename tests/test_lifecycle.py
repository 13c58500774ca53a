"""However a caller ends: no socket is left, and no warning. Each case runs in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PREAMBLE = """
import asyncio, gc, logging, os, sys
from contextlib import suppress
from upstream import answer, hold, pieces, upstream
from aiodynaspark import Dynaspark

# A busy machine makes any step slow; that one was is no fault.
logging.getLogger("asyncio").addFilter(lambda record: "took" not in record.msg)

HELLO = [{"role": "user", "content": "hello"}]

def sockets():
    gc.collect()
    fds = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
    return sum(os.path.exists(fd) is False and os.readlink(fd).startswith("socket:")
               for fd in fds if os.path.islink(fd))

def endless():
    return pieces([b'{"response": "a', b"b"], asyncio.Event())

async def ask(server):
    return await Dynaspark.create_async("", HELLO, url=server.url)
"""

CASES = {
    "three runs": """
        async def main():
            async with upstream(answer()) as server:
                assert await ask(server) == "hello"
        for _ in range(3):
            asyncio.run(main())
    """,
    "a break out of the loop": """
        async def main():
            async with upstream(endless()) as server:
                async for piece in Dynaspark.create_async_generator("", HELLO, url=server.url):
                    break
        asyncio.run(main())
    """,
    "a cancelled task": """
        async def main():
            async with upstream(hold()) as server:
                task = asyncio.create_task(ask(server))
                while not server.seen:
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                from aiodynaspark.transport import current
                assert "0 active" in repr(await current()), await current()
        asyncio.run(main())
    """,
    "a crash in the caller": """
        async def main():
            async with upstream(endless()) as server:
                async for piece in Dynaspark.create_async_generator("", HELLO, url=server.url):
                    raise ZeroDivisionError
        with suppress(ZeroDivisionError):
            asyncio.run(main())
    """,
    "a loop closed by hand": """
        async def main():
            async with upstream(answer()) as server:
                assert await ask(server) == "hello"
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
    """,
    "a loop closed by hand in mid-answer": """
        async def main():
            server = upstream(endless())
            up = await server.__aenter__()
            answer = Dynaspark.create_async_generator("", HELLO, url=up.url)
            await anext(answer)
            await server.__aexit__(None, None, None)
            return answer
        loop = asyncio.new_event_loop()
        answer = loop.run_until_complete(main())
        loop.close()
    """,
    "a server that stays while the loop is closed by hand": """
        import threading
        ready, done = threading.Event(), threading.Event()
        async def serve():
            global url
            async with upstream(answer()) as server:
                url = server.url
                ready.set()
                while not done.is_set():
                    await asyncio.sleep(0.01)
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        ready.wait()
        before = sockets()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(Dynaspark.create_async("", HELLO, url=url))
        loop.close()
        del loop
        mine = sockets() - before
        done.set()
        thread.join()
        assert mine <= 1, mine  # the server's own end, until it notices
    """,
    "a server that stays while the loop ends": """
        import threading
        ready, done = threading.Event(), threading.Event()
        async def serve():
            global url
            async with upstream(answer()) as server:
                url = server.url
                ready.set()
                await asyncio.to_thread(done.wait)
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        ready.wait()
        assert asyncio.run(Dynaspark.create_async("", HELLO, url=url)) == "hello"
        assert "".join(Dynaspark.create_completion("", HELLO, url=url)) == "hello"
        from aiodynaspark import _portal
        _portal._portal.stop()
        done.set()
        thread.join()
    """,
    "never iterated": """
        async def main():
            Dynaspark.create_async_generator("", HELLO)
            Dynaspark.create_async_generator("", HELLO, proxy="http://your-proxy-server:8080")
            Dynaspark.create_async_generator("", HELLO, media=[(b"png", "image.png")])
        asyncio.run(main())
    """,
    "synchronous, inside and outside of a loop": """
        async def main():
            async with upstream(answer(), ) as server:
                def talk():
                    pieces = Dynaspark.create_completion("", HELLO, url=server.url)
                    return "".join(piece for piece in pieces if isinstance(piece, str))
                assert await asyncio.to_thread(talk) == "hello"
                talks = [asyncio.to_thread(talk) for _ in range(5)]
                assert await asyncio.gather(*talks) == ["hello"] * 5
        asyncio.run(main())
    """,
    "synchronous, left in the middle": """
        async def main():
            async with upstream(endless()) as server:
                def talk():
                    for piece in Dynaspark.create_completion("", HELLO, url=server.url):
                        return piece
                assert await asyncio.to_thread(talk) == "a"
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_left_behind(case: str) -> None:
    code = PREAMBLE + textwrap.dedent(CASES[case]) + "\nassert sockets() == 0, sockets()\n"
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parent,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
