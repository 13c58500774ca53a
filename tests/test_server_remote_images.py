"""Pictures by URL: hostile URLs and addresses, and a real server that redirects to them."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upstream import answer, hold, pieces, upstream

from aiodynaspark import UsageError
from aiodynaspark.server.public_address import Reach, is_public, parse_public_url
from aiodynaspark.server.remote_images import fetch_image

# A whole 1 x 1 picture.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0"
    "f01f00050001ff8956ca200000000049454e44ae426082"
)
GENERIC = "The remote picture cannot be fetched; send it as a data: URI instead."


class OneAddress(Reach):
    """Lets 127.0.0.1 alone pass, in the part that the open internet has elsewhere."""

    __slots__ = ()

    def allows(self, address: str) -> bool:
        return address == "127.0.0.1"


def reach_of(url: str) -> Reach:
    return OneAddress(ports=frozenset({int(url.rpartition(":")[2])}))


NOT_PUBLIC = """
    # this machine, and nowhere
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 ::1 ::
    # private and shared networks
    10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd00::1 fc00::1 fec0::1
    # link-local, and where clouds keep their secrets
    169.254.169.254 169.254.0.1 fe80::1 fe80::1%eth0 fd00:ec2::254 100.100.100.200
    # multicast, broadcast, reserved, documentation, benchmarks
    224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1 ff02::1 192.0.2.1 198.51.100.1
    203.0.113.1 2001:db8::1 198.18.0.1 3fff::1 192.0.0.8 192.0.0.170 192.88.99.1 100::1
    # IPv4 in IPv6: mapped, compatible, NAT64, 6to4, Teredo, segment routing
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::7f00:1
    64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:808:808::1 2001::1 5f00::1
    # no addresses
    localhost 127.1 2130706433 0x7f000001 0177.0.0.1 01.01.01.01 [::1] 127.0.0.1:80
    １.1.1.1 2606:4700::1111%1
"""

HOSTILE = r"""
    # other schemes, or none
    file:///etc/passwd ftp://example.com/a gopher://example.com/ data:,x javascript:alert(1)
    unix:///run/docker.sock jar:http://example.com!/ //example.com/a /a.png example.com/a.png
    http: http:// https:///a
    # other ports
    http://example.com:22/ http://example.com:8080/ http://example.com:0/ http://example.com:x/
    http://example.com:65536/ http://example.com:-80/
    # this machine by its names and numbers
    http://localhost/ http://LOCALHOST/ http://localhost./ http://127.0.0.1/ http://127.1/
    http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7f.1/ http://0177.0.0.1/
    http://017700000001/ http://0/ http://127.0.0.1./ http://127.0.0.0x1/ http://[::1]/
    http://[::]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[64:ff9b::7f00:1]/
    http://[::ffff:169.254.169.254]/ http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/
    http://[::127.0.0.1]/ http://[0:0:0:0:0:0:0:1]/ http://[2002:7f00:1::]/
    # networks nearby
    http://10.0.0.1/ http://192.168.0.1/ http://169.254.169.254/latest/meta-data/ http://0.0.0.0/
    http://intranet/ http://metadata/ http://router/
    # digits and dots of other scripts, and names that normalise to something else
    http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://１２７.0.0.1/ http://ⓛⓞⓒⓐⓛhost/ http://٠/
    http://example。com/ http://127%2e0%2e0%2e1/ http://127.0.0.1%00/
    # who is the host?
    http://example.com@127.0.0.1/ http://127.0.0.1@example.com/ http://@example.com/
    http://a:b@example.com/ http://example.com\@127.0.0.1/ http:\\example.com/
    http://example..com/ http://.example.com/ http://-example.com/ http://ex_/
    http://example.com./ http://[example.com]/ http://[1.1.1.1]/ http://[::1/
