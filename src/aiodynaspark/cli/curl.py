"""An ask as a curl command, with the key masked. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..providers.dynaspark import Post

MASK = "Bearer $DYNASPARK_API_KEY"


def render_curl(post: Post, picture: str | None) -> str:
    """Write the exact form as one curl command.

    Args:
        post: what would be sent.
        picture: the path of the file that would be sent, ``-`` for standard input.
    """
    fields = dict(post.headers.fields)
    del fields["accept-encoding"]  # curl decodes what it can, and offers that itself
    parts = ["curl", "--compressed", post.endpoint]
    for name, value in fields.items():
        parts += ["-H", f"{name}: {MASK if name == 'authorization' else value}"]
    for name, value in post.fields:
        parts += ["--form-string" if post.attachment else "--data-urlencode", f"{name}={value}"]
    if post.attachment:
        name = post.attachment.name.replace("%22", '\\"')
        parts += ["-F", f'file=@{picture};filename="{name}";type={post.attachment.content_type}']
    return " ".join(shlex.quote(part) for part in parts)
