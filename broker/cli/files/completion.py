"""``broker completion``: completion of commands, options and values in bash, zsh and fish."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from broker.cli.confirmation import dry_run_option, end_dry_run
from broker.cli.exit_codes import USAGE, Failure
from broker.cli.options import json_option
from broker.cli.output import print_json, remark

PROGRAM = "broker"
VARIABLE = "_BROKER_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_AFTER = {
    "bash": "open a new shell; this needs the package bash-completion",
    "zsh": 'add to ~/.zshrc, before compinit: fpath=({folder} $fpath), then "exec zsh"',
    "fish": "open a new shell",
}

_shell_argument = click.argument("shell", type=click.Choice(SHELLS), required=False)


@click.group()
def completion() -> None:
    """Complete commands, options and values in your shell."""


@completion.command()
@_shell_argument
def show(shell: str | None) -> None:
    """Print the completion script for SHELL; without it, for the shell that you use.

    \b
    Example:    source <(broker completion show bash)
    """
    click.echo(_script(shell or _own_shell()))


@completion.command()
@_shell_argument
@dry_run_option
@json_option
def install(shell: str | None, is_dry_run: bool, as_json: bool) -> None:
    """Write the completion script for SHELL where it looks for it. Safe to repeat.

    \b
    Example:    broker completion install bash
    """
    shell = shell or _own_shell()
    file, script = _file(shell), _script(shell)
    if is_dry_run:
        remark(f"It would write {file}.")
        end_dry_run()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script, encoding="utf-8")
    if as_json:
        print_json({"shell": shell, "file": file})
    else:
        click.echo(f"{shell} completes {PROGRAM} by {file}")
    remark(f"next:  {_AFTER[shell].format(folder=file.parent)}")


def _script(shell: str) -> str:
    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"Use one of {', '.join(SHELLS)}.")
    # The script that calls back needs the names alone, and no command.
    script = complete(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()
    # zsh loads a file of its search path once, and calls it as a function from then on. click's
    # script knows the first alone, so that the second completion of a shell offered nothing.
    return script.replace("== loadautofunc ", "== (loadautofunc|shfunc) ")


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise Failure(
            "your shell is not known.",
            next_step=f"name it: broker completion install {'|'.join(SHELLS)}",
            code=USAGE,
        )
    return name


def _file(shell: str) -> Path:
    """Return the file in which this shell looks for the completion of a command by its name."""
    if shell == "bash":
        own = os.environ.get("BASH_COMPLETION_USER_DIR")
        folder = Path(own) if own else _folder("XDG_DATA_HOME", ".local/share") / "bash-completion"
        return folder / "completions" / PROGRAM
    if shell == "fish":
        return _folder("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / f"{PROGRAM}.fish"
    return Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zfunc" / f"_{PROGRAM}"


def _folder(variable: str, usual: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else Path.home() / usual
