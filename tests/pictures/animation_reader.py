# SPDX-License-Identifier: MIT
# Reads animations of ours with Pillow: `python3 tests/pictures/animation_reader.py FOLDER`, where the hidden test
# [.animation] wrote them, and each of their frames as a picture of its own. Ends with 77 where Pillow is missing.
import sys

try:
    from PIL import Image
except ImportError as error:
    print(f"left out: {error}; pip install pillow")
    sys.exit(77)

folder = sys.argv[1]


def expect(what, target, got):
    if target != got:
        sys.exit(f"animation_reader: expected {what} {target} but got {got}")


# Frames, milliseconds of each, loops, and how the pixels are held.
for name, frames, duration, loops, mode in [
    ("grey", 3, 40.0, 3, "L"),
    ("palette", 3, 2000.0, 0, "P"),
    ("colour", 30, 100.0, 0, "RGB"),
]:
    film = Image.open(f"{folder}/{name}.png")
    expect(f"the mode of {name}", mode, film.mode)
    expect(f"frames of {name}", frames, film.n_frames)
    expect(f"loops of {name}", loops, film.info["loop"])
    for i in range(frames):
        film.seek(i)
        expect(f"milliseconds of frame {i} of {name}", duration, film.info["duration"])
        picture = Image.open(f"{folder}/{name}_{i}.png").convert("RGB")
        expect(f"the size of {name}", picture.size, film.size)
        expect(f"frame {i} of {name}", picture.tobytes(), film.convert("RGB").tobytes())
print("3 animations are as Pillow has them")
