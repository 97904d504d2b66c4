"""How a network is trained, as a value: every setting that changes what it learns. No torch.

The settings have the names of timm's flags. Each is declared once, here: TOML files, overrides and flags read it.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from lambda_arch.errors import SetupError, did_you_mean

Optimizer = Literal["sgd", "adam", "adamw", "nadam", "radam", "rmsprop"]
Schedule = Literal["cosine", "cosine-restarts", "step", "constant"]

OPTIMIZERS: tuple[Optimizer, ...] = ("sgd", "adam", "adamw", "nadam", "radam", "rmsprop")
SCHEDULES: tuple[Schedule, ...] = ("cosine", "cosine-restarts", "step", "constant")
CROPS = ("none", "pad", "resized")
AMP = ("none", "bf16", "fp16")
DECAYED = ("all", "weights")


@dataclass(frozen=True, slots=True)
class Kind:
    """What the value of a setting is: how a text is read, and what is expected of it."""

    read: Callable[[object], Any]
    expected: str
    fits: Callable[[Any], bool]
    metavar: str


def _number(value: object) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)  # type: ignore[arg-type]


def _whole(value: object) -> int:
    if isinstance(value, str):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def _yes_no(value: object) -> bool:
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}[value.lower()]
    return {True: True, False: False}[value]  # type: ignore[index]


def _wholes(value: object) -> tuple[int, ...]:
    parts: Iterable[object] = value.split(",") if isinstance(value, str) else value  # type: ignore[assignment]
    return tuple(_whole(part) for part in parts if part != "")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _at_least(low: int) -> Kind:
    return Kind(_whole, f"a whole number from {low}, below 2^31", lambda value: low <= value < 2**31, "N")


def _one_of(choices: Iterable[str]) -> Kind:
    known = tuple(choices)
    return Kind(_text, f"one of {', '.join(known)}", known.__contains__, "|".join(known))


POSITIVE = Kind(_number, "a number above 0", lambda value: 0 < value < float("inf"), "X")
FROM_ZERO = Kind(_number, "a number from 0", lambda value: 0 <= value < float("inf"), "X")
RATE = Kind(_number, "a number from 0 to below 1", lambda value: 0 <= value < 1, "X")
YES_NO = Kind(_yes_no, "true or false", lambda value: isinstance(value, bool), "yes|no")
EPOCHS = Kind(
    _wholes,
    "rising epochs such as 30,60,90",
    lambda value: all(a < b for a, b in zip((0, *value), value, strict=False)),
    "N,N",
)


def rand_augment(value: str) -> tuple[int, int] | None:
    """Return magnitude and number of operations of ``rand-mM-nN``, as timm writes RandAugment; None for other texts."""
    import re

    found = re.fullmatch(r"rand-m(\d{1,2})-n(\d{1,2})", value)
    return (int(found[1]), int(found[2])) if found else None


def _is_policy(value: str) -> bool:
    if value in ("none", "original", "trivial"):
        return True
    found = rand_augment(value)
    return found is not None and 0 < found[0] < 30 and 0 < found[1] <= 15


POLICY = Kind(
    _text, "none, rand-mM-nN (RandAugment, M from 1 to 29), original (AutoAugment) or trivial", _is_policy, "NAME"
)


def _setting(kind: Kind, help: str, default: Any = MISSING) -> Any:  # noqa: A002
    metadata = {"kind": kind, "help": help}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training recipe. ``batch_size`` is that of a step, over all devices and accumulated parts together.

    Raises :class:`lambda_arch.SetupError`, one line, for a value that is out of range, or that has no meaning with
    the others (``nesterov`` with ``opt="adamw"``).
    """

    epochs: int = _setting(_at_least(1), "Times through the training images.")
    batch_size: int = _setting(_at_least(1), "Images a step, over all devices together.")
    grad_accum_steps: int = _setting(_at_least(1), "Parts of a step's images, one after the other, for less memory.", 1)
    opt: str = _setting(_one_of(OPTIMIZERS), "Optimizer.", "sgd")
    lr: float = _setting(POSITIVE, "Learning rate, after the warm-up.", 0.1)
    sched: str = _setting(_one_of(SCHEDULES), "Schedule of the learning rate.", "cosine")
    warmup_epochs: float = _setting(FROM_ZERO, "Epochs over which the learning rate rises to lr.", 0.0)
    min_lr: float = _setting(FROM_ZERO, "Where cosine schedules end.", 0.0)
    decay_epochs: tuple[int, ...] = _setting(EPOCHS, "Epochs at which the step schedule lowers the rate.", ())
    decay_rate: float = _setting(POSITIVE, "What the step schedule multiplies the rate with.", 0.1)
    restart_epochs: int = _setting(_at_least(1), "Epochs to the first restart of cosine-restarts.", 10)
    restart_mul: int = _setting(_at_least(1), "How many times longer the next is.", 2)
    momentum: float = _setting(RATE, "Momentum of sgd and rmsprop.", 0.9)
    nesterov: bool = _setting(YES_NO, "Nesterov momentum.", False)
    weight_decay: float = _setting(FROM_ZERO, "Weight decay.", 0.0)
    decay: str = _setting(_one_of(DECAYED), "What decays: all parameters, or weights without norms and biases.", "all")
    clip_grad: float = _setting(FROM_ZERO, "Largest norm of the gradient, 0 for no limit.", 0.0)
    smoothing: float = _setting(RATE, "Label smoothing.", 0.0)
    mixup: float = _setting(FROM_ZERO, "Mixup's alpha, 0 for none.", 0.0)
    cutmix: float = _setting(FROM_ZERO, "CutMix's alpha, 0 for none.", 0.0)
    crop: str = _setting(_one_of(CROPS), "Crops: none, of a padded image, or of random size and shape.", "none")
    pad: int = _setting(_at_least(1), "Pixels on each side before a crop.", 4)
    pad_mode: str = _setting(_one_of(("reflect", "constant")), "What is in them.", "reflect")
    hflip: float = _setting(RATE, "How often images are flipped left to right.", 0.0)
    aa: str = _setting(POLICY, "Augmentation policy, such as rand-m15-n2.", "none")
    reprob: float = _setting(RATE, "How often a part of an image is erased.", 0.0)
    drop: float = _setting(RATE, "Dropout before the classifier.", 0.0)
    drop_path: float = _setting(RATE, "Stochastic depth: the last block's rate, others in proportion.", 0.0)
    model_ema: float = _setting(RATE, "Decay of the weights' moving average, 0 for none.", 0.0)
    amp: str = _setting(_one_of(AMP), "Automatic mixed precision.", "none")

    def __post_init__(self) -> None:
        for name, one in SETTINGS.items():
            value = getattr(self, name)
            if not isinstance(value, one.types) or not one.kind.fits(value):
                raise SetupError(f"{name}={write(value)}: expected {one.kind.expected}")
        for name, needed in NEEDS.items():
            if getattr(self, name) != SETTINGS[name].default and not needed.met(self):
                raise SetupError(f"{name}={write(getattr(self, name))}: expected it with {needed}")
        if self.sched == "step" and not self.decay_epochs:
            raise SetupError("sched=step: expected it with epochs to decay at, such as decay_epochs=30,60,90")
        if self.nesterov and not self.momentum:
            raise SetupError("nesterov=True: expected momentum above 0, such as momentum=0.9")
        if self.warmup_epochs >= self.epochs and self.warmup_epochs:
            raise SetupError(
                f"warmup_epochs={write(self.warmup_epochs)}: expected fewer than epochs={self.epochs}, such as "
                f"warmup_epochs={max(0, self.epochs // 10)}"
            )
        if self.batch_size % self.grad_accum_steps:
            raise SetupError(
                f"batch_size={self.batch_size}: expected a multiple of grad_accum_steps={self.grad_accum_steps}, such "
                f"as {-(-self.batch_size // self.grad_accum_steps) * self.grad_accum_steps}"
            )
        if self.min_lr > self.lr:
            raise SetupError(f"min_lr={self.min_lr}: expected at most lr={self.lr}")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name, plain values."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()
        }

    def override(self, changes: Mapping[str, object]) -> "Recipe":
        """Return the recipe with ``changes``, values or texts. What then has no meaning any more is left out.

        Raises :class:`lambda_arch.SetupError` for a name that is no setting, for a wrong value, and for a change that
        has no effect with the others.
        """
        read = {name: read_value(name, value) for name, value in changes.items()}
        values = {name: getattr(self, name) for name in SETTINGS} | read
        for name, needed in NEEDS.items():
            if name not in read and values[needed.name] not in needed.values:
                values[name] = SETTINGS[name].default
            elif name in read and values[needed.name] not in needed.values:
                raise SetupError(f"{name}={write(read[name])}: expected it with {needed}")
        if "epochs" in read and "warmup_epochs" not in read and values["warmup_epochs"] >= values["epochs"]:
            values["warmup_epochs"] = values["epochs"] / 10
        return Recipe(**values)


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of :class:`Recipe`: what it takes, its help, and its default (None where it has to be given)."""

    name: str
    kind: Kind
    help: str
    default: Any
    types: tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What another setting has to be."""

    name: str
    values: tuple[str, ...]

    def met(self, recipe: Recipe) -> bool:
        """Return whether it is so."""
        return getattr(recipe, self.name) in self.values

    def __str__(self) -> str:
        return " or ".join(f"{self.name}={value}" for value in self.values)


