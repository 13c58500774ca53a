"""Proxies: which one is picked (pure), and going through real ones."""

from __future__ import annotations

import gc
import logging
import traceback
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proxies import http_proxy, socks_proxy
from upstream import answer, upstream

from aiodynaspark import Dynaspark
from aiodynaspark._proxy import Proxy, from_environment, parse
from aiodynaspark._url import without_credentials
from aiodynaspark.errors import ConnectError, DynasparkError, UsageError
from aiodynaspark.transport import Transport

HELLO = [{"role": "user", "content": "hello"}]
PROXY = "http://proxy.example:3128"
SECRET = "s3cr3t"
WRONG = f"me:{SECRET}@"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://p:8080", Proxy("http", "p", 8080)),
        ("HTTP://p", Proxy("http", "p", 80)),
        ("https://p", Proxy("https", "p", 443)),
        ("socks5://p", Proxy("socks5", "p", 1080)),
        ("socks5h://[::1]:9", Proxy("socks5h", "::1", 9)),
        ("http://me:p%40ss@p:1", Proxy("http", "p", 1, "me", "p@ss")),
        ("http://me@p:1", Proxy("http", "p", 1, "me")),
    ],
)
def test_addresses_of_proxies(url: str, proxy: Proxy) -> None:
    assert parse(url) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "",
        "p:8080",
        "127.0.0.1:8080",
        "//p",
        "ftp://p",
        "http://",
        "http://p:0",
        "http://p:x",
        "http://p..example",
        f"socks5://{'p' * 64}",
        5,
    ],
)
def test_an_address_without_scheme_or_host_is_refused(url: Any) -> None:
    with pytest.raises(UsageError, match="with scheme and host"):
        parse(url)


