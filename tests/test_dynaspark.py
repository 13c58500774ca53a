"""The provider against a real server: the form, the headers, the stream, the errors."""

from __future__ import annotations

import asyncio
import email.parser
import email.policy
import json
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from upstream import Seen, answer, hold, pieces, raw_server, upstream

from aiodynaspark import (
    ConnectError,
    Dynaspark,
    Facts,
    Loss,
    Notice,
    RateLimitError,
    ResponseError,
    ServedBy,
    StreamError,
    TransportTimeout,
    UnsupportedMedia,
    UpstreamError,
    UsageError,
    raise_for_status,
)
from aiodynaspark.transport import Transport, current

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


async def whole(**kwargs: object) -> str:
    return await Dynaspark.create_async("", HELLO, **kwargs)


async def collect(**kwargs: object) -> list[object]:
    return [chunk async for chunk in Dynaspark.create_async_generator("", HELLO, **kwargs)]  # type: ignore[arg-type]


def parts_of(seen: Seen) -> list[tuple[str, str | None, str, bytes]]:
    """A multipart body as (name, file name, type, content), read by the standard library."""
    head = f"Content-Type: {seen.header('content-type')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + seen.body)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


class TestTheClass:
    def test_has_the_documented_attributes(self) -> None:
        assert Dynaspark.url == "http://127.0.0.1:8317"
        assert Dynaspark.login_url is None
        assert Dynaspark.api_endpoint == "http://127.0.0.1:8317/generate_response"
        assert (Dynaspark.working, Dynaspark.needs_auth, Dynaspark.use_nodriver) == (
            True,
            False,
            True,
        )
        assert Dynaspark.supports_stream is True
        assert Dynaspark.supports_system_message is False
        assert Dynaspark.supports_message_history is False
        assert Dynaspark.default_model == Dynaspark.default_vision_model == "gemini-1.5-flash"
        assert Dynaspark.models is Dynaspark.vision_models
        assert Dynaspark.models == [
            "gemini-1.5-flash",
            "gemini-1.5-flash-8b",
            "gemini-2.0-flash",
            "gemini-2.0-flash-lite",
        ]
        assert Dynaspark.model_aliases == {
            "gemini-1.5-flash": "gemini-1.5-flash-8b",
            "gemini-2.0-flash": "gemini-2.0-flash-lite",
        }

    def test_resolves_names(self) -> None:
        assert Dynaspark.get_model("") == Dynaspark.get_model("auto") == "gemini-1.5-flash"
        assert Dynaspark.get_model("gemini-2.0-flash") == "gemini-2.0-flash-lite"
        assert Dynaspark.get_model("gemini-2.0-flash-lite") == "gemini-2.0-flash-lite"
        assert Dynaspark.get_model("whatever") == "whatever"
        assert Dynaspark.get_models() == Dynaspark.models

    def test_reads_its_url_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DYNASPARK_URL", "http://example.test:1/")
        assert Dynaspark.url == "http://example.test:1"
        assert Dynaspark.api_endpoint == "http://example.test:1/generate_response"

    async def test_an_assigned_endpoint_is_obeyed(self) -> None:
        class Mine(Dynaspark):
            pass

        async with upstream(answer()) as server:
            Mine.api_endpoint = f"{server.url}/elsewhere"  # type: ignore[assignment]
            assert await Mine.create_async("", HELLO) == "hello"
            Mine.url = server.url  # type: ignore[assignment]
            del Mine.api_endpoint
            assert await Mine.create_async("", HELLO) == "hello"
            assert [seen.path for seen in server.seen] == ["/elsewhere", "/generate_response"]


