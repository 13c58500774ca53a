"""``dynaspark serve``: answer over HTTP from any model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import settings
from .parameters import beginning_with, complete_provider
from .served import served_models

if TYPE_CHECKING:
    from ..model import Model
    from ..server import Policy


def _complete_fault(_: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    from ..server.faults import PROFILES

    return beginning_with(typed, [*sorted(PROFILES), "list"])


@click.command()
@click.option(
    "--provider",
    default="local",
    show_default=True,
    shell_complete=complete_provider,
    help="Serve its default model.",
)
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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=settings.DEFAULT_PORT,
    show_default=True,
    help="0: any free one.",
)
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
@click.option("--no-access-log", is_flag=True, help="Log no line a request.")
@click.option(
    "--fault",
    shell_complete=_complete_fault,
    metavar="NAME[:N]",
    help="Fail on purpose; `list` shows the ways.",
)
@click.option("--record", type=click.Path(), metavar="FILE", help="Keep what is answered.")
@click.option("--replay", type=click.Path(), metavar="FILE", help="Answer what was recorded.")
def serve(
    provider: str,
    named: tuple[str, ...],
    config: Path | None,
    host: str,
    port: int,
    reuse_port: bool,
    log_json: bool,
    no_access_log: bool,
    fault: str | None,
    record: str | None,
    replay: str | None,
    **allowed: Any,
) -> None:
    """Answer the Dynaspark wire, from the embedded model or any other."""
    import asyncio

    if sum(option is not None for option in (fault, record, replay)) > 1:
        raise click.UsageError("--fault, --record and --replay exclude each other.")
    if fault == "list":
        _list_faults()
        return

    from ..server import Catalog, faults, run
    from ..server.event_loop import new_event_loop

    policy = _policy(**allowed).listening_on(host)
    _log_to_stderr(as_json=log_json, requests=not no_access_log)

    def started(url: str) -> None:
        click.echo(f"Serving {what} at {url} (a browser shows a chat; Ctrl-C stops)", err=True)

    if fault is not None:
        what = f"the fault {fault}"
        asyncio.run(faults.run(fault, host=host, port=port, started=started))
        return
    models = _replayed(replay) if replay else served_models(provider, named, config)
    catalog = Catalog(_recorded(models, record))
    what = ", ".join(catalog.names())
    serving = run(
        catalog, host=host, port=port, started=started, policy=policy, reuse_port=reuse_port
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serving)


def _list_faults() -> None:
    from ..server.faults import PROFILES

    for name, profile in sorted(PROFILES.items()):
        number = f":{profile.value:g}" if profile.value else ""
        click.echo(f"{name + number:16}  {profile.description}")


def _recorded(models: dict[str, Model], file: str | None) -> dict[str, Model]:
    if file is None:
        return models
    from ..replay import record

    return {name: record(model, file, name=name) for name, model in models.items()}


def _replayed(file: str) -> dict[str, Model]:
    from ..replay import replay

    return replay(file)


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


def _log_to_stderr(*, as_json: bool, requests: bool) -> None:
    import logging

    from ..server import access_log

    # What no line shows need not be found out for each.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(access_log.JsonLines() if as_json else logging.Formatter("%(message)s"))
    ours = logging.getLogger("aiodynaspark")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    if not requests:
        access_log.log.setLevel(logging.WARNING)
