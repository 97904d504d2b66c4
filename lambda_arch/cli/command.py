"""How commands read their arguments and write their errors."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from lambda_arch.cli.messages import say
from lambda_arch.errors import DataError, LambdaArchError, did_you_mean, shown

RENAMED = {"--limit": "--timeout", "--batch": "--batch-size", "--space": "--choices", "--where": "--only"}
"""Old names of flags with their new names; the old ones still work, hidden, for one version."""

WRITTEN = ("out", "plot", "to", "file", "report")
"""Parameters that name a file to write."""
NUMBERS = {int: "a whole number, such as 10", float: "a number, such as 2.5"}
"""What is expected of a number on the command line."""
NEAR = 0.75
"""How alike a flag must be to be suggested: --downsample is not what --compile means."""


class Parameters:
    """Reading of a command's parameters.

    Typer does not convert absent values, texts, choices and paths: it would load pydantic for it, a third of the
    start-up time.
    Old names of flags are replaced by new ones. A command refuses to write a file that it reads.
    """

    params: list[Any]

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises :class:`DataError` for a file to write that it also reads."""
        for i, name in enumerate(WRITTEN):
            path = ctx.params.get(name)
            if path and _is_same(Path(path), path):
                _check_not_read(
                    name, Path(path), {key: ctx.params[key] for key in ctx.params if key not in WRITTEN[: i + 1]}
                )
        return super().invoke(ctx)  # type: ignore[misc]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of a command, including ``--help``."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if "process_value" not in vars(param):
                param.process_value = _process_value(param, param.process_value)
            if param.param_type_name == "argument":
                param.display_type_rich = _no_type  # <list[str]> says nothing to a reader
        return params

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read ``args``, with the old names of flags replaced by the new ones."""
        flags = {flag for param in self.params for flag in param.opts}
        for i, arg in enumerate(args):
            old, equals, value = arg.partition("=")
            new = RENAMED.get(old)
            if old not in flags and new in flags:
                args[i] = f"{new}{equals}{value}"
                if not ctx.resilient_parsing:
                    say(f"note: {old} is now {new}; the old name will go in the next version", err=True)
        self._check_once(args)
        found: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        return found

    def _check_once(self, args: list[str]) -> None:
        """Raise :class:`LambdaArchError` for a flag that takes one value and was given twice."""
        once = {flag: param for param in self.params if not param.multiple for flag in param.opts if flag[:1] == "-"}
        given: dict[Any, str] = {}
        for i, arg in enumerate(args):
            if arg == "--":
                return
            flag, equals, value = arg.partition("=")
            param = once.get(flag)
            if param is None or getattr(param, "is_flag", False):
                continue
            value = value if equals else args[i + 1] if i + 1 < len(args) else ""
            if param in given and not self._is_value(args, i, once):
                raise LambdaArchError(f"{flag} {given[param]} and {flag} {value}: expected it once")
            given[param] = value

    @staticmethod
    def _is_value(args: list[str], i: int, flags: Mapping[str, Any]) -> bool:
        """Return whether the argument ``i`` is the value of the flag before it."""
        before = flags.get(args[i - 1]) if i else None
        return before is not None and not getattr(before, "is_flag", False)


def _check_not_read(name: str, path: Path, others: Mapping[str, Any]) -> None:
    from lambda_arch.store import default_path

    for other, given in {"store": default_path(), **{key: value for key, value in others.items() if value}}.items():
        for each in given if isinstance(given, (list, tuple)) else [given]:
            words = (
                [each] if isinstance(each, Path) else [each, each.rpartition(":")[0]] if isinstance(each, str) else []
            )
            if any(word and _is_same(path, word) for word in words):
                raise DataError(f"{name}={path}: is {other} too; expected another file to write")


def _is_same(path: Path, word: Path | str) -> bool:
    try:
        return path.samefile(word)
    except (OSError, ValueError):  # no file; nor can all words be names of one
        return False


def _process_value(param: Any, convert: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    described = getattr(param, "type_descriptor", None)  # early typer has none, and no pydantic
    kind, choices = getattr(described, "annotation", None), getattr(described, "choices", None) or ()

    def process(ctx: Any, value: Any) -> Any:
        if param.required and not value:
            return convert(ctx, value)
        if value is None:
            value = () if param.multiple or param.nargs == -1 else None
        elif kind is Path:
            if not str(value):
                raise DataError(f"{param.opts[0]} '': expected the name of a file")
            value = Path(value)
        elif choices and value not in choices:
            raise LambdaArchError(
                f"{param.opts[0]} {value}: expected {', '.join(choices)}{did_you_mean(value, choices)}"
            )
        elif kind in NUMBERS:
            try:
                kind(value)
            except ValueError:
                raise LambdaArchError(f"{param.opts[0]} {shown(value)}: expected {NUMBERS[kind]}") from None
            return convert(ctx, value)
        elif not choices and kind not in (str, list[str]):
            return convert(ctx, value)
        return param.callback(ctx, param, value) if param.callback else value

    return process


def _no_type(ctx: Any) -> None:
    return None


class Command(Parameters, TyperCommand):
    """A command. It names the nearest of its own flags for one that it does not have."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read ``args``. Raises :class:`LambdaArchError` for a flag that the command does not have."""
        by_flag = {flag: param for param in self.params for flag in (*param.opts, *param.secondary_opts)}
        for i, arg in enumerate(args):
            flag = arg.partition("=")[0]
            if arg == "--":
                break
            known = flag in by_flag or flag in RENAMED or flag == "--help"
            if flag[:2] == "--" and not known and not self._is_value(args, i, by_flag):
                near = did_you_mean(flag, by_flag, cutoff=NEAR)
                raise LambdaArchError(f"{flag}: no such option{near}; `lambda-arch {self.name} --help` lists them")
        return super().parse_args(ctx, args)


