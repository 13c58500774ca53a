"""Both ends of the Dynaspark wire: a streaming client library, a server and a command line.

Everything here is imported when it is first used, so that ``import aiodynaspark`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import batch as batch
    from . import registry as registry
    from .errors import AuthenticationError as AuthenticationError
    from .errors import ConnectError as ConnectError
    from .errors import DynasparkError as DynasparkError
    from .errors import ModelNotFound as ModelNotFound
    from .errors import ModelUnavailable as ModelUnavailable
    from .errors import ProviderNotFound as ProviderNotFound
    from .errors import RateLimitError as RateLimitError
    from .errors import ResponseError as ResponseError
    from .errors import StreamError as StreamError
    from .errors import TransportError as TransportError
    from .errors import TransportTimeout as TransportTimeout
    from .errors import UnsupportedMedia as UnsupportedMedia
    from .errors import UpstreamError as UpstreamError
    from .errors import UsageError as UsageError
    from .errors import raise_for_status as raise_for_status
    from .media import MediaInfo as MediaInfo
    from .media import inspect as inspect
    from .media import is_accepted_format as is_accepted_format
    from .media import to_bytes as to_bytes
    from .media import to_data_uri as to_data_uri
    from .model import Model as Model
    from .prompt import format_prompt as format_prompt
    from .provider import AsyncGeneratorProvider as AsyncGeneratorProvider
    from .provider import ProviderModelMixin as ProviderModelMixin
    from .providers.dynaspark import Dynaspark as Dynaspark
    from .transport import Transport as Transport
    from .types import AsyncResult as AsyncResult
    from .types import Chunk as Chunk
    from .types import Delta as Delta
    from .types import Facts as Facts
    from .types import FinishReason as FinishReason
    from .types import Loss as Loss
    from .types import MediaListType as MediaListType
    from .types import Message as Message
    from .types import Messages as Messages
    from .types import Notice as Notice
    from .types import ServedBy as ServedBy
    from .types import Usage as Usage

_HOMES = {
    "errors": (
        "AuthenticationError ConnectError DynasparkError ModelNotFound ModelUnavailable "
        "ProviderNotFound RateLimitError ResponseError StreamError TransportError TransportTimeout "
        "UnsupportedMedia UpstreamError UsageError raise_for_status"
    ),
    "media": "MediaInfo inspect is_accepted_format to_bytes to_data_uri",
    "model": "Model",
    "prompt": "format_prompt",
    "provider": "AsyncGeneratorProvider ProviderModelMixin",
    "providers.dynaspark": "Dynaspark",
    "transport": "Transport",
    "types": (
        "AsyncResult Chunk Delta Facts FinishReason Loss MediaListType Message Messages Notice "
        "ServedBy Usage"
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

_MODULES = ("batch", "registry")

__all__ = sorted([*_HOME, *_MODULES, "__version__"])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
