"""The options that every provider of a network takes, and the request that they shape."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ._headers import Headers
from ._losses import ignored_options, report
from ._version import __version__
from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import ModuleType
    from typing import Self, TypeAlias

    from ._body import Body
    from .transport import Decoder, Exchange, Transport
    from .types import Loss

    Check: TypeAlias = Callable[[str, object], None]

T = TypeVar("T")


def is_text(name: str, value: object) -> None:
    """Refuse what is no text, without showing it: it may be a key."""
    if not isinstance(value, str):
        raise UsageError(f"{name} has to be a text.")


def is_texts(name: str, value: object) -> None:
    """Refuse what is no dict of texts."""
    pairs = value.items() if isinstance(value, Mapping) else [(None, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise UsageError(f'{name} has to be a dict of texts, such as {{"name": "value"}}.')


def one_of(*allowed: str) -> Check:
    """Make what refuses all values but these."""

    def check(name: str, value: object) -> None:
        if value not in allowed:
            raise UsageError(f"{name} has to be one of {', '.join(map(repr, allowed))}.")

    return check


def _plain(url: str) -> dict[str, str]:
    return {"user-agent": f"aiodynaspark/{__version__}"}


class NetworkOptions:
    """What a provider understands besides the named parameters of ``create_async_generator``.

    The class attributes are the defaults; an object holds what was given.

    Attributes:
        api_key: sent as a Bearer token.
        timeout: seconds over everything, retries included; 120 for a whole answer, else 600.
        retries: attempts after the first one, 2 where it is not given.
        stream: False asks for the answer whole.
        headers: further headers; they replace ours of the same name.
        max_answer: bytes of the answer's body, 16 MiB where it is not given.
        transport: connections to use instead of the loop's own.
        losses: called with the list of what the wire could not carry.
        strict: True makes a loss an error.
        notify: called with a sentence when the user has to be patient.
        relayed: options that the wire carries as they are.
        ignored: names of options that mean nothing here.
    """

    api_key: str | None = None
    timeout: float | None = None
    retries: int | None = None
    stream: bool = True
    headers: Mapping[str, str] = MappingProxyType({})
    max_answer: float | None = None
    transport: Transport | None = None
    losses: Callable[[list[Loss]], None] | None = None
    strict: bool = False
    notify: Callable[[str], None] | None = None

    relayed: Mapping[str, Any] = MappingProxyType({})
    ignored: tuple[str, ...] = ()

    checks: ClassVar[Mapping[str, Check]] = {"api_key": is_text, "headers": is_texts}
    """What refuses a value that an option cannot have."""

    _names: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        annotated = {name for base in cls.__mro__[:-1] for name in base.__annotations__}
        cls._names = frozenset(annotated - {"checks", "ignored", "relayed", "_names"})

    @classmethod
    def parse(cls, kwargs: Mapping[str, Any], relayed: Collection[str] = ()) -> Self:
        """Take what is known, and remember the names of the rest; None means the default.

        Args:
            kwargs: as the caller gave them.
            relayed: names of options that the wire carries as they are.

        Raises:
            UsageError: an option has a value that it cannot have.
        """
        options, names, checks = cls(), cls._names, cls.checks
        known: dict[str, Any] = options.__dict__
        other: dict[str, Any] = {}
        for name, value in kwargs.items():
            if value is None:
                continue
            if name in names:
                if name in checks:
                    checks[name](name, value)
                known[name] = value
            else:
                other[name] = value
        if other:
            options.relayed = {name: other.pop(name) for name in relayed if name in other}
            options.ignored = tuple(other)
        options.settle()
        return options

    def settle(self) -> None:
        """Work out what follows from other options or from the settings; a provider writes it.

        Raises:
            UsageError: something that is needed is missing.
        """

    def report(self, losses: list[Loss]) -> None:
        """Tell the caller what gets lost, ignored options included.

        Raises:
            UsageError: something does, and the caller wants none of that (``strict``).
        """
        if losses or self.ignored:
            report([*losses, *ignored_options(self.ignored)], self.losses, strict=self.strict)

    def all_headers(self, url: str, ours: Callable[[str], Mapping[str, str]] = _plain) -> Headers:
        """All headers of a request.

        Args:
            url: where to.
            ours: tells a provider's own headers by the URL; the key and the caller's come after.
        """
        return _headers(url, ours, self.api_key, *self.headers.items())

    async def ask(
        self,
        url: str,
        decoder: Callable[[], Decoder[T]],
        *,
        headers: Headers,
        proxy: str | None,
        if_refused: str,
        body: Body | None = None,
    ) -> Exchange[T]:
        """The exchange of one request under these options; entering it sends the request.

        Args:
            url: where to.
            decoder: makes a decoder of the answer.
            headers: all of them.
            proxy: URL of a proxy for this call.
            if_refused: the sentence to say when nobody listens there.
            body: None makes it a GET.

        Raises:
            UsageError: the URL, or a number, is none that can be used.
        """
        network = _network()
        request = network.Request(
            url,
            body,
            headers,
            key=self.api_key,
            proxy=proxy,
            timeout=self.timeout,
            retries=self.retries,
            whole=not self.stream,
            max_answer=self.max_answer,
            if_refused=if_refused,
            notify=self.notify,
        )
        transport = self.transport or await network.current()
        return transport.stream(request, decoder)


@cache
def _network() -> ModuleType:
    """What loads aiohttp, when something is about to be sent."""
    from . import transport

    return transport


@lru_cache(maxsize=64)
def _headers(
    url: str,
    ours: Callable[[str], Mapping[str, str]],
    key: str | None,
    *callers: tuple[str, str],
) -> Headers:
    """Headers that ask after ask has in common, so that they are checked and written once."""
    fields = {**ours(url)}
    if key:
        fields["authorization"] = f"Bearer {key}"
    return Headers(fields | {name.lower(): value for name, value in callers})
