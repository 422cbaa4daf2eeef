# SPDX-License-Identifier: MIT
# Writes JPEG files of random pictures, sizes and options into FOLDER, and prints of each its name, height, width,
# number of channels, and the CRC-32 of its pixels as Pillow reads them, for jpeg_test.cpp:
#   jpeg_pictures.py FOLDER COUNT
# Ends with 77 if there is no NumPy or no Pillow with libjpeg-turbo: other libraries round in other ways.
import pathlib
import random
import sys
import zlib

try:
    import numpy as np
    from PIL import Image, features
except ImportError:
    sys.exit(77)
if not features.check("libjpeg_turbo"):
    sys.exit(77)

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(1)
random.seed(1)


def picture(height, width):
    """Noise, waves, slopes or squares."""
    y, x = np.mgrid[:height, :width]
    kind = random.randrange(4)
    if kind == 0:
        return rng.integers(0, 256, (height, width))
    if kind == 1:
        return 128 + 127 * np.sin(x / rng.uniform(1, 20) + y / rng.uniform(1, 20))
    if kind == 2:
        return (x * rng.integers(1, 9) + y * rng.integers(1, 9)) % 256
    return np.kron(rng.integers(0, 2, (height // 5 + 1, width // 5 + 1)) * 255, np.ones((5, 5)))[:height, :width]


for i in range(count):
    height, width = random.randint(1, 70), random.randint(1, 70)
    channels = random.choice([1, 3, 3, 3])
    pixels = np.stack([picture(height, width) for _ in range(channels)], -1).astype(np.uint8)
    options = {"quality": random.choice([1, 5, 25, 50, 75, 90, 95, 100]), "progressive": random.random() < 0.5,
               "optimize": random.random() < 0.5}  # fmt: skip
    if channels == 3:
        options["subsampling"] = random.randrange(3)
    if random.random() < 0.3:
        options["restart_marker_blocks"] = random.randint(1, 10)
    path = folder / f"{i}.jpg"
    Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels).save(path, "JPEG", **options)
    read = np.asarray(Image.open(path))
    print(path.name, height, width, channels, zlib.crc32(read.tobytes()))
