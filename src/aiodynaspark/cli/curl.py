"""An ask as a curl command, with the key masked. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..providers.dynaspark import Post

KEY = '"authorization: Bearer $DYNASPARK_API_KEY"'
"""The header that holds the key, for the shell to fill in."""


def render_curl(post: Post, picture: str | None) -> str:
    """Write the exact form as one curl command.

    Args:
        post: what would be sent.
        picture: the path of the file that would be sent, ``-`` for standard input.
    """
    fields = dict(post.headers.fields)
    del fields["accept-encoding"]  # curl decodes what it can, and offers that itself
    parts = ["curl", "--compressed", shlex.quote(post.endpoint)]
    for name, value in fields.items():
        parts += ["-H", KEY if name == "authorization" else shlex.quote(f"{name}: {value}")]
    for name, value in post.fields:
        how = "--form-string" if post.attachment else "--data-urlencode"
        parts += [how, shlex.quote(f"{name}={value}")]
    if post.attachment:
        name = post.attachment.name.replace("%22", '\\"')
        path = (picture or "").replace("\\", r"\\").replace('"', r"\"")
        file = f'file=@"{path}";filename="{name}";type={post.attachment.content_type}'
        parts += ["-F", shlex.quote(file)]
    return " ".join(parts)
