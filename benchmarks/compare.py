# SPDX-License-Identifier: MIT
"""Runs step_times and its peers round by round and prints tables of times and ratios; run.sh calls it."""
import argparse
import datetime
import itertools
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from rounds import (ALONE, BUILD, MODULES, PEER_SCRIPTS, PEERS, TUNED, US, Cell, installed, libtorch_versions,
                    measure, say)

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"W1": "VAE 784-400-20, ms", "W2": "MLP GAN, ms", "W3": "DCGAN, ms", "W4": "decode 20-400-784, us",
         "W5": "ring GAN 2-128-128-2, ms"}


def table(header, rows):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]) + "\n"


def digits(number):
    return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"


def share_of_others():
    """How much of this machine runs while we do nothing, in processors."""
    def ticks():
        words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        return sum(map(int, words)) - int(words[3]) - int(words[4])

    before = ticks()
    time.sleep(0.5)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / 0.5


def steps_report(cells, options):
    rows, settings, speedups, busy = [], [], [], 0
    for cell in cells:
        busy = max(busy, share_of_others())
        best = measure(cell, options)
        factor = 1e3 if cell.workload == "W4" else 1

        def shown(family):
            if family not in best:
                return "-"
            return f"{digits(factor * best[family].median())} / {digits(factor * min(best[family].times))}"

        def ratio(of):
            peers = [of(best[family].times) for family in PEERS if family in best]
            return f"{min(peers) / of(best[US].times):.2f}" if peers else "-"

        rows.append([f"{cell.workload} {NAMES[cell.workload]}", str(cell.batch), str(cell.threads),
                     *map(shown, [US, *PEERS]), f"**{ratio(statistics.median)}**", ratio(min)])
        say(f"{cell}: " + " | ".join(rows[-1][3:]))
        used = [str(best[family]) for family in PEERS[1:] if family in best]
        settings += [f"- {cell}: " + ", ".join(used)] if used else []
        if ALONE in best:
            speedups.append(f"{cell.workload}/{cell.batch} {best[ALONE].median() / best[US].median():.2f}")
    text = table(["step", "batch", "threads", US, *PEERS, "best peer / eigenesis", "of bests"], rows)
    if busy > 0.1:
        text += f"\nOther programs took up to {busy:.1f} processors before a cell began: repeat what matters when none runs.\n"
    if speedups:
        text += "\nTwo threads against one, eigenesis: " + ", ".join(speedups) + ".\n"
    if settings:
        text += "\nThe best settings of the peers, for each workload/batch/threads:\n\n" + "\n".join(settings) + "\n"
    return text


