"""Memory that is freed in one training step and asked for again in the next one.

By its defaults, glibc's malloc gives arrays of megabytes back to the system when they are freed;
the system clears each page of the next ones anew. A step that makes hundreds of them spends up to a
fifth of its time there (``tests/benchmarks/equivariant.py``).
"""

import ctypes
import sys

#: Parameters of `mallopt` (malloc.h of glibc) and their values: arrays up to 32 MiB, the most that
#: is possible, come from memory that the process has; as good as nothing of it is given back.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_ARRAY, _NEVER = 32 * 2**20, 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, from now on; whether its malloc can do so."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    kept = mallopt(_M_MMAP_THRESHOLD, _LARGEST_ARRAY), mallopt(_M_TRIM_THRESHOLD, _NEVER)
    return all(kept)
