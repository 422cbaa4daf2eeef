# SPDX-License-Identifier: MIT
# Compares which files the target `safetensors` and the reference reader take:
#   python3 tests/fuzz/safetensors_as_reference.py FUZZ_REPLAY SEEDS [--files 4000] [FOLDER OF MORE FILES ...]
# The files are changed seeds. What the library accepts, the reference must accept. What the reference accepts, with
# tensors that fit the model of the target, the library must accept. Ends with 77 where safetensors and numpy are missing.
import argparse
import json
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy
    import safetensors
except ImportError as error:
    print(f"left out: {error}; pip install safetensors numpy")
    sys.exit(77)

# The model of safetensors.cpp: types that its fields can be read from, and shapes.
REALS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bf16"}
MODEL = {
    "0.weight": [3, 2],
    "0.bias": [2],
    "1.variance": [2],
    "step": [],
    "none": [0, 0],
    "rng": [2],
}


def reference(content):
    """The tensors of a file by name, or None if the reference reader refuses it."""
    try:
        return dict(safetensors.deserialize(content))
    except (safetensors.SafetensorError, UnicodeDecodeError):
        return None


def numbers(tensor):
    kind = REALS[tensor["dtype"]]
    data = bytes(tensor["data"])
    if kind == "bf16":
        return (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").astype("<f8")
    with numpy.errstate(invalid="ignore"):
        return numpy.frombuffer(data, kind).astype("<f8")


def why_refused(content, tensors):
    """A rule of the library that the reference does not have and that refuses this file, or None."""
    for name, shape in MODEL.items():
        if name not in tensors:
            return "a field without a tensor"
        if tensors[name]["shape"] != shape:
            return "another shape"
        if (tensors[name]["dtype"] != "U64") if name == "rng" else (tensors[name]["dtype"] not in REALS):
            return "another type"
        if name == "rng":
            continue
        values = numbers(tensors[name])
        if not numpy.isfinite(values).all() or (numpy.abs(values) > 3.4028235e38).any():
            return "a number that is not finite"
        if name == "1.variance" and (values < 0).any():
            return "a negative variance"
        if name == "step" and not (values >= 0 and values == numpy.floor(values) and values <= 2**53):
            return "a step that is no count"
    if any(name not in MODEL and not name.endswith("num_batches_tracked") for name in tensors):
        return "a tensor without a field"
    size = int.from_bytes(content[:8], "little")
    pairs = []  # of all objects: a name that comes twice is refused
    try:
        header = json.loads(content[8 : 8 + size], object_pairs_hook=lambda p: pairs.append([k for k, _ in p]) or dict(p))
    except ValueError:
        return "a header that Python's json refuses"
    if any(len(set(names)) < len(names) for names in pairs):
        return "a name that comes twice"
    known = {"dtype", "shape", "data_offsets"}
    if any(set(tensor) - known for name, tensor in header.items() if name != "__metadata__"):
        return "a key that the format does not have"
    digits = (header.get("__metadata__") or {}).get("crc32")
    if digits is not None:
        zeros = content.replace(digits.encode(), b"00000000", 1) if len(digits) == 8 else b""
        if digits != f"{zlib.crc32(zeros):08x}":
            return "another checksum"
    return None


def changed(random, content):
    """A header with one piece changed, the length set right; or bytes changed anywhere."""
    content = bytearray(content)
    for _ in range(random.choice([0, 1, 1, 2])):
        place = random.randrange(len(content))
        content[place] = random.choice([content[place] ^ (1 << random.randrange(8)), random.randrange(256)])
    size = int.from_bytes(content[:8], "little")
    if random.random() < 0.6 and size < len(content):
        text, data = content[8 : 8 + size].decode("latin-1"), content[8 + size :]
        pieces = [("[2]", "[2, 1]"), ("[3, 2]", "[2, 3]"), ("[0, 0]", "[0, 7]"), ("F32", "F64"), ("F64", "F32"),
                  ("F32", "I32"), ("U64", "I64"), ("F16", "BF16"), ("BF16", "F16"), (", ", ","), (": ", " :\n"), ("[", "[ "),
                  ('"step"', '"none"'), ('"none"', '"other"'), ("step", "st\\u0065p"), ('"pt"', '"\\ud83d\\ude00"'),
                  ('"pt"', '"\\ud83d"'), ('"pt"', "null"), ('"pt"', "1"), ('"pt"', "true"), ("{", '{"__metadata__": {}, '),
                  ("0, 16", "16, 0"), ("16", "16.0"), ("16", "016"), ("16", "1e1"), ("16", "-16"), ("16", "+16"), ("72", "73"),
                  ("}}", '}, "a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'), ("}}", "},}"), ("}}", "}} x"),
                  ('{"dtype"', '{"more": 1, "dtype"'), ('"dtype": "F32", ', ""), ('"shape": [2], ', ""), ("    ", "\t\n"),
                  ("[2]", "[18446744073709551615]"), ("[2]", "[18446744073709551618]"), ("[2]", "[]"), ("[2]", "2")]
        old, new = random.choice(pieces)
        places = [i for i in range(len(text)) if text.startswith(old, i)]
        if places:
            place = random.choice(places)
            text = text[:place] + new + text[place + len(old) :]
        text += " " * (random.choice([-len(text) % 8, 0, 1]))
        header = text.encode("latin-1")
        content = bytearray(len(header).to_bytes(8, "little") + header + data)
    if random.random() < 0.1:
        content += b"\0"
    if random.random() < 0.05:
        del content[random.randrange(len(content)) :]
    return bytes(content)


parser = argparse.ArgumentParser()
parser.add_argument("replay")
parser.add_argument("seeds", type=pathlib.Path)
parser.add_argument("more", nargs="*", type=pathlib.Path)
parser.add_argument("--files", type=int, default=4000)
options = parser.parse_args()

seeds = [path.read_bytes() for path in sorted(options.seeds.iterdir())]
random_numbers = random.Random(1)
contents = seeds + [changed(random_numbers, random_numbers.choice(seeds)) for _ in range(options.files)]
contents += [path.read_bytes() for folder in options.more for path in sorted(folder.iterdir())]
with tempfile.TemporaryDirectory() as folder:
    for i, content in enumerate(contents):
        (pathlib.Path(folder) / f"{i:08}").write_bytes(content)
    run = subprocess.run([*shlex.split(options.replay), "safetensors", folder], stderr=subprocess.PIPE, text=True)
lines = dict(line.split() for line in run.stderr.splitlines()[:-1])
if len(lines) != len(contents):
    sys.exit(f"expected a line for each of {len(contents)} files but got {len(lines)}: {run.stderr[-500:]}")

wrong, both, reasons = 0, 0, {}
for i, content in enumerate(contents):
    ours, tensors = lines[f"{i:08}"] == "accepted", reference(content)
    if ours and tensors is None:
        wrong += 1
        print(f"expected a file that the reference refuses to be refused but it was accepted: {content!r}")
    both += ours and tensors is not None
    if tensors is None or ours or len(content) % 2 == 1:  # files of odd length are loaded with other options
        continue
    reason = why_refused(content, tensors)
    reasons[reason] = reasons.get(reason, 0) + 1
    if reason is None:
        wrong += 1
        print(f"expected a file that the reference accepts to be accepted but it was refused: {content!r}")
print(f"{len(contents)} files, {both} accepted by both; the reference accepts, we refuse: {reasons}; wrong: {wrong}")
sys.exit(1 if wrong else 0)
