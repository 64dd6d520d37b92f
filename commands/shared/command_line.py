"""Mistakes of a command line, as sentences: values of options, unknown words, what is missing."""

import re
from collections.abc import Callable
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand

from config.errors import ConfigError
from config.program import NAME
from config.suggestions import nearest

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def whole_number(least: int, most: int = 0, example: int = 0) -> Callable[[str], int]:
    """Return the parser of an option whose value is a whole number; `most` of 0 is no limit.

    >>> whole_number(1)("7")
    7
    """
    bounds = f"of at least {least}" if not most else f"from {least} to {most:,}"

    def parse(value: str | int) -> int:
        if isinstance(value, int):  # the default
            return value
        if _WHOLE.fullmatch(value) and least <= int(value) <= (most or int(value)):
            return int(value)
        message = f"{value!r} is not a whole number {bounds}"
        raise ValueError(f"{message}; write for example {example or least}")

    return parse


class StrictCommand(TyperCommand):
    """A command that reports the words that it does not know by itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse words and options."""
        ctx.allow_extra_args = True
        try:
            extra = super().parse_args(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise
        if extra and not ctx.resilient_parsing:
            words = " ".join(extra)
            raise typer.BadParameter(f"{words!r} belongs to no option; remove it", ctx=ctx)
        return extra


def sentence_of(error: typer.TyperException) -> str:
    """Return what is wrong with a command line, and where its options are listed."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else NAME
    return f"{_mistake(error, context)} (see {command} --help)"


def _mistake(error: typer.TyperException, context: Any) -> str:
    # Typer's errors are known by what they have, since their classes are private to it
    param = getattr(error, "param", None)
    if hasattr(error, "option_name"):
        return _wrong_option(error.option_name, context)
    if param is None:
        return error.message
    is_option = param.param_type_name == "option"
    name = param.opts[0] if is_option else param.metavar or param.name
    if hasattr(error, "param_type"):
        return f"{name} is missing; add it: {param.help or ''}".rstrip(": ")
    return f"{name}: {_reason(error)}"


def _wrong_option(name: str, context: Any) -> str:
    params = context.command.params if context else []
    options = [option for param in params for option in param.opts if option.startswith("-")]
    known = next((param for param in params if name in param.opts), None)
    if known is not None:
        # a flag that was given a value, or an option without one
        return (f"{name} takes no value; write {name} alone" if known.is_flag
                else f"{name} has no value; add one: {known.help}")  # fmt: skip
    if context is None or context.parent is None:
        return f"there is no option {name} before a command; write the command first"
    near = nearest(name, options)
    hint = f"did you mean {near}?" if near else f"it has {', '.join(options)}"
    return f"{context.info_name} has no option {name}; {hint}"


def _reason(error: typer.TyperException) -> str:
    """Return what the parser of a value says, without what the library puts before it."""
    cause = error.__cause__
    details = cause.errors()[0].get("ctx", {}) if isinstance(cause, ValidationError) else {}
    return str(details.get("error", error.message))


def unknown_command(arguments: list[str], known: list[str]) -> str | None:
    """Return what is wrong with the first word if it is no command.

    >>> unknown_command(["laod", "--json"], ["load", "e2e"])
    'there is no command laod; did you mean load?'
    """
    word = arguments[0] if arguments else "-"
    if word.startswith("-") or word in known:
        return None
    near = nearest(word, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
    return f"there is no command {word}; {hint}"


def sentences(error: Exception) -> list[str]:
    """Return what is wrong with a command, one sentence per mistake."""
    if isinstance(error, ConfigError):
        return [str(problem) for problem in error.problems]
    if isinstance(error, typer.TyperException):
        return [sentence_of(error)]
    return [str(error)]


def unnamed_files(arguments: list[str]) -> list[str]:
    """Return what is wrong with files that no option names.

    >>> unnamed_files(["e2e", "mine.yaml", "--env", "staging.yaml", "--scenario=its.yaml"])
    ['mine.yaml: write --scenario or --env before the file']
    """
    after = ["", *arguments]
    return [
        f"{word}: write --scenario or --env before the file"
        for word, before in zip(arguments, after, strict=False)
        if word.endswith((".yaml", ".yml"))
        and not word.startswith("-")
        and not before.startswith("-")
    ]