class TestTheForm:
    async def test_is_urlencoded_without_a_picture(self) -> None:
        async with upstream(answer()) as server:
            text = "a b&c=d+é\U0001f600\n%"
            await Dynaspark.create_async(
                "some model", [{"role": "user", "content": text}], url=server.url
            )
            seen = server.seen[0]
        assert seen.path == "/generate_response"
        assert seen.header("content-type") == "application/x-www-form-urlencoded"
        fields = urllib.parse.parse_qsl(seen.body.decode("ascii"), strict_parsing=True)
        assert fields == [("user_input", text), ("ai_model", "some model")]

    async def test_is_multipart_with_one(self) -> None:
        async with upstream(answer()) as server:
            await whole(
                url=server.url, media=[(PNG, "image.png"), (PNG, "dropped.png")], form={"x": "1"}
            )
            seen = server.seen[0]
        assert parts_of(seen) == [
            ("user_input", None, "text/plain", b"hello"),
            ("ai_model", None, "text/plain", b"gemini-1.5-flash"),
            ("x", None, "text/plain", b"1"),
            ("file", "image.png", "image/png", PNG),
        ]
        assert seen.header("content-length") == str(len(seen.body))

    @pytest.mark.parametrize(
        ("name", "sent"),
        [
            ("a/b\\c.png", b'filename="c.png"'),
            ('q"u\r\no\0te.png', b'filename="q%22u%0D%0Ao%00te.png"'),
            ("имя.png", 'filename="имя.png"'.encode()),
            (None, b'filename="image.png"'),
            ("", b'filename="image.png"'),
        ],
    )
    async def test_carries_any_file_name(self, name: str | None, sent: bytes) -> None:
        async with upstream(answer()) as server:
            await whole(url=server.url, media=[(PNG, name)])
            assert sent in server.seen[0].body

    async def test_takes_pictures_from_anywhere(self, tmp_path: Path) -> None:
        path = tmp_path / "picture.png"
        path.write_bytes(PNG)
        with path.open("rb") as file:
            sources = [PNG, bytearray(PNG), memoryview(PNG), path, str(path), file]
            async with upstream(answer()) as server:
                for source in sources:
                    await whole(url=server.url, media=[source])
                assert [parts_of(seen)[2][3] for seen in server.seen] == [PNG] * len(sources)

    async def test_takes_pictures_out_of_messages(self) -> None:
        from aiodynaspark import to_data_uri

        content = [
            {"type": "text", "text": "what is this"},
            {"type": "image_url", "image_url": {"url": to_data_uri(PNG)}},
        ]
        async with upstream(answer()) as server:
            await Dynaspark.create_async("", [{"role": "user", "content": content}], url=server.url)
            parts = parts_of(server.seen[0])
        assert (parts[0][3], parts[2][3]) == (b"what is this", PNG)

    async def test_says_who_it_is(self) -> None:
        async with upstream(answer()) as server:
            await whole(url=server.url)
            await whole(url=server.url, headers={"User-Agent": "mine", "X-Extra": "1"}, api_key="k")
            first, second = server.seen
        origin = server.url
        assert {name: first.header(name) for name in first.headers} | {
            "accept": "*/*",
            "accept-language": "en-US,en;q=0.9",
            "origin": origin,
            "referer": f"{origin}/",
            "x-requested-with": "XMLHttpRequest",
        } == first.headers
        assert (first.header("user-agent") or "").startswith(
            "Mozilla/5.0 (compatible; aiodynaspark/"
        )
        assert second.header("user-agent") == "mine"
        assert second.header("x-extra") == "1"
        assert second.header("authorization") == "Bearer k"

    @pytest.mark.parametrize(
        "framing", [{"Content-Length": "3"}, {"Transfer-Encoding": "chunked"}], ids=str
    )
    async def test_frames_its_body_itself(self, framing: dict[str, str]) -> None:
        async with upstream(answer()) as server:
            for _ in range(2):
                await whole(url=server.url, headers=framing)
            for seen in server.seen:
                assert seen.header("transfer-encoding") is None
                assert seen.header("content-length") == str(len(seen.body))

    async def test_goes_where_the_caller_says(self) -> None:
        async with upstream(answer()) as server:
            await whole(url=server.url + "/base/")
            await whole(url="http://127.0.0.1:1", api_endpoint=f"{server.url}/api/ask")
            assert [seen.path for seen in server.seen] == ["/base/generate_response", "/api/ask"]
            assert server.seen[1].header("origin") == server.url


