"""How the audit is shown."""

import re

from lambda_arch import audit
from lambda_arch.reporting import report_of, to_text


def test_in_a_narrow_terminal_each_figure_is_one_line():
    text = to_text(report_of(audit("ablation_khu")), 80)
    tables, _, notes = text.partition("printed figures differ")
    assert max(map(len, text.splitlines())) <= 80
    rows = [line for line in tables.splitlines() if re.match(r"\d+/\d+/\d+/\d+ ", line)]
    assert len(rows) == 13 == len(audit("ablation_khu"))
    assert all(re.search(r"(none|\d+) of \d+ ", line) for line in rows)
    assert "coincidences" not in tables and "coincidences" in notes.lower()


def test_in_a_wide_one_coincidences_are_shown():
    text = to_text(report_of(audit("ablation_khu")), 120)
    assert re.search(r"8/8/8/23 \* .* 16\.0 M  16\.53  scope 7x7 +3 of 68 +6 +2\n", text)
    assert re.search(r"2/4/1/23 .* 3 of 60 +3 of 11 +4\n", text)
