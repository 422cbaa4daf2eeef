# SPDX-License-Identifier: MIT
"""Candidates for one step, each a process of its own, timed in turn."""
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PEER_SCRIPTS = Path(__file__).resolve().parent / "peers"
BUILD = Path(__file__).resolve().parent.parent / "build" / "benchmarks"
US, STOCK, TUNED, JAX, ONNX = "eigenesis", "PyTorch as installed", "PyTorch tuned", "JAX", "onnxruntime"
LIBTORCH = "libtorch"  # Debian's, in C++
ALONE = "eigenesis on one thread"  # beside two threads, for their ratio
PEERS = [STOCK, TUNED, LIBTORCH, JAX, ONNX]
MODULES = {STOCK: "torch", TUNED: "torch", JAX: "jax", ONNX: "onnxruntime"}
LIBTORCH_PROGRAM = BUILD / "benchmarks" / "libtorch_peer"


def openblas(threading):
    """Where Debian keeps this OpenBLAS, for LD_LIBRARY_PATH: the system may prefer another BLAS."""
    return ":".join(map(str, Path("/usr/lib").glob(f"*/openblas-{threading}")))


# Settings of a shell that would decide how fast a library is.
MEDDLING = re.compile("^(OPENBLAS|OMP|GOMP|KMP|MKL|XLA|JAX|TORCH|EIGENESIS|MALLOC|GLIBC_TUNABLES|LD_PRELOAD)")
# Words of a setting that are variables of the environment; all others are options of the peer.
ENVIRONMENTS = {
    # glibc keeps what it has: each step would otherwise give its activations back and fault them in again.
    "kept memory": {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296:"
                                      "glibc.malloc.top_pad=268435456"},
    "bound threads": {"OMP_PROC_BIND": "true"},
    "serial OpenBLAS": {"LD_LIBRARY_PATH": openblas("serial")},
    "OpenMP OpenBLAS": {"LD_LIBRARY_PATH": openblas("openmp")},
    "C++ wrapper": {"TORCHINDUCTOR_CPP_WRAPPER": "1"},
    "autotuned": {"TORCHINDUCTOR_MAX_AUTOTUNE": "1", "TORCHINDUCTOR_FREEZING": "1"},
    "rbg generator": {"JAX_DEFAULT_PRNG_IMPL": "rbg"},
    "synchronous calls": {"JAX_CPU_ENABLE_ASYNC_DISPATCH": "0"},
}


def libtorch_versions():
    """Of Debian's packages; none if one of them is not installed, for libtorch is slow without OpenBLAS."""
    if not LIBTORCH_PROGRAM.exists() or not shutil.which("dpkg-query"):
        return []
    query = subprocess.run(["dpkg-query", "-W", "-f", r"${Package} ${Version}\n", "libtorch-dev", "libopenblas0-serial",
                            "libopenblas0-openmp"], capture_output=True, text=True)
    return [] if query.returncode else query.stdout.splitlines()


def installed(family):
    if family == LIBTORCH:
        return bool(libtorch_versions())
    return not subprocess.run([sys.executable, "-c", f"import {MODULES[family]}"], capture_output=True).returncode


def processors(count):
    """Of those this process may use, first one of each core."""
    def core(processor):
        siblings = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        return siblings.read_text() if siblings.exists() else processor

    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    first = list({core(processor): processor for processor in allowed}.values())
    return (first + [processor for processor in allowed if processor not in first])[:count]


@dataclass(frozen=True)
class Cell:
    workload: str
    batch: int
    threads: int

    def __str__(self):
        return f"{self.workload}/{self.batch}/{self.threads}"


@dataclass
class Candidate:
    family: str
    command: list
    setting: list = field(default_factory=list)
    times: list = field(default_factory=list)
    process: subprocess.Popen = None
    steps: int = 1  # in each round

    def __str__(self):
        return f"{self.family} ({', '.join(self.setting) or 'default'})"

    def start(self, cell, log):
        threads = 1 if self.family == ALONE else cell.threads
        environment = {name: value for name, value in os.environ.items() if not MEDDLING.match(name)}
        environment |= {"EIGENESIS_THREADS": str(threads), "OMP_NUM_THREADS": str(threads),
                        "TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": str(BUILD / "inductor")}
        options = []
        for word in self.setting:
            environment |= ENVIRONMENTS.get(word, {})
            options += [] if word in ENVIRONMENTS else [word]
        allowed = processors(cell.threads)
        self.process = subprocess.Popen([*self.command, cell.workload, str(cell.batch), *options], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
                                        preexec_fn=lambda: os.sched_setaffinity(0, allowed))

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise ChildProcessError(f"{self} has ended")
        return [float(number) for number in answer.split()]

    def warm_up(self, round_ms):
        """Finds how many steps fill a round."""
        ms = self.ask("run 1")[0]
        for part in (0.3, 1, 1):
            self.steps = max(1, math.ceil(part * round_ms / ms))
            ms = self.ask(f"run {self.steps}")[0]

    def settle(self, most_ms):
        """2000 steps, or as many as take that long: a training may become slower when averages of gradients vanish."""
        self.ask(f"run {max(1, min(2000, math.floor(most_ms / self.median())))}")
        self.times.clear()

    def time(self):
        self.times.append(self.ask(f"run {self.steps}")[0])

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def median(self):
        return statistics.median(self.times)