class TestTheAnswer:
    async def test_arrives_while_the_server_still_holds_the_rest(self) -> None:
        gate = asyncio.Event()
        async with upstream(pieces([b'{"response": "first, ', b'second"}'], gate)) as server:
            heard = []
            async for piece in Dynaspark.create_async_generator("", HELLO, url=server.url):
                heard.append(piece)
                gate.set()
        assert heard == ["first, ", "second"]

    async def test_comes_whole_on_demand(self) -> None:
        async with upstream(pieces([b'{"response": "first, ', b'second"}'])) as server:
            assert await collect(url=server.url, stream=False) == ["first, second"]

    async def test_has_what_our_server_says_beside_it(self) -> None:
        facts = {"content_type": "image/png", "width": 2, "height": 1, "size": 9, "text": ["a"]}
        body = {"facts": facts, "response": "hi", "model": "m", "notices": ["n"], "other": 1}
        async with upstream(answer(json.dumps(body))) as server:
            assert await collect(url=server.url) == [
                Facts("image/png", 2, 1, 9, text=("a",)),
                "hi",
                ServedBy("m"),
                Notice("n"),
            ]

    async def test_ignores_members_of_that_name_that_are_not_ours(self) -> None:
        body = {"facts": {"width": "wide"}, "model": 7, "notices": 1, "response": "hi"}
        async with upstream(answer(json.dumps(body))) as server:
            assert await collect(url=server.url) == ["hi"]

    @pytest.mark.parametrize("cut", range(len('{"response": "h\\u00e9llo"}')))
    async def test_cut_at_any_byte_is_an_error_with_the_text_so_far(self, cut: int) -> None:
        body = b'{"response": "h\\u00e9llo"}'
        text = "héllo"
        async with upstream(pieces([body[:cut]], cut=True)) as server:
            heard = []
            with pytest.raises(StreamError) as caught:
                async for piece in Dynaspark.create_async_generator(
                    "", HELLO, url=server.url, retries=0
                ):
                    heard.append(piece)
        assert text.startswith(caught.value.partial)
        assert "".join(map(str, heard)) == caught.value.partial

    @pytest.mark.parametrize(
        ("body", "partial", "says"),
        [
            ("<!DOCTYPE html><html></html>", "", "HTML"),
            ("", "", "empty"),
            ('{"error": "out of order"}', "", "out of order"),
            ("null", "", "not a JSON object"),
            ("3", "", "not a JSON object"),
            ("[]", "", "not a JSON object"),
            ('{"response": "a", "response": "b"}', "a", "twice"),
            ('{"response": "a", "error": "late"}', "a", "late"),
            ('{"response": "a"} x', "a", "not valid JSON"),
            ('{"other": 1}', "", 'no "response"'),
            ('{"response": null}', "", "null"),
        ],
    )
    async def test_that_is_none_is_a_stream_error(self, body: str, partial: str, says: str) -> None:
        async with upstream(answer(body)) as server:
            with pytest.raises(StreamError, match=says) as caught:
                await whole(url=server.url, retries=0)
        assert caught.value.partial == partial

    async def test_larger_than_allowed_is_a_stream_error(self) -> None:
        body = b'{"response": "' + b"a" * 100_000 + b'"}'
        async with upstream(answer(body)) as server:
            with pytest.raises(StreamError, match="max_answer"):
                await whole(url=server.url, max_answer=50_000)
            assert len(await whole(url=server.url, max_answer=200_000)) == 100_000

    async def test_in_another_charset_is_utf_8_all_the_same(self) -> None:
        body = b"\xef\xbb\xbf" + '{"response": "é"}'.encode() + b"\n"
        async with upstream(answer(body, content_type="text/html; charset=latin-1")) as server:
            assert await whole(url=server.url) == "é"


class TestBadInput:
    @pytest.mark.parametrize(
        "messages",
        [[], None, "text", [{}], [{"role": "user"}], [{"content": 1}, {"content": 2}], [3]],
    )
    async def test_malformed_messages_are_a_usage_error(self, messages: object) -> None:
        with pytest.raises(UsageError, match="messages"):
            await Dynaspark.create_async("", messages)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "url", ["127.0.0.1:8317", "ftp://127.0.0.1", "http://", "http://[::1", "nonsense"]
    )
    async def test_a_url_that_is_none_is_a_usage_error(self, url: str) -> None:
        with pytest.raises(UsageError, match="http://HOST:PORT"):
            await whole(url=url)

    async def test_nobody_listening_says_what_to_do(self) -> None:
        async with upstream(answer()) as server:
            pass
        with pytest.raises(ConnectError) as caught:
            await whole(url=server.url, retries=0)
        assert str(caught.value) == (
            f"No Dynaspark server answers at {server.url}: start one with `dynaspark serve`, "
            "or set DYNASPARK_URL."
        )

    async def test_what_is_no_picture_is_refused_before_a_request(self) -> None:
        async with upstream(answer()) as server:
            with pytest.raises(UnsupportedMedia):
                await whole(url=server.url, media=[(b"GIF8", "x.gif")])
            with pytest.raises(ValueError, match="no-such"):
                await whole(url=server.url, media=["no-such-file.png"])
            assert server.seen == []

    @pytest.mark.parametrize(
        "option",
        [
            {"timeout": 0},
            {"timeout": "soon"},
            {"timeout": float("nan")},
            {"retries": -1},
            {"max_answer": 0},
            {"images": "all"},
            {"packing": "tight"},
            {"api_key": 5},
            {"api_endpoint": b"http://127.0.0.1:9"},
            {"headers": "x: y"},
            {"headers": {"x": 5}},
            {"form": {"a": 5}},
            {"form": [("a", "b")]},
        ],
        ids=str,
    )
    async def test_options_out_of_range_are_usage_errors(self, option: dict[str, object]) -> None:
        with pytest.raises(UsageError, match=next(iter(option))):
            await whole(url="http://127.0.0.1:9", **option)

    @pytest.mark.parametrize(
        "header",
        [
            {"x": "a\r\nb: c"},
            {"x": "a\nb"},
            {"x\r\ny": "a"},
            {"x": "a\0"},
            {"x": 1},
            {"x": "\ud800"},
        ],
        ids=repr,
    )
    async def test_a_header_cannot_smuggle_another_one_in(self, header: dict[str, str]) -> None:
        async with upstream(answer()) as server:
            with pytest.raises(UsageError, match="header"):
                await whole(url=server.url, headers=header)
            with pytest.raises(UsageError, match="header"):
                await whole(url=server.url, headers=header, media=[(PNG, "x.png")])
            assert server.seen == []

    async def test_a_status_is_an_error_that_never_shows_html(self) -> None:
        page = "<html><body>secret page</body></html>"
        async with upstream(answer(page, status=404)) as server:
            with pytest.raises(ResponseError) as caught:
                await whole(url=server.url)
        assert caught.value.status == 404
        assert "html" not in str(caught.value)
        assert b"secret" in caught.value.body

    async def test_the_deadline_is_one_over_everything(self) -> None:
        async with upstream(hold()) as server:
            with pytest.raises(TransportTimeout, match=r"0.2 s"):
                await whole(url=server.url, timeout=0.2)
            assert len(server.seen) == 1


