import pickle
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from lambda_arch import parse
from lambda_arch.errors import DataError, LambdaArchError, SetupError
from lambda_arch.training import load_data
from lambda_arch.training.digits import CANVAS

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def one_line(error):
    text = str(error.value)
    assert isinstance(error.value, LambdaArchError) and "\n" not in text
    return text


def test_digits_are_split_once_and_for_all():
    data = load_data("digits")
    assert (len(data.train.labels), len(data.val.labels)) == (1438, 359)
    assert data.digest == load_data("digits").digest == "ca7d4078928a67c0"  # runs are compared by it
    images = data.train.load([0, 5], 32)
    assert images.shape == (2, 3, 32, 32) and images.dtype == torch.uint8
    assert images[0].max() > 200 and torch.equal(images[0, 0], images[0, 2])
    train, val = ({image.tobytes() for image in side.array} for side in (data.train, data.val))
    assert not train & val


@pytest.mark.parametrize(("name", "below"), [("digit-pairs", 10), ("digit-pairs:7", 7)])
def test_digit_pairs_are_two_digits_of_their_side_of_the_split(name, below):
    digits, pairs = load_data("digits"), load_data(name)
    assert pairs.name == name and pairs.digest == load_data(name).digest
    seen = set()
    for side in ("train", "val"):
        own = {
            image.tobytes(): int(label)
            for image, label in zip(getattr(digits, side).array, getattr(digits, side).labels, strict=True)
        }
        images = getattr(pairs, side)
        for canvas, label in list(zip(images.array, images.labels, strict=True))[:200]:
            figures = []
            for part in (canvas[:, :8], canvas[:, -8:]):
                found = {own.get(part[top : top + 8].tobytes()) for top in range(CANVAS - 7)} - {None}
                assert len(found) == 1  # a digit of this side, whole
                figures.append(found.pop())
            assert sum(figures) % 10 == label
            seen.update(figures)
            assert not canvas[:, 8:-8].any()  # nothing between them
    assert seen == set(range(below))


@pytest.mark.parametrize("name", ["digit-pairs:1", "digit-pairs:11", "digit-pairs:x", "digit-pairs:", "digits:7"])
def test_pairs_of_fewer_digits_than_two_or_more_than_ten_are_refused(name):
    with pytest.raises(SetupError, match="expected digit-pairs:N with N from 2 to 10"):
        load_data(name)


def test_neither_half_of_a_pair_tells_the_label():
    pairs = load_data("digit-pairs").train
    counts = np.bincount(pairs.labels, minlength=10)
    assert counts.min() > 0.08 * len(pairs.labels)


def cifar_images(count, classes, seed=0):
    draw = np.random.RandomState(seed)
    return draw.randint(0, 256, (count, 3072)).astype(np.uint8), draw.randint(0, classes, count)


def write_cifar10_binary(folder, count=3):
    folder.mkdir()
    for i, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        pixels, labels = cifar_images(count, 10, i)
        rows = np.concatenate([labels[:, None].astype(np.uint8), pixels], 1)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR10) + "\n\n")
    return folder


def write_cifar10_pickled(folder, count=3):
    folder.mkdir()
    for i, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        pixels, labels = cifar_images(count, 10, i)
        content = {b"data": pixels, b"labels": labels.tolist(), b"batch_label": b"batch"}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    meta = {b"label_names": [name.encode() for name in CIFAR10], b"num_cases_per_batch": 10000}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return folder


def test_both_distributions_of_cifar10_are_the_same(tmp_path):
    binary = load_data(write_cifar10_binary(tmp_path / "cifar-10-batches-bin"))
    pickled = load_data(write_cifar10_pickled(tmp_path / "cifar-10-batches-py"))
    assert binary.digest == pickled.digest and binary.classes == pickled.classes == CIFAR10
    assert len(binary.train.labels) == 15 and len(binary.val.labels) == 3
    pixels, labels = cifar_images(3, 10, 0)
    loaded = binary.train.load([1], 32)
    assert loaded[0].flatten().tolist() == pixels[1].tolist()  # red plane first, row by row
    assert binary.train.labels[1] == labels[1]
    assert load_data(tmp_path).name == "cifar10"  # the folder that holds them


