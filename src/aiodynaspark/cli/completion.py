"""``dynaspark completion``: lets the shell complete commands and options."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete dynaspark's commands and options.

    \b
    For bash:  echo 'eval "$(dynaspark completion bash)"' >> ~/.bashrc
    For zsh:   echo 'eval "$(dynaspark completion zsh)"' >> ~/.zshrc
    For fish:  dynaspark completion fish > ~/.config/fish/completions/dynaspark.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    click.echo(kind(root, {}, "dynaspark", "_DYNASPARK_COMPLETE").source())
