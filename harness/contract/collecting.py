"""No search for garbage while a contract is taken in: nearly all that is made then stays.

Python's collector looks at everything there is again and again as it grows, which makes a large contract cost
more for each operation than a small one.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector rests meanwhile, if it was at work; what nothing refers to goes at once all the same."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
