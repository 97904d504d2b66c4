"""References to modules that are not ours: their spelling, read without running anything.

    models.py:Net(width=64)                        a file and a factory in it, with arguments
    timm:create_model('vit_small_patch16_224')     a package or module, and a factory in it
    models.py:Net@1,3,64,64;1,77:int64             with inputs other than one image of 224x224

A factory is anything that returns an ``nn.Module``, or a module itself. Arguments are literals alone.
"""

import ast
import functools
import keyword
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambda_arch.arch.parsing import named
from lambda_arch.errors import ArchitectureError, shown
from lambda_arch.interop.inputs import Input, image_input, read_inputs

NAME = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
SPELLING = re.compile(rf"(?P<source>[^()]*\.py|{NAME}):(?P<call>{NAME}\s*(\(.*)?)", re.DOTALL)
INPUTS = re.compile(r"(?P<call>.*)@(?P<inputs>[\d,:;\s]+[\w,:;\s]*)", re.DOTALL)
EXAMPLE = "FILE.py:FACTORY(width=64)"
LONGEST = 1000
"""Characters of a reference at most."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A module by its ``source`` (FILE.py, or a dotted name), factory, and arguments as a canonical text.

    ``str()`` is its name, which :func:`read_reference` reads.
    """

    source: str
    factory: str
    arguments: str = ""
    inputs: tuple[Input, ...] = (image_input(),)

    def __str__(self) -> str:
        inputs = "" if self.inputs == (image_input(),) else f"@{';'.join(map(str, self.inputs))}"
        return f"{self.call}{inputs}"

    @property
    def call(self) -> str:
        """The name without inputs."""
        return f"{self.source}:{self.factory}{f'({self.arguments})' if self.arguments else ''}"

    @property
    def image_size(self) -> int:
        """The last side of the first input if that is a square image, else 0."""
        shape = self.inputs[0].shape
        return shape[-1] if len(shape) == 4 and shape[-1] == shape[-2] else 0

    @property
    def is_file(self) -> bool:
        """Whether the source is a file, not a package or module."""
        return self.source.endswith(".py")

    def literals(self) -> tuple[list[Any], dict[str, Any]]:
        """Return positional and keyword arguments as values."""
        return _literals(self.arguments, self.call)


def is_reference(text: str) -> bool:
    """Return whether a text is spelled like a reference, and not like an architecture of ours with options."""
    found = SPELLING.fullmatch(_split(text)[0])
    if found is None:
        return False
    try:
        named(found["source"])
    except ArchitectureError:
        return True
    return False


def read_reference(text: str, inputs: tuple[Input, ...] | None = None) -> Reference:
    """Return the reference that ``text`` spells; ``inputs`` are those of a text that has none.

    Raises :class:`ArchitectureError` for another spelling and for arguments that are not literals.
    """
    call, own = _split(text)
    found = SPELLING.fullmatch(call)
    if found is None or len(text) > LONGEST:
        raise ArchitectureError(f"{shown(text)}: expected {EXAMPLE} or PACKAGE.MODULE:FACTORY")
    factory, bracket, rest = (part.strip() for part in found["call"].partition("("))
    if any(map(keyword.iskeyword, factory.split("."))):
        raise ArchitectureError(f"{shown(text)}: {factory} is a word of Python; expected the name of a factory")
    if bracket and not rest.endswith(")"):
        raise ArchitectureError(f"{shown(text)}: expected a closing bracket at the end, as in {EXAMPLE}")
    arguments = _canonical(rest[:-1], call) if bracket else ""
    given = read_inputs(own.split(";")) if own else inputs
    return Reference(found["source"], factory, arguments, given or (image_input(),))


def reference_to(factory: Callable[..., Any], *inputs: str) -> Reference:
    """Return the reference to a factory that can be imported, or to a ``functools.partial`` of one with literals.

    ``inputs``: as texts, by default one image of 224x224. Raises :class:`ArchitectureError` for what another process
    could not import: a lambda, a function in a function, or what was typed at a prompt.
    """
    arguments = ""
    if isinstance(factory, functools.partial):
        words = [repr(each) for each in factory.args] + [f"{key}={each!r}" for key, each in factory.keywords.items()]
        arguments = _canonical(", ".join(words), repr(factory))
        factory = factory.func
    source, name = getattr(factory, "__module__", ""), getattr(factory, "__qualname__", "")
    if not callable(factory) or not source or not name or "<" in name:
        raise ArchitectureError(
            f"{shown(factory)}: another process cannot import it; expected a function or class of a file or package"
        )
    if source == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        if not file or not Path(file).is_file():
            raise ArchitectureError(
                f"{name}: typed at a prompt; expected it in a file, which another process can import"
            )
        source = str(file)
    return Reference(source, name, arguments, read_inputs(inputs) if inputs else (image_input(),))


def _split(text: str) -> tuple[str, str]:
    """Return the call and the inputs of a reference, each as text."""
    found = INPUTS.fullmatch(text.strip())
    return (found["call"].strip(), found["inputs"]) if found else (text.strip(), "")


def _canonical(arguments: str, call: str) -> str:
    """Return the text of arguments in Python's own spelling; raises :class:`ArchitectureError` as :func:`_literals`."""
    positional, keywords = _literals(arguments, call)
    text = ", ".join([*map(repr, positional), *(f"{key}={value!r}" for key, value in keywords.items())])
    _literals(text, call)  # 1e999 is a literal, but inf is not
    return text


def _literals(arguments: str, call: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the values of arguments without evaluating any expression."""
    try:
        tree = ast.parse(f"f({arguments})", mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):  # such as ) + g(
            raise ValueError
        keywords = {each.arg: ast.literal_eval(each.value) for each in tree.keywords}
        positional = list(map(ast.literal_eval, tree.args))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise _not_literal(call) from None
    if None in keywords or len(keywords) < len(tree.keywords):
        raise _not_literal(call)
    return positional, {str(key): value for key, value in keywords.items()}


def _not_literal(call: str) -> ArchitectureError:
    return ArchitectureError(
        f"{shown(call)}: expected literal arguments (numbers, texts, True, None, lists of these), as in {EXAMPLE}"
    )
