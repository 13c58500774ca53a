"""Who may ask the server: hosts, web pages, keys; decided purely, and tried over sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw import get, post, say

from aiodynaspark import Dynaspark, ResponseError, UsageError, registry
from aiodynaspark.server import ApiKeys, Catalog, Policy, make_app, running
from aiodynaspark.server.origins import (
    LOOPBACK,
    check_host,
    check_page,
    is_loopback,
    parse_host,
    parse_origin,
)
from aiodynaspark.server.refusals import Forbidden, WrongHost

KEY = "k-5ecret"
APP = "https://app.example.com"


@asynccontextmanager
async def serving(host: str = "127.0.0.1", **policy: Any) -> AsyncIterator[str]:
    catalog = Catalog({"echo": registry.find("echo")})
    async with running(catalog, host=host, policy=Policy(**policy)) as url:
        yield url


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            *("localhost", "LOCALHOST", "127.0.0.1", "[::1]"),
            *("localhost:8317", "127.0.0.1:1", "[::1]:65535"),
        ],
    )
    def test_this_machine_passes(self, host: str) -> None:
        check_host([host], LOOPBACK)

    @pytest.mark.parametrize(
        "host",
        [
            *("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "localhost.", ""),
            *("127.0.0.1@evil.example", "evil.example:127.0.0.1", "localhost:", "localhost:x"),
            *("localhost:1:2", "localhost ", " localhost", "localhost/", "localhost,evil"),
            *("127.1", "2130706433", "0x7f000001", "0.0.0.0", "::1", "[::1", "[::ffff:127.0.0.1]"),
            *("ⓛocalhost", "127。0。0。1", "localhost\0", "localhost:123456", "192.168.0.1"),
        ],
    )
    def test_another_name_is_refused(self, host: str) -> None:
        with pytest.raises(WrongHost):
            check_host([host], LOOPBACK)

    @pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil"]])
    def test_there_is_exactly_one(self, hosts: list[str]) -> None:
        with pytest.raises(WrongHost):
            check_host(hosts, LOOPBACK)

    @given(st.text())
    def test_nothing_else_gets_in(self, host: str) -> None:
        name = host.lower().rpartition(":")[0] or host.lower()
        if name not in LOOPBACK and host.lower() not in LOOPBACK:
            with pytest.raises(WrongHost):
                check_host([host], LOOPBACK)

    async def test_a_rebound_name_gets_421(self) -> None:
        async with serving() as url:
            said = await say(url, post(host="evil.example"))
            assert said.status == 421
            assert "--allow-host" in json.loads(said.body)["error"]
            assert (await say(url, post())).status == 200
            assert (await say(url, get(host="evil.example"))).status == 421

    async def test_an_allowed_name_passes_with_any_port(self) -> None:
        async with serving(hosts=LOOPBACK | {parse_host("AI.example.com")}) as url:
            assert (await say(url, get(host="ai.example.com"))).status == 200
            assert (await say(url, get(host="ai.example.com:443"))).status == 200
            assert (await say(url, get(host="x.ai.example.com"))).status == 421

    async def test_an_address_that_is_listened_on_is_a_name_too(self) -> None:
        async with serving("127.0.0.2") as url:
            assert (await say(url, get(host="127.0.0.2:80"))).status == 200
        async with serving() as url:
            assert (await say(url, get(host="127.0.0.2:80"))).status == 421

    @pytest.mark.parametrize("text", ["", "a b", "http://x", "x:80", "*", "x/y", "user@x"])
    def test_an_option_that_names_no_host_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError):
            parse_host(text)

    def test_an_option_may_name_an_address(self) -> None:
        assert parse_host("fd00::1") == parse_host("[FD00::1]") == "[fd00::1]"


def checked(*, method: str = "POST", path: str = "/generate_response", **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        check_page(named, method=method, path=path, allowed={parse_origin(APP)})
    except Forbidden:
        return False
    return True


class TestPages:
    def test_a_program_sends_no_origin(self) -> None:
        assert checked(host="localhost:8317")

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://localhost:8317", "localhost:8317"),
            ("http://LocalHost:8317", "localhost:8317"),
            ("http://[::1]:8317", "[::1]:8317"),
            ("https://ai.example.com", "ai.example.com"),
            ("http://ai.example.com", "ai.example.com:80"),
        ],
    )
    def test_its_own_page_passes(self, origin: str, host: str) -> None:
        assert checked(origin=origin, host=host)
        assert checked(origin=origin, host=host, sec_fetch_site="same-origin")

    @pytest.mark.parametrize(
        "origin",
        [
            *("https://evil.example", "null", "", "*", "http://localhost", "http://127.0.0.1:8317"),
            *("http://localhost:3000", "http://localhost:8317.evil.example", "file://"),
            *("http://localhost:8317@evil.example", "http://localhost:8317/", "localhost:8317"),
            *("chrome-extension://abc", "http://localhost:8317 http://evil.example"),
            *("http://app.example.com", "https://app.example.com:444", "https://x.app.example.com"),
        ],
    )
    def test_another_page_does_not(self, origin: str) -> None:
        assert not checked(origin=origin, host="localhost:8317")

    def test_an_allowed_page_passes_across_sites(self) -> None:
        assert checked(origin=APP, host="localhost:8317", sec_fetch_site="cross-site")
        assert checked(origin=f"{APP}:443", host="localhost:8317")

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
    def test_a_request_without_origin_shows_where_it_is_from(self, site: str) -> None:
        assert not checked(sec_fetch_site=site)
        assert not checked(sec_fetch_site=site, method="GET", path="/api/generate_response")

    def test_a_link_to_the_page_may_be_followed(self) -> None:
        link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
        assert checked(method="GET", path="/", sec_fetch_dest="document", **link)
        assert not checked(method="GET", path="/", sec_fetch_dest="iframe", **link)
        assert not checked(method="POST", path="/", sec_fetch_dest="document", **link)
        assert not checked(method="GET", path="/v1/models", sec_fetch_dest="document", **link)
        assert checked(sec_fetch_site="none")

    @pytest.mark.parametrize("text", ["*", "app.example.com", "ftp://x", "https://x/y", "", "null"])
    def test_an_option_that_names_no_origin_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="is no origin"):
            parse_origin(text)

    async def test_a_forged_form_gets_403_and_reaches_no_model(self) -> None:
        async with serving() as url:
            said = await say(url, post(b"user_input=x", "Origin: https://evil.example"))
            assert said.status == 403
            assert "access-control-allow-origin" not in said.headers
            assert (
                await say(url, post(b"user_input=x", "Sec-Fetch-Site: cross-site"))
            ).status == 403

    async def test_an_allowed_page_may_ask_and_read(self) -> None:
        async with serving(origins=frozenset({parse_origin(APP)})) as url:
            wanted = (
                "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: authorization,x-stainless-os",
            )
            preflight = get("/v1/chat/completions", f"Origin: {APP}", *wanted)
            said = await say(url, preflight.replace(b"GET", b"OPTIONS", 1))
            assert said.status == 204
            assert said.headers["access-control-allow-origin"] == APP
            assert said.headers["access-control-allow-headers"] == "authorization,x-stainless-os"
            said = await say(url, post(b"user_input=x", f"Origin: {APP}"))
            assert (said.status, said.headers["access-control-allow-origin"]) == (200, APP)
            assert said.headers["vary"] == "Origin"
            evil = get("/health", "Origin: https://evil.example", *wanted)
            said = await say(url, evil.replace(b"GET", b"OPTIONS", 1))
            assert (said.status, "access-control-allow-origin" in said.headers) == (403, False)


class TestKeys:
    def test_any_of_several_fits(self) -> None:
        keys = ApiKeys(["one", "two"])
        assert keys.admit([b"two"])
        assert keys.admit([b"no", b"one"])
        assert not keys.admit([b"on"])
        assert not keys.admit([b"onee"])
        assert not keys.admit([b""])
        assert not keys.admit([])
        assert ApiKeys().admit([])

    @given(st.binary())
    def test_nothing_else_does(self, offered: bytes) -> None:
        assert ApiKeys([KEY]).admit([offered]) is (offered == KEY.encode())

    @pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a\n", "a\x7f"])
    def test_a_key_that_no_header_carries_is_refused_unseen(self, key: str) -> None:
        with pytest.raises(UsageError) as caught:
            ApiKeys([key])
        assert not key.strip() or key not in str(caught.value)

    def test_no_repr_shows_one(self) -> None:
        policy = Policy(keys=ApiKeys([KEY]))
        assert KEY not in f"{policy!r} {policy.keys!r} {vars(policy.keys)}"

    @pytest.mark.parametrize(
        ("path", "header", "status"),
        [
            ("/metrics", "", 401),
            ("/metrics", f"Authorization: Bearer {KEY}", 200),
            ("/metrics", f"authorization: bearer  {KEY}", 200),
            ("/metrics", f"X-Api-Key: {KEY}", 200),
            ("/metrics", f"X-Api-Key: no\r\nAuthorization: Bearer {KEY}", 200),
            ("/metrics", f"Authorization: Basic {KEY}", 401),
            ("/metrics", f"Authorization: {KEY}", 401),
            ("/metrics", f"Authorization: Bearer {KEY}x", 401),
            ("/metrics", "Authorization: Bearer \udcff\udcfe", 401),
            ("/metrics", "Authorization: Bearer ключ", 401),
            (f"/metrics?api_key={KEY}", "", 401),
            (f"/api/nothing?api_key={KEY}", "", 404),
            ("/api/nothing?api_key=no", "", 401),
            ("/api/nothing?api_key=%ff%fe&api_key=%00", "", 401),
            (f"/nothing?api_key={KEY}", "", 401),
            (f"/v1/../api/x?api_key={KEY}", "", 401),
            ("/nothing", f"X-Api-Key: {KEY}", 404),
            ("/health", "", 200),
            ("/healthz", "", 200),
        ],
    )
    async def test_one_rule_for_all_routes(self, path: str, header: str, status: int) -> None:
        async with serving(keys=ApiKeys([KEY])) as url:
            said = await say(url, get(path, *([header] if header else [])))
            assert said.status == status
            assert (said.headers.get("www-authenticate") == "Bearer") is (status == 401)

    async def test_strangers_learn_only_that_it_lives(self) -> None:
        async with serving(keys=ApiKeys([KEY])) as url:
            stranger = json.loads((await say(url, get("/health"))).body)
            assert stranger == {"status": "ok", "name": "aiodynaspark"}
            friend = json.loads((await say(url, get("/health", f"X-Api-Key: {KEY}"))).body)
            assert friend["models"] == ["echo"]

    async def test_our_client_sends_its_key(self) -> None:
        messages = [{"role": "user", "content": "hello"}]
        async with serving(keys=ApiKeys([KEY])) as url:
            assert await Dynaspark.create_async("", messages, url=url, api_key=KEY) == "hello"
            with pytest.raises(ResponseError, match="needs a key"):
                await Dynaspark.create_async("", messages, url=url)

    @pytest.mark.parametrize(("key", "code", "says"), [(KEY, 0, "hello"), ("", 4, "needs a key")])
    async def test_so_does_the_command(self, key: str, code: int, says: str) -> None:
        async with serving(keys=ApiKeys([KEY])) as url:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "aiodynaspark", "ask", "--url", url, "hello"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={"DYNASPARK_API_KEY": key},
            )
            said, _ = await process.communicate()
        assert process.returncode == code
        assert says in said.decode()

    async def test_no_log_at_any_level_shows_key_or_prompt(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with serving(keys=ApiKeys([KEY])) as url:
            await say(url, post(b"user_input=my+pr0mpt", f"X-Api-Key: {KEY}"))
            await say(url, post(b"user_input=my+pr0mpt", f"X-Api-Key: {KEY}x"))
            await say(url, get(f"/api/generate_response?api_key={KEY}&user_input=pr0mpt"))
            await say(url, get(f"/{KEY}/pr0mpt", f"X-Api-Key: {KEY}"))
            await say(url, get("/health", f"Authorization: Bearer {KEY}\0"))
            await say(url, get("/health", f"X-Api-Key : {KEY}"))
            await say(url, f"GET /?api_key={KEY} nonsense\r\n\r\n".encode())
        assert "/generate_response" in caplog.text
        assert KEY not in caplog.text
        assert "pr0mpt" not in caplog.text


ROUTES = sorted(
    {
        (route.method, re.sub(r"\{.*\}", "x", route.resource.canonical))
        for route in make_app(Catalog({"echo": registry.find("echo")})).router.routes()
        if route.resource is not None
    }
)


class TestAllRoutes:
    """Nothing that is added later can be forgotten."""

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_each_is_behind_the_gate(self, method: str, path: str) -> None:
        public = path in ("/", "/health", "/healthz", "/readyz", "/page/x")
        async with serving(keys=ApiKeys([KEY])) as url:

            async def status(*headers: str, host: str = "localhost") -> int:
                request = get(path, *headers, host=host).replace(b"GET", method.encode(), 1)
                return (await say(url, request)).status

            assert (await status() == 401) is not public
            assert await status(f"X-Api-Key: {KEY}") not in (401, 403, 421)
            assert await status(f"X-Api-Key: {KEY}", host="evil.example") == 421
            assert await status(f"X-Api-Key: {KEY}", "Origin: https://evil.example") == 403
            assert await status(f"X-Api-Key: {KEY}", "Sec-Fetch-Site: cross-site") == 403


class TestExposure:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
    def test_this_machine_alone_needs_no_key(self, host: str) -> None:
        assert is_loopback(host)
        Policy().listening_on(host)

    @pytest.mark.parametrize(
        "host", ["0.0.0.0", "::", "", "192.168.1.2", "box.local", "127.1", "::ffff:127.0.0.1.x"]
    )
    def test_others_do(self, host: str) -> None:
        with pytest.raises(UsageError, match="--api-key"):
            Policy().listening_on(host)
        Policy(keys=ApiKeys([KEY])).listening_on(host)

    async def test_a_program_cannot_bind_openly_either(self) -> None:
        with pytest.raises(UsageError, match="other machines"):
            async with serving("0.0.0.0"):
                pass
