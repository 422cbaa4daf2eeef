# SPDX-License-Identifier: MIT
# Writes tests/goldens/weights.safetensors, which tests/io/safetensors_test.cpp reads: `python3 tests/goldens/weights.py`,
# PyTorch 2.13 and safetensors 0.8. In it are a network, an input [N, H, W, C] and its output, and numbers of every type
# beside the same as F32.
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(1)
network = nn.Sequential(
    nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.LeakyReLU(0.2), nn.ConvTranspose2d(3, 4, 2, stride=2),
    nn.Flatten(), nn.Linear(4 * 8 * 6, 5))
with torch.no_grad():
    nn.init.uniform_(network[1].weight, 0.5, 1.5)
    nn.init.uniform_(network[1].bias, -1, 1)
    for _ in range(3):  # running statistics of their own
        network(2 * torch.randn(4, 2, 4, 3) + 1)
    x = torch.randn(4, 2, 4, 3)
    y = network.eval()(x)
tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
tensors |= {"x": x.permute(0, 2, 3, 1).contiguous(), "y": y}

numbers = torch.tensor([0, -0.0, 1, -1 / 3, 3.14159265358979, 65504, 1e-7, 5.9604645e-08, -6.2e-5, float("inf"),
                        -float("inf"), float("nan")], dtype=torch.float64)
for i, kind in enumerate([torch.float64, torch.float32, torch.float16, torch.bfloat16]):
    tensors |= {f"found.{i}": numbers.to(kind), f"expected.{i}": numbers.to(kind).float()}

path = pathlib.Path(__file__).with_name("weights.safetensors")
save_file(tensors, path)
print(path, path.stat().st_size, "bytes")
