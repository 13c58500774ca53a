"""The providers, found among this module's names."""

from __future__ import annotations

import sys

from ..providers.base_provider import AsyncGeneratorProvider
from ..providers.types import BaseProvider
from .Dynaspark import Dynaspark

__providers__ = [
    value
    for value in map(sys.modules[__name__].__dict__.get, dir())
    if isinstance(value, type) and issubclass(value, BaseProvider)
]
__map__ = {provider.__name__: provider for provider in __providers__}


class ProviderUtils:
    convert = __map__


__all__ = ["AsyncGeneratorProvider", "Dynaspark", "ProviderUtils"]
