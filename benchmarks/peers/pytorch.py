# SPDX-License-Identifier: MIT
"""pytorch.py WORKLOAD BATCH_SIZE [OPTION...]: the workloads of step_times.cpp in PyTorch.

Options: fused (Adam), frozen (D's parameters while G takes its step), channels_last, compile.
"""
import sys

import torch
from protocol import serve
from torch import nn
from torch.nn import functional as F

WORKLOAD, BATCH, OPTIONS = sys.argv[1], int(sys.argv[2]), set(sys.argv[3:])
torch.set_flush_denormal(True)  # as eigenesis and JAX do; threads that start later inherit it
IMAGES = 16384


def laid_out(x):
    """Images, and networks of images, in the memory format asked for."""
    return x.to(memory_format=torch.channels_last) if "channels_last" in OPTIONS else x


def compiled(function):
    return torch.compile(function) if "compile" in OPTIONS else function


def adam(model, rate, beta1):
    return torch.optim.Adam(model.parameters(), rate, (beta1, 0.999), fused="fused" in OPTIONS or None)


def batches_of(images):
    """The next batch: random rows, each once an epoch."""
    while True:
        for rows in torch.randperm(len(images)).split(BATCH):
            if len(rows) == BATCH:
                yield images[rows]


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.mean, self.log_variance = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.hidden, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def decode(self, z):
        return self.out(F.relu(self.hidden(z)))

    def forward(self, x, noise):
        """The negative ELBO, nats per sample."""
        h = F.relu(self.trunk(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        logits = self.decode(mean + torch.exp(0.5 * log_variance) * noise)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return (reconstruction + divergence) / len(x)


class TrainVae:
    inputs = [(BATCH, 784), (BATCH, 20)]

    def __init__(self):
        self.model = Vae()
        self.loss, self.optimizer = compiled(self.model), adam(self.model, 1e-3, 0.9)
        self.batches = batches_of(torch.rand(IMAGES, 784))

    def parameters(self):
        return self.model.parameters()

    def draw(self):
        return next(self.batches), torch.randn(BATCH, 20)

    def step(self, x, noise):
        loss = self.loss(x, noise)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return [loss]


class TrainGan:
    def __init__(self, generator, discriminator, latents, shape, draw_batch):
        self.generator = laid_out(generator)
        self.discriminator = laid_out(discriminator)
        self.latents, self.draw_batch = latents, draw_batch
        self.inputs = [(BATCH, *shape), (BATCH, latents), (BATCH, latents)]
        self.zeros, self.ones = torch.zeros(BATCH, 1), torch.ones(BATCH, 1)
        self.generate = compiled(generator)
        self.discriminator_loss = compiled(self._discriminator_loss)
        self.generator_loss = compiled(self._generator_loss)
        self.discriminator_optimizer = adam(discriminator, 2e-4, 0.5)
        self.generator_optimizer = adam(generator, 2e-4, 0.5)

    def parameters(self):
        return [*self.generator.parameters(), *self.discriminator.parameters()]

    def draw(self):
        return self.draw_batch(), torch.randn(BATCH, self.latents), torch.randn(BATCH, self.latents)

    def _discriminator_loss(self, real, fake):
        real_loss = F.binary_cross_entropy_with_logits(self.discriminator(real), self.ones)
        return real_loss + F.binary_cross_entropy_with_logits(self.discriminator(fake), self.zeros)

    def _generator_loss(self, z):
        return F.binary_cross_entropy_with_logits(self.discriminator(self.generator(z)), self.ones)

    def step(self, real, z, next_z):
        with torch.no_grad():
            fake = self.generate(z)
        discriminator_loss = self.discriminator_loss(real, fake)
        self.discriminator_optimizer.zero_grad()
        discriminator_loss.backward()
        self.discriminator_optimizer.step()

        frozen = "frozen" in OPTIONS
        if frozen:
            self.discriminator.requires_grad_(False)
        generator_loss = self.generator_loss(next_z)
        self.generator_optimizer.zero_grad()
        generator_loss.backward()
        self.generator_optimizer.step()
        if frozen:
            self.discriminator.requires_grad_(True)
        return [discriminator_loss, generator_loss]


def mlp_gan():
    leaky = nn.LeakyReLU(0.2)
    generator = nn.Sequential(nn.Linear(100, 256), leaky, nn.Linear(256, 512), leaky, nn.Linear(512, 1024), leaky,
                              nn.Linear(1024, 784), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(784, 512), leaky, nn.Linear(512, 256), leaky, nn.Linear(256, 1))
    batches = batches_of(2 * torch.rand(IMAGES, 784) - 1)
    return TrainGan(generator, discriminator, 100, (784,), lambda: next(batches))


def dcgan():
    leaky = nn.LeakyReLU(0.2)

    def up(*arguments):
        return nn.ConvTranspose2d(*arguments, bias=False)

    def down(*arguments):
        return nn.Conv2d(*arguments, bias=False)

    generator = nn.Sequential(nn.Unflatten(1, (100, 1, 1)), up(100, 256, 4, 1, 0), nn.BatchNorm2d(256), nn.ReLU(),
                              up(256, 128, 3, 2, 1), nn.BatchNorm2d(128), nn.ReLU(),
                              up(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(), up(64, 1, 4, 2, 1), nn.Tanh())
    discriminator = nn.Sequential(down(1, 64, 4, 2, 1), leaky, down(64, 128, 4, 2, 1), nn.BatchNorm2d(128), leaky,
                                  down(128, 256, 4, 2, 1), nn.BatchNorm2d(256), leaky, down(256, 1, 3, 1, 0),
                                  nn.Flatten())
    batches = batches_of(laid_out(2 * torch.rand(IMAGES, 1, 28, 28) - 1))
    return TrainGan(generator, discriminator, 100, (1, 28, 28), lambda: next(batches))


def ring_gan():
    leaky = nn.LeakyReLU(0.2)
    generator = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
    discriminator = nn.Sequential(nn.Linear(2, 128), leaky, nn.Linear(128, 128), leaky, nn.Linear(128, 1))
    angles = torch.arange(8) * (torch.pi / 4)
    modes = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    return TrainGan(generator, discriminator, 2, (2,),
                    lambda: modes[torch.randint(8, (BATCH,))] + 0.02 * torch.randn(BATCH, 2))


class Decode:
    inputs = [(BATCH, 20)]

    def __init__(self):
        self.network = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
        self.decode = compiled(self.network)
        self.latent = torch.randn(BATCH, 20)

    def parameters(self):
        return self.network.parameters()

    def draw(self):
        return [self.latent]

    @torch.inference_mode()
    def step(self, z):
        return [self.decode(z)]


def main():
    torch.manual_seed(1)
    job = {"W1": TrainVae, "W2": mlp_gan, "W3": dcgan, "W4": Decode, "W5": ring_gan}[WORKLOAD]()

    def run(steps):
        for _ in range(steps):
            results = job.step(*job.draw())
        results[0].sum().item()

    def check(numbers):
        with torch.no_grad():
            for parameter in job.parameters():
                parameter.copy_(torch.from_numpy(numbers.take(parameter.shape).copy()))
        results = []
        for _ in range(2):
            inputs = [torch.from_numpy(numbers.take(shape).copy()) for shape in job.inputs]
            results += [number for result in job.step(*inputs) for number in result.detach().flatten().tolist()]
        return results

    serve(run, check)


main()
