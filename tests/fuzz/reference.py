# SPDX-License-Identifier: MIT
# Reads a checkpoint of ours with the reference reader of safetensors: `python3 tests/fuzz/reference.py FILE`, where
# `fuzz_replay --write-checkpoint FILE` wrote it. Ends with 77 where the packages safetensors and numpy are missing.
import re
import sys
import zlib

try:
    from safetensors import safe_open
except ImportError as error:
    print(f"left out: {error}; pip install safetensors numpy")
    sys.exit(77)

path = sys.argv[1]
with safe_open(path, framework="np") as file:
    metadata = file.metadata()
    tensors = {name: file.get_tensor(name) for name in file.keys()}


def expect(what, target, got):
    if target != got:
        sys.exit(f"reference: expected {what} {target} but got {got}")


content = open(path, "rb").read()
expect("the format", "pt", metadata["format"])
zeros = re.sub(rb'("crc32": ")[0-9a-f]{8}', rb"\g<1>00000000", content, count=1)
expect("the checksum of the file", f"{zlib.crc32(zeros):08x}", metadata["crc32"])
# 5 samples in batches of 2, 3 steps in an epoch, stopped after 4 steps.
expect("samples, batch_size, steps of an epoch, steps", [5, 2, 3, 4], tensors["fit.numbers"][3:7].tolist())
expect("the shape of the losses", (4, 1), tensors["fit.steps"].shape)
expect("the shape of the weight", (1, 1), tensors["trainer.network.weight"].shape)
expect("the type of the weight", "float64", str(tensors["trainer.network.weight"].dtype))
expect("the optimizer's steps", 4.0, float(tensors["trainer.optimizer.steps"].reshape(())))
print(f"{len(tensors)} tensors of {path} are as the reference reader has them")
