# SPDX-License-Identifier: MIT
# Checks the files that `write_onnx_models FOLDER` wrote with ONNX's checker, runs them in onnxruntime, and compares what
# they give for 1, 2 and 7 samples with what the library gave: `python3 tests/onnx/onnx_test.py FOLDER`. Ends with 77
# where the packages onnx, onnxruntime and numpy are missing.
import pathlib
import sys

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    print(f"left out: {error}; pip install onnx onnxruntime numpy")
    sys.exit(77)


def read(path):
    head, _, numbers = path.read_bytes().partition(b"\n")
    kind, *shape = head.decode().split()
    return numpy.frombuffer(numbers, kind).reshape([int(size) for size in shape])


def distance(found, expected):
    """The largest distance of two arrays, relative to numbers larger than 1; infinite where only one is a number."""
    same = (found == expected) | (numpy.isnan(found) & numpy.isnan(expected))
    with numpy.errstate(invalid="ignore"):
        apart = numpy.abs(found - expected) / numpy.maximum(1, numpy.abs(expected))
    apart = numpy.where(same, 0, numpy.where(numpy.isfinite(apart), apart, numpy.inf))
    return numpy.max(apart, initial=0)


for found, expected, target in [(1, 1, 0), (numpy.nan, 1, numpy.inf), (1, numpy.nan, numpy.inf),
                                (numpy.nan, numpy.nan, 0), (numpy.inf, 1, numpy.inf), (numpy.inf, -numpy.inf, numpy.inf),
                                (numpy.inf, numpy.inf, 0), (5, 4, 0.25), (0.5, 0.25, 0.25)]:
    got = distance(numpy.array([0, found]), numpy.array([0, expected]))
    if got != target:
        sys.exit(f"distance: expected {target} of {found} and {expected} but got {got}")


def distance_of_model(path, session, n):
    """That of the outputs to those of the library."""
    inputs = {each.name: read(path.with_suffix(f".{n}.{each.name}")) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    distances = []
    for name, found in zip(names, session.run(names, inputs)):
        expected = read(path.with_suffix(f".{n}.{name}"))
        if found.shape != expected.shape or found.dtype != expected.dtype:
            sys.exit(f"{path.stem}: expected {name} {expected.dtype} {list(expected.shape)} for {n} samples but got "
                     f"{found.dtype} {list(found.shape)}")
        distances.append(distance(found, expected))
    return numpy.max(distances)


paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
faults = 0 if paths else 1
for path in paths:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    distances = [distance_of_model(path, session, n) for n in (1, 2, 7)]
    outputs = ", ".join(f"{each.name} {each.shape}" for each in session.get_outputs())
    print(f"{path.stem:24} {len(model.graph.node):3} nodes  {numpy.max(distances):.1e}  {outputs}")
    if not numpy.max(distances) <= 1e-5:
        print(f"{path.stem}: expected distances of at most 1e-5 for 1, 2 and 7 samples but got {distances}")
        faults += 1

# Weights have the names and shapes that PyTorch gives them.
expected = {
    "mlp_generator": {"network.0.weight": [32, 2], "network.0.bias": [32], "network.2.weight": [32, 32],
                      "network.2.bias": [32], "network.4.weight": [2, 32], "network.4.bias": [2]},
    "dcgan_generator": {"network.2.weight": [16], "network.2.running_mean": [16], "network.2.running_var": [16],
                        "network.4.weight": [16, 8, 4, 4], "network.7.bias": [3]},
    "residual_images": {"0.weight": [6, 3, 3, 3], "1.conv.weight": [6, 6, 3, 3], "1.norm.running_var": [6]},
}
for name, weights in expected.items():
    model = onnx.load(pathlib.Path(sys.argv[1]) / f"{name}.onnx")
    found = {each.name: list(each.dims) for each in model.graph.initializer}
    for weight, shape in weights.items():
        if found.get(weight) != shape:
            print(f"{name}: expected {weight} {shape} but got {found.get(weight)}")
            faults += 1
print(f"{len(paths)} files, {faults} faults")
sys.exit(1 if faults else 0)
