"""The commands that count, list and compare."""

import csv
import io
import json
import re

import pytest

from lambda_arch.cli.interrupts import say_where
from lambda_arch.store import default_path


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_headline(run_cli):
    code, out, err = run_cli("params", "--k", 16, "--h", 4, "--u", 1, "--format", "table")
    assert (code, err) == (0, "")
    assert "14,995,592" in out
    assert re.search(r"params, paper  ablation_khu +15.0 M  agrees", out)


def test_params_in_a_pipe_is_csv(run_cli):
    code, out, err = run_cli("params", "lambda_resnet50:k=8,h=8,u=4,m=7", "resnet50")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "architecture,image_size,params,macs,flops",
        '"lambda_resnet50:k=8,h=8,u=4,m=7",224,15261928,2994946048,5989892096',
        "resnet50,224,25557032,4089184256,8178368512",
    ]


@pytest.mark.parametrize("command", ["params", "flops"])
def test_json_is_an_object_of_integers(run_cli, command):
    _, out, _ = run_cli(command, "lambda_resnet152:stages=CCLL@256", "--format", "json")
    data = json.loads(out)
    assert data["architecture"] == "lambda_resnet152:stages=CCLL@256"
    assert (data["image_size"], data["params"]) == (256, 33_868_312)
    assert data["flops"] == 2 * data["macs"] == 30_962_253_824
    assert all(type(data[name]) is int for name in ("image_size", "params", "macs", "flops"))


def test_json_of_several_is_a_list(run_cli):
    _, out, _ = run_cli("params", "resnet50", "resnet101", "--format", "json")
    assert [each["architecture"] for each in json.loads(out)] == ["resnet50", "resnet101"]


def test_flops_by_stage(run_cli):
    _, out, _ = run_cli("flops", "lambda_resnet50")
    rows = table(out)
    assert [row["part"] for row in rows] == ["stem", "c2", "c3", "c4", "c5", "head", "total"]
    assert sum(int(row["macs"]) for row in rows[:-1]) == int(rows[-1]["macs"]) == 6_575_505_408


def test_show_has_a_row_a_module(run_cli):
    _, out, _ = run_cli("show", "lambda_resnet50", "--format", "json")
    data = json.loads(out)
    paths = [row["path"] for row in data["rows"]]
    assert "c4.3.spatial.lambdas.position" in paths
    assert sum(row["params"] for row in data["rows"]) == data["params"] == 14_995_592
    assert abs(sum(row["macs_share"] for row in data["rows"]) - 1) < 1e-9


def test_list_has_every_named_architecture_with_its_costs(run_cli):
    _, out, _ = run_cli("list", "--format", "json")
    entries = json.loads(out)
    names = [entry["name"] for entry in entries]
    assert {"resnet18", "lambda_resnet420", "lambda_resnet101_hybrid"} <= set(names)
    assert all(entry["source"] for entry in entries)
    _, out, _ = run_cli("params", names[-1], "--format", "json")
    assert {key: entries[-1][key] for key in ("architecture", "params", "macs", "flops")}.items() <= json.loads(
        out
    ).items()


def test_flags_apply_on_top_of_a_name_and_of_a_file(run_cli, tmp_path):
    path = tmp_path / "my.toml"
    path.write_text('name = "lambda_resnet50"\nk = 8\n')
    _, out, _ = run_cli("params", path, "lambda_resnet101_hybrid", "--m", "7", "--image-size", "192")
    assert [row["architecture"] for row in table(out)] == [
        "lambda_resnet50:k=8,m=7@192",
        "lambda_resnet101:stages=C-C-3-L,stem=rs,m=7,c2.se=0.25,c3.se=0.25@192",
    ]


def test_a_flag_without_effect_is_refused_or_noted_where_another_network_has_it(run_cli):
    code, out, err = run_cli("params", "resnet50", "--k", "8")
    assert (code, out) == (2, "")
    assert err == "lambda-arch: --k: resnet50 has no lambda layers; expected L in stages, or no --k\n"
    code, out, err = run_cli("params", "resnet50", "lambda_resnet50", "resnet26", "--k", "8")
    assert [row["architecture"] for row in table(out)] == ["resnet50", "lambda_resnet50:k=8", "resnet26"]
    assert err == "note: resnet50 and 1 more have no lambda layers; --k has no effect there\n"
    code, out, err = run_cli("params", "resnet50:stages=SSSS", "--kappa", "0.3", "--heads", "4")
    assert code == 2 and "--kappa: resnet50:stages=SSSS,heads=4 has no A layers" in err


def test_the_ledgers_of_a_sweep_have_the_architecture_and_its_value_in_every_row(run_cli):
    code, out, err = run_cli("show", "lambda_resnet18", "--k", "8,16")
    rows = table(out)
    assert (code, err) == (0, "")
    names = ["lambda_resnet18:k=8", "lambda_resnet18"]
    assert list(dict.fromkeys((row["architecture"], row["k"]) for row in rows)) == [(names[0], "8"), (names[1], "16")]
    for name in names:
        _, alone, _ = run_cli("show", name)
        of_it = [
            {key: row[key] for key in row if key not in ("architecture", "k")}
            for row in rows
            if row["architecture"] == name
        ]
        assert of_it == table(alone)
    data = json.loads(run_cli("show", *names, "--format", "json")[1])
    assert [each["architecture"] for each in data] == names
    assert run_cli("show", *names, "--evaluation", "auto")[0] == 2


