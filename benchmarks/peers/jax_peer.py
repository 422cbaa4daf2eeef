# SPDX-License-Identifier: MIT
"""jax_peer.py WORKLOAD BATCH_SIZE: the steps of step_times.cpp in JAX, each one jitted call with donated buffers."""
import sys
from functools import partial

import jax
import numpy
from jax import lax
from jax import numpy as jnp
from protocol import serve

WORKLOAD, BATCH = sys.argv[1], int(sys.argv[2])
IMAGES = 16384


def linear(weights, x):
    weight, bias = weights
    return x @ weight + bias


def load_linear(numbers, sizes):
    """Layers between the given widths; [in, out], as the product likes it."""
    return [(numbers.take((b, a)).T.copy(), numbers.take((b,))) for a, b in zip(sizes, sizes[1:])]


def leaky(x):
    return jax.nn.leaky_relu(x, 0.2)


def mlp(activation, last, layers, x):
    for weights in layers[:-1]:
        x = activation(linear(weights, x))
    return last(linear(layers[-1], x))


def identity(x):
    return x


def adam(rate, beta1, weights, moments, gradients):
    count, means, squares = moments
    count = count + 1
    means = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, means, gradients)
    squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradients)
    scale, root = rate / (1 - beta1**count), 1 / jnp.sqrt(1 - 0.999**count)
    weights = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) * root + 1e-8), weights, means, squares)
    return weights, (count, means, squares)


def no_moments(weights):
    def zeros():
        return jax.tree.map(jnp.zeros_like, weights)

    return jnp.zeros(()), zeros(), zeros()


class TrainVae:
    inputs = [(BATCH, 784), (BATCH, 20)]
    data = (IMAGES, 784)
    low = 0

    def load(self, numbers):
        widths = [784, 400, 20], [400, 20], [20, 400, 784]
        weights = [layer for sizes in widths for layer in load_linear(numbers, sizes)]
        return weights, no_moments(weights)

    def draw(self, data, rows, key):
        return data[rows], jax.random.normal(key, (BATCH, 20))

    def loss(self, weights, x, noise):
        trunk, mean_head, log_variance_head, *decoder = weights
        h = jax.nn.relu(linear(trunk, x))
        mean, log_variance = linear(mean_head, h), linear(log_variance_head, h)
        logits = mlp(jax.nn.relu, identity, decoder, mean + jnp.exp(0.5 * log_variance) * noise)
        reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits)
        return (reconstruction - 0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))) / BATCH

    def step(self, state, x, noise):
        weights, moments = state
        loss, gradients = jax.value_and_grad(self.loss)(weights, x, noise)
        return adam(1e-3, 0.9, weights, moments, gradients), (loss,)


