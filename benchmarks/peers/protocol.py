# SPDX-License-Identifier: MIT
"""What every peer answers on standard input: the words of step_times.cpp."""
import sys
import time

import numpy


class Numbers:
    """The float32 numbers of a file, taken from its front."""

    def __init__(self, path):
        self.numbers, self.taken = numpy.fromfile(path, numpy.float32), 0

    def take(self, shape):
        count = int(numpy.prod(shape))
        self.taken += count
        return self.numbers[self.taken - count : self.taken].reshape(shape)


def serve(run, check):
    """`run(n)` takes n steps and waits for the last; `check(numbers)` gives what two steps computed."""
    for line in sys.stdin:
        word, argument = line.split()
        if word == "check":
            print(*(f"{number:.9g}" for number in check(Numbers(argument))), flush=True)
        else:
            start = time.perf_counter()
            run(int(argument))
            print(1e3 * (time.perf_counter() - start) / int(argument), flush=True)