def test_credentials_are_kept_apart() -> None:
    proxy = parse("http://me:secret@[::1]:8080")
    assert proxy.url == "http://[::1]:8080"
    assert proxy.authorization == "Basic bWU6c2VjcmV0"
    assert "secret" not in repr(proxy)
    assert parse("http://p").authorization is None
    with pytest.raises(UsageError) as caught:
        parse("htp://me:secret@p")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@host/path@x", "http://host/path@x"),
        ("http://host", "http://host"),
        ("nonsense", "nonsense"),
        ("http://me:s@cret@host", "http://host"),
    ],
)
def test_urls_as_they_are_shown(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def picked(host: str, scheme: str = "https", port: int = 443, **environment: str) -> str | None:
    proxy = from_environment(scheme, host, port, environment)
    return proxy.url if proxy else None


def test_which_variable_counts() -> None:
    assert picked("a.example") is None
    assert picked("a.example", https_proxy=PROXY) == PROXY
    assert picked("a.example", http_proxy=PROXY) is None
    assert picked("a.example", "http", 80, http_proxy=PROXY) == PROXY
    assert picked("a.example", all_proxy=PROXY) == PROXY
    assert picked("a.example", all_proxy="http://x", https_proxy=PROXY) == PROXY
    assert picked("a.example", https_proxy="proxy.example:3128") == PROXY


@pytest.mark.parametrize(
    ("host", "no_proxy", "exempt"),
    [
        ("a.example", "*", True),
        ("a.example", "example", True),
        ("a.example", ".example", True),
        ("a.example", "*.example", True),
        ("a.example", "a.example:443", True),
        ("a.example", "a.example:80", False),
        ("a.example", "b.example, a.example", True),
        ("a.example", "ample", False),
        ("a.example", "", False),
        ("a.example", ",,", False),
        ("a.example", "10.0.0.0/8", False),
        ("A.Example", "a.EXAMPLE", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.4/31", False),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("2001:db9::1", "2001:db8::/32", False),
    ],
)
def test_no_proxy(host: str, no_proxy: str, exempt: bool) -> None:
    assert (picked(host, all_proxy=PROXY, no_proxy=no_proxy) is None) == exempt


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"],
)
def test_the_environment_never_applies_to_this_machine(host: str) -> None:
    assert picked(host, all_proxy=PROXY, https_proxy=PROXY) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_proxy_stands_whatever_it_holds(host: str, no_proxy: str) -> None:
    picked(host, all_proxy=PROXY, no_proxy=no_proxy)


async def ask(url: str, **options: Any) -> str:
    transport = Transport()
    try:
        return await Dynaspark.create_async("", HELLO, url=url, transport=transport, **options)
    finally:
        await transport.aclose()
        assert not transport.active


@pytest.mark.parametrize("credentials", ["", "me:secret@"])
async def test_through_an_http_proxy(credentials: str) -> None:
    user, _, password = credentials.rstrip("@").partition(":")
    async with upstream(answer()) as server, http_proxy(user, password) as proxy:
        assert await ask(server.url, proxy=proxy.url("http", credentials)) == "hello"
        assert proxy.asked == [f"POST {server.url}/generate_response"]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("credentials", ["", "me:secret@"])
async def test_through_a_socks_proxy(scheme: str, credentials: str) -> None:
    user, _, password = credentials.rstrip("@").partition(":")
    async with upstream(answer()) as server, socks_proxy(user, password) as proxy:
        assert await ask(server.url, proxy=proxy.url(scheme, credentials)) == "hello"
        assert proxy.asked == [server.url.removeprefix("http://")]


async def test_a_connection_through_socks_is_kept_and_counted() -> None:
    transport = Transport()
    async with upstream(answer()) as server, socks_proxy() as proxy:
        for _ in range(3):
            await Dynaspark.create_async(
                "", HELLO, url=server.url, proxy=proxy.url("socks5"), transport=transport
            )
        assert len(proxy.asked) == 1
        assert "1 idle" in repr(transport)
        await transport.aclose()


def everything_told(error: BaseException) -> str:
    """All that a traceback, a log or a debugger's repr would show of an error."""
    told = "".join(traceback.format_exception(error)) + repr(error)
    cause = error.__cause__ or error.__context__
    return told + (everything_told(cause) if cause else "")


@pytest.mark.parametrize("kind", [http_proxy, socks_proxy])
async def test_a_proxy_that_wants_other_credentials(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with upstream(answer()) as server, kind("me", "right") as proxy:
        scheme = "http" if kind is http_proxy else "socks5"
        with pytest.raises(ConnectError, match="credentials") as caught:
            await ask(server.url, proxy=proxy.url(scheme, WRONG), retries=0)
        assert server.seen == []
    told = everything_told(caught.value) + caplog.text
    assert SECRET not in told
    assert b64encode(WRONG[:-1].encode()).decode() not in told


async def test_a_tunnel_that_is_refused_is_not_tried_again() -> None:
    async with http_proxy("me", "right") as proxy:
        with pytest.raises(ConnectError, match="proxy answered 407") as caught:
            await ask("https://127.0.0.1:9", proxy=proxy.url("http", WRONG))
        assert proxy.asked == ["CONNECT 127.0.0.1:9"]
    assert not caught.value.retryable
    assert SECRET not in everything_told(caught.value)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_down(scheme: str, unused_tcp_port: int) -> None:
    proxy = f"{scheme}://{WRONG}127.0.0.1:{unused_tcp_port}"
    with pytest.raises(ConnectError, match=r"proxy .*cannot be reached") as caught:
        await ask("http://127.0.0.1:9", proxy=proxy, retries=0)
    assert SECRET not in everything_told(caught.value)
    gc.collect()


async def test_a_proxy_that_is_not_found() -> None:
    with pytest.raises(ConnectError, match=r"host nowhere\.invalid was not found"):
        await ask("http://127.0.0.1:9", proxy="http://nowhere.invalid:8080", retries=0)


async def test_a_socks_proxy_that_cannot_reach_the_host(unused_tcp_port: int) -> None:
    async with socks_proxy() as proxy:
        with pytest.raises(ConnectError, match="SOCKS proxy refused"):
            await ask(f"http://127.0.0.1:{unused_tcp_port}", proxy=proxy.url("socks5"), retries=0)


async def test_a_proxy_that_speaks_something_else() -> None:
    async with socks_proxy() as proxy, http_proxy() as other:
        for scheme, port in (("http", proxy.port), ("socks5", other.port)):
            with pytest.raises(DynasparkError):
                await ask(
                    "http://127.0.0.1:9", proxy=f"{scheme}://127.0.0.1:{port}", timeout=1, retries=0
                )


async def test_a_proxy_without_scheme_is_the_callers_fault() -> None:
    async with upstream(answer()) as server:
        with pytest.raises(UsageError, match="scheme"):
            await ask(server.url, proxy="127.0.0.1:8080")
        assert server.seen == []


async def test_the_environments_proxy_is_not_used_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with upstream(answer()) as server, http_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url("http"))
        monkeypatch.setenv("ALL_PROXY", proxy.url("http"))
        assert await ask(server.url) == "hello"
        assert proxy.asked == []


async def test_the_environments_proxy_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_proxy("me", "right") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url("http"))
        with pytest.raises(ConnectError, match="407"):
            await ask("http://elsewhere.invalid", retries=0)
        assert proxy.asked == ["POST http://elsewhere.invalid/generate_response"]
        monkeypatch.setenv("NO_PROXY", "invalid")
        with pytest.raises(ConnectError, match="not found"):
            await ask("http://elsewhere.invalid", retries=0)
        assert len(proxy.asked) == 1
