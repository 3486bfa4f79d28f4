"""The command that writes a shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from .invocation import PROGRAM

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
VARIABLE = "_OPENVIDEOS_COMPLETE"
"""The variable by which the script asks the command for words."""


@click.command(
    epilog="""\b
Examples:
  openvideos completion bash >> ~/.bashrc
  openvideos completion zsh >> ~/.zshrc
  openvideos completion fish > ~/.config/fish/completions/openvideos.fish"""
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Write the script by which SHELL completes commands and options."""
    script = SHELLS[shell](click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(ShellComplete.source(script))


def complete(cli: click.Command, instruction: str) -> int:
    """Write the words that a shell asks for, and return the exit code."""
    from click.shell_completion import shell_complete

    return shell_complete(cli, {}, PROGRAM, VARIABLE, instruction)
