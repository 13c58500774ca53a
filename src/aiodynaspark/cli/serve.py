"""``dynaspark serve``: answer over HTTP from any model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import settings
from .served import served_models

if TYPE_CHECKING:
    from ..server import Policy


@click.command()
@click.option("--provider", default="local", show_default=True, help="Serve its default model.")
@click.option(
    "--model",
    "named",
    multiple=True,
    metavar="NAME=PROVIDER[:MODEL]",
    help="Serve a model under a name; the first one is the default. May be repeated. "
    "Several with commas: the first one that answers.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Serve the models of this file, config.toml say, after those of --model.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=settings.DEFAULT_PORT, show_default=True, help="0: any free one.")
@click.option("--reuse-port", is_flag=True, help="Let several processes share the port.")
@click.option(
    "--api-key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Ask clients for this key. May be repeated. DYNASPARK_SERVER_KEY hides it from ps.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer for this host name, besides localhost. May be repeated.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let the web pages of this origin ask. May be repeated.",
)
@click.option("--fetch-images", is_flag=True, help="Fetch pictures that requests name by URL.")
@click.option(
    "--max-requests",
    default=256,
    show_default=True,
    type=click.IntRange(1),
    help="How many requests may run at once.",
)
@click.option(
    "--drain",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="What running answers get when the server stops.",
)
@click.option("--log-json", is_flag=True, help="Log one JSON object a request.")
def serve(
    provider: str,
    named: tuple[str, ...],
    config: Path | None,
    host: str,
    port: int,
    reuse_port: bool,
    log_json: bool,
    **allowed: Any,
) -> None:
    """Answer the Dynaspark wire, from the embedded model or any other."""
    import asyncio

    from ..server import Catalog, run

    policy = _policy(**allowed).listening_on(host)
    _log_to_stderr(as_json=log_json)
    catalog = Catalog(served_models(provider, named, config))

    def started(url: str) -> None:
        click.echo(f"Serving {', '.join(catalog.names())} at {url} (Ctrl-C stops)", err=True)

    asyncio.run(
        run(catalog, host=host, port=port, started=started, policy=policy, reuse_port=reuse_port)
    )


def _policy(
    *, keys: tuple[str, ...], hosts: tuple[str, ...], origins: tuple[str, ...], **limits: Any
) -> Policy:
    from ..server import ApiKeys, Policy
    from ..server.origins import LOOPBACK, parse_host, parse_origin

    from_environment = settings.server_key()
    return Policy(
        hosts=LOOPBACK.union(map(parse_host, hosts)),
        origins=frozenset(map(parse_origin, origins)),
        keys=ApiKeys([*keys, *([from_environment] if from_environment else [])]),
        **limits,
    )


def _log_to_stderr(*, as_json: bool) -> None:
    import logging

    from ..server.access_log import JsonLines

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(message)s"))
    ours = logging.getLogger("aiodynaspark")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
