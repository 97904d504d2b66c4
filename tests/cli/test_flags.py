"""The flags that commands share: declared once, read into one value; old names; what errors call them."""

import inspect

import pytest
import typer

from lambda_arch.cli.command import with_flags
from lambda_arch.cli.flags import Flags
from lambda_arch.cli.main import COMMANDS, main, make_app
from lambda_arch.errors import SetupError
from lambda_arch.timing import calibrate, measure, predict, roofline


def options(name):
    return {param.name: param for param in typer.main.get_command(make_app(name)).commands[name].params}


def test_the_flags_are_the_arguments_of_the_verbs():
    found = Flags(batch_size="1, 8,8", dtype="fp32,bf16", channels_last=True, threads=2).arguments()
    assert found["batch_size"] == [1, 8]
    assert found["dtype"] == ["fp32", "bf16"]
    assert found["memory_format"] == "channels_last"
    assert "mode" not in found  # the verb's own, unless asked for
    assert Flags(mode="train", batch_size="auto").arguments()["batch_size"] == "auto"
    for verb in (measure, calibrate, predict, roofline):
        assert found.keys() <= inspect.signature(verb).parameters.keys(), verb


@pytest.mark.parametrize("wrong", [{"batch_size": "1,2"}, {"batch_size": "auto"}, {"dtype": "fp32,bf16"}])
def test_one_setup_is_not_several(wrong):
    (name,) = wrong
    with pytest.raises(SetupError, match=f"{name}=.*: expected one"):
        Flags(**wrong).setup()


def test_a_choice_is_checked_and_the_nearest_named(capsys):
    assert main(["params", "--format", "jsn"]) == 2
    expected = "lambda-arch: --format jsn: expected table, csv, json, md, latex (did you mean json?)\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("name", ["time", "calibrate", "predict"])
def test_measuring_commands_take_the_same_flags(name):
    taken = {"device", "batch_size", "dtype", "cast", "channels_last", "mode", "threads", "clock", "evaluation"}
    taken |= {"seconds", "timeout", "memory_limit", "fresh", "store", "quiet", "format", "out", "k", "image_size"}
    assert taken <= set(options(name))
    assert options(name)["seconds"].default == (10.0 if name == "time" else 5.0)


@pytest.mark.parametrize(
    ("arguments", "note", "error"),
    [
        (["time", "--limit", "0"], "--limit is now --timeout", "--timeout 0: expected a number over 0"),
        (["time", "--limit=0"], "--limit is now --timeout", "--timeout 0: expected a number over 0"),
        (["show", "--evaluation", "auto", "--batch", "0"], "--batch is now --batch-size", "--batch-size 0: expected"),
    ],
)
def test_old_names_work_and_say_the_new_one(arguments, note, error, capsys):
    assert main(arguments) == 2
    noted, said = capsys.readouterr().err.splitlines()
    assert note in noted
    assert error in said


@pytest.mark.parametrize("name", COMMANDS)
def test_old_names_are_in_no_help(name, capsys):
    assert main([name, "--help"]) == 0
    words = capsys.readouterr().out.split()
    assert not {"--limit", *(["--batch"] if name != "search" else [])} & set(words)  # there it is networks per round


def test_errors_name_flags_where_the_library_names_arguments():
    command = typer.main.get_command(make_app("time"))
    for message, said in (
        ("batch_size=0: expected a whole number", "--batch-size 0: expected a whole number"),
        ("mode=train, dtype=fp16: no (use cast=cast)", "--mode train, --dtype fp16: no (use --cast cast)"),
        ("fresh=True: not here", "--fresh: not here"),
        ("lambda_resnet50:k=8,mode=x: unknown", "lambda_resnet50:k=8,mode=x: unknown"),
        ("k=8: expected 16", "k=8: expected 16"),
        ("minimize=macs: expected another", "minimize=macs: expected another"),
    ):
        assert with_flags(message, command) == said


def test_main_runs_again_and_again_in_one_process(capsys):
    assert main(["params", "resnet50", "--format", "csv"]) == 0
    first = capsys.readouterr()
    assert main(["params", "resnet51"]) == 2
    error = capsys.readouterr()
    assert (error.out, error.err.count("\n")) == ("", 1)
    assert main(["--version"]) == 0
    capsys.readouterr()
    assert main(["params", "resnet50", "--format", "csv"]) == 0
    assert capsys.readouterr() == first
