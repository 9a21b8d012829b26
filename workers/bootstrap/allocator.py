"""How the C library keeps memory that is free again."""

import ctypes
from typing import Any

M_TRIM_THRESHOLD = -1
"""glibc's name of the free bytes at the end of the heap above which they are given back."""

M_MMAP_THRESHOLD = -3
"""glibc's name of the size from which a buffer is mapped by itself."""

LARGE_BYTES = 512 * 1024
"""What is mapped by itself. At half of it a command took 7 µs more: each buffer of Kafka or
the store was mapped, and its pages cleared, anew. At twice of it the worker took 8 MB more."""

FREE_BYTES = 4 * 1024 * 1024
"""What may stay free at the end of the heap, so that it is not given back and taken all the time."""


def give_large_buffers_back() -> bool:
    """Return large buffers to the system once they are free; say whether the C library can.

    glibc maps a large buffer by itself until the first one is free again. From then on it takes
    buffers of that size from the heap, where a small one that lives longer keeps the space of all
    below it: a sixth of the worker's memory under load.
    """
    mallopt: Any = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    trims, maps = mallopt(M_TRIM_THRESHOLD, FREE_BYTES), mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    return bool(trims and maps)