async def test_a_foreign_response_raises_what_its_status_stands_for() -> None:
    async with upstream(answer("slow down", status=429, Retry_After="3")) as server:
        async with aiohttp.ClientSession() as session, session.get(server.url) as response:
            with pytest.raises(RateLimitError) as caught:
                await raise_for_status(response)
    assert (caught.value.status, caught.value.retry_after) == (429, 3)


async def test_a_response_without_headers_or_body_does_too() -> None:
    with pytest.raises(UpstreamError, match="503"):
        await raise_for_status(SimpleNamespace(status=503))
    with pytest.raises(ResponseError, match="no such page"):
        body = b'{"error": "no such page"}'
        await raise_for_status(SimpleNamespace(status_code=404, content=body))


class TestLosses:
    async def test_are_reported(self) -> None:
        lost: list[Loss] = []
        chat = [{"role": "system", "content": "s"}, *HELLO]
        async with upstream(answer()) as server:
            await Dynaspark.create_async(
                "",
                chat,
                url=server.url,
                media=[(PNG, "a.png"), (PNG, "b.png")],
                temperature=0.5,
                losses=lost.extend,
            )
        assert [(loss.kind, loss.name) for loss in lost] == [
            ("roles", "system"),
            ("roles", "user"),
            ("media", "b.png"),
            ("option", "temperature"),
        ]

    async def test_are_errors_where_none_are_wanted(self) -> None:
        with pytest.raises(UsageError, match="temperature"):
            await whole(temperature=0.5, strict=True)

    async def test_several_pictures_can_be_refused(self) -> None:
        with pytest.raises(UsageError, match="carries one picture"):
            await whole(media=[PNG, PNG], images="error")


class TestTheWholeCall:
    async def test_six_calls_share_one_connection(self) -> None:
        async with upstream(answer()) as server:
            for _ in range(6):
                await whole(url=server.url)
            assert len(server.connections) == 1

    async def test_another_transport_can_be_passed(self) -> None:
        transport = Transport()
        async with upstream(answer()) as server:
            await whole(url=server.url, transport=transport)
            assert "1 idle" in repr(transport)
        await transport.aclose()
        assert transport is not await current()

    async def test_joins_to_one_text_and_iterates_without_await(self) -> None:
        async with upstream(pieces([b'{"response": "a', b'b"}'])) as server:
            url = server.url

            def synchronously() -> str:
                return "".join(
                    piece
                    for piece in Dynaspark.create_completion("", HELLO, url=url)
                    if isinstance(piece, str)
                )

            assert await whole(url=url) == "ab"
            assert await asyncio.to_thread(synchronously) == "ab"

    async def test_a_second_answer_in_one_packet_never_answers_the_next(self) -> None:
        def reply(text: str) -> bytes:
            body = b'{"response": "%s"}' % text.encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

        async with raw_server(reply("first") + reply("smuggled"), reply("second")) as url:
            assert await whole(url=url) == "first"
            assert await whole(url=url) == "second"