SETTINGS = {
    one.name: Setting(
        one.name,
        one.metadata["kind"],
        one.metadata["help"],
        None if one.default is MISSING else one.default,
        (int, float) if one.type is float else (one.type if isinstance(one.type, type) else tuple,),
    )
    for one in fields(Recipe)
}
"""The settings of a recipe, by name."""

NEEDS = {
    "momentum": Need("opt", ("sgd", "rmsprop")),
    "nesterov": Need("opt", ("sgd",)),
    "min_lr": Need("sched", ("cosine", "cosine-restarts")),
    "decay_epochs": Need("sched", ("step",)),
    "decay_rate": Need("sched", ("step",)),
    "restart_epochs": Need("sched", ("cosine-restarts",)),
    "restart_mul": Need("sched", ("cosine-restarts",)),
    "pad": Need("crop", ("pad",)),
    "pad_mode": Need("crop", ("pad",)),
}
"""Settings that mean something only where another has one of these values."""


def read_value(name: str, value: object) -> Any:
    """Return the value of the setting ``name`` from a text, or from a file.

    Raises :class:`lambda_arch.SetupError` for no such setting and for a wrong value.
    """
    if name not in SETTINGS:
        close = did_you_mean(name, SETTINGS, cutoff=0.7)  # they are short: seed is not like sched
        raise SetupError(f"{name}={write(value)}: no such setting{close}")
    kind = SETTINGS[name].kind
    try:
        read = kind.read(value)
        if kind.fits(read):
            return read
    except (TypeError, ValueError, KeyError):
        pass
    raise SetupError(f"{name}={write(value)}: expected {kind.expected}")


def write(value: object) -> str:
    """Return a value as :func:`read_value` takes it."""
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
