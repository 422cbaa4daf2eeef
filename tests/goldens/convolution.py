# SPDX-License-Identifier: MIT
# Prints the tables of tests/layers/convolution_test.cpp: `python3 tests/goldens/convolution.py`, PyTorch 2.13.
# A row is a layer, then sums over products with numbers(shape, phase): of y with phase 3 (the loss), and of the loss's
# gradients with respect to x (phase 4), weight (phase 5) and bias (phase 6). All in the layouts of this library. Last
# come the losses of a small DCGAN, for tests/training/dcgan_test.cpp.
import random

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
random.seed(1)


def numbers(*shape, phase):
    """2 sin(phase + i) for i = 0, 1, ...: what numbers(shape, phase) of the tests gives."""
    count = torch.Size(shape).numel()
    return (2 * torch.sin(phase + torch.arange(count))).reshape(shape)


def checksum(values, phase):
    return f"{(values * numbers(*values.shape, phase=phase)).sum().item():.12g}"


def set_parameters(layer, scale=1):
    """The first gets numbers with phase 1, the second with phase 11, ..."""
    for i, p in enumerate(layer.parameters()):
        swapped = p.dim() == 4
        values = scale * numbers(*(p.permute(2, 3, 1, 0) if swapped else p).shape, phase=1 + 10 * i)
        p.data = values.permute(3, 2, 0, 1).contiguous() if swapped else values


def row(name, layer, shape):
    """x is numbers with phase 2."""
    set_parameters(layer)
    parameters = list(layer.parameters())
    x = numbers(*shape, phase=2).requires_grad_()
    y = layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    loss = (y * numbers(*y.shape, phase=3)).sum()
    sums = [checksum(y, 3)]
    for i, dp in enumerate(torch.autograd.grad(loss, [x] + parameters)):
        sums.append(checksum(dp.permute(2, 3, 1, 0) if dp.dim() == 4 and i > 0 else dp, 4 + i))
    print("      {" + name + ", {" + ", ".join(sums) + "}},")


def braces(*values):
    return "{" + ", ".join(str(v).lower() for v in values) + "}"




def random_shape(channels):
    return random.choice([1, 2, 3]), random.randint(5, 9), random.randint(5, 9), channels


print("Conv2d")
cases = [((2, 28, 28, 1), 8, 4, 2, 1, 1, False), ((2, 7, 7, 8), 4, 4, 2, 1, 1, False),
         ((3, 3, 3, 16), 1, 3, 1, 0, 1, False), ((1, 1, 1, 1), 1, 1, 1, 0, 1, True),
         ((2, 5, 5, 17), 33, 3, 1, 1, 1, True), ((2, 6, 5, 65), 2, 2, 2, 0, 1, True)]
while len(cases) < 30:
    kernel, dilation = random.randint(1, 5), random.randint(1, 2)
    shape, padding = random_shape(random.randint(1, 5)), random.randint(0, 3)
    if min(shape[1:3]) + 2 * padding > dilation * (kernel - 1):
        stride, bias = random.randint(1, 3), random.random() < 0.8
        cases.append((shape, random.randint(1, 5), kernel, stride, padding, dilation, bias))
for shape, out, kernel, stride, padding, dilation, bias in cases:
    layer = nn.Conv2d(shape[3], out, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)
    row(f"{braces(*shape)}, {out}, {kernel}, {braces(stride, padding, dilation, bias)}", layer, shape)

print("ConvTranspose2d")
cases = [((2, 1, 1, 12), 16, 4, 1, 0, 0, 1, False), ((2, 4, 4, 16), 8, 3, 2, 1, 0, 1, False),
         ((2, 7, 7, 8), 4, 4, 2, 1, 0, 1, False), ((2, 14, 14, 6), 1, 4, 2, 1, 0, 1, False),
         ((2, 5, 4, 33), 17, 3, 2, 1, 1, 1, True)]
