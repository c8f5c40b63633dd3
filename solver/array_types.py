"""Numba's types of contiguous arrays: with them nothing is left to be compiled in a tick."""

from numba import types

I4, I8, F8 = types.int32[::1], types.int64[::1], types.float64[::1]
I4S, I8S, F8S = types.int32[:, ::1], types.int64[:, ::1], types.float64[:, ::1]
B1 = types.boolean[::1]