"""
WITH_SPACES = [
    *("", " http://example.com/", "http://example.com /", "http://exam\tple.com/"),
    *("http://example.com\r\nHost: x/", "http://example.com/\0", "http://example.com/ x"),
]


def words(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    return " ".join(lines).split()


class TestAddresses:
    @pytest.mark.parametrize(
        "address", ["93.184.215.14", "1.1.1.1", "8.8.8.8", "2606:4700::1111", "2a00:1450::200e"]
    )
    def test_the_open_internet_is_public(self, address: str) -> None:
        assert is_public(address)

    @pytest.mark.parametrize("address", ["", "1.1.1.1 ", *words(NOT_PUBLIC)])
    def test_nothing_else_is(self, address: str) -> None:
        assert not is_public(address)

    @given(st.ip_addresses(network="64:ff9b::/96") | st.ip_addresses(network="::ffff:0:0/96"))
    def test_what_wraps_another_never_is(self, address: object) -> None:
        assert not is_public(str(address))


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/a.png",
            "http://example.com",
            "http://example.com:443/",
            "https://example.com:80/",
            "HTTPS://EXAMPLE.COM/A.PNG?x=y#z",
            "https://1.1.1.1/a.png",
            "https://[2606:4700::1111]/a.png",
            "https://xn--bcher-kva.example/a.png",
            "https://example.com/%2e%2e/@x",
        ],
    )
    def test_a_picture_on_the_web_may_be_asked_for(self, url: str) -> None:
        assert parse_public_url(url, Reach()) is not None

    @pytest.mark.parametrize("url", [*words(HOSTILE), *WITH_SPACES])
    def test_nothing_else_may(self, url: str) -> None:
        assert parse_public_url(url, Reach()) is None

    @pytest.mark.parametrize(
        "url", ["https://example.com/" + "x" * 5000, "https://" + "x" * 300 + ".com/"]
    )
    def test_nor_what_is_too_long(self, url: str) -> None:
        assert parse_public_url(url, Reach()) is None

    @given(st.text() | st.from_regex(r"\Ahttps?://[^/]{1,30}/\Z"))
    def test_any_text_is_judged_and_only_hosts_of_the_web_pass(self, text: str) -> None:
        url = parse_public_url(text, Reach())
        if url is not None:
            assert url.scheme in ("http", "https")
            assert url.port in (80, 443)
            assert url.user is None
            assert is_public(url.raw_host or "") or "." in (url.raw_host or "")


class TestFetching:
    async def test_a_picture_is_fetched(self) -> None:
        async with upstream(answer(PNG)) as server:
            assert await fetch_image(f"{server.url}/a.png", reach=reach_of(server.url)) == PNG
        seen = server.seen[0]
        assert seen.path == "/a.png"
        assert {"cookie", "referer", "authorization"} & set(seen.headers) == set()

    async def test_a_redirect_is_followed(self) -> None:
        hops = [answer(status=status, location="/next") for status in (301, 302, 307)]
        async with upstream(*hops, answer(PNG)) as server:
            assert await fetch_image(server.url, reach=reach_of(server.url)) == PNG

    @pytest.mark.parametrize(
        "location",
        [
            *("http://127.0.0.2:PORT/", "http://[::1]:PORT/", "http://localhost:PORT/"),
            *("http://169.254.169.254/", "file:///etc/passwd", "http://0:PORT/", "//127.1:PORT/"),
            *("http://x@127.0.0.1:PORT/", "http://127.0.0.1:1/", "http://["),
        ],
    )
    async def test_one_to_elsewhere_is_not(self, location: str) -> None:
        async with upstream(answer(status=302), answer(PNG)) as server:
            target = location.replace("PORT", server.url.rpartition(":")[2])
            server.script[0] = answer(status=302, location=target)
            with pytest.raises(UsageError) as caught:
                await fetch_image(server.url, reach=reach_of(server.url))
            assert len(server.seen) == 1
        assert str(caught.value) == GENERIC

    async def test_the_fourth_redirect_is_one_too_many(self) -> None:
        async with upstream(answer(status=302, location="/again")) as server:
            with pytest.raises(UsageError, match="cannot be fetched"):
                await fetch_image(server.url, reach=reach_of(server.url))
            assert len(server.seen) == 4

    @pytest.mark.parametrize(
        "script",
        [
            answer(PNG, status=404),
            answer(PNG, status=500),
            answer(PNG, status=206),
            answer("<html>"),
            answer(b""),
            answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/png"),
            answer(PNG[:20]),
            answer(b"\x1f\x8b\x08\x00", content_encoding="gzip"),
            pieces([PNG, b"x"], cut=True),
            pieces([PNG] + [b"x" * (1 << 20)] * 20),
            answer(PNG + b"x" * 20 * (1 << 20)),
        ],
    )
    async def test_what_is_no_picture_says_no_more_than_any_other_failure(
        self, script: object
    ) -> None:
        async with upstream(script) as server:  # type: ignore[arg-type]
            with pytest.raises(UsageError) as caught:
                await fetch_image(server.url, reach=reach_of(server.url))
        assert str(caught.value) == GENERIC
        assert caught.value.__cause__ is None

    async def test_time_is_limited(self) -> None:
        async with upstream(hold()) as server:
            with pytest.raises(UsageError, match="cannot be fetched"):
                await fetch_image(server.url, reach=reach_of(server.url), seconds=0.1)

    async def test_a_name_is_resolved_once_and_its_checked_address_dialled(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first look-up says 127.0.0.1; any later one would lead elsewhere (DNS rebinding)."""
        looked_up: list[str] = []

        async def look_up(
            host: str, port: int, *args: object, **kwargs: object
        ) -> list[tuple[object, ...]]:
            if host == "127.0.0.1":  # a loop may ask what an address stands for: itself
                address = host
            else:
                looked_up.append(host)
                address = "127.0.0.1" if len(looked_up) == 1 else "127.0.0.2"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        async with upstream(answer(PNG)) as server:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
            port = server.url.rpartition(":")[2]
            url = f"http://pictures.example:{port}/"
            assert await fetch_image(url, reach=reach_of(server.url)) == PNG
            assert looked_up == ["pictures.example"]

    @pytest.mark.parametrize("second", ["127.0.0.2", "10.0.0.1"])
    async def test_one_bad_answer_of_several_spoils_a_name(
        self, second: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def look_up(host: str, port: int, **kwargs: object) -> list[tuple[object, ...]]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.1", second)
            ]

        async with upstream(answer(PNG)) as server:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
            url = f"http://pictures.example:{server.url.rpartition(':')[2]}/"
            with pytest.raises(UsageError, match="cannot be fetched"):
                await fetch_image(url, reach=reach_of(server.url))
            assert server.seen == []

    async def test_without_leave_to_it_this_machine_is_never_asked(self) -> None:
        async with upstream(answer(PNG)) as server:
            with pytest.raises(UsageError, match="cannot be fetched"):
                await fetch_image(server.url)
            assert server.seen == []
