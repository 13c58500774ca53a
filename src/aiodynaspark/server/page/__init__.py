"""The chat page: its files, and the routes that hand them out."""

from .page import routes

__all__ = ["routes"]
