"""Damaged and hostile input for tests: names, TOML and CSV that are almost right, and bytes that are neither."""

import json

from hypothesis import strategies as st

from lambda_arch.arch import all_named
from lambda_arch.arch.options import BY_NAME

BASES = ("resnet18", "lambda_resnet50", "resnet26:stages=CCGL", "lambda_mobilenet", "mobilenet", "efficientnet_b0")
NUMBERS = (
    "0",
    "-1",
    "1",
    "7",
    "8",
    "1.5",
    "-0.0",
    "1e3",
    "1e309",
    "nan",
    "inf",
    "1_6",
    "0x10",
    "+8",
    "9" * 30,
    "9" * 5000,
)
# other scripts' digits, signs that look like digits, control characters, a byte that was no UTF-8, an emoji
ODDITIES = ("", " ", "\t", "\n", "\r", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u0663", "\u00b2", "\uff18")
ODDITIES += ("\U0001d7d8", "\u0130", "\u00df", "\ufeff", "\u202e", "\udcff", "\U0001f40d", "é", "e\u0301")
WORDS = (
    "global",
    "yes",
    "no",
    "true",
    "softmax",
    "l2",
    "CCLL",
    "C-C-C-L",
    "ccll",
    "C" * 14,
    "rs",
    "7x7",
    "2x2",
    "silu",
    "None",
)
SIGNS = (":", "@", "=", ",", ".", "-", "_", "/", "%", "*")

pieces = st.sampled_from((*NUMBERS, *ODDITIES, *WORDS, *SIGNS)) | st.text(max_size=5)
keys = (
    st.sampled_from((*BY_NAME, "c4.k", "c4.3.m", "c9.k", "c4.99.k", "K", "k ", "kk", "image_size", "name", "")) | pieces
)
values = pieces | st.tuples(pieces, pieces).map("".join)
bases = st.sampled_from([*BASES, *(entry.name for entry in all_named())]) | pieces


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """``text`` after a few cuts and insertions."""
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        end = min(place + draw(st.sampled_from([0, 0, 1, 4])), len(text))
        text = text[:place] + draw(pieces) + text[end:]
    return text


VALID = (
    "k=8",
    "h=2",
    "u=4",
    "m=7",
    "m=global",
    "c4.m=3",
    "c4.2.k=1",
    "se=0.25",
    "stem=rs",
    "classes=10",
    "stages=CLLL",
)
SIZES = ("@31", "@-8", "@", "@ 64", "@64@64", "@" + "9" * 17, "@" + "9" * 30, "@" + "9" * 5000)


@st.composite
def names(draw: st.DrawFn) -> str:
    """Architecture names, of which one in four or so is valid."""
    valid = st.sampled_from(VALID)
    odd = draw(st.sampled_from(["", "base", "setting", "size", "text"]))
    base = draw(bases if odd == "base" else st.sampled_from(BASES))
    settings = draw(st.lists(valid, max_size=2, unique_by=lambda setting: setting.partition("=")[0]))
    if odd == "setting":
        settings.insert(draw(st.integers(0, len(settings))), draw(st.tuples(keys, values).map("=".join)))
    size = draw(st.sampled_from(SIZES if odd == "size" else ("", "@64")))
    text = base + (":" if ":" not in base else ",") * bool(settings) + ",".join(settings) + size
    return draw(damaged(text)) if odd == "text" else text


def _literal(value: str) -> str:
    return json.dumps(value)


literals = (
    values.map(_literal)
    | values
    | st.sampled_from(NUMBERS)
    | st.lists(st.sampled_from(["8", '"C"', "[1]", "true", "7.5"]), max_size=3).map(
        lambda items: f"[{', '.join(items)}]"
    )
    | st.sampled_from(
        ["{}", "{k = 8}", "{from = 1, to = 9, step = 0}", "{from = 1, to = 1e9, times = 1}", "1979-05-27", "''"]
    )
)
toml_keys = keys | keys.map(_literal)


@st.composite
def toml(draw: st.DrawFn, valid: str) -> bytes:
    """TOML files: ``valid`` with lines added, cut and damaged; some are no TOML, some no text."""
    lines = valid.splitlines()
    for _ in range(draw(st.integers(0, 3))):
        new = draw(st.tuples(toml_keys, literals).map(" = ".join) | toml_keys.map(lambda key: f"[{key}]"))
        lines.insert(draw(st.integers(0, len(lines))), new)
    return draw(in_bytes("\n".join(lines)))


@st.composite
def table(draw: st.DrawFn, valid: str) -> bytes:
    """CSV files: ``valid`` with cells replaced, cut and added; some are no CSV, some no text."""
    rows = [line.split(",") for line in valid.splitlines()]
    for _ in range(draw(st.integers(0, 3))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        cell = draw(pieces | st.sampled_from(['"', '"a\nb"', "x" * 200_000, '""', "1,2,3"]))
        place = draw(st.integers(0, len(row)))
        row[place : place + draw(st.integers(0, 1))] = [cell]
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return draw(in_bytes(newline.join(map(",".join, rows))))


@st.composite
def in_bytes(draw: st.DrawFn, text: str) -> bytes:
    """``text`` as a file has it: most often as UTF-8, at times damaged, cut off or in another encoding."""
    text = draw(damaged(text)) if draw(st.booleans()) else text
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    content = text.encode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "replace")
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content
