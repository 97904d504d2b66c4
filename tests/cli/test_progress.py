import sys
import time

from lambda_arch.cli.progress import busy
from tests.command_line import Stream


def said(monkeypatch, *, terminal, seconds):
    err = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", err)
    with busy("pareto", after=0.1) as progress:
        progress(0.25)
        time.sleep(seconds)
    return err.text()


def test_what_takes_long_says_so_on_a_terminal_alone(monkeypatch):
    assert "pareto: 25% read" in said(monkeypatch, terminal=True, seconds=0.4)
    assert "pareto" not in said(monkeypatch, terminal=True, seconds=0)
    assert said(monkeypatch, terminal=False, seconds=0.3) == ""
