import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.errors import DataError, SetupError
from lambda_arch.training.recipe import AMP, CROPS, DECAYED, OPTIMIZERS, SCHEDULES, Recipe
from lambda_arch.training.recipe_file import NamedRecipe, find_recipe, recipe_names, write_recipe

PLAIN = Recipe(epochs=10, batch_size=64)


def test_the_published_recipes_say_what_their_sources_say():
    paper = find_recipe("paper").recipe
    assert (paper.epochs, paper.batch_size, paper.sched, paper.aa) == (350, 4096, "cosine", "rand-m15-n2")
    assert (paper.smoothing, paper.weight_decay, paper.model_ema, paper.drop) == (0.1, 4e-5, 0.9999, 0.25)
    assert (paper.lr, paper.warmup_epochs, paper.drop_path, paper.momentum) == (1.6, 5, 0.1, 0.9)  # ResNet-RS-200
    d_li14 = find_recipe("d-li14").recipe
    assert (d_li14.opt, d_li14.lr, d_li14.epochs, d_li14.batch_size) == ("sgd", 0.1, 130, 256)
    assert (d_li14.sched, d_li14.smoothing, d_li14.weight_decay) == ("cosine", 0.1, 1e-4)
    cifar10 = find_recipe("leaderj1001").recipe
    assert (cifar10.sched, cifar10.restart_epochs, cifar10.restart_mul, cifar10.min_lr) == (
        "cosine-restarts",
        10,
        2,
        1e-4,
    )
    assert (cifar10.batch_size, cifar10.lr, cifar10.clip_grad, cifar10.weight_decay) == (128, 0.1, 2, 1e-4)
    cifar100 = find_recipe("lambda-mobilenets").recipe
    assert (cifar100.epochs, cifar100.lr, cifar100.nesterov, cifar100.decay_epochs) == (120, 0.1, True, (30, 60, 90))
    assert (cifar100.crop, cifar100.pad, cifar100.pad_mode, cifar100.hflip) == ("pad", 4, "reflect", 0.5)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_names_its_source(name):
    named = find_recipe(name)
    assert named.about and named.source


def test_a_recipe_is_read_without_torch():
    code = (
        "import sys; from lambda_arch.training import find_recipe, recipe_names; "
        "[find_recipe(name) for name in recipe_names()]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_overrides_are_texts_or_values():
    changed = PLAIN.override({"opt": "adamw", "lr": "3e-4", "epochs": 20, "aa": "rand-m9-n2"})
    assert (changed.opt, changed.lr, changed.epochs, changed.aa) == ("adamw", 3e-4, 20, "rand-m9-n2")
    assert PLAIN.override({}) == PLAIN


def test_what_loses_its_meaning_goes():
    nesterov = Recipe(epochs=9, batch_size=8, nesterov=True, sched="step", decay_epochs=(3, 6))
    changed = nesterov.override({"opt": "adamw", "sched": "cosine"})
    assert not changed.nesterov and changed.decay_epochs == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nesterov": "yes", "opt": "adamw"}, "nesterov=True: expected it with opt=sgd"),
        ({"momentum": "0.8", "opt": "adam"}, "momentum=0.8: expected it with opt=sgd or opt=rmsprop"),
        ({"decay_epochs": "30,60"}, "decay_epochs=30,60: expected it with sched=step"),
        ({"sched": "step"}, "such as decay_epochs=30,60,90"),
        ({"learning_rate": "1"}, "no such setting"),
        ({"smothing": "0.1"}, "did you mean smoothing?"),
        ({"seed": "1"}, "seed=1: no such setting"),
        ({"lr": "-1"}, "lr=-1: expected a number above 0"),
        ({"epochs": "2147483648"}, "expected a whole number from 1, below 2^31"),
        ({"lr": "nan"}, "lr=nan: expected a number above 0"),
        ({"epochs": "0"}, "epochs=0: expected a whole number from 1"),
        ({"aa": "rand-m40-n2"}, "aa=rand-m40-n2: expected none, rand-mM-nN"),
        ({"opt": "lion"}, "opt=lion: expected one of sgd"),
        ({"decay_epochs": "60,30", "sched": "step"}, "expected rising epochs"),
        ({"warmup_epochs": "10"}, "expected fewer than epochs=10"),
        ({"min_lr": "1"}, "min_lr=1"),
        ({"grad_accum_steps": "7"}, "batch_size=64: expected a multiple of grad_accum_steps=7, such as 70"),
        ({"grad_accum_steps": "0"}, "grad_accum_steps=0: expected a whole number from 1"),
        ({"drop": "1"}, "expected a number from 0 to below 1"),
    ],
)
def test_overrides_that_cannot_be_are_refused_in_a_line(changes, words):
    with pytest.raises(SetupError) as caught:
        PLAIN.override(changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 3", "no batch_size"),
        ("epochs = 3\nbatch_size = ", "expected TOML"),
        ('epochs = 3\nbatch_size = "8"', "not a text"),
        ("epochs = 3\nbatch_size = 8\nlabel_smoothing = 0.1", "did you mean smoothing?"),
        ("epochs = 3\nbatch_size = 8\nabout = 3", "expected a text"),
        ("epochs = true\nbatch_size = 8", "expected a whole number"),
        ("epochs = 3\nbatch_size = 8\n[lr]\nvalue = 1", "expected a number above 0"),
        (f"epochs = {10**9}0\nbatch_size = 8", "expected a whole number from 1, below 2^31"),
        (f"epochs = {'9' * 5000}\nbatch_size = 8", "expected TOML"),
        (f"epochs = 3\nbatch_size = {'[' * 5000}", "expected TOML"),
        ("epochs = 3\nbatch_size = 8\nlr = 1e400", "lr=inf: expected a number above 0"),
        ('epochs = 3\nbatch_size = 8\n"\\u001b]0;t" = 1', "no such setting"),
        (f"epochs = 3\nbatch_size = 8\nopt = '{'lambda ' * 300}'", "expected one of sgd"),
    ],
)
def test_files_that_are_no_recipes_are_named(tmp_path, text, words):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        find_recipe(str(path))
    message = str(caught.value)
    assert str(path) in message and words in message and message.isprintable()
    assert len(message.removeprefix(str(path))) < 250


