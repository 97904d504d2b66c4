"""The flag --cluster: what is refused before anything starts."""

import pytest

SMALL = ("resnet18@32", "--threads", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("time", *SMALL, "--cluster", "locla"), "or ray://HOST:PORT (did you mean local?)"),
        (("time", *SMALL, "--cluster", "ray://127.0.0.1:1"), "--cluster ray://127.0.0.1:1: Connection refused"),
        (("time", *SMALL, "--resource", "x"), "--resource x: expected it with --cluster auto"),
        (("search", "--cluster", "local"), "--cluster local: expected it with --measure or --train"),
        (("time", *SMALL, "--cluster", "local", "--device", "cuda:1"), "the cluster chooses which of its GPUs"),
        (("time", *SMALL, "--roofline", "--cluster", "local"), "expected it without --roofline"),
        (("time", "--table", "batch_size", "--cluster", "local"), "--table batch_size: expected one of"),
        (("time", *SMALL, "--cluster", "local", "--batch-size", "0"), "--batch-size 0"),
        (("train", "lambda_mobilenet:classes=10@16", "--data", "digits", "--recipe", "digits", "--dry-run",
          "--cluster", "local"), "--cluster local: expected it without --dry-run"),
    ],
)  # fmt: skip
def test_refusals(run_cli, tmp_path, arguments, message):
    code, out, err = run_cli(*arguments, "--store", tmp_path / "s.db")
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_without_ray_one_line_says_what_to_install(run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_arch.lazy.is_installed", lambda *modules: False)
    code, _, err = run_cli("time", *SMALL, "--cluster", "local", "--store", tmp_path / "s.db")
    assert code == 2
    assert err == "lambda-arch: ray is not installed; expected `pip install 'lambda-arch[cluster]'`\n"
