"""``mpfctl completion``: the script that teaches a shell to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import add_completion_class, get_completion_class

from mpf_core.cli.bash import BashCompletion

add_completion_class(BashCompletion)


@click.command(
    short_help="Print the script that completes commands in a shell.",
    epilog="""\b
Examples:
  mpfctl completion bash >> ~/.bashrc
  mpfctl completion zsh >> ~/.zshrc
  mpfctl completion fish > ~/.config/fish/completions/mpfctl.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "mpfctl", "_MPFCTL_COMPLETE").source())
