"""Giving freed memory back to the machine."""

import ctypes
import sys


def release_freed_memory() -> None:
    """Ask glibc to return what was freed; elsewhere do nothing.

    A tick allocates and frees hundreds of buffers of all sizes; left alone, the heap of a job that
    runs for days fragments and its resident memory doubles within some hundred ticks.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # musl has none
            libc.malloc_trim(0)
