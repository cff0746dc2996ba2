"""The commands of ``portal`` and how their errors read: one paragraph on stderr and exit code 2.

A command imports what it needs when it runs, so that ``--help`` is quick and a package that is missing
troubles nobody who does not need it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from harness.cli import bundle, kafka, lint, manifests, mock, seed, serve, token, up, verify
from harness.cli.ending import READER_GONE
from harness.cli.extras import missing_package, version
from harness.cli.notes import note
from harness.errors import HarnessError

_POSSIBLE = re.compile(r" \(Possible options: ([^)]*)\)$")


class _Command(TyperCommand):
    """Help without the types that say nothing to a user: ``<bool>`` of a flag, ``<list[str]>``."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for each in self.params:
            if isinstance(each, TyperArgument):
                setattr(each, "display_type_rich", _nothing)  # noqa: B010 - a method, to the type checker
            else:
                _without_type(each)
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> Any:
        return _without_type(super().get_help_option(ctx))


class _Group(TyperGroup):
    def get_help_option(self, ctx: Any) -> Any:
        return _without_type(super().get_help_option(ctx))


def _nothing(**_: Any) -> None:
    return None


def _without_type(option: Any) -> Any:
    if isinstance(option, TyperOption) and option.is_flag:
        option.metavar = ""
    return option


app = typer.Typer(
    name="portal",
    cls=_Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="portal COMMAND --help says more, with examples. Exit codes: 0 clean, 1 a service or contract is "
    "wrong, 2 could not tell.",
)


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"portal {version()}\n")
        raise typer.Exit(0)


@app.callback()
def portal(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and stop.",
        ),
    ] = False,
) -> None:
    """Hold services to their OpenAPI and AsyncAPI contracts, over HTTP and Kafka, and stand in for those that
    do not exist yet."""


def _without_cache(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with ``--no-cache``, which says to the reader of contracts what it says to no command."""

    @wraps(command)
    def run(*arguments: Any, no_cache: bool = False, **named: Any) -> Any:
        if no_cache:
            os.environ["PORTAL_NO_CACHE"] = "1"  # for the processes that this one starts, too
        return command(*arguments, **named)

    own = signature(command, eval_str=True)
    option = Parameter("no_cache", Parameter.KEYWORD_ONLY, default=False, annotation=_NoCache)
    setattr(run, "__signature__", own.replace(parameters=[*own.parameters.values(), option]))  # noqa: B010
    run.__annotations__ = {name: each.annotation for name, each in own.parameters.items()}
    run.__annotations__["no_cache"] = _NoCache
    return run


_NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Read contracts anew, and keep nothing of them for the next time.")
]


def _add(name: str, command: Callable[..., Any], *examples: str) -> None:
    """The docstring is the help: its paragraphs fold to any width, so their own line ends go."""
    paragraphs = (command.__doc__ or "").split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    epilog = "\n".join(
        ("[bold]Examples[/]", *(f"  portal {name} {example}".rstrip() for example in examples))
    )
    app.command(name, cls=_Command, help=text, epilog=epilog)(_without_cache(command))


_add(
    "verify",
    verify.verify,
    "",
    "scheduling --check events --check paging",
    "--target mock",
    "--target scheduling=http://127.0.0.1:8080 --kafka 127.0.0.1:9092",
)
_add(
    "mock",
    mock.mock,
    "contracts/coverage --port 8080",
    "petstore.yaml --kafka none",
)
_add("serve", serve.serve, "", "scheduling --port 8080 --data ./data")
_add("up", up.up, "", "--mock coverage --external scheduling=http://127.0.0.1:8080")
_add("seed", seed.seed, "--patients 1000 --data ./data")
_add("lint", lint.lint, "", "contracts/scheduling/openapi.yaml")
_add("bundle", bundle.bundle, "contracts/coverage/openapi.yaml", "api/openapi.yaml -o api.json")
_add(
    "manifests",
    manifests.manifests,
    "--image registry.example/portal:0.1.0 --kafka kafka:9092 --jwks portal-jwks "
    "--database-url postgresql://db/portal --database-secret portal-database",
    "--rights --kafka kafka:9092",
)
_add("kafka", kafka.kafka, "", "--port 0 --ready-file kafka.json")
_add("token", token.token, "", "--actor patient --patient pat-4k7m2q9x1a")


_NAMES = frozenset(command.name for command in app.registered_commands)


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Raises BrokenPipeError, and what a signal raises."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        result = app(args=given or ["--help"], prog_name="portal", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.TyperException as error:
        return _said(*_usage(error, given))
    except HarnessError as error:
        return _said("portal", error.paragraph())
    except BrokenPipeError:
        raise
    except SystemExit:  # Rich's answer to a reader that has gone; nothing else here raises it
        return READER_GONE
    except Exception as error:  # no traceback reaches a user; with PORTAL_DEBUG set it does
        if os.environ.get("PORTAL_DEBUG"):
            raise
        if isinstance(error, ModuleNotFoundError) and (advice := missing_package(error)):
            return _said("portal", advice)
        place = traceback.extract_tb(error.__traceback__)[-1]
        return _said(
            "portal",
            f"a defect of Portal itself: {type(error).__name__} at "
            f"{Path(place.filename).name}:{place.lineno}. "
            "Set PORTAL_DEBUG=1 to see all of it, and please report it.",
        )


def _said(who: str, text: str) -> int:
    note(text, who, logging.ERROR)
    return 2


_PLAINER = {"Value error, ": "", "valid int range": "valid integer", "valid float range": "valid number"}
"""What is said of a value, and how people say it."""


def _usage(error: typer.TyperException, given: list[str]) -> tuple[str, str]:
    """What the command line got wrong: the command, and a paragraph that ends with where to look."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "portal"
    if command == "portal" and given[:1] and given[0] in _NAMES:  # not every error knows its command
        command = f"portal {given[0]}"
    message = " ".join(error.format_message().split())
    for said, plain in _PLAINER.items():
        message = message.replace(said, plain)
    message = _POSSIBLE.sub(r". Did you mean \1?", message)
    return command, f"{message}{'' if message.endswith(('.', '?')) else '.'} '{command} --help' says more."
