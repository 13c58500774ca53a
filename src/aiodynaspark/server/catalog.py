"""The models behind one server, by the names that clients use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ModelNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Model


class Catalog:
    """Named models; the first one is the default.

    Args:
        models: at least one.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        if not models:
            raise UsageError("A server needs at least one model; name one with --provider.")
        self._models = dict(models)
        self.default_name = next(iter(self._models))

    def names(self) -> list[str]:
        """The names that clients can ask for, the default first."""
        return list(self._models)

    def find(self, name: str) -> Model:
        """Return the model of a name.

        Raises:
            ModelNotFound: there is none.
        """
        if name not in self._models:
            known = ", ".join(self._models)
            raise ModelNotFound(
                f"There is no model {name!r} here; there are {known}.", param="model"
            )
        return self._models[name]

    def find_or_default(self, name: str) -> tuple[str, Model]:
        """Return the model of a name, or the default one, with the name it has here."""
        name = name if name in self._models else self.default_name
        return name, self._models[name]

    def models(self) -> list[Model]:
        """All models, the default first."""
        return list(self._models.values())
