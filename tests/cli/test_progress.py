import re
import sys
import time

from lambda_arch.cli import progress
from lambda_arch.cli.progress import busy, progress_bar, watch
from lambda_arch.timing.machines import Devices
from tests.command_line import Stream
from tests.waiting import wait_until


def until_said(text):
    """Wait until ``text`` is on stderr."""
    wait_until(lambda: text in sys.stderr.text())


def said(monkeypatch, *, terminal, shown_after):
    err = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(progress, "SECONDS_BEFORE_STATUS", shown_after)
    with busy("pareto") as read:
        read(0.25)
        if terminal and not shown_after:
            until_said("pareto: 25% read")
    return err.text()


def test_what_takes_long_says_so_on_a_terminal_alone(monkeypatch):
    assert "pareto: 25% read" in said(monkeypatch, terminal=True, shown_after=0.0)
    assert "pareto" not in said(monkeypatch, terminal=True, shown_after=3600.0)
    assert said(monkeypatch, terminal=False, shown_after=0.0) == ""


def lines(monkeypatch, block):
    """Return what a pipe gets of a block while lines are written often."""
    err = Stream(terminal=False)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(progress, "SECONDS_PER_LINE", 0.02)
    block()
    return err.text().splitlines()


def test_a_pipe_gets_a_line_every_so_often_with_share_and_time_left(monkeypatch):
    def work():
        with progress_bar(4, "three counters") as advance:
            advance(1, "resnet50")
            until_said("resnet50")

    found = lines(monkeypatch, work)
    assert re.match(r"three counters resnet50: 25% after \d+\.\d s, about \d+\.\d s left", found[-1])


def test_no_line_where_it_is_quiet(monkeypatch):
    def work():
        with progress_bar(4, "time", quiet=True), watch("time", quiet=True):
            time.sleep(0.1)

    assert lines(monkeypatch, work) == []


def test_what_goes_on_before_a_measurement_is_said(monkeypatch):
    def work():
        with watch("time", quiet=False, before="measuring peak rates"):
            until_said("so far")

    assert lines(monkeypatch, work)[0].startswith("time: measuring peak rates: ")


def test_devices_say_that_they_are_measured(monkeypatch, run_cli):
    monkeypatch.setattr(progress, "SECONDS_PER_LINE", 0.02)

    def slow(**_):
        until_said("devices: ")
        return Devices(())

    monkeypatch.setattr("lambda_arch.timing.devices", slow)
    code, _, err = run_cli("devices")
    assert code == 0 and err.startswith("devices: measuring peak rates: ")
