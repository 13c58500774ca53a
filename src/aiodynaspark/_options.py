"""The options that every provider of a network takes, and the request that they shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._headers import Headers
from ._losses import ignored_options, report
from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Self

    from ._body import Body
    from .transport import Request, Transport
    from .types import Loss

OWN = {"relayed", "ignored"}


@dataclass(slots=True)
class NetworkOptions:
    """What a provider understands besides the named parameters of ``create_async_generator``.

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

    api_key: str | None = field(default=None, repr=False)
    timeout: float | None = None
    retries: int | None = None
    stream: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_answer: float | None = None
    transport: Transport | None = None
    losses: Callable[[list[Loss]], None] | None = None
    strict: bool = False
    notify: Callable[[str], None] | None = None
    relayed: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @classmethod
    def parse(cls, kwargs: Mapping[str, Any], relayed: Collection[str] = ()) -> Self:
        """Take what is known, and remember the names of the rest; None means the default.

        Args:
            kwargs: as the caller gave them.
            relayed: names of options that the wire carries as they are.

        Raises:
            UsageError: an option has a value that it cannot have.
        """
        given = {name: value for name, value in kwargs.items() if value is not None}
        names = (cls.__dataclass_fields__.keys() & given.keys()) - OWN
        known = {name: given.pop(name) for name in names}
        carried = {name: given.pop(name) for name in relayed if name in given}
        return cls(**known, relayed=carried, ignored=tuple(given))

    def report(self, losses: list[Loss]) -> None:
        """Tell the caller what gets lost, ignored options included.

        Raises:
            UsageError: something does, and the caller wants none of that (``strict``).
        """
        report([*losses, *ignored_options(self.ignored)], self.losses, strict=self.strict)

    def all_headers(self, **ours: str) -> Headers:
        """Our headers, underscores for dashes, with the key's and those of the caller."""
        return _headers(self.api_key, (*ours.items(),), *self.headers.items())

    def request(
        self,
        url: str,
        *,
        headers: Headers,
        proxy: str | None,
        if_refused: str,
        body: Body | None = None,
    ) -> Request:
        """The request that goes out under these options.

        Args:
            url: where to.
            headers: all of them.
            proxy: URL of a proxy for this call.
            if_refused: the sentence to say when nobody listens there.
            body: None makes it a GET.

        Raises:
            UsageError: a number is out of its range.
        """
        from .transport import Request

        return Request(
            url=url,
            body=body,
            headers=headers,
            key=self.api_key,
            proxy=proxy,
            timeout=self.timeout,
            retries=self.retries,
            whole=not self.stream,
            max_answer=self.max_answer,
            if_refused=if_refused,
            notify=self.notify,
        )


@lru_cache(maxsize=64)
def _headers(
    key: str | None, ours: tuple[tuple[str, str], ...], *callers: tuple[str, str]
) -> Headers:
    """Headers that ask after ask has in common, so that they are checked and written once."""
    fields = {"user-agent": f"aiodynaspark/{__version__}"}
    fields |= {name.replace("_", "-"): value for name, value in ours}
    if key:
        fields["authorization"] = f"Bearer {key}"
    return Headers(fields | {name.lower(): value for name, value in callers})
