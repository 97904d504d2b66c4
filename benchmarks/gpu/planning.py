"""Which items still fit into a call. No torch."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from benchmarks.gpu.folder import OK, Finished, Folder
from benchmarks.gpu.item import Item
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.steps import STEPS, all_items

END = 4.0  # seconds kept to end processes and to write the summary
FEW = 60.0  # planned seconds of finished items, below which they say nothing of this machine's pace
SLOWEST = 4.0  # pace: items that waited for something say little


def pending(settings: Settings, folder: Folder) -> Iterator[Item]:
    """Yield the items that are not done and still fit, in order; the plan is stretched by this machine's pace."""
    finished = folder.finished()
    done = folder.done()
    scale = pace(all_items(settings.sizes), finished.values())
    for item in all_items(settings.sizes):
        if item.key not in done and scale * item.planned <= settings.left() - END:
            yield item


def pace(items: Iterable[Item], finished: Iterable[Finished]) -> float:
    """Return the seconds that items took over those planned: 1 until there is enough to go by, and never below."""
    planned = {item.key: item.planned for item in items}
    pairs = [(planned[item.key], item.seconds) for item in finished if item.status == OK and item.key in planned]
    expected = sum(first for first, _ in pairs)
    return min(SLOWEST, max(1.0, sum(took for _, took in pairs) / expected)) if expected >= FEW else 1.0


def plan(settings: Settings, folder: Folder) -> Iterator[str]:
    """Yield what is left to do, step by step, as lines: items, planned minutes, and whether this call has time."""
    done = folder.done()
    items = [item for item in all_items(settings.sizes) if item.key not in done]
    spent, left = 0.0, settings.left() - END
    yield f"{len(items)} items to go, planned {_minutes(items)}; {left / 60:.1f} min here"
    for step, of_step in groupby(items, key=lambda item: item.step):
        block = list(of_step)
        when = "starts now" if spent + block[0].planned <= left else "a further call"
        yield f"  {STEPS[step]}: {len(block)} items, {_minutes(block)}, {when}"
        spent += sum(item.planned for item in block)


def _minutes(items: Iterable[Item]) -> str:
    return f"{sum(item.planned for item in items) / 60:.1f} min"