def test_cifar100_has_its_fine_labels(tmp_path):
    names = [f"class{i}" for i in range(100)]
    binary, pickled = tmp_path / "cifar-100-binary", tmp_path / "cifar-100-python"
    for folder in (binary, pickled):
        folder.mkdir()
    for i, side in enumerate(("train", "test")):
        pixels, fine = cifar_images(4, 100, i)
        coarse = fine % 20
        rows = np.concatenate([coarse[:, None].astype(np.uint8), fine[:, None].astype(np.uint8), pixels], 1)
        (binary / f"{side}.bin").write_bytes(rows.tobytes())
        content = {b"data": pixels, b"fine_labels": fine.tolist(), b"coarse_labels": coarse.tolist()}
        (pickled / side).write_bytes(pickle.dumps(content, protocol=2))
    (binary / "fine_label_names.txt").write_text("\n".join(names))
    (pickled / "meta").write_bytes(pickle.dumps({b"fine_label_names": [n.encode() for n in names]}, protocol=2))
    data = load_data(binary)
    assert data.digest == load_data(pickled).digest
    assert data.train.labels.tolist() == cifar_images(4, 100, 0)[1].tolist() and len(data.classes) == 100


class Harmful:
    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("data_batch_2", pickle.dumps({b"data": Harmful()}, protocol=2), "print; expected numpy arrays alone"),
        (
            "data_batch_2",
            pickle.dumps({b"data": np.array([Harmful()], object)}, protocol=2),
            "print; expected numpy arrays alone",
        ),
        ("data_batch_2", b"\x80\x02}q", "damaged"),
        ("data_batch_2", b"", "damaged"),
        ("data_batch_2", pickle.dumps([1, 2]), "dictionary"),
        ("data_batch_2", pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [0, 1]}, protocol=2), "expected data"),
        (
            "data_batch_2",
            pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]}, protocol=2),
            "label 10 of image 1 is out of range",
        ),
        (
            "data_batch_2",
            pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, protocol=2),
            "expected labels",
        ),
    ],
)
def test_a_damaged_pickle_is_named_and_nothing_in_it_runs(tmp_path, capsys, name, content, words):
    folder = write_cifar10_pickled(tmp_path / "cifar-10-batches-py")
    (folder / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load_data(folder)
    assert str(folder / name) in one_line(error) and words in one_line(error)
    assert "unpickled" not in capsys.readouterr().out


def test_damaged_binary_files_are_named(tmp_path):
    folder = write_cifar10_binary(tmp_path / "cifar-10-batches-bin")
    good = (folder / "data_batch_3.bin").read_bytes()
    for content, words in ((good[:-1], "records of 3,073 bytes"), (b"\x0b" + good[1:], "label 11 of image 0")):
        (folder / "data_batch_3.bin").write_bytes(content)
        with pytest.raises(DataError) as error:
            load_data(folder)
        assert "data_batch_3.bin" in one_line(error) and words in one_line(error)
    (folder / "data_batch_1.bin").unlink()
    with pytest.raises(DataError, match=r"data_batch_1.bin: no such file"):
        load_data(folder)


def write_folder(path, classes=("cat", "dog"), train=3, val=2, size=(40, 30)):
    for i, side in enumerate(("train", "val")):
        for label, name in enumerate(classes):
            folder = path / side / name
            folder.mkdir(parents=True)
            for j in range(val if i else train):
                colour = (200 * label, 40 * j, 100 * i)
                Image.new("RGB", size, colour).save(folder / f"{j}.{'png' if j % 2 else 'jpg'}")
    return path


def test_an_image_folder_is_read(tmp_path):
    data = load_data(write_folder(tmp_path / "pets"))
    assert (data.name, data.classes) == ("pets", ("cat", "dog"))
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    images = data.train.load(range(6), 16)
    assert images.shape == (6, 3, 16, 16)
    assert abs(int(images[4, 0, 8, 8]) - 200) < 4 and abs(int(images[1, 1, 8, 8]) - 40) < 4
    crops = data.train.load([4], 16, [7])
    assert torch.equal(crops, data.train.load([4], 16, [7]))
    limited = load_data(tmp_path / "pets", limit_images=4)
    assert len(limited.train.labels) == 4 and limited.digest != data.digest
    assert limited.train.load([0, 3], 16).shape == (2, 3, 16, 16)


def test_evaluation_sees_the_centre_and_training_crops_of_it(tmp_path):
    write_folder(tmp_path)
    ramp = np.repeat(np.linspace(0, 255, 400).astype(np.uint8)[None], 300, 0)
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "train/cat/0.jpg", quality=95)
    data = load_data(tmp_path)
    centre = data.train.load([0], 32)[0, 0, 16].float()
    # 0.875 of the shorter side: 262.5 of 400 columns, from 68.75 on
    assert centre[0].item() == pytest.approx(255 * 73 / 400, abs=3)
    assert centre[-1].item() == pytest.approx(255 * 327 / 400, abs=3)
    widths = [float(row[-1] - row[0]) for row in data.train.load([0] * 20, 32, list(range(20)))[:, 0, 16].float()]
    assert min(widths) < 100 and max(widths) > 150  # of many sizes