class TrainGan:
    """`generator(weights, z)` and `discriminator(weights, x)` give a result and the statistics of their batch."""

    low = -1

    def __init__(self, load, generator, discriminator, latents, data):
        self.load_weights, self.generator, self.discriminator = load, generator, discriminator
        self.latents, self.data = latents, data
        self.inputs = [(BATCH, *data[1:]), (BATCH, latents), (BATCH, latents)]

    def load(self, numbers):
        generator, discriminator = self.load_weights(numbers)
        statistics = [jnp.zeros(x.shape) for x in jax.tree.leaves(self.statistics(generator, discriminator))]
        return (generator, no_moments(generator)), (discriminator, no_moments(discriminator)), statistics

    def statistics(self, generator, discriminator):
        fake, of_generator = jax.eval_shape(self.generator, generator, jnp.zeros((BATCH, self.latents)))
        return of_generator, jax.eval_shape(self.discriminator, discriminator, fake)[1]

    def draw(self, data, rows, key):
        a, b = jax.random.split(key)
        return data[rows], jax.random.normal(a, (BATCH, self.latents)), jax.random.normal(b, (BATCH, self.latents))

    def step(self, state, real, z, next_z):
        (generator, generator_moments), (discriminator, discriminator_moments), running = state
        fake, _ = self.generator(generator, z)

        def discriminator_loss(weights):
            real_logits, real_statistics = self.discriminator(weights, real)
            fake_logits, fake_statistics = self.discriminator(weights, fake)
            loss = jnp.mean(jax.nn.softplus(-real_logits)) + jnp.mean(jax.nn.softplus(fake_logits))
            return loss, (real_statistics, fake_statistics)

        (d_loss, seen), gradients = jax.value_and_grad(discriminator_loss, has_aux=True)(discriminator)
        discriminator, discriminator_moments = adam(2e-4, 0.5, discriminator, discriminator_moments, gradients)

        def generator_loss(weights):
            fake, statistics = self.generator(weights, next_z)
            return jnp.mean(jax.nn.softplus(-self.discriminator(discriminator, fake)[0])), statistics

        (g_loss, of_generator), gradients = jax.value_and_grad(generator_loss, has_aux=True)(generator)
        generator, generator_moments = adam(2e-4, 0.5, generator, generator_moments, gradients)

        def moved(a, b):
            return 0.9 * a + 0.1 * b

        of_discriminator = [moved(0.9 * a, b) for a, b in zip(*map(jax.tree.leaves, seen))]
        new = jax.tree.leaves(of_generator) + of_discriminator
        running = [moved(a, b) for a, b in zip(running, new)]
        return ((generator, generator_moments), (discriminator, discriminator_moments), running), (d_loss, g_loss)


def mlp_gan():
    def load(numbers):
        return load_linear(numbers, [100, 256, 512, 1024, 784]), load_linear(numbers, [784, 512, 256, 1])

    return TrainGan(load, lambda w, z: (mlp(leaky, jnp.tanh, w, z), ()), lambda w, x: (mlp(leaky, identity, w, x), ()),
                    100, (IMAGES, 784))


def convolved(x, weight, stride, pad, dilation):
    return lax.conv_general_dilated(x, weight, (stride, stride), [(pad, pad)] * 2, lhs_dilation=(dilation, dilation),
                                    dimension_numbers=("NHWC", "HWIO", "NHWC"))


def down(weight, x, stride, padding):
    return convolved(x, weight, stride, padding, 1)


def up(weight, x, stride, padding):
    return convolved(x, weight, 1, weight.shape[0] - 1 - padding, stride)


def load_down(numbers, channels_in, channels_out, size):
    return numbers.take((channels_out, channels_in, size, size)).transpose(2, 3, 1, 0).copy()


def load_up(numbers, channels_in, channels_out, size):
    return numbers.take((channels_in, channels_out, size, size)).transpose(2, 3, 0, 1)[::-1, ::-1].copy()


def load_norm(numbers, channels):
    return numbers.take((channels,)), numbers.take((channels,))


def batch_norm(weights, x):
    mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
    count = x.size // x.shape[-1]
    return (x - mean) * (weights[0] / jnp.sqrt(variance + 1e-5)) + weights[1], (mean, variance * count / (count - 1))


def dcgan():
    def load(numbers):
        generator = [load_up(numbers, 100, 256, 4), load_norm(numbers, 256), load_up(numbers, 256, 128, 3),
                     load_norm(numbers, 128), load_up(numbers, 128, 64, 4), load_norm(numbers, 64),
                     load_up(numbers, 64, 1, 4)]
        discriminator = [load_down(numbers, 1, 64, 4), load_down(numbers, 64, 128, 4), load_norm(numbers, 128),
                         load_down(numbers, 128, 256, 4), load_norm(numbers, 256), load_down(numbers, 256, 1, 3)]
        return generator, discriminator

    def generate(weights, z):
        x, statistics = z.reshape(BATCH, 1, 1, 100), []
        for i, (stride, padding) in enumerate([(1, 0), (2, 1), (2, 1)]):
            x, seen = batch_norm(weights[2 * i + 1], up(weights[2 * i], x, stride, padding))
            x = jax.nn.relu(x)
            statistics.append(seen)
        return jnp.tanh(up(weights[6], x, 2, 1)), statistics

    def discriminate(weights, x):
        x = leaky(down(weights[0], x, 2, 1))
        x, first = batch_norm(weights[2], down(weights[1], x, 2, 1))
        x, second = batch_norm(weights[4], down(weights[3], leaky(x), 2, 1))
        return down(weights[5], leaky(x), 1, 0).reshape(BATCH, 1), [first, second]

    return TrainGan(load, generate, discriminate, 100, (IMAGES, 28, 28, 1))