def test_a_list_can_be_swept_over_what_has_the_option(run_cli):
    _, out, _ = run_cli("list")
    every = {row["name"] for row in table(out)}
    code, out, err = run_cli("list", "--k", "8,16")
    rows = table(out)
    assert code == 0 and "more have no lambda layers; --k has no effect there" in err
    assert {"lambda_resnet50:k=8", "lambda_resnet50"} <= {row["architecture"] for row in rows}
    assert {row["k"] for row in rows} == {"8", "16", ""}
    assert "efficientnet_b0" in every and not any("efficientnet" in row["architecture"] for row in rows)
    assert run_cli("list", "--k", "x")[2] == "lambda-arch: k=x: expected a whole number, such as 8\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search", "--members", "x"], "--members x: expected a whole number, such as 10"),
        (["predict", "--seconds", "long"], "--seconds long: expected a number, such as 2.5"),
        (["flops", "--format", "yaml"], "--format yaml: expected table, csv, json, md, latex"),
        (["flops", "--format", "jsn"], "--format jsn: expected table, csv, json, md, latex (did you mean json?)"),
        (["match", "--params", "16M", "--top", "0"], "--top 0: expected a whole number from 1"),
        (["params", "-k", "8"], "-k: no such option (did you mean --k?); `lambda-arch params --help` lists them"),
        (["params", "--k"], "--k: expected a value after it"),
        (["results", "lst"], "lst: no such command; expected one of compare, merge, table, check, export"),
        (["results", "compare"], "results compare: expected BASELINE"),
        (["train", "--data", "digits"], "train: expected --recipe NAME|FILE"),
        (["search", "foo"], "foo: one argument too many; `lambda-arch search --help` says what it takes"),
        (
            ["search", "--threads", "1"],
            "--threads 1: only for latencies; expected --minimize latency, or a bound on it",
        ),
        (
            ["search", "--where", "params<=16M,macs<=5G"],
            "params<=16M,macs<=5G: expected one bound at a time, such as 'params<=16M'",
        ),
        (["search", "--tolerance", "2"], "--tolerance 2: expected more than 0 and at most 0.1, such as 0.001"),
        (["report", "--out", "missing/r.html"], "--out missing/r.html: no folder missing; expected one that exists"),
        (
            ["results", "table", "--parquet", "a.csv"],
            "--parquet a.csv: expected a name that ends in .parquet, or --out a.csv",
        ),
        (["calibrate", "--compile"], "--compile: no such option; `lambda-arch calibrate --help` lists them"),
        (
            ["search", "--membrs", "3"],
            "--membrs: no such option (did you mean --members?); `lambda-arch search --help` lists them",
        ),
    ],
)
def test_wrong_flags_are_refused_in_words_of_our_own(run_cli, words, said):
    assert run_cli(*words) == (2, "", f"lambda-arch: {said}\n")