def compile_command():
    """The compiler and the folders of headers that the benchmarks are built with."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    words = shlex.split(next(e["command"] for e in entries if e["file"].endswith("step_times.cpp")))
    folders = []
    for word, following in zip(words, words[1:]):
        if word == "-isystem":
            folders += ["-isystem", following]
        elif word.startswith("-I"):
            folders.append(word)
    return words[0], folders


def torch_folder():
    import torch

    return Path(torch.__file__).parent


def ring_programs(options):
    """Source and command for each of the two ring GANs."""
    compiler, folders = compile_command()
    program = BUILD / "ring_gan.cpp"
    block = re.search(r"```cpp\n(// A GAN on a ring.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program.write_text(block.group(1))
    programs = {US: [compiler, "-std=c++20", "-O2", *folders, str(program)]}
    if TUNED not in options.absent:
        include = torch_folder() / "include"
        programs["libtorch"] = [compiler, "-std=c++20", "-O2", "-isystem", str(include), "-isystem",
                                str(include / "torch/csrc/api/include"), str(PEER_SCRIPTS / "ring_gan_libtorch.cpp")]
    return programs


def compile_report(options):
    programs, times = ring_programs(options), {}
    ways = {"eigenesis, headers only": programs[US], "eigenesis::compiled": [*programs[US], "-DEIGENESIS_COMPILED"]}
    library = {f"eigenesis::compiled itself, once: {source.name}": [*programs[US][:-1], str(source)]
               for source in sorted((ROOT / "cmake" / "compiled").glob("*.cpp"))}
    ways |= library
    if "libtorch" in programs:
        ways["libtorch"] = programs["libtorch"]
    for _ in range(1 if options.quick else 3):
        for name, command in ways.items():
            say(f"W6: compiling, {name}")
            start = time.perf_counter()
            subprocess.run([*command, "-c", "-o", str(BUILD / "ring_gan.o")], check=True)
            times.setdefault(name, []).append(time.perf_counter() - start)

    def ratio(of, name):
        comparable = "libtorch" in times and name not in library
        return f"{of(times['libtorch']) / of(times[name]):.1f}" if comparable else "-"

    rows = [[name, f"{statistics.median(t):.1f} / {min(t):.1f}", f"**{ratio(statistics.median, name)}**", ratio(min, name)]
            for name, t in times.items()]
    return table(["W6: seconds to compile the README's ring GAN, -O2 -c", "", "libtorch / this", "of bests"], rows)


def size_of(*paths):
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def size_report(options):
    def shown(*paths):
        return f"{size_of(*paths) / 1e6:.2f} MB"

    command, binary = ring_programs(options)[US], BUILD / "ring_gan"
    subprocess.run([*command, "-pthread", "-s", "-o", str(binary)], check=True)
    folders = [Path(word.removeprefix("-I")) / "Eigen" for word in compile_command()[1]]
    eigen = shown(*(folder for folder in folders if folder.is_dir()))
    rows = [["headers", f"{shown(ROOT / 'include')}, and Eigen's {eigen}", "-"],
            ["a stripped ring GAN, with the libraries it needs", shown(binary), "-"]]
    if TUNED not in options.absent:
        torch, names = torch_folder(), ("libtorch.so", "libtorch_cpu.so", "libc10.so", "libgomp*.so*")
        rows[0][2] = shown(torch / "include")
        rows[1][2] = shown(*(file for name in names for file in (torch / "lib").glob(name))) + " of libraries"
        rows.append(["the Python package", "-", shown(torch)])
    return table(["W7: size of", US, "PyTorch"], rows)


def kernels_report(options):
    program = BUILD / "benchmarks" / "kernel_speed_benchmark"
    if not program.exists():
        return "The program kernel_speed is absent.\n"
    say("kernels")
    return f"```\n{output_of(str(program), str(options.rounds))}\n```\n"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip()


def versions(options):
    found = [f"{name} {metadata.version(name)}" for name in ("torch", "jax", "jaxlib", "onnxruntime", "numpy")
             if any(d for d in metadata.distributions(name=name))] + libtorch_versions()
    compiler = output_of(compile_command()[0], "--version").splitlines()[0]
    instructions = " ".join(word for word in ("avx512f", "avx2", "fma")
                            if re.search(rf"\b{word}\b", Path("/proc/cpuinfo").read_text()))
    names = sorted({MODULES.get(family, family) for family in options.absent})
    absent = "; absent: " + ", ".join(names) if names else ""
    return "\n".join([
        f"- {datetime.date.today()}, commit {output_of('git', 'describe', '--always', '--dirty')}",
        f"- `{' '.join(['./benchmarks/run.sh', *sys.argv[1:]])}`",
        f"- {processor()}, {len(os.sched_getaffinity(0))} processors, {instructions}; {platform.platform()}",
        f"- {compiler}, -O2; Python {platform.python_version()}; {', '.join(found)}{absent}",
        f"- median / best of {options.rounds} rounds of at least {options.round_ms / 1e3:.1g} s\n"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default="W1,W2,W3,W4,W5,W6,W7,kernels", help="or W3/128, W2/64/2, ...")
    parser.add_argument("--rounds", type=int, help="default 9, with --quick 3")
    parser.add_argument("--quick", action="store_true", help="batch 128, fewer and shorter rounds, no torch.compile")
    parser.add_argument("--out", type=Path, help="a file for the tables; its path from the top of the repository")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 9)
    options.round_ms = 100 if options.quick else 300
    options.settle_ms = 10_000 if options.quick else 60_000
    options.absent = {family for family in PEERS if not installed(family)}
    return options


def main():
    options = parse_arguments()

    def chosen(name):
        return any((name + "/").startswith(wanted + "/") for wanted in options.cells.split(","))

    batches, threads = [128] if options.quick else [64, 128], [1, 2][: len(os.sched_getaffinity(0))]
    cells = [Cell(*each) for each in itertools.product(("W1", "W2", "W3"), batches, threads)]
    cells = [cell for cell in [*cells, Cell("W4", 1, 1), Cell("W5", 256, 1)] if chosen(str(cell))]
    parts = ["# Benchmarks\n", versions(options)]
    if cells:
        parts.append(steps_report(cells, options))
    for name, report in (("W6", compile_report), ("W7", size_report), ("kernels", kernels_report)):
        if chosen(name):
            parts.append(report(options))
    text = "\n".join(parts)
    print(text)
    if options.out:
        options.out.write_text(text)


main()