def torch_settings(cell, quick):
    """What PyTorch is tuned with; compiled steps take half a minute to make, so not if it must be quick."""
    if cell.workload == "W4":
        yield ["kept memory"]
        if not quick:
            yield ["compile"]
            yield ["compile", "autotuned", "C++ wrapper"]
        return
    bound = ["bound threads"] if cell.threads > 1 else []
    for layout in [[], ["channels_last"]] if cell.workload == "W3" else [[]]:
        setting = ["fused", "frozen", *layout, "kept memory"]
        yield setting
        if bound:
            yield setting + bound
        if not quick:
            yield setting + bound + ["compile"]
    if cell.workload == "W5" and not quick:
        yield setting + ["compile", "C++ wrapper"]


def libtorch_settings(cell):
    blas = ["OpenMP OpenBLAS", "bound threads"] if cell.threads > 1 else ["serial OpenBLAS"]
    yield blas
    if cell.workload in ("W1", "W4"):
        yield ["kept memory", *blas]
        return
    for layout in [[], ["channels_last"]] if cell.workload == "W3" else [[]]:
        yield ["frozen", *layout, "kept memory", *blas]


def candidates(cell, options):
    def peer(family, script, *setting):
        return Candidate(family, [sys.executable, str(PEER_SCRIPTS / script)], list(setting))

    ours = [str(BUILD / "benchmarks" / "step_times_benchmark")]
    yield Candidate(US, ours)
    if cell.threads > 1:
        yield Candidate(ALONE, ours)
    yield peer(STOCK, "pytorch.py")
    for setting in torch_settings(cell, options.quick):
        yield peer(TUNED, "pytorch.py", *setting)
    for setting in libtorch_settings(cell):
        yield Candidate(LIBTORCH, [str(LIBTORCH_PROGRAM)], setting)
    yield peer(JAX, "jax_peer.py")
    if cell.workload != "W3":  # whose steps take seconds
        yield peer(JAX, "jax_peer.py", "rbg generator")
        yield peer(JAX, "jax_peer.py", "synchronous calls")
    if cell.workload == "W4":
        yield peer(ONNX, "onnxruntime_peer.py")
        yield peer(ONNX, "onnxruntime_peer.py", "bound")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def require_equal(candidate, expected, found):
    worst = max((abs(a - b) / max(1, abs(a)) for a, b in zip(expected, found)), default=math.inf)
    if len(expected) != len(found) or not worst < 1e-3:
        sys.exit(f"{candidate} computes something else: expected {expected[:4]} but got {found[:4]}")


def run_rounds(group, rounds):
    for i in range(rounds):
        for j in range(len(group)):
            group[(i + j) % len(group)].time()


def measure(cell, options):
    """The best candidate of each family, with its times."""
    running, expected = [], None
    with open(BUILD / "peers.log", "a") as log:
        for candidate in candidates(cell, options):
            if candidate.family in options.absent:
                continue
            say(f"{cell}: {candidate}")
            try:
                candidate.start(cell, log)
                found = candidate.ask(f"check {BUILD / 'check.f32'}")
                expected = expected or found
                require_equal(candidate, expected, found)
                candidate.warm_up(options.round_ms)
                running.append(candidate)
            except (ChildProcessError, BrokenPipeError) as error:
                if candidate.family == US:
                    raise
                say(f"  left out: {error}; see {log.name}")
        run_rounds(running, 3)  # of many settings, the two best of three rounds go on
        families = {}
        for candidate in sorted(running, key=Candidate.median):
            families.setdefault(candidate.family, []).append(candidate)
        for candidate in [loser for family in families.values() for loser in family[2:]]:
            candidate.stop()
            running.remove(candidate)
        for candidate in running:
            candidate.settle(options.settle_ms)
        run_rounds(running, options.rounds)
        for candidate in running:
            candidate.stop()
    return {name: min(family[:2], key=Candidate.median) for name, family in families.items()}