@pytest.mark.parametrize("content", [b"", b"no image", "cut off"])
def test_a_damaged_image_is_named(tmp_path, content):
    write_folder(tmp_path)
    path = tmp_path / "train/dog/1.png"
    whole = BytesIO()
    Image.fromarray(np.random.RandomState(0).randint(0, 255, (64, 64, 3)).astype(np.uint8)).save(whole, "png")
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2] if content == "cut off" else content)
    data = load_data(tmp_path)
    with pytest.raises(DataError) as error:
        data.train.load(range(6), 16)
    assert str(path) in one_line(error)


def test_empty_and_differing_classes_are_named(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "train/emu").mkdir()
    (tmp_path / "val/emu").mkdir()
    with pytest.raises(DataError, match=r"train.emu: no images"):
        load_data(tmp_path)
    (tmp_path / "val/emu").rmdir()
    with pytest.raises(DataError, match=r"val.emu: no such folder; expected the same classes"):
        load_data(tmp_path)


def test_the_classes_have_to_be_the_architectures(tmp_path):
    data = load_data(write_folder(tmp_path))
    with pytest.raises(DataError, match="expected classes=2"):
        data.check(parse("resnet50"))
    data.check(parse("resnet50:classes=2"))


def test_what_is_no_data_set_is_refused(tmp_path):
    for where in (tmp_path / "nowhere", tmp_path, "digit"):
        with pytest.raises(DataError) as error:
            load_data(where)
        assert str(where) in one_line(error)
    with pytest.raises(DataError, match="limit_images=0"):
        load_data("digits", limit_images=0)


def write_parquet(folder, rows, name="train-0.parquet", **columns):
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(exist_ok=True)
    images = []
    for i in range(rows):
        content = BytesIO()
        Image.new("RGB", (20, 20), (50 * i, 0, 0)).save(content, "png")
        images.append({"bytes": content.getvalue(), "path": None})
    table = {"image": images, "label": [i % 2 for i in range(rows)]} | columns
    parquet.write_table(pa.table({key: value for key, value in table.items() if value is not None}), folder / name)


def test_parquet_files_are_read(tmp_path):
    write_parquet(tmp_path, 4)
    write_parquet(tmp_path, 3, "train-1.parquet")
    write_parquet(tmp_path, 2, "validation.parquet")
    data = load_data(tmp_path)
    assert data.train.labels.tolist() == [0, 1, 0, 1, 0, 1, 0] and len(data.classes) == 2
    assert data.train.load([6, 3], 8)[:, 0, 4, 4].tolist() == [100, 150]
    write_parquet(tmp_path, 3, "train-1.parquet", image=[b"", b"no", b"image"])
    with pytest.raises(DataError, match=r"train-1.parquet: expected|train-1.parquet, row 1"):
        load_data(tmp_path).train.load([5], 8)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": ["a", "b"]}, "expected a whole number"),
        ({"label": [0, -1]}, "out of range"),
        ({"label": None}, "expected columns image and label"),
        ({"image": ["a", "b"]}, "expected encoded images"),
        ({"label": [0, 2]}, "no image of class 1"),
    ],
)
def test_parquet_files_that_do_not_fit_are_named(tmp_path, columns, words):
    write_parquet(tmp_path, 2, **columns)
    write_parquet(tmp_path, 2, "val.parquet")
    with pytest.raises(DataError) as error:
        load_data(tmp_path)
    assert words in one_line(error) and str(tmp_path) in one_line(error)
    (tmp_path / "train-0.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="no Parquet file, or a damaged one"):
        load_data(tmp_path)
