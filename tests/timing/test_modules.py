import pytest
from torch import nn

from lambda_arch import ArchitectureError, SetupError, measure
from lambda_arch.interop.references import read_reference
from lambda_arch.store import Store, find_measurements
from lambda_arch.timing import roofline
from tests.interop.user_models import SOURCE, Attention


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_factory_is_measured_beside_a_named_architecture(workers, tmp_path):
    found = measure([Attention, "resnet18@64"], inputs="1,5,8", baseline="resnet18@64", store=tmp_path / "s.db")
    by_name = {timing.measurement.architecture: timing for timing in found}
    ours = by_name["tests.interop.user_models:Attention@1,5,8"]
    assert ours.ratio.median == 1.0
    assert ours.as_dict()["image_size"] is None
    assert ours.measurement.flop_rate is None  # these workers count nothing
    assert ours.measurement.flop_count == "torch"
    assert by_name["resnet18@64"].as_dict()["image_size"] == 64


def test_an_edited_file_is_measured_anew_and_rows_show_the_reference(workers, folder):
    reference = read_reference("models.py:Net(width=4)@1,3,32,32")

    def stored():
        (timing,) = measure(reference, store=folder / "s.db")
        assert timing.measurement.architecture == "models.py:Net(width=4)@1,3,32,32"
        return timing.stored

    assert [stored(), stored()] == [False, True]
    (folder / "models.py").write_text(SOURCE + "\n# edited\n")
    assert [stored(), stored()] == [False, True]
    with Store(folder / "s.db") as store:
        first, second = find_measurements(store)
        assert first.key != second.key
        assert first.source != second.source
        assert first.image_size == 32
    (timing,) = measure(read_reference("models.py:Net(width=4)@1,3,64,64"), store=folder / "s.db")
    assert timing.stored is False


def test_a_module_that_failed_is_tried_again_as_what_it_lacked_may_be_there(workers, folder):
    workers.fates["models.py:Net"] = "oom"
    reference = read_reference("models.py:Net")
    assert [measure(reference, store=folder / "s.db")[0].stored for _ in range(2)] == [False, True]
    with Store(folder / "s.db") as store, store.transaction():
        store.update("measurement", find_measurements(store)[0].uid, {"status": "failed"})
    assert measure(reference, store=folder / "s.db")[0].stored is False


def test_the_largest_batch_is_found_for_a_module_too(workers, folder):
    workers.largest = 5
    (timing,) = measure(read_reference("models.py:Net"), batch_size="auto", store=folder / "s.db")
    assert timing.measurement.setup.batch_size == 5
    (folder / "models.py").write_text(SOURCE + "\n# edited\n")
    workers.largest = 3
    (timing,) = measure(read_reference("models.py:Net"), batch_size="auto", store=folder / "s.db")
    assert timing.measurement.setup.batch_size == 3


def test_what_a_module_cannot_do_is_refused(workers, folder):
    reference, store = read_reference("models.py:Net"), folder / "s.db"
    with pytest.raises(SetupError, match=r"evaluation=auto: models\.py:Net has no lambda layers of ours"):
        measure(reference, evaluation="auto", store=store)
    with pytest.raises(
        SetupError, match="input=8,3,224,224: the batch comes first; expected 1 there, and batch_size=8"
    ):
        measure(read_reference("models.py:Net@8,3,224,224"), store=store)
    with pytest.raises(SetupError, match="runtime=onnxruntime: runs architectures by name"):
        measure(reference, runtime="onnxruntime", store=store)
    with pytest.raises(ArchitectureError, match=r"models\.py:Net: a module of any kind"):
        roofline(reference, store=store)
    with pytest.raises(ArchitectureError, match="another process cannot import it"):
        measure(lambda: nn.Identity(), store=store)  # noqa: PLW0108
    with pytest.raises(ArchitectureError, match=r"no file gone\.py"):
        measure(read_reference("gone.py:Net"), store=store)
    with pytest.raises(ArchitectureError, match="no such architecture"):
        measure("models.py:Net", store=store)  # a text is never code
    assert workers.started <= 1
