"""A request's JSON body, checked against a type; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .._losses import ignored_options
from ..errors import UsageError

if TYPE_CHECKING:
    from ..types import Loss

T = TypeVar("T")

_WHERE = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]+)`")


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a body that has to be one JSON object.

    Raises:
        UsageError: it is not.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not JSON that is taken here: {error}.") from None
    except RecursionError:
        raise UsageError("The body's JSON is nested too deep; send a flatter one.") from None
    if not isinstance(value, dict):
        raise UsageError("The body has to be a JSON object.")
    return value


def check(value: Any, kind: type[T], *, at: str = "", strict: bool = True) -> T:
    """Make a typed thing of JSON.

    Args:
        value: what was read.
        kind: the type that it has to have.
        at: the field that holds it, for the error.
        strict: False takes numbers that are written as text.

    Raises:
        UsageError: it has another type; ``param`` names the field.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except (msgspec.ValidationError, RecursionError) as error:
        fault, param = _described(str(error), at)
        where = f"The field {param}" if param else "The body"
        raise UsageError(f"{where} is not as it has to be: {fault}.", param=param) from None


def ignored(body: dict[str, Any], known: frozenset[str]) -> list[Loss]:
    """One loss for each field that means nothing here."""
    return ignored_options(sorted(name for name in body if name not in known))


def _described(fault: str, at: str) -> tuple[str, str | None]:
    """The fault, and where it is: ``messages[0].role``."""
    found = _WHERE.search(fault)
    path = found[1] if found else ""
    missing = _MISSING.search(fault)
    steps = [at, path, missing[1] if missing else ""]
    param = ".".join(step for step in steps if step).replace(".[", "[")
    return _WHERE.sub("", fault), param or None
