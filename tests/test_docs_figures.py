"""Counts in the prose of README and docs: each is printed somewhere, or one that we count, as rounded there."""

import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from lambda_arch import audit, compare, count
from lambda_arch.arch.zoo import zoo_entries
from lambda_arch.published import all_tables

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("architectures", "audit", "comparison-layers", "counting", "families")),
]
SCALES = {"M": 10**6, "G": 10**9}
# what pages name besides published rows and named architectures: alternatives that they rule out
OTHERS = [
    "lambda_resnet50:stages=CCLL,k=8",
    "lambda_resnet200:stages=CCLL,stem=rs,c2.se=0.25,c3.se=0.25",
    *(f"resnet50:stages=C-CDCD-CDCDCD-C,reduction={reduction}" for reduction in (1, 2, 4)),
]
OF_A_BENCHMARK = {"2,128,620"}  # architectures a second


@cache
def known():
    """Return every count that we have, and every figure as printed."""
    rows = [row.architecture for table in all_tables() for row in table.rows if row.architecture]
    counts = {finding.figure.ours for finding in audit()}
    for name in {*rows, *zoo_entries(), *OTHERS}:
        ledger = count(name)
        statistics = sum(row.params for row in ledger.rows if row.kind == "norm")
        training = count(name, mode="train")
        counts |= {training.macs, training.flops}
        counts |= {ledger.params, ledger.params + statistics, ledger.macs, ledger.flops, ledger.fvcore_flops}
    verdicts = [verdict for table in compare() for row in table.rows for verdict in row.verdicts.values()]
    counts |= {verdict.ours for verdict in verdicts if verdict.ours is not None}
    return counts, {verdict.printed for verdict in verdicts}


def is_known(figure, unit):
    counts, printed = known()
    number = Decimal(figure)
    step = Decimal(1).scaleb(number.as_tuple().exponent)
    return figure in printed or any(abs(Decimal(each) / SCALES[unit] - number) * 2 <= step for each in counts)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_counts_in_prose_are_ours_or_printed(page):
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    rounded = re.findall(r"(?<![\d.])(\d+\.\d+)\s(M|G)\b", prose)
    assert [f"{figure} {unit}" for figure, unit in rounded if not is_known(figure, unit)] == []
    exact = set(re.findall(r"(?<![\d,.])(\d{1,3}(?:,\d{3}){2,})(?![\d,])", prose)) - OF_A_BENCHMARK
    assert [figure for figure in exact if int(figure.replace(",", "")) not in known()[0]] == []


@pytest.mark.slow
def test_a_wrong_digit_would_be_seen():
    assert is_known("15.56", "M")
    assert not is_known("15.65", "M")