def ring_gan():
    def load(numbers):
        return load_linear(numbers, [2, 128, 128, 2]), load_linear(numbers, [2, 128, 128, 1])

    job = TrainGan(load, lambda w, z: (mlp(jax.nn.relu, identity, w, z), ()),
                   lambda w, x: (mlp(leaky, identity, w, x), ()), 2, (BATCH, 2))
    angles = numpy.arange(8) * numpy.pi / 4
    modes = 2 * numpy.stack([numpy.cos(angles), numpy.sin(angles)], 1).astype(numpy.float32)

    def draw(_, __, key):
        a, b, c, d = jax.random.split(key, 4)
        real = jnp.asarray(modes)[jax.random.randint(a, (BATCH,), 0, 8)] + 0.02 * jax.random.normal(b, (BATCH, 2))
        return real, jax.random.normal(c, (BATCH, 2)), jax.random.normal(d, (BATCH, 2))

    job.draw = draw
    return job


class Decode:
    inputs = [(BATCH, 20)]

    def load(self, numbers):
        return load_linear(numbers, [20, 400, 784])

    def step(self, state, z):
        return state, (mlp(jax.nn.relu, jax.nn.sigmoid, state, z),)


def serve_training(job):
    images = jnp.asarray(numpy.random.default_rng(1).uniform(job.low, 1, job.data).astype(numpy.float32))
    checked = jax.jit(job.step)

    @partial(jax.jit, donate_argnums=0)
    def drawn(state, images, order):
        training, key, step = state
        key, now = jax.random.split(key)
        rows = lax.dynamic_slice(order, (step * BATCH % (order.size - BATCH + 1),), (BATCH,))
        training, losses = job.step(training, *job.draw(images, rows, now))
        return (training, key, step + 1), losses

    state = None
    order = jnp.asarray(numpy.random.default_rng(1).permutation(len(images)).astype(numpy.int32))

    def check(numbers):
        nonlocal state
        training, results = job.load(numbers), []
        for _ in range(2):
            training, losses = checked(training, *(numbers.take(shape) for shape in job.inputs))
            results += [float(loss) for loss in losses]
        state = jax.tree.map(jnp.asarray, training), jax.random.key(1), jnp.zeros((), jnp.int32)
        return results

    def run(steps):
        nonlocal state
        for _ in range(steps):
            state, losses = drawn(state, images, order)
        jax.block_until_ready((state, losses))

    serve(run, check)


def serve_decoding(job):
    decode = jax.jit(lambda state, z: job.step(state, z)[1][0])
    state = latent = None

    def check(numbers):
        nonlocal state, latent
        state = jax.tree.map(jnp.asarray, job.load(numbers))
        results = []
        for _ in range(2):
            latent = jnp.asarray(numbers.take(job.inputs[0]))
            results += decode(state, latent).ravel().tolist()
        return results

    def run(steps):
        for _ in range(steps):
            decode(state, latent).block_until_ready()

    serve(run, check)


if WORKLOAD == "W4":
    serve_decoding(Decode())
else:
    serve_training({"W1": TrainVae, "W2": mlp_gan, "W3": dcgan, "W5": ring_gan}[WORKLOAD]())
