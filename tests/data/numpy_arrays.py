# SPDX-License-Identifier: MIT
# What NumPy writes and reads, for npy_test.cpp and npz_test.cpp:
#   numpy_arrays.py write FOLDER    arrays of all types, orders and shapes, as .npy files and in .npz files
#   numpy_arrays.py check FOLDER    reads what the test wrote: FOLDER/NAME.npy and FOLDER/ours.npz
# Element i, in row-major order, is (37 i + 11) % 101 - 50; of unsigned types without the - 50, of real types a quarter
# of it, and modulo 2 for true and false. Ends with 77 if there is no NumPy.
import pathlib
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)

TYPES = ["<f4", ">f4", "<f8", ">f8", "|i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8",
         "|u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8", "|b1"]  # fmt: skip
SHAPES = {"scalar": (), "one": (1,), "five": (5,), "none": (0,), "empty": (2, 0, 3), "matrix": (2, 3),
          "cube": (2, 3, 4), "six": (2, 1, 3, 1, 2, 2)}  # fmt: skip


def values(kind, shape):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    x = (37 * i + 11) % 101
    if kind == "b":
        x = x % 2
    elif kind == "f":
        x = (x - 50) / 4
    elif kind == "i":
        x = x - 50
    return x.reshape(shape)


def name(dtype, order, shape):
    return {"<": "little", ">": "big", "|": "byte"}[dtype[0]] + f"_{dtype[1:]}_{order}_{shape}"


def write(folder):
    arrays = {}
    for dtype in TYPES:
        for order in "CF":
            for shape_name, shape in SHAPES.items():
                x = np.asarray(values(dtype[1], shape).astype(np.dtype(dtype)), order=order)
                arrays[name(dtype, order, shape_name)] = x
                np.save(folder / f"{name(dtype, order, shape_name)}.npy", x)
    for version in [(1, 0), (2, 0), (3, 0)]:
        with open(folder / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values("f", (2, 3)).astype("<f4"), version=version)
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)
    print(len(arrays))


def check(folder):
    def same(x, dtype, shape, what):
        expected = values("i" if dtype == np.int32 else "f", shape).astype(dtype)
        if x.dtype != dtype or x.shape != shape or not np.array_equal(x, expected):
            sys.exit(f"{what}: expected {np.dtype(dtype)} {shape} {expected} but got {x.dtype} {x.shape} {x}")

    ours = np.load(folder / "ours.npz") if (folder / "ours.npz").exists() else {}
    checked = 0
    for shape_name, shape in SHAPES.items():
        for dtype in [np.float32, np.float64] + ([np.int32] if len(shape) == 1 else []):
            key = f"{np.dtype(dtype).name}_{shape_name}"
            if (folder / f"{key}.npy").exists():
                same(np.load(folder / f"{key}.npy", allow_pickle=False), dtype, shape, f"{key}.npy")
                checked += 1
            if key in ours:
                same(ours[key], dtype, shape, f"ours.npz: {key}")
                checked += 1
    print(checked)


(write if sys.argv[1] == "write" else check)(pathlib.Path(sys.argv[2]))
