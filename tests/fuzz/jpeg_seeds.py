# SPDX-License-Identifier: MIT
# Writes the JPEG files of the tests into seeds/jpeg, beside itself, and prints what stands in tests/files/jpeg_test.cpp:
# the size of each and the CRC-32 of its pixels, as Pillow reads them. It needs Pillow with libjpeg-turbo, NumPy, and
# cjpeg (Debian's libjpeg-turbo-progs). `python3 tests/fuzz/jpeg_seeds.py`.
import io
import pathlib
import subprocess
import tempfile
import zlib

import numpy as np
from PIL import Image

folder = pathlib.Path(__file__).parent / "seeds" / "jpeg"
folder.mkdir(parents=True, exist_ok=True)


def picture(height, width, colour=True):
    """Slopes with edges, different in each channel."""
    y, x = np.mgrid[:height, :width]
    channels = [(9 * x + 14 * y) % 256, np.where(x // 5 % 2 == y // 4 % 2, 220, 40), (x * x + 3 * y * y) % 256]
    return Image.fromarray((np.stack(channels, -1) if colour else channels[0]).astype(np.uint8))


def tell(name, content):
    (folder / name).write_bytes(content)
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    height, width, channels = (*pixels.shape, 1)[:3]
    print(f'{{"{name}", {height}, {width}, {channels}, 0x{zlib.crc32(pixels.tobytes()):08x}}},')


def by_pillow(name, height, width, colour=True, **options):
    file = io.BytesIO()
    picture(height, width, colour).save(file, "JPEG", **{"optimize": True, **options})
    tell(name, file.getvalue())


def by_cjpeg(name, height, width, *options, colour=True, scans=None):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as script:
        if scans:
            script.write(scans)
            script.flush()
            options += ("-scans", script.name)
        file = io.BytesIO()
        picture(height, width, colour).save(file, "PPM")
        run = subprocess.run(["cjpeg", *options], input=file.getvalue(), stdout=subprocess.PIPE, check=True)
    tell(name, run.stdout)


by_pillow("good_grey", 13, 11, colour=False)
by_pillow("good_444", 11, 13, subsampling=0)
by_pillow("good_422", 12, 21, subsampling=1)
by_pillow("good_420", 19, 22, subsampling=2)
by_pillow("good_420_standard_tables", 9, 10, subsampling=2, optimize=False)
by_pillow("good_quality_1", 20, 18, subsampling=2, quality=1)
by_pillow("good_quality_100", 10, 9, subsampling=2, quality=100)
by_pillow("good_one_pixel", 1, 1, subsampling=2)
by_pillow("good_narrow", 12, 4, subsampling=2)  # two columns of chroma are repeated
by_pillow("good_progressive", 19, 22, subsampling=2, progressive=True)
by_pillow("good_progressive_grey", 9, 17, colour=False, progressive=True, quality=95)
by_pillow("good_restart", 17, 33, subsampling=2, restart_marker_blocks=1)
exif = Image.Exif()
exif[0x0112] = 6  # turned by 90 degrees
by_pillow("good_segments", 8, 12, subsampling=0, exif=exif.tobytes(), icc_profile=bytes(40), comment=b"\xff\xd9 comment")
by_cjpeg("good_440", 21, 12, "-sample", "1x2", "-optimize")
by_cjpeg("good_411", 9, 35, "-sample", "4x1", "-optimize")
by_cjpeg("good_410", 34, 33, "-sample", "4x2", "-optimize", "-restart", "1")
by_cjpeg("good_rgb", 9, 10, "-rgb", "-optimize")
by_cjpeg("good_extended", 16, 17, "-quality", "1", "-optimize")  # quantisers of 16 bits
by_cjpeg("good_scans", 10, 17, "-sample", "2x1", "-optimize", scans="0;\n1;\n2;\n")
by_cjpeg("good_two_scans", 18, 17, "-sample", "2x2", "-optimize", "-restart", "2B", scans="0;\n1 2;\n")
by_cjpeg("good_progressive_restart", 18, 35, "-sample", "2x1", "-progressive", "-restart", "2B")
by_cjpeg("good_progressive_bits", 17, 18, "-quality", "98", "-optimize", colour=False,
         scans="0: 0-0, 0, 2;\n0: 0-0, 2, 1;\n0: 0-0, 1, 0;\n0: 1-63, 0, 3;\n0: 1-63, 3, 2;\n0: 1-63, 2, 1;\n0: 1-20, 1, 0;\n0: 21-63, 1, 0;\n")
