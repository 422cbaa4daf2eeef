# SPDX-License-Identifier: MIT
# Reads the film of a training with Pillow: `python3 tests/training/film_reader.py FOLDER`, where the hidden test [.film]
# wrote it. Ends with 77 where Pillow is missing.
import sys

try:
    from PIL import Image
except ImportError as error:
    print(f"left out: {error}; pip install pillow")
    sys.exit(77)


def expect(what, target, got):
    if target != got:
        sys.exit(f"film_reader: expected {what} {target} but got {got}")


film = Image.open(f"{sys.argv[1]}/film.png")
steps = [0, 4, 8, 12, 16, 20]  # of 20 steps at most 8 frames: every fourth, and the last
expect("frames", len(steps), film.n_frames)
expect("the size", (2, 1), film.size)
expect("loops", 2, film.info["loop"])
for i, step in enumerate(steps):
    film.seek(i)
    expect(f"milliseconds of frame {i}", 1000 * 100 / 2997, film.info["duration"])
    expect(f"frame {i}", bytes([step, 1, 2, 3, step, 255 - step]), film.convert("RGB").tobytes())
print("the film of a training is as Pillow has it")