class Group(Parameters, TyperGroup):
    """A group of commands. A pipe closed by its reader ends the command without an error."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # flushing the buffer at exit must not fail
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def usage_message(error: Any, app: Any) -> str:
    """Return what a usage error of typer says in our words, with what was expected; ``app`` has all commands."""
    command, message = error.ctx.command if error.ctx else app, str(error.format_message())
    param, flag = getattr(error, "param", None), getattr(error, "option_name", None)
    if param is not None and message.startswith("Missing"):
        flags = [each for each in param.opts if each.startswith("-")]
        wanted = " ".join([*flags[:1], param.metavar or param.name.upper()])
        return f"{error.ctx.command_path.removeprefix('lambda-arch ')}: expected {wanted}"
    if flag and "requires an argument" in message:
        return f"{flag}: expected a value after it"
    if flag and message.startswith("No such option"):
        known = [each.lstrip("-") for param in command.params for each in param.opts]
        near = did_you_mean(flag.lstrip("-"), known).replace("mean ", "mean --")
        return f"{flag}: no such option{near}; `{error.ctx.command_path} --help` lists them"
    word = re.match("No such command '(.*?)'", message)
    if word:
        near = did_you_mean(word[1], command.commands) or f"; expected one of {', '.join(command.commands)}"
        return f"{word[1]}: no such command{near}"
    extra = re.match(r"Got unexpected extra argument\S* \((.*)\)", message)
    if extra:
        return f"{extra[1]}: one argument too many; `{error.ctx.command_path} --help` says what it takes"
    return message


def with_flags(message: str, command: Any, args: Sequence[str] = ()) -> str:
    """Return ``message`` with arguments (``batch_size=0``) written as flags (``--batch-size 0``).

    Options of architectures stay as they are, because names contain them; so does the image size, unless ``args`` have
    its flag.
    """
    from lambda_arch.arch import OPTIONS

    flags = dict(_flags(command))
    in_names = {option.name for option in OPTIONS}
    if not any(arg.startswith("--image-size") for arg in args):
        in_names.add("image_size")  # of name@8
    names = "|".join(flags.keys() - in_names)
    return re.sub(
        rf"(?<![\w.,:/-])({names})=(True\b)?", lambda found: flags[found[1]] + ("" if found[2] else " "), message
    )


def _flags(command: Any) -> Iterator[tuple[str, str]]:
    for param in command.params:
        yield from ((param.name, flag) for flag in param.opts if flag.startswith("--"))
    for below in getattr(command, "commands", {}).values():
        yield from _flags(below)
