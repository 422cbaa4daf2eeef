# SPDX-License-Identifier: MIT
# Prints the numbers that tests/layers compares with: `python3 tests/goldens/layers.py`, PyTorch 2.13.
import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def numbers(*shape, phase):
    """2 sin(phase + i) for i = 0, 1, ...: what numbers(shape, phase) of the tests gives."""
    count = torch.Size(shape).numel()
    return (2 * torch.sin(phase + torch.arange(count))).reshape(shape)


def show(name, values):
    print(name, "{" + ", ".join(f"{v:.12g}" for v in values.detach().flatten().tolist()) + "}")


def set_parameters(layer, phase):
    for i, parameter in enumerate(layer.parameters()):
        parameter.data = numbers(*parameter.shape, phase=phase + 10 * i)


linear = nn.Linear(3, 2)
set_parameters(linear, 1)
linear.weight.data = numbers(3, 2, phase=1).T  # weights are [in, out] in the library
show("Linear", linear(numbers(4, 3, phase=5)))

norm = nn.BatchNorm1d(3)
set_parameters(norm, 2)
show("BatchNorm, first batch", norm(numbers(4, 3, phase=5)))
show("running_mean", norm.running_mean)
show("running_var", norm.running_var)
show("BatchNorm, second batch", norm(numbers(5, 3, phase=7)))
show("running_mean", norm.running_mean)
show("running_var", norm.running_var)
norm.eval()
show("BatchNorm, evaluation", norm(numbers(2, 3, phase=9)))

norm = nn.BatchNorm2d(3, momentum=0.25, eps=0.1)
set_parameters(norm, 2)
images = numbers(2, 2, 2, 3, phase=5)  # [N, H, W, C]
show("BatchNorm of images", norm(images.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
show("running_mean", norm.running_mean)
show("running_var", norm.running_var)

norm = nn.LayerNorm(4)
set_parameters(norm, 2)
show("LayerNorm", norm(numbers(3, 4, phase=5)))
show("LayerNorm of images", norm(numbers(1, 2, 1, 4, phase=6)))

x = torch.tensor([-30, -2.5, -1, -0.25, 0, 0.25, 1, 2.5, 30])
for activation in [nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(1.5), nn.GELU(), nn.Tanh(), nn.Sigmoid(), nn.Softplus()]:
    show(type(activation).__name__, activation(x))

images = torch.arange(2 * 2 * 3 * 2).reshape(2, 2, 3, 2)  # [N, H, W, C]
show("Flatten", nn.Flatten()(images.permute(0, 3, 1, 2)))
rows = torch.arange(2 * 12).reshape(2, 12)
show("Unflatten", nn.Unflatten(1, (2, 2, 3))(rows).permute(0, 2, 3, 1))
