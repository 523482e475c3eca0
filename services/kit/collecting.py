"""Work that makes many objects which all stay: looking for reference cycles among them would only cost time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for reference cycles meanwhile. Memory is freed by reference counts as always."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
