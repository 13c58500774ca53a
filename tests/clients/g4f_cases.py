"""What g4f's own clients do with the provider; run one case: ``python g4f_cases.py NAME``."""

from __future__ import annotations

import asyncio
import io
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from upstream import Handler, Upstream, answer, pieces, upstream

sys.modules["PIL"] = None  # type: ignore[assignment]  # as where Pillow is not installed


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        assert arguments[1][0] in ("127.0.0.1", "::1"), f"a connection to {arguments[1]}"
    if event == "socket.getaddrinfo":
        assert arguments[0] in (None, "127.0.0.1", "::1", "localhost"), f"asked for {arguments[0]}"


sys.addaudithook(_stay_on_loopback)

import g4f  # noqa: E402
import g4f.debug  # noqa: E402
from g4f import ChatCompletion, errors  # noqa: E402
from g4f.client import AsyncClient, Client, ClientFactory  # noqa: E402
from g4f.client.factory import AbstractClientFactory  # noqa: E402
from g4f.Provider import (  # noqa: E402
    IterListProvider,
    ProviderUtils,
    RetryProvider,
    RotatedProvider,
)
from g4f.providers.base_provider import AsyncGeneratorProvider, ProviderModelMixin  # noqa: E402

import aiodynaspark  # noqa: E402
from aiodynaspark.plugins.g4f import Dynaspark, register  # noqa: E402

g4f.debug.version_check = False
# A client without a provider reads this list, which g4f would fetch and keep for a day.
AbstractClientFactory._live_providers = {
    "providers": {"default": {"baseUrl": "http://127.0.0.1:9"}},
    "defaultModels": {},
}

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CHALLENGE = "<!DOCTYPE html><html><title>Just a moment...</title><p>secret page</p></html>"


