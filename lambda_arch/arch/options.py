"""The options of an architecture, in one table: names, files and flags are all read through it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lambda_arch.arch.checks import LARGEST, whole_number
from lambda_arch.arch.layers import KEY_NORMS, LAYERS
from lambda_arch.arch.resnet_tables import ACTIVATIONS, POOLS, STAGES, STEMS
from lambda_arch.errors import ArchitectureError, did_you_mean

Level = Literal["network", "block", "lambda", "attention"]


def read_whole(value: object) -> int:
    """Return a whole number; raises ValueError saying what was expected."""
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        if whole_number(digits) is not None:
            return int(value)
        if digits.isascii() and digits.isdigit():
            raise ValueError(f"a whole number of at most {LARGEST:,}")
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number, such as 8")


def read_scope(value: object) -> int | str:
    """Return an odd scope, or ``"global"``; raises ValueError saying what was expected."""
    if value == "global":
        return "global"
    try:
        return read_whole(value)
    except ValueError:
        raise ValueError("an odd scope such as 23, or global") from None


def read_ratio(value: object) -> float:
    """Return a ratio; raises ValueError saying what was expected."""
    if isinstance(value, bool):
        raise ValueError("a ratio from 0 to 1, such as 0.25")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError("a ratio from 0 to 1, such as 0.25") from None


def read_yes_no(value: object) -> bool:
    """Return a truth value; raises ValueError saying what was expected."""
    answers = {"yes": True, "no": False, "true": True, "false": False, True: True, False: False}
    key = value.lower() if isinstance(value, str) else value
    if isinstance(key, (str, bool)) and key in answers:
        return answers[key]
    raise ValueError("yes or no")


def read_text(value: object) -> str:
    """Return a word; raises ValueError saying what was expected."""
    if isinstance(value, str) and value:
        return value
    raise ValueError("a word")


@dataclass(frozen=True)
class Option:
    """One option: its ``name``, its level, and its ``help`` with the ``metavar`` of its flag.

    ``parse`` returns the value of a text or of a value from a file, and raises ValueError, with what was expected.
    ``level``: an option of the whole ``network``, of any ``block``, or of blocks whose layer has it (``lambda`` layers,
    or the ``attention`` layers that they are compared with); all but the first can be set for the network, for one
    stage (``c4.k=8``) or for one block (``c4.3.k=8``, counted from 1). ``field`` is the attribute it sets, if that has
    another name.
    """

    name: str
    level: Level
    parse: Callable[[object], object]
    help: str
    metavar: str
    field: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", self.field or self.name)

    @property
    def letters(self) -> str:
        """The letters of the layers that have this option; empty if it is not an option of layers."""
        if self.level in ("network", "block"):
            return ""
        return "".join(letter for letter, kind in LAYERS.items() if self.field in kind.__match_args__)

    def read(self, value: object, where: str = "") -> object:
        """Return the typed value of a text or of a value from a file; ``where`` is its prefix, such as ``c4.3.``."""
        try:
            return self.parse(value)
        except ValueError as error:
            raise ArchitectureError(f"{where}{self.name}={value}: expected {error}") from None

    def read_typed(self, value: object, where: str = "") -> object:
        """Return a value from a typed file, where a number must not be written as text."""
        if isinstance(value, str) and value != "global" and self.parse in (read_whole, read_scope, read_ratio):
            raise ArchitectureError(f'{where}{self.name}="{value}": expected a number, not a text')
        return self.read(value, where)

    @staticmethod
    def write(value: object) -> str:
        """Return ``value`` as :meth:`read` reads it."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


