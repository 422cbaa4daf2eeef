# SPDX-License-Identifier: MIT
"""onnxruntime_peer.py W4 BATCH_SIZE [bound]: the decoder of step_times.cpp in onnxruntime, with buffers bound once."""
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from protocol import serve

BATCH, BOUND = int(sys.argv[2]), "bound" in sys.argv[3:]


def session_of(numbers):
    shapes = {"w1": (400, 20), "b1": (400,), "w2": (784, 400), "b2": (784,)}
    weights = [numpy_helper.from_array(numbers.take(shape), name) for name, shape in shapes.items()]
    nodes = [helper.make_node("Gemm", ["z", "w1", "b1"], ["a"], transB=1), helper.make_node("Relu", ["a"], ["h"]),
             helper.make_node("Gemm", ["h", "w2", "b2"], ["l"], transB=1), helper.make_node("Sigmoid", ["l"], ["x"])]
    graph = helper.make_graph(nodes, "decoder",
                              [helper.make_tensor_value_info("z", TensorProto.FLOAT, (BATCH, 20))],
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, (BATCH, 784))], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    step = None

    def check(numbers):
        nonlocal step
        session = session_of(numbers)
        results = []
        for _ in range(2):
            latent = numbers.take((BATCH, 20))
            results += session.run(None, {"z": latent})[0].ravel().tolist()
        if BOUND:
            binding = session.io_binding()
            binding.bind_ortvalue_input("z", onnxruntime.OrtValue.ortvalue_from_numpy(latent))
            image = numpy.zeros((BATCH, 784), numpy.float32)
            binding.bind_ortvalue_output("x", onnxruntime.OrtValue.ortvalue_from_numpy(image))

            def step():
                session.run_with_iobinding(binding)
        else:

            def step():
                session.run(None, {"z": latent})

        return results

    def run(steps):
        for _ in range(steps):
            step()

    serve(run, check)


main()