while len(cases) < 30:
    kernel, stride, dilation, padding = (random.randint(1, n) for n in (5, 3, 2, 3))
    extra = random.randint(0, max(stride, dilation) - 1)
    shape = random_shape(random.randint(1, 5))
    if (min(shape[1:3]) - 1) * stride - 2 * (padding - 1) + dilation * (kernel - 1) + extra >= 0:
        cases.append((shape, random.randint(1, 5), kernel, stride, padding - 1, extra, dilation, random.random() < 0.8))
for shape, out, kernel, stride, padding, extra, dilation, bias in cases:
    layer = nn.ConvTranspose2d(shape[3], out, kernel, stride=stride, padding=padding, output_padding=extra,
                               dilation=dilation, bias=bias)
    row(f"{braces(*shape)}, {out}, {kernel}, {braces(stride, padding, extra, dilation, bias)}", layer, shape)

pools = [((2, 6, 6, 3), 2, None, 0), ((1, 7, 5, 1), 2, None, 0), ((2, 7, 8, 17), 3, 2, 1), ((2, 5, 6, 4), 3, 1, 0),
         ((3, 8, 8, 2), 2, 3, 1), ((1, 9, 9, 33), 5, 2, 2), ((2, 5, 5, 3), 1, 2, 0), ((1, 4, 4, 2), 4, None, 2)]
for name, kind in [("AvgPool2d", nn.AvgPool2d), ("MaxPool2d", nn.MaxPool2d)]:
    print(name)
    for shape, kernel, stride, padding in pools:
        row(f"{braces(*shape)}, {braces(kernel, braces(stride or 0, padding))}", kind(kernel, stride, padding), shape)

print("Upsample2d")
for shape, factor in [((2, 3, 4, 3), 2), ((1, 5, 2, 17), 3), ((2, 1, 3, 1), 4)]:
    for mode in ["nearest", "bilinear"]:
        layer = nn.Upsample(scale_factor=factor, mode=mode)
        row(f"{braces(*shape)}, {{{factor}, Interpolation::{mode}}}", layer, shape)

print("InstanceNorm")
for shape in [(2, 3, 4, 3), (3, 1, 2, 1), (2, 5, 5, 17)]:
    row(f"{braces(*shape)}, 1e-5", nn.InstanceNorm2d(shape[3], affine=True), shape)
row("{2, 2, 3, 4}, 0.5", nn.InstanceNorm2d(4, affine=True, eps=0.5), (2, 2, 3, 4))

print("BatchNorm in training, then in evaluation")
for shape in [(2, 3, 4, 3), (3, 1, 2, 1), (2, 5, 5, 17)]:
    norm = nn.BatchNorm2d(shape[3])
    row(f"{braces(*shape)}, true", norm, shape)
    row(f"{braces(*shape)}, false", norm.eval(), shape)

print("DCGAN: losses of the discriminator and of the generator, round by round")
generator = nn.Sequential(
    nn.ConvTranspose2d(10, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
    nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
    nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
    nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1, bias=False), nn.Tanh())
discriminator = nn.Sequential(
    nn.Conv2d(1, 4, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2),
    nn.Conv2d(4, 6, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.2),
    nn.Conv2d(6, 8, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.2),
    nn.Conv2d(8, 1, 3, bias=False), nn.Flatten())
for network in [generator, discriminator]:
    set_parameters(network, scale=0.3)
real = numbers(5, 1, 28, 28, phase=2) / 2
optimizers = [torch.optim.Adam(n.parameters(), lr=0.01, betas=(0.5, 0.999)) for n in (discriminator, generator)]
softplus = nn.functional.softplus
for step in range(6):
    for norm in [layer for layer in generator if isinstance(layer, nn.BatchNorm2d)]:
        norm.momentum = 0.1 * (step % 2)  # here a model's running averages move in its own phase only
    fake = generator(numbers(5, 10, 1, 1, phase=100 + step))
    if step % 2 == 0:
        loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
    else:
        loss = softplus(-discriminator(fake)).mean()
    optimizer = optimizers[step % 2]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.12g}")
samples = generator.eval()(numbers(5, 10, 1, 1, phase=200))
print("samples in evaluation", checksum(samples, 3))
