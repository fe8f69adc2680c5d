"""The ``wva`` program."""

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from wva.fleet.errors import UserError

COMMANDS = {
    "up": "wva.cli.up:up",
    "status": "wva.cli.status:status",
    "pause": "wva.cli.pause:pause",
    "resume": "wva.cli.pause:resume",
    "pin": "wva.cli.pin:pin",
    "unpin": "wva.cli.pin:unpin",
    "web": "wva.cli.web:web",
    "compare": "wva.cli.compare:compare",
    "simulate": "wva.cli.simulate:simulate",
    "tune": "wva.cli.tune:tune",
    "frontier": "wva.cli.frontier:frontier",
    "load": "wva.cli.load:load",
    "explain": "wva.cli.explain:explain",
    "replay": "wva.cli.replay:replay",
    "engine": "wva.cli.engine:engine",
    "emulate": "wva.cli.emulate:emulate",
    "model": "wva.cli.model:app",
    "controller": "wva.cli.controller:controller",
    "manifests": "wva.cli.manifests:manifests",
}
"""Where each command is, in the order of the help: a function, or a group of commands."""

FAILED = 1
"""Exit code where the system does not do what is asked of it."""
WRONG_USE = 2
"""Exit code where the user can put things right."""
INTERRUPTED = 130
"""Exit code after Ctrl-C."""

_UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""Whatever Typer raises about wrong arguments; it has no public name for it."""


class Commands(TyperGroup):
    """Loads a command's code only when it is asked for, because some of it takes long to load."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        loaded = import_module(module)
        found = getattr(loaded, attribute)
        if isinstance(found, typer.Typer):
            return _named(get_command(found), cmd_name)
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name, context_settings=getattr(loaded, "CONTEXT_SETTINGS", None))(found)
        return _named(get_command(alone), cmd_name)


def _named(command: Any, name: str) -> Any:
    command.name = name
    return command


app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wva {version('wva')}")
        raise typer.Exit


@app.callback()
def _wva(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Decide how many replicas of which GPU variant every LLM in a fleet runs: live, and in virtual time."""


def main() -> None:
    """Run the program; what the user can put right is one line and exit code 2, what the system refuses one and 1."""
    _have_a_home()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        code = _say(str(error), WRONG_USE)
    except _UsageError as error:
        # Without any argument Typer has printed the help, and has no more to say.
        code = _say(_usage(error), WRONG_USE) if error.format_message() else WRONG_USE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough. Typer and rich leave like that as well.
        code = FAILED
    except OSError as error:
        if not str(error):
            # Such as a time limit that nobody minded: a fault of the program.
            raise
        code = _say(_refusal(error), FAILED)
    if code == INTERRUPTED:
        _say("interrupted", INTERRUPTED)
    _end_output()
    sys.exit(code or 0)


def _have_a_home() -> None:
    """Libraries look for it as they are loaded; a user who is only a number has none unless told."""
    try:
        Path.home()
    except RuntimeError:
        # As containers have it.
        os.environ["HOME"] = "/"


def _say(text: str, code: int) -> int:
    print(f"wva: {text}", file=sys.stderr)
    return code


def _end_output() -> None:
    """Write what is left of the output; what cannot be written goes nowhere, or Python would try again as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refusal(error: OSError) -> str:
    """What the system refused, and of which file where that is known."""
    where = f": {error.filename}" if error.filename else ""
    return " ".join(f"{error.strerror or error}{where}".split())


def _usage(error: Any) -> str:
    """Typer's message about wrong arguments, in one line."""
    command = error.ctx.command_path if getattr(error, "ctx", None) else "wva"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help"


if __name__ == "__main__":
    main()