OPTIONS = [
    Option(
        "stages",
        "network",
        read_text,
        "Layers of stages or blocks (C, L, G, X, S, A, D): CCLL, C-C-CCLCCL-L, C-C-2-L, CCGG.",
        "PATTERN",
    ),
    Option("layers", "network", read_text, "Layers of a MobileNet: C block, L lambda layer, - none.", "PATTERN"),
    Option("k", "lambda", read_whole, "Query depth |k|. [default: 16]", "N"),
    Option("h", "lambda", read_whole, "Heads |h|; they divide the channels. [default: 4]", "N"),
    Option("u", "lambda", read_whole, "Intra-depth |u|. [default: 1]", "N"),
    Option("m", "lambda", read_scope, "Scope |m| of the position lambdas: odd, or global. [default: 23]", "N|global"),
    Option("content", "lambda", read_yes_no, "Content lambdas: yes or no. [default: yes]", "yes|no"),
    Option("position", "lambda", read_yes_no, "Position lambdas: yes or no. [default: yes]", "yes|no"),
    Option(
        "lambda_bias",
        "lambda",
        read_yes_no,
        "A bias on the position lambdas: yes or no. [default: no]",
        "yes|no",
        "bias",
    ),
    Option(
        "key_norm",
        "lambda",
        read_text,
        f"How keys are normalised: {', '.join(KEY_NORMS)}. [default: softmax]",
        "|".join(KEY_NORMS),
    ),
    Option(
        "query_softmax",
        "lambda",
        read_yes_no,
        "Softmax of queries over their depth: yes or no. [default: no]",
        "yes|no",
    ),
    Option(
        "batch_norm", "lambda", read_yes_no, "Batch norm on queries and values: yes or no. [default: yes]", "yes|no"
    ),
    Option(
        "heads", "attention", read_whole, "Heads of G, X, S and A layers; they divide the channels. [default: 8]", "N"
    ),
    Option("extent", "attention", read_whole, "Spatial extent of S layers (local attention): odd. [default: 7]", "N"),
    Option(
        "kappa",
        "attention",
        read_ratio,
        "Ratio of key channels to output channels of A layers. [default: 0.2]",
        "RATIO",
    ),
    Option(
        "upsilon",
        "attention",
        read_ratio,
        "Ratio of value channels to output channels of A layers. [default: 0.1]",
        "RATIO",
    ),
    Option(
        "downsample",
        "attention",
        read_yes_no,
        "Attention of A layers at half the side: yes or no. [default: no]",
        "yes|no",
    ),
    Option(
        "reduction",
        "attention",
        read_whole,
        "Channels of a D layer's block over those of its projections. [default: 2]",
        "N",
    ),
    Option("stem", "network", read_text, f"Stem: {', '.join(STEMS)}. [default: 7x7]", "|".join(STEMS)),
    Option(
        "stride", "network", read_yes_no, "Whether c3, c4 and c5 halve their maps: yes or no. [default: yes]", "yes|no"
    ),
    Option(
        "pool",
        "network",
        read_text,
        "Average pool after lambda layers: strided (3x3, in blocks that stride), first (3x3, in the first block of "
        "every stage) or 2x2 (in blocks that stride). [default: strided]",
        "|".join(POOLS),
    ),
    Option(
        "activation",
        "network",
        read_text,
        f"Activation: {', '.join(ACTIVATIONS)}. [default: relu]",
        "|".join(ACTIVATIONS),
    ),
    Option("se", "block", read_ratio, "Squeeze-excitation ratio, 0 for none. [default: 0]", "RATIO"),
    Option(
        "shortcut_bias",
        "network",
        read_yes_no,
        "A bias on the shortcut convolutions: yes or no. [default: no]",
        "yes|no",
    ),
    Option(
        "shared_embeddings",
        "network",
        read_yes_no,
        "One set of position embeddings per stage: yes or no. [default: no]",
        "yes|no",
    ),
    Option("classes", "network", read_whole, "Classes of the head. [default: 1000]", "N"),
]

BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True)
class Setting:
    """An option with its value, for the network (``stage`` None), a stage, or one block (counted from 1)."""

    option: Option
    value: object
    stage: int | None = None
    block: int | None = None

    def __str__(self) -> str:
        place = "" if self.stage is None else f"{STAGES[self.stage]}."
        block = "" if self.block is None else f"{self.block}."
        return f"{place}{block}{self.option.name}={self.option.write(self.value)}"


def read_setting(key: str, value: object, *, typed: bool = False) -> Setting:
    """Return the setting of a dotted ``key`` (``k``, ``c4.k``, ``c4.3.k``) and its value.

    ``typed`` values come from a file with types; others may be texts.

    Raises :class:`ArchitectureError` for an unknown option or stage, a block that is not a number, or a wrong value.
    """
    *place, name = key.split(".")
    if name not in BY_NAME:
        near = did_you_mean(name, BY_NAME) or f"; expected one of {', '.join(BY_NAME)}"
        raise ArchitectureError(f"{key}={value}: no such option{near}")
    option = BY_NAME[name]
    read = option.read_typed if typed else option.read
    where = "".join(f"{part}." for part in place)
    if not place:
        return Setting(option, read(value))
    if option.level == "network":
        raise ArchitectureError(f"{key}={value}: {name} is set for the whole network, expected {name}={value}")
    if place[0] not in STAGES or len(place) > 2:
        raise ArchitectureError(
            f"{key}={value}: expected a stage from c2 to c5, and perhaps a block, such as c4.3.{name}"
        )
    if len(place) == 1:
        return Setting(option, read(value, where), STAGES.index(place[0]))
    block = whole_number(place[1])
    if block is None:
        raise ArchitectureError(f"{key}={value}: expected the number of a block, such as {place[0]}.1.{name}")
    return Setting(option, read(value, where), STAGES.index(place[0]), block)
