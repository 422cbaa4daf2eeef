# SPDX-License-Identifier: MIT
# Tables for csv_test.cpp: numpy_tables.py FOLDER writes FOLDER/table.csv, what pandas (or, without it, Python's csv and
# float) reads in it, as values.npy, and its columns at mean 0 and deviation 1, as standardized.npy. Ends with 77 if
# there is no NumPy.
import csv
import pathlib
import random
import sys
import warnings

try:
    import numpy as np
except ImportError:
    sys.exit(77)
try:
    import pandas as pd
except ImportError:
    pd = None

folder = pathlib.Path(sys.argv[1])
rng = random.Random(7)
names = ["plain", "with, comma", 'with "quotes"', "two\nlines", "é", ""]


def number():
    x = rng.choice([rng.gauss(0, 1), rng.uniform(-1e6, 1e6), rng.gauss(0, 1) * 10.0 ** rng.randint(-300, 300)])
    text = rng.choice([repr(x), f"{x:.3f}", f"{x:.25e}", f"{x:E}", str(rng.randint(-(10**17), 10**17)), f"{x:.0f}."])
    return rng.choice(["{}", "{}", "{}", '"{}"', " {} ", "\t{}"]).format(text)


rows = [[number() for _ in names] for _ in range(500)]
header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
with open(folder / "table.csv", "w", newline="") as file:
    file.write("\r\n".join([header] + [",".join(row) for row in rows]) + "\r\n")

if pd is not None:
    warnings.filterwarnings("ignore", category=Warning)
    values = pd.read_csv(folder / "table.csv", float_precision="round_trip").to_numpy(dtype=np.float64)
else:
    with open(folder / "table.csv", newline="") as file:
        values = np.array([[float(field) for field in row] for row in list(csv.reader(file))[1:]])
np.save(folder / "values.npy", values)
small = np.array([[rng.gauss(j, 10.0 ** (j - 2)) for j in range(6)] for _ in range(200)])
np.save(folder / "small.npy", small)
np.save(folder / "standardized.npy", (small - small.mean(axis=0)) / small.std(axis=0))
print("NumPy", np.__version__, "pandas", pd.__version__ if pd else "is not installed")
