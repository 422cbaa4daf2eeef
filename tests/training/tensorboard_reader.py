# SPDX-License-Identifier: MIT
# Reads event files of ours with the package tensorboard: `python3 tests/training/tensorboard_reader.py FOLDER`, where
# the hidden test [.tensorboard] wrote them. Ends with 77 where tensorboard or Pillow is missing.
import csv
import io
import struct
import sys

try:
    from PIL import Image
    from tensorboard.backend.event_processing import event_accumulator
except ImportError as error:
    print(f"left out: {error}; pip install tensorboard pillow")
    sys.exit(77)

folder = sys.argv[1]
run = event_accumulator.EventAccumulator(folder + "/run", size_guidance={"scalars": 0, "images": 0})
run.Reload()


def expect(what, target, got):
    if target != got:
        sys.exit(f"tensorboard_reader: expected {what} {target} but got {got}")


def single(text):
    """The double of a text as the float32 that an event holds."""
    return struct.unpack("f", struct.pack("f", float(text)))[0]


# The log of the same training has the numbers as doubles.
rows = list(csv.DictReader(open(folder + "/run.csv")))
steps = [row for row in rows if row["kind"] == "step"]
epochs = [row for row in rows if row["kind"] == "epoch"]
expect("steps of the log", ["1", "2", "3", "4", "5", "6"], [row["step"] for row in steps])
losses = ["loss", "reconstruction", "KL"]
curves = {f"step/{name}": (steps, name) for name in losses}
curves |= {f"epoch/{name}": (epochs, name) for name in losses}
curves |= {f"held_out/{name}": (epochs, f"held_out_{name}") for name in losses}
curves |= {kind: (steps, kind) for kind in ("learning_rate", "gradient_norm")}
curves |= {"FID": ([row for row in rows if row["FID"]], "FID")}
expect("tags of curves", sorted(curves), sorted(run.Tags()["scalars"]))
for tag, (source, column) in curves.items():
    target = [(int(row["step"]), single(row[column])) for row in source]
    expect(f"the curve {tag}", target, [(event.step, event.value) for event in run.Scalars(tag)])

expect("tags of pictures", ["coloured", "grey"], sorted(run.Tags()["images"]))
for i, event in enumerate(run.Images("grey")):
    image = Image.open(io.BytesIO(event.encoded_image_string))
    expect("step, height and width", (3 * (i + 1), 1, 2), (event.step, event.height, event.width))
    # The run that was killed drew the first one too.
    expect("grey pixels", [7, i + 2], list(image.convert("L").tobytes()))
for i, event in enumerate(run.Images("coloured")):
    image = Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB")
    expect("step, height and width", (3 * (i + 1), 20, 30), (event.step, event.height, event.width))
    target = [(k * k + i + 1) % 256 for k in range(1800)]
    expect("coloured pixels", target, list(image.tobytes()))
expect("pictures", (2, 2), (len(run.Images("grey")), len(run.Images("coloured"))))
expect("the version of the file", 2.0, run.file_version)
print(f"{len(curves)} curves and 2 pictures are as TensorBoard has them")
