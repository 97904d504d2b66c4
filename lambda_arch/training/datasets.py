"""Which data set a name or a path is. Nothing is downloaded."""

from pathlib import Path

from lambda_arch.errors import DataError, did_you_mean
from lambda_arch.training import cifar, digits, image_folder, parquet
from lambda_arch.training.data import Data


def load_data(where: str | Path, *, limit_images: int | None = None) -> Data:
    """Return the data set ``digits`` or ``digit-pairs``, or the one at a path ``where``; nothing is downloaded.

    Images are loaded as uint8 (b, 3, size, size). ``digit-pairs:7`` has pairs of the digits below 7 only, an easier
    task. A path is an image folder (``train`` and ``val``, in each a folder per class), CIFAR-10 or CIFAR-100 in their
    binary or pickled distribution, or a folder of Parquet files. ``limit_images``: at most so many of each side.

    Raises :class:`lambda_arch.DataError`, one line that names the file, for what is none of these or is damaged.
    """
    path = Path(where)
    if digits.is_name(str(where)):
        data = digits.load(str(where))
    elif not path.exists():
        hint = did_you_mean(str(where), digits.NAMES)
        raise DataError(f"data={where}: no such folder; expected one, or {' or '.join(digits.NAMES)}{hint}")
    elif (found := cifar.find(path)) is not None:
        data = found.load()
    elif parquet.is_parquet(path):
        data = parquet.load(path)
    elif (path / "train").is_dir() and (path / "val").is_dir():
        data = image_folder.load(path)
    else:
        raise DataError(
            f"{where}: expected train and val in it, with a folder per class, or the files of CIFAR-10 or CIFAR-100, "
            f"or Parquet files"
        )
    return data if limit_images is None else data.limited(limit_images)