def test_a_file_of_weights_is_a_name(run_cli, tmp_path):
    """Its metadata names the architecture; nothing else of it is read, and no torch."""
    name = "lambda_resnet18:k=8,m=7@64"
    path = tmp_path / "trained.safetensors"
    header = json.dumps({"__metadata__": {"architecture": name}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    code, out, err = run_cli("params", path, "--classes", "10")
    assert (code, err) == (0, "")
    assert table(out)[0]["architecture"] == "lambda_resnet18:classes=10,k=8,m=7@64"
    assert run_cli("flops", path) == run_cli("flops", name)
    assert f"{name}: nothing was measured" in run_cli("results", "compare", path)[2]
    for content in (b"", b"PK", len(header).to_bytes(8, "little") + b"{}", b"\xff" * 64):
        path.write_bytes(content)
        code, _, err = run_cli("params", path)
        assert code == 2 and "names no architecture in its metadata" in err


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["csv", "json", "md", "latex", "table"])
@pytest.mark.parametrize(
    "command", [["params"], ["flops"], ["show", "lambda_resnet18"], ["list"], ["tables", "scope_size"]]
)
def test_every_format_of_every_command(run_cli, tmp_path, command, format_):
    code, out, err = run_cli(*command, "--format", format_, COLUMNS="120")
    assert (code, err) == (0, "")
    path = tmp_path / "out.txt"
    code, nothing, err = run_cli(*command, "--format", format_, "--out", path)
    assert (code, nothing, err) == (0, "", "")
    assert path.read_text().split() == out.split()


@pytest.mark.parametrize(("ending", "begins"), [("csv", "architecture,"), ("json", "{"), ("md", "**"), ("tex", "%")])
def test_the_ending_of_a_file_chooses_its_format(run_cli, tmp_path, ending, begins):
    run_cli("params", "--out", tmp_path / f"a.{ending}")
    assert (tmp_path / f"a.{ending}").read_text().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["params", "lambda_resnet51"], "did you mean lambda_resnet50?"),
        (["params", "--m", "22"], "m=22"),
        (["params", "--k", "x"], "k=x: expected a whole number"),
        (["params", "--image-size", "big"], "--image-size big"),
        (["params", "--image-size", "8"], "--image-size 8: expected a whole number from 32"),
        (["params", "--stages", "CCL"], "4 letters"),
        (["params", "--kk", "8"], "--kk"),
        (["params", "--format", "xml"], "latex"),
        (["params", "nothing.toml"], "nothing.toml: No such file"),
        (["params", "--out", "/no/such/folder/a.csv"], "/no/such/folder/a.csv"),
        (["show", "resnet50", "resnet101", "--evaluation", "auto"], "resnet101: expected one"),
        (["parms"], "params"),
        (["tables", "ablation"], "did you mean ablation_khu?"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(run_cli, arguments, says):
    code, out, err = run_cli(*arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_tables_to_a_folder_and_whether_they_are_stale(run_cli, tmp_path):
    folder = tmp_path / "tables"
    code, out, err = run_cli("tables", "--out", folder)
    assert (code, out) == (0, "")
    assert (folder / "README.md").is_file()
    assert run_cli("tables", "--check", "--out", folder)[0] == 0
    file = folder / "scope_size.csv"
    file.write_text(file.read_text().replace("6575505408", "6575505409"))
    code, _, err = run_cli("tables", "--check", "--out", folder)
    assert code == 1
    assert "scope_size.csv: stale" in err
    assert err.count("\n") == 1


def test_all_tables_in_a_pipe_are_one_csv(run_cli):
    _, out, _ = run_cli("tables")
    rows = table(out)
    assert len({row["table"] for row in rows}) >= 15
    headline = [row for row in rows if row["table"] == "imagenet_lambda_resnet50" and row["figure"] == "flops"]
    assert (headline[0]["ours"], headline[0]["our_count"]) == ("6.575505408", "6575505408")
    assert headline[0]["verdict"] == "agrees"


def test_version_and_help(run_cli):
    from lambda_arch import __version__

    assert run_cli("--version")[1] == f"lambda-arch {__version__}\n"
    code, out, _ = run_cli("--help")
    assert code == 0
    assert all(command in out for command in ("params", "flops", "show", "list", "tables"))


def test_too_small_an_image_of_a_name_is_said_as_in_the_name(run_cli):
    assert run_cli("params", "resnet50@8")[2].startswith("lambda-arch: image_size=8: expected a whole number from 32")
    assert run_cli("params", "resnet50", "--image-size", "8")[2].startswith("lambda-arch: --image-size 8: expected")


def test_a_long_command_says_where_its_results_are(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_arch.cli.interrupts.monotonic", lambda: 100.0)
    monkeypatch.setattr("lambda_arch.cli.interrupts.LONG", 10.0)
    path = tmp_path / "s.db"
    say_where(95.0, path, "results")
    assert capsys.readouterr().err == ""
    say_where(85.0, path, "results")
    assert capsys.readouterr().err == f"kept in {path}; `lambda-arch results --store {path}` shows them\n"
    say_where(85.0, None, "runs")
    assert capsys.readouterr().err == f"kept in {default_path()}; `lambda-arch runs` shows them\n"


def test_time_says_where_its_results_are(run_cli, workers, tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_arch.cli.interrupts.LONG", 0.0)
    path = tmp_path / "s.db"
    words = ["time", "resnet18@32", "--seconds", "0.2", "--store", path]
    assert f"kept in {path}; `lambda-arch results --store {path}` shows them\n" in run_cli(*words)[2]
    assert "kept in" not in run_cli(*words, "--quiet")[2]


def test_conditions_take_the_names_of_flags(run_cli, workers, tmp_path):
    path = tmp_path / "s.db"
    run_cli("time", "resnet18@32", "--seconds", "0.2", "--batch-size", "1,2", "--store", path)
    assert run_cli("results", "--store", path, "--only", "batch_size=2") == run_cli(
        "results", "--store", path, "--only", "batch=2"
    )
    assert len(table(run_cli("results", "--store", path, "--only", "batch_size=2")[1])) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["match", "--params", "1M", "--depth", "50"], "architectures is within the rounding"),
        (["audit", "--params", "1M"], "hypotheses about lambda_resnet50 gives this"),
    ],
)
def test_nothing_found_is_exit_code_1(run_cli, words, said):
    code, out, err = run_cli(*words)
    assert code == 1 and len(out.splitlines()) == 1
    assert err.startswith("lambda-arch: none of ") and err.endswith(f"{said}\n")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("lambda-arch params lambda_resnet5", ["lambda_resnet50", "lambda_resnet50_hybrid"]),
        ("lambda-arch params --stem d", ["deep"]),
        ("lambda-arch params --m ", ["global"]),
    ],
)
def test_names_and_choices_complete_in_a_shell(run_cli, monkeypatch, words, completed):
    monkeypatch.setenv("_LAMBDA_ARCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert run_cli()[1].split() == completed
