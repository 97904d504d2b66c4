"""A family and a lambda-layer option from outside the package go all the way."""

import subprocess
import sys

import pytest
import torch

from lambda_arch import calibrate, measure, predict
from lambda_arch.arch import ArchitectureError, all_named, extension_modules, parse, read_architecture, register
from lambda_arch.costs import count, verify
from lambda_arch.nn import build, prepare
from lambda_arch.searching import search, space_of

NAMES = ["toy", "toy:width=12,mixed=yes@17", "lambda_resnet18:stages=CCCL,classes=10,mixed=yes@32"]


@pytest.fixture(autouse=True)
def _toy():
    with register("tests.toy_family"):
        yield


@pytest.mark.parametrize("name", NAMES)
def test_names_round_trip(name):
    assert str(parse(name)) == name
    assert parse(str(parse(name))) == parse(name)


def test_every_named_architecture_has_a_name_with_it():
    assert {"toy", "lambda_resnet50", "mobilenet"} <= {entry.canonical for entry in all_named()}
    assert str(parse("lambda_mobilenet:mixed=yes")).endswith(",mixed=yes")


def test_files_name_it(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text('name = "toy"\nimage_size = 17\nwidth = 12\nmixed = true\n')
    assert read_architecture(path) == parse(NAMES[1])
    path.write_text('name = "lambda_resnet18"\nk = 8\n[c5]\nmixed = true\n')
    assert read_architecture(path) == parse("lambda_resnet18:k=8,c5.mixed=yes")


@pytest.mark.parametrize("name", NAMES)
def test_three_counters_agree(name):
    assert verify(parse(name)).disagreements == ()


def test_the_option_costs_what_it_is():
    mixed, plain = count(parse("toy:mixed=yes")), count(parse("toy"))
    assert mixed.params - plain.params == 8 * 8
    assert mixed.macs - plain.macs == 8 * 8 * 16 * 16


@pytest.mark.parametrize("name", NAMES)
def test_networks_run(name):
    network = build(name)
    size = network.architecture.image_size
    assert network(torch.randn(2, 3, size, size)).shape == (2, 10)


def test_prepared_networks_compute_the_same():
    network = build("toy:mixed=yes").eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(prepare(network)(x), network(x))


def test_what_it_does_not_take_is_refused():
    with pytest.raises(ArchitectureError, match=r"stem=rs: no option of toy; expected one of k, h, u, m, .*mixed"):
        parse("toy:stem=rs")


def test_another_process_registers_the_same_modules():
    assert extension_modules() == ("tests.toy_family",)
    code = (
        "import sys; from lambda_arch.arch import parse, register\n"
        "for name in sys.argv[1:]: register(name)\n"
        "print(parse('toy:mixed=yes'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *extension_modules()], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "toy:mixed=yes"


def test_the_registry_is_as_before_afterwards():
    before = extension_modules()
    with register("tests.toy_family"):  # once more changes nothing
        assert extension_modules() == before


def test_a_temporary_registry_ends():
    code = (
        "from lambda_arch.arch import extension_modules, parse, register, ArchitectureError\n"
        "with register('tests.toy_family'): parse('toy')\n"
        "assert extension_modules() == ()\n"
        "try: parse('toy')\n"
        "except ArchitectureError as error: print(error)\n"
        "try: parse('lambda_resnet50:mixed=yes')\n"
        "except ArchitectureError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("toy: no such architecture")
    assert second.startswith("mixed=yes: no such option")


@pytest.mark.slow
def test_it_is_timed(tmp_path):
    """In processes of its own, which register it too."""
    options = {"threads": 1, "seconds": 0.1, "store": tmp_path / "s.db"}
    (timing,) = measure("toy:mixed=yes", **options)
    assert timing.measurement.status == "ok"
    assert calibrate("toy:mixed=yes", **options).failures == ()
    assert predict("toy:mixed=yes", **options).predictions[0].seconds > 0


def test_it_is_searched():
    space = space_of({"base": "toy", "width": [4, 8, 12], "mixed": [False, True], "image_size": [16, 32]}, "toys")
    front = search(space, minimize=["params", "macs"], where=["params>=1000"])
    points = [(count(each).params, count(each).macs) for each in space.architectures()]
    points = [point for point in points if point[0] >= 1000]
    best = [p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)]
    assert len(points) < space.size == 12
    assert sorted(map(tuple, front.points)) == sorted(set(best))


def test_published_runs_still_say_what_top1_is():
    assert search("scaling", where="params<=17M").architecture(0).depth == 50


def test_the_option_is_searched_in_blocks():
    space = space_of({"depth": 18, "image_size": 32, "per": "stage", "layer": ["C", "L"], "mixed": [False, True]}, "s")
    assert space.size == 3**4
    front = search(space, minimize=["params"])
    assert front.points.min() == min(count(each).params for each in space.architectures())
    assert any("mixed=yes" in str(each) for each in space.architectures())