def test_unknown_recipes_are_refused_with_the_nearest():
    with pytest.raises(SetupError, match="did you mean digits"):
        find_recipe("digit")


RATES = st.floats(0, 0.99)


@st.composite
def recipes(draw):
    sched, opt, crop = draw(st.sampled_from(SCHEDULES)), draw(st.sampled_from(OPTIMIZERS)), draw(st.sampled_from(CROPS))
    lr = draw(st.floats(1e-6, 10))
    extra = {}
    if sched == "step":
        extra["decay_epochs"] = tuple(sorted(draw(st.sets(st.integers(1, 300), min_size=1, max_size=4))))
    if sched.startswith("cosine"):
        extra["min_lr"] = draw(st.floats(0, 1)) * lr
    if opt == "sgd":
        extra |= {"momentum": 0.5, "nesterov": draw(st.booleans())}
    return Recipe(
        epochs=draw(st.integers(2, 1000)),
        batch_size=draw(st.integers(1, 8192)),
        opt=opt,
        lr=lr,
        sched=sched,
        crop=crop,
        warmup_epochs=draw(st.floats(0, 1.5)),
        weight_decay=draw(st.floats(0, 1)),
        decay=draw(st.sampled_from(DECAYED)),
        smoothing=draw(RATES),
        drop=draw(RATES),
        model_ema=draw(RATES),
        amp=draw(st.sampled_from(AMP)),
        **extra,
    )


@given(recipes(), st.text(), st.text())
def test_what_is_written_is_read_back(tmp_path_factory, recipe, about, source):
    path = tmp_path_factory.getbasetemp() / "recipe.toml"
    named = NamedRecipe("recipe", recipe, about, source)
    path.write_bytes(write_recipe(named).encode("utf-8", "surrogatepass"))
    assert find_recipe(str(path)) == named


@given(st.dictionaries(st.sampled_from(["epochs", "lr", "aa", "opt", "crop", "drop", "hflip", "x"]), st.text()))
def test_any_text_is_read_or_refused(changes):
    try:
        assert isinstance(PLAIN.override(changes), Recipe)
    except SetupError as error:
        assert "\n" not in str(error)
