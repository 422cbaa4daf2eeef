# SPDX-License-Identifier: MIT
# Runs the Python of a document where its files are, and compares what the models in it make of latents with what the
# library made: `python3 tests/onnx/documents_test.py DOCUMENT FOLDER`, FOLDER from write_onnx_models. A block whose
# packages are missing is left out, with a message; ends with 77 where all are.
import os
import pathlib
import re
import sys

try:
    import numpy
except ImportError as error:
    print(f"left out: {error}; pip install numpy")
    sys.exit(77)

document, folder = sys.argv[1], pathlib.Path(sys.argv[2])
text = pathlib.Path(document).read_text()
os.chdir(folder)
blocks = list(re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
if not blocks:
    sys.exit(f"documents_test: expected Python in {document} but found none")


def compare(what, found, path):
    expected = numpy.load(path)
    if found.shape != expected.shape or not numpy.allclose(found, expected, rtol=1e-5, atol=1e-5):
        sys.exit(f"documents_test: expected {what} to give {path} {expected.shape} {expected.ravel()[:3]} but got "
                 f"{found.shape} {found.ravel()[:3]}")
    print(f"{what}: the library's numbers within {numpy.max(numpy.abs(found - expected)):.1e}, {path}")


def check(names):
    """Compares the models that a block made; their number."""
    count = 0
    for name, value in names.items():
        kind = type(value).__name__
        if kind == "InferenceSession":
            inputs = {each.name: numpy.load(f"{name}.{each.name}.npy") for each in value.get_inputs()}
            for output, found in zip(value.get_outputs(), value.run(None, inputs)):
                compare(f"{name}, {output.name}", found, f"{name}.{output.name}.npy")
            count += 1
        elif kind == "Sequential":
            import torch
            stem = "decoder" if os.path.exists("decoder.safetensors") else "generator"
            with torch.no_grad():
                found = numpy.array(value(torch.tensor(numpy.load(f"{stem}.input.npy").tolist())).tolist(), "float32")
            compare(name, found, f"{stem}.network.npy")
            count += 1
    return count


run = 0
for block in blocks:
    line = text.count("\n", 0, block.start(1)) + 1
    names = {}
    try:
        exec(compile("\n" * (line - 1) + block.group(1), document, "exec"), names)
    except ImportError as error:
        print(f"the block in line {line} is left out: {error}")
        continue
    count = check(names)
    if count == 0:
        sys.exit(f"documents_test: expected a model in the Python of line {line} of {document} but found none")
    run += 1
print(f"{run} of {len(blocks)} blocks of {document} ran")
sys.exit(0 if run else 77)
