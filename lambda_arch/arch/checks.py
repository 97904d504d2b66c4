"""Checks that families share."""

from lambda_arch.errors import ArchitectureError


def check_classes(classes: int, usual: int) -> None:
    """Raise :class:`ArchitectureError` unless ``classes`` is a whole number from 1; ``usual`` is an example."""
    if not _is_int(classes) or classes < 1:
        raise ArchitectureError(f"classes={classes}: expected a whole number from 1, such as classes={usual}")


def check_image_size(image_size: int, strides: int) -> None:
    """Raise :class:`ArchitectureError` for an image too small to be halved ``strides`` times."""
    least = 2**strides
    if not _is_int(image_size) or image_size < least:
        raise ArchitectureError(
            f"image_size={image_size}: expected a whole number from {least}, for the {strides} strides of 2"
        )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