@contextmanager
def serving(*script: Handler) -> Iterator[Upstream]:
    """A scripted server on a loop and a thread of its own, and the one that the class asks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = upstream(*script)
    server = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
    Dynaspark.api_endpoint = f"{server.url}/generate_response"
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def echo(request: web.Request) -> web.Response:
    """Answer with the prompt."""
    form = parse_qs((await request.read()).decode())
    return web.json_response({"response": form["user_input"][0], "model": form["ai_model"][0]})


class Stalling:
    """Sends the beginning of an answer, and notices when the client leaves."""

    def __init__(self) -> None:
        self.left = threading.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"response": "begun')
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        return response


def said(completion: Any) -> str:
    return str(completion.choices[0].message.content)


def streamed(completion: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in completion)


def failure(call: Callable[[], Any]) -> Any:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def check_it_is_a_g4f_provider() -> None:
    assert issubclass(Dynaspark, AsyncGeneratorProvider)
    assert issubclass(Dynaspark, ProviderModelMixin)
    assert issubclass(Dynaspark, aiodynaspark.Dynaspark)
    assert pickle.loads(pickle.dumps(Dynaspark)) is Dynaspark
    assert Dynaspark.__name__ == Dynaspark.get_parent() == "Dynaspark"
    assert Dynaspark.get_dict() == {
        "name": "Dynaspark",
        "url": "http://127.0.0.1:8317",
        "label": "Dynaspark",
    }
    assert list(Dynaspark.get_parameters()) == ["model", "messages", "media"]
    assert Dynaspark.get_parameters(as_json=True)["model"] == "gemini-1.5-flash"
    assert "media" in Dynaspark.get_params()
    assert Dynaspark.get_models(api_key="unused") == aiodynaspark.Dynaspark.models
    assert Dynaspark.get_model("") == Dynaspark.get_model("auto") == "gemini-1.5-flash"
    assert Dynaspark.get_model("gemini-2.0-flash") == "gemini-2.0-flash-lite"
    assert Dynaspark.get_model("unheard-of") == "unheard-of"
    assert Dynaspark.vision_models == Dynaspark.models
    for empty in ("image_models", "video_models", "audio_models", "models_count", "models_tags"):
        assert not getattr(Dynaspark, empty)
    assert (Dynaspark.live, Dynaspark.login_url, Dynaspark.active_by_default) == (0, None, None)
    assert (Dynaspark.use_stream_timeout, Dynaspark.needs_auth, Dynaspark.working) == (
        True,
        False,
        True,
    )


def check_names_resolve_once_registered() -> None:
    assert isinstance(
        failure(lambda: Client(provider="Dynaspark").chat.completions.create("hi")),
        errors.ProviderNotFoundError,
    )
    assert register() is register() is Dynaspark
    loaded = g4f.Provider.ProviderLoader.from_name
    assert loaded("Dynaspark") is loaded("dynaspark") is Dynaspark
    assert g4f.Provider.Dynaspark is ProviderUtils.get_by_label("dynaspark") is Dynaspark
    assert ClientFactory.create_provider(None, "Dynaspark") is Dynaspark
    assert g4f.Provider.ProviderLoader.names.count("Dynaspark") == 1
    assert dir(g4f.Provider).count("Dynaspark") == 1
    assert "Dynaspark" in ProviderUtils.convert
    assert "Dynaspark" in ProviderUtils.convert.keys()  # noqa: SIM118 - a mapping of its own kind
    with serving(echo) as server:
        asked: list[Callable[[], str]] = [
            lambda: said(Client(provider="Dynaspark").chat.completions.create("hi", "m")),
            lambda: said(Client(provider="dynaspark").chat.completions.create("hi", "m")),
            lambda: said(Client().chat.completions.create("hi", "Dynaspark:m")),
            lambda: said(Client().chat.completions.create("hi", "dynaspark:m")),
            lambda: said(
                ClientFactory.create_client("Dynaspark").chat.completions.create("hi", "m")
            ),
            lambda: ChatCompletion.create("Dynaspark:m", [{"role": "user", "content": "hi"}]),
            lambda: ChatCompletion.create("dynaspark:m", [{"role": "user", "content": "hi"}]),
            lambda: ChatCompletion.create("m", [{"role": "user", "content": "hi"}], "Dynaspark"),
        ]
        assert [ask() for ask in asked] == ["hi"] * len(asked)
        assert {parse_qs(seen.body.decode())["ai_model"][0] for seen in server.seen} == {"m"}


def check_the_listing_of_all_providers_names_it() -> None:
    register()
    names = g4f.Provider.ProviderLoader.names
    names[:] = ["Dynaspark", "Yqcloud"]  # loading all of them would take a minute
    assert g4f.Provider.__providers__[0] is Dynaspark
    assert dict(ProviderUtils.convert.items())["Dynaspark"] is Dynaspark


def check_every_client_gets_the_text() -> None:
    with serving(echo) as server:
        client = Client(provider=Dynaspark)
        assert said(client.chat.completions.create(HELLO)) == "hello"
        assert streamed(client.chat.completions.create(HELLO, stream=True)) == "hello"
        assert client.models.get_all() == Dynaspark.models

        async def asynchronously() -> None:
            client = AsyncClient(provider=Dynaspark)
            assert said(await client.chat.completions.create(HELLO)) == "hello"
            chunks = [chunk async for chunk in client.chat.completions.stream(HELLO)]
            assert streamed(chunks) == "hello"
            assert await ChatCompletion.create_async("m", HELLO, Dynaspark) == "hello"
            assert said(Client(provider=Dynaspark).chat.completions.create(HELLO)) == "hello"

        asyncio.run(asynchronously())
        assert ChatCompletion.create("m", HELLO, Dynaspark) == "hello"
        assert "".join(ChatCompletion.create("m", HELLO, Dynaspark, stream=True)) == "hello"
        elsewhere = Client(provider=Dynaspark, base_url=f"{server.url}/base")
        assert said(elsewhere.chat.completions.create(HELLO)) == "hello"
        assert server.seen[-1].path == "/base/generate_response"


def check_text_arrives_while_the_server_speaks() -> None:
    heard = threading.Event()

    async def speak(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"response": "first ')
        await asyncio.to_thread(heard.wait, 60)
        await response.write(b'second"}')
        return response

    with serving(speak):
        chunks = iter(Client(provider=Dynaspark).chat.completions.create(HELLO, stream=True))
        assert next(chunks).choices[0].delta.content == "first "
        heard.set()
        assert streamed(chunks) == "second"


def check_errors_are_g4f_s_own() -> None:
    json_error = '{"error": "no luck"}'
    cases = [
        (429, json_error, {"retry_after": "7"}, errors.RateLimitError, "Too Many Requests"),
        (402, json_error, {}, errors.RateLimitError, "Payment Required"),
        (504, "<html>gateway</html>", {}, errors.RateLimitError, "Gateway Timeout"),
        (401, json_error, {}, errors.MissingAuthError, "Unauthorized"),
        (403, CHALLENGE, {"content_type": "text/html"}, errors.CloudflareError, "Forbidden"),
        (503, CHALLENGE, {}, errors.CloudflareError, "Service Unavailable"),
        (403, json_error, {"cf_mitigated": "challenge"}, errors.CloudflareError, "Forbidden"),
        (403, json_error, {}, errors.ResponseStatusError, "Forbidden"),
        (400, json_error, {}, errors.ResponseStatusError, "Bad Request"),
        (404, "<html>nothing</html>", {}, errors.ResponseStatusError, "Not Found"),
        (418, json_error, {}, errors.ResponseStatusError, "I'm a Teapot"),
        (500, "<!doctype html><p>oops", {}, errors.ResponseStatusError, "Internal Server Error"),
        (502, json_error, {}, errors.ResponseStatusError, "Bad Gateway"),
        (520, CHALLENGE, {}, errors.CloudflareError, ""),
    ]
    asking = [_ask, _ask_streaming, _ask_asynchronously]
    for (status, body, headers, kind, phrase), ask in product(cases, asking):
        with serving(answer(body, status, **headers)):
            error = failure(ask)
        assert type(error) is kind, (status, error)
        assert f"{status} {phrase}".strip() in str(error), error
        assert "<" not in str(error), error
        assert error.status == error.__cause__.status == status
        assert error.body == body.encode()
        assert error.retry_after == (7 if status == 429 else None)
        assert pickle.loads(pickle.dumps(error)).status == status


def _ask() -> None:
    Client(provider=Dynaspark).chat.completions.create(HELLO, retries=0)


def _ask_streaming() -> None:
    list(Client(provider=Dynaspark).chat.completions.create(HELLO, stream=True, retries=0))


def _ask_asynchronously() -> None:
    async def ask() -> None:
        await AsyncClient(provider=Dynaspark).chat.completions.create(HELLO, retries=0)

    asyncio.run(ask())


def check_what_is_no_status_keeps_its_kind() -> None:
    with serving(pieces([b'{"response": "so far'], cut=True)):
        error = failure(_ask_streaming)
        assert (type(error), error.partial) == (errors.ResponseError, "so far")
    with serving(answer("<html>please wait</html>")):
        assert type(failure(_ask)) is errors.ResponseError
    with serving(answer()) as server:
        not_a_picture = failure(
            lambda: Client(provider=Dynaspark).chat.completions.create(HELLO, image=b"%PDF-1.7")
        )
        assert isinstance(not_a_picture, ValueError)
        assert not server.seen
    assert isinstance(failure(_ask), aiodynaspark.ConnectError)  # nobody listens there any more


def check_live_is_counted() -> None:
    with serving(echo, answer("{}", 500), echo, answer("{}", 500), echo, answer("{}", 429)):
        client = Client(provider=Dynaspark)
        client.chat.completions.create(HELLO)
        assert Dynaspark.live == 1
        failure(_ask)
        assert Dynaspark.live == 0
        list(client.chat.completions.create(HELLO, stream=True))
        assert Dynaspark.live == 1
        failure(_ask_asynchronously)
        assert Dynaspark.live == 0
        asyncio.run(_ask_through(RotatedProvider([Dynaspark])))
        assert Dynaspark.live > 0
    assert g4f.providers.base_provider.AsyncGeneratorProvider.live == 0


async def _ask_through(provider: Any) -> str:
    client = AsyncClient(provider=provider)
    return said(await client.chat.completions.create(HELLO, retries=0))


def check_providers_made_of_providers() -> None:
    class Broken(Dynaspark):
        """Asks nobody."""

    for combined in (IterListProvider, RetryProvider, RotatedProvider):
        with serving(echo):
            Broken.api_endpoint = "http://127.0.0.1:9/generate_response"
            combination = combined([Broken, Dynaspark], shuffle=False)
            assert asyncio.run(_ask_through(combination)) == "hello"
            assert combination.last_provider is Dynaspark
            combination = combined([Broken, Dynaspark], shuffle=False)
            assert said(Client(provider=combination).chat.completions.create(HELLO)) == "hello"
    with serving(answer("{}", 500), echo):
        patient = RetryProvider([Dynaspark], single_provider_retry=True, max_retries=2)
        assert asyncio.run(_ask_through(patient)) == "hello"


def check_stream_timeouts() -> None:
    async def wait() -> None:
        client = AsyncClient(provider=Dynaspark)
        async for _ in client.chat.completions.stream(HELLO, stream_timeout=0.05):
            pass

    def wait_without_await() -> None:
        stream = Client(provider=Dynaspark).chat.completions.stream
        list(stream(HELLO, stream_timeout=0.05))

    def wait_in_all() -> None:
        Client(provider=Dynaspark).chat.completions.create(HELLO, timeout=0.05, retries=0)

    for call in (lambda: asyncio.run(wait()), wait_without_await, wait_in_all):
        stalling = Stalling()
        with serving(stalling):
            assert isinstance(failure(call), TimeoutError)
            assert stalling.left.wait(60)
    with serving(echo):
        asked = Client(provider=Dynaspark).chat.completions.create(HELLO, timeout=0)
        assert said(asked) == "hello"


def check_who_leaves_closes_the_connection() -> None:
    async def cancel() -> None:
        client = AsyncClient(provider=Dynaspark)
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in client.chat.completions.stream(HELLO):
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        assert isinstance(
            (await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError
        )
        assert await asyncio.to_thread(stalling.left.wait, 60)

    async def leave() -> None:
        stream = AsyncClient(provider=Dynaspark).chat.completions.stream(HELLO)
        async for _ in stream:
            break
        await stream.aclose()
        assert await asyncio.to_thread(stalling.left.wait, 60)

    def leave_without_await() -> None:
        with closing(Client(provider=Dynaspark).chat.completions.stream(HELLO)) as stream:
            next(stream)

    for call in (lambda: asyncio.run(cancel()), lambda: asyncio.run(leave()), leave_without_await):
        stalling = Stalling()
        with serving(stalling):
            call()
            assert stalling.left.wait(60)


def check_threads_and_repeated_loops() -> None:
    with serving(echo):
        for _ in range(3):
            assert asyncio.run(_ask_through(Dynaspark)) == "hello"
        with ThreadPoolExecutor(8) as threads:
            asked = threads.map(
                lambda number: said(
                    Client(provider=Dynaspark).chat.completions.create(f"number {number}")
                ),
                range(24),
            )
            assert list(asked) == [f"number {number}" for number in range(24)]
        with ThreadPoolExecutor(8) as threads:
            looped = threads.map(lambda _: asyncio.run(_ask_through(Dynaspark)), range(8))
            assert list(looped) == ["hello"] * 8


def check_forty_at_once() -> None:
    async def ask() -> list[str]:
        client = AsyncClient(provider=Dynaspark)
        asked = [client.chat.completions.create(f"number {number}") for number in range(40)]
        return [said(completion) for completion in await asyncio.gather(*asked)]

    with serving(echo):
        assert asyncio.run(ask()) == [f"number {number}" for number in range(40)]


def check_six_calls_in_a_row_take_one_connection() -> None:
    async def ask() -> None:
        client = AsyncClient(provider=Dynaspark)
        for _ in range(3):
            await client.chat.completions.create(HELLO)
            assert [chunk async for chunk in client.chat.completions.stream(HELLO)]

    with serving(echo) as server:
        asyncio.run(ask())
        assert (len(server.seen), len(server.connections)) == (6, 1)
    with serving(echo) as server:
        for _ in range(3):
            Client(provider=Dynaspark).chat.completions.create(HELLO)
            list(Client(provider=Dynaspark).chat.completions.stream(HELLO))
        assert (len(server.seen), len(server.connections)) == (6, 1)


def check_pictures_and_their_names() -> None:
    client = Client(provider=Dynaspark)
    directory = Path(tempfile.mkdtemp())
    path = directory / "on disk.png"
    path.write_bytes(PNG)
    named = io.BytesIO(PNG)
    named.name = "/somewhere/named.png"
    with serving(answer()) as server, tempfile.TemporaryFile() as nameless:
        nameless.write(PNG)
        for sent, expected in [
            ({"image": PNG, "image_name": 'a "quoted" name.png'}, "a %22quoted%22 name.png"),
            ({"image": PNG, "image_name": "two\r\nlines.png"}, "two%0D%0Alines.png"),
            ({"image": PNG, "image_name": "/etc/../secret/cat.png"}, "cat.png"),
            ({"image": PNG, "image_name": "C:\\cats\\кот.png"}, "кот.png"),
            ({"image": PNG}, "image.png"),
            ({"image": path}, "on disk.png"),
            ({"image": named}, "named.png"),
            ({"image": io.BytesIO(PNG)}, "image.png"),
            ({"image": nameless}, "image.png"),
            ({"media": [(path, None)]}, "image.png"),
            ({"media": [path]}, "on disk.png"),
            ({"images": [(PNG, "one.png"), (PNG, "two.png")]}, "one.png"),
        ]:
            assert said(client.chat.completions.create(HELLO, **sent)) == "hello"
            body = server.seen[-1].body
            assert f'filename="{expected}"'.encode() in body, body
            assert body.count(PNG) == 1
            assert b"Content-Type: image/png" in body or b"content-type: image/png" in body.lower()
    assert sys.modules["PIL"] is None


def check_keys() -> None:
    with serving(answer()) as server:
        Client(provider=Dynaspark, api_key="mine").chat.completions.create(HELLO)
        Client(provider=Dynaspark, api_key={"Dynaspark": "its"}).chat.completions.create(HELLO)
        Client(provider=Dynaspark, api_key={"Other": "no"}).chat.completions.create(HELLO)
        sent = [seen.header("authorization") for seen in server.seen]
        assert sent == ["Bearer mine", "Bearer its", None]


def check_its_api_server_answers() -> None:
    register()
    from fastapi.testclient import TestClient
    from g4f.api import create_app

    g4f.Provider.ProviderLoader.names[:] = ["Dynaspark"]
    client = TestClient(create_app())
    (listed,) = client.get("/v1/providers").json()
    assert (listed["id"], listed["label"]) == ("Dynaspark", "Dynaspark")
    assert client.get("/v1/providers/Dynaspark").json()["params"] == ["model", "messages", "media"]
    models = client.get("/api/Dynaspark/models").json()["data"]
    assert [model["id"] for model in models] == Dynaspark.models
    assert all(model["vision"] and not model["image"] for model in models)
    for asked in ({"model": "Dynaspark:m"}, {"model": "m", "provider": "Dynaspark"}):
        with serving(echo) as server:
            body = {**asked, "messages": HELLO}
            answered = client.post("/v1/chat/completions", json=body).json()
            assert answered["choices"][0]["message"]["content"] == "hello"
            streamed = client.post("/v1/chat/completions", json={**body, "stream": True})
            assert '"content":"hello"' in streamed.text
            assert all(b"ai_model=m" in seen.body for seen in server.seen)
    with serving(answer("{}", 401)):
        refused = client.post("/v1/chat/completions", json={**body, "stream": False})
        assert refused.status_code == 401, refused.text


if __name__ == "__main__":
    globals()[sys.argv[1]]()
