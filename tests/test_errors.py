"""What messages make of input: no control characters, nothing at length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import parse, read_architecture
from lambda_arch.costs import count
from lambda_arch.errors import ArchitectureError, LambdaArchError, escaped, one_line, shown
from tests.command_line import run


@given(st.text() | st.text(st.sampled_from("\x1b]0;\x07\u202e\udcff\x9b a/")))
def test_no_input_reaches_a_terminal_as_it_is(text):
    for made in (str(LambdaArchError(f"{text}: expected another")), escaped(text), shown(text), one_line(text)):
        assert made.isprintable()
        made.encode()
    assert len(shown(text)) <= 80


LONG = ["x" * 3000, "lambda net " * 300, "a, b: c; " * 300, "a/b " * 300, "k=8," * 300, "\x1b[31m" * 300, "é" * 3000]


BEFORE = """
params; flops; show; compare; list; tables; audit; match --params; results --only; results compare; runs; evaluate; x;
search --where; search --minimize; search --space; search --function; params --k; params --format; params --out; pareto;
params --max; time --device; time --batch-size; time --seconds; calibrate --choices; train --data; convert --from
"""


@pytest.mark.parametrize("before", [each.strip() for each in BEFORE.split(";")])
def test_no_more_than_80_characters_of_an_argument_are_quoted(before):
    *words, last = before.split()
    for text in LONG:
        for arguments in ([*words, last, text], [*words, f"{last}={text}"])[: len(words) + 1]:
            code, out, err = run(*arguments)
            assert (code, out, err.count("\n")) == (2, "", 1), arguments
            assert len(err) < 450, arguments
            assert escaped(text)[:81] not in err, arguments


def test_plain_words_stay_and_escapes_are_readable():
    assert str(ArchitectureError("k=0: expected a whole number")) == "k=0: expected a whole number"
    assert str(LambdaArchError("\x1b]0;title\x07: no")) == r"\x1b]0;title\x07: no"
    assert one_line(f"/a/folder/{'x' * 20}/file.csv: damaged") == f"/a/folder/{'x' * 20}/file.csv: damaged"


@pytest.mark.parametrize("value", ["9" * 5000, 10**5000, "a b " * 3000, [[1] * 9999], "x/" * 5000], ids=type)
def test_what_is_long_is_quoted_by_its_beginning(value):
    assert len(shown(value)) <= 80
    assert len(str(LambdaArchError(f"k={shown(value)}: expected a number"))) < 200
    if isinstance(value, str):
        assert len(str(LambdaArchError(f"k={value}: expected a number"))) < (1000 if "/" in value else 150)
        assert len(one_line(f"k={value}: expected a number", [value])) < 150


@pytest.mark.parametrize("text", ["k = {}", "image_size = {}", "classes = {}", "m = {}", "[c4]\nk = {}"])
@pytest.mark.parametrize(
    "number", [10**10, 10**23, 10**400, -(10**400)], ids=lambda number: f"{float(str(number)[:5]):g}"
)
def test_huge_numbers_are_refused_with_the_limit(tmp_path, text, number):
    path = tmp_path / "a.toml"
    path.write_text(text.format(number))
    with pytest.raises(ArchitectureError, match="at most 1,000,000,000") as caught:
        count(read_architecture(path))
    assert len(str(caught.value).removeprefix(str(path))) < 250


def test_names_with_huge_numbers_are_refused():
    for name in ("lambda_resnet50:k=10000000000", "lambda_resnet50@99999999999", "efficientnet_b0:classes=10000000000"):
        with pytest.raises(ArchitectureError, match="at most 1,000,000,000"):
            parse(name)
