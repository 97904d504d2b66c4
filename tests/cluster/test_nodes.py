"""Which nodes may do works, by a Ray that only pretends."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

from lambda_arch import __version__
from lambda_arch.cluster.node import Look
from lambda_arch.cluster.nodes import Nodes
from lambda_arch.errors import SetupError

H200, A100 = "NVIDIA H200", "NVIDIA A100"
WORK = SimpleNamespace(key="work", device="cuda", threads=1, undisturbed=True)


class PretendedRay:
    """Nodes by their names, each with a GPU, resources of Ray, and what a look at it says."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, **nodes):
        self.looks = {name: Look(name, __version__, device, host) for name, (device, host, *_) in nodes.items()}
        self.resources = {name: resources for name, (_, _, *resources) in nodes.items()}

    def nodes(self):
        return [
            {
                "NodeID": name,
                "NodeManagerHostname": name,
                "Alive": name in self.looks,
                "Resources": dict.fromkeys(["GPU", *has], 1),
            }
            for name, has in self.resources.items()
        ]

    def remote(self, **_):
        def options(scheduling_strategy):
            return SimpleNamespace(remote=lambda *_, described: scheduling_strategy)

        return lambda function: SimpleNamespace(options=options)

    def put(self, value):
        return value

    def wait(self, tasks, timeout):
        return tasks, []

    def get(self, task):
        return self.looks[task]


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch):
    strategies = ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda node, soft: node
    for name in ("ray", "ray.util"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)


def look(ray, resource="", alike="device"):
    nodes = Nodes(ray, "cuda", resource, alike)
    nodes.look([WORK], lambda: None)
    return nodes


MIXED = {
    "a": (H200, "1", "accelerator_type:H200"),
    "b": (A100, "2", "accelerator_type:A100", "quiet"),
    "c": (H200, "3", "accelerator_type:H200"),
}


def test_latencies_of_two_kinds_of_devices_are_refused_and_trainings_are_not():
    with pytest.raises(SetupError, match=f"2 kinds of devices .{A100}, {H200}.; expected resource=NAME"):
        look(PretendedRay(**MIXED))
    assert look(PretendedRay(**MIXED), alike="").fingerprints == {"1", "2", "3"}


@pytest.mark.parametrize("resource", [H200, "accelerator_type:H200"])
def test_a_device_by_its_name_or_its_resource_has_the_tasks_alone(resource):
    nodes = look(PretendedRay(**MIXED), resource)
    assert (len(nodes), nodes.fingerprints) == (2, {"1", "3"})
    options = nodes.options(WORK)
    assert list(options["resources"]) == ["accelerator_type:H200"] and options["num_gpus"] == 1
    assert options.get("label_selector") in (None, {"ray.io/node-id": "!in(b)"})
    assert nodes.are_like(H200, "4") and not nodes.are_like(A100, "2")


def test_nodes_of_one_device_are_found_by_its_resource_without_asking():
    ray = PretendedRay(a=MIXED["a"], c=MIXED["c"])
    assert list(look(ray).options(WORK)["resources"]) == ["accelerator_type:H200"]
    assert look(ray, alike="").options(WORK)["resources"] == {}
    with pytest.raises(SetupError, match=f"the nodes have {H200}, but differ in drivers"):
        look(ray, alike="machine")


def test_a_resource_that_no_node_has_is_refused_with_those_that_there_are():
    with pytest.raises(
        SetupError, match=f"resource=quite: no node has it; expected one of {A100}, .*did you mean quiet"
    ):
        look(PretendedRay(**MIXED), "quite")
    assert look(PretendedRay(**MIXED), "quiet").fingerprints == {"2"}


def test_the_last_node_that_is_left_out_says_why():
    nodes = look(PretendedRay(**MIXED), H200)
    nodes.leave_out("a", "no space left")
    assert len(nodes) == 1 and nodes.options(WORK)["label_selector"] == {"ray.io/node-id": "!in(a,b)"}
    with pytest.raises(SetupError, match="no node can be used: a: no space left"):
        nodes.leave_out("c", "no space left")


def test_a_work_goes_on_where_its_checkpoint_is_unless_all_nodes_have_it():
    ray = PretendedRay(**MIXED)
    ray.looks["c"] = replace(ray.looks["c"], begun=frozenset(["work"]))
    assert look(ray, H200).options(WORK)["scheduling_strategy"] == "c"
    ray.looks["a"] = replace(ray.looks["a"], begun=frozenset(["work"]))
    assert "scheduling_strategy" not in look(ray, H200).options(WORK)


def test_lost_nodes_are_named_once_and_count_no_more():
    ray = PretendedRay(**MIXED)
    nodes = look(ray, H200)
    assert nodes.lost() == []
    del ray.looks["c"]
    assert (nodes.lost(), nodes.lost(), len(nodes)) == (["c"], [], 1)
