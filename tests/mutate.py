#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the power of the tests: how many one-token faults in the library's formulas they find.

    python3 tests/mutate.py --build DIRECTORY [--jobs 2] [--rooms ops,layers] [--sample 400] [--only 17,204] [--list]

Each mutant changes one token of a formula: a sign, an operator, a constant, a comparison, a function, a field. All of
them are compiled at once, into a copy of the headers under DIRECTORY: the formula E becomes (chosen(17) ? E' : E), and
the environment variable EIGENESIS_MUTANT chooses one when the program runs. So the tests are compiled once, and run
once for each mutant, only those of the rooms that cover its file. A mutant that no test notices is a survivor. A mutant
that cannot be compiled is none, and is left out. The repository's own files are read only.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Tests of each room in the order in which they are run, the fast ones first; files whose formulas they cover.
ROOMS = {
    "pointwise": (
        ["ops/pointwise", "ops/arithmetic", "ops/map", "ops/derivatives", "ops/extremes", "ops/properties",
         "kernels/kernels"],
        ["kernels/operations.inl", "ops/symbol.hpp", "ops/symbol_inl.hpp", "ops/pointwise.hpp", "ops/arithmetic.hpp",
         "ops/map_inl.hpp"]),
    "ops": (
        ["ops/reduce", "ops/arrange", "ops/matmul", "ops/pooling", "ops/convolution", "ops/arithmetic",
         "ops/derivatives", "ops/extremes", "ops/properties", "ops/convolution_grid"],
        ["ops/broadcast_inl.hpp", "ops/reduce.hpp", "ops/arrange.hpp", "ops/matmul_inl.hpp", "ops/pooling.hpp",
         "ops/convolution.hpp"]),
    "kernels": (
        ["optimizers/optimizers", "optimizers/moving_average", "kernels/kernels"],
        ["kernels/updates.inl"]),
    "layers": (
        ["layers/normalization", "layers/convolution", "layers/layers", "layers/image_layers", "layers/initializers",
         "layers/pass", "ops/extremes", "ops/properties"],
        ["layers/normalization.hpp", "layers/dropout.hpp", "layers/convolution.hpp", "layers/linear.hpp",
         "layers/activations.hpp", "layers/initializers.hpp", "layers/flatten.hpp", "layers/pooling.hpp"]),
    "distributions": (
        ["distributions/continuous", "distributions/discrete", "distributions/likelihoods", "ops/extremes",
         "ops/properties", "models/vae_models", "models/latent_pictures"],
        ["distributions/normal.hpp", "distributions/standard_normal.hpp", "distributions/standard_uniform.hpp",
         "distributions/bernoulli.hpp", "distributions/categorical.hpp", "distributions/likelihoods.hpp"]),
    "objectives": (
        ["objectives/gan_objectives", "objectives/penalties", "objectives/weights", "ops/derivatives",
         "ops/extremes", "models/vae_models"],
        ["objectives/gan_objectives.hpp", "objectives/penalties.hpp", "objectives/elbo.hpp",
         "objectives/instance_noise.hpp"]),
    "optimizers": (
        ["optimizers/optimizers", "optimizers/gradients", "optimizers/moving_average", "ops/properties"],
        ["optimizers/sgd.hpp", "optimizers/rmsprop.hpp", "optimizers/adam.hpp", "optimizers/gradients.hpp",
         "optimizers/moving_average.hpp"]),
}

# Survivors that are no faults: (file, formula, mutated formula) and why no test can tell them apart. In place of a
# formula that is a mere number stands its line of code.
EQUIVALENT = {
    ("ops/symbol.hpp", "std::numeric_limits<float>::max() < size && std::isfinite(size) ? 0x1p-64 : 1",
     "std::numeric_limits<float>::max() <= size && std::isfinite(size) ? 0x1p-64 : 1"):
        "the greatest float is taken in two steps, which are exact: only speed",
    ("ops/symbol.hpp",
     "b.is(1) ? a : b.is(-1) ? -a : detail::trace(detail::Operation::multiply_constant, b.constant(), a)",
     "b.is(1) ? a : b.is(1) ? -a : detail::trace(detail::Operation::multiply_constant, b.constant(), a)"):
        "a * -1 is -a: only speed",
    ("ops/symbol.hpp",
     "std::abs(std::frexp(b.constant(), &exponent)) == 0.5 && exponent < 127 ? a * Symbol(1 / b.constant()) : "
     "detail::trace(detail::Operation::divide_constant, b.constant(), a)",
     "std::abs(std::frexp(b.constant(), &exponent)) == 1.5 && exponent < 127 ? a * Symbol(1 / b.constant()) : "
     "detail::trace(detail::Operation::divide_constant, b.constant(), a)"):
        "no fraction is 1.5, so it is always a division, which is exact for powers of two: only speed",
    ("ops/symbol.hpp", "double constant_ = 0;", "1"): "constant() is read of plain numbers only, which have set it",
    ("ops/symbol.hpp", "int exponent = 0;", "1"): "frexp sets it",
    ("ops/symbol_inl.hpp", "if (index < 0) return 0.0;", "1.0"): "no derivative reads an operand that there is not",
    ("ops/broadcast_inl.hpp", "r.inner > 0 && r.size > 0", "r.inner >= 0 && r.size > 0"):
        "repeating nothing does nothing",
    ("ops/broadcast_inl.hpp", "r.inner > 0 && r.size > 0", "r.inner > 1 && r.size > 0"): "1 was treated before",
    ("ops/pooling.hpp", "first * width", "first / width"):
        "pixels before the first are computed once more, as they are: only speed",
    ("kernels/updates.inl", "i < n", "i <= n"): "one more step, which stores nothing",
    ("optimizers/sgd.hpp", "step == 1 ? 0 : o.momentum", "step == 1 ? 1 : o.momentum"):
        "the momentum is 0 before the first step",
    ("ops/symbol_inl.hpp", "a.is(0)", "a.is(1)"):
        "0 + b is b already; a is never 1, as no incoming gradient is a plain number but 0",
    ("ops/symbol_inl.hpp", "select(Masked(a).apply_to(1), 1, Masked(b).apply_to(1))",
     "select(Masked(a).apply_to(2), 1, Masked(b).apply_to(1))"): "a condition holds where it is not 0",
    ("ops/pointwise.hpp", "select(t <= 0, scale * expm1(minimum(t, 0)), t)",
     "select(t <= 0, scale * expm1(minimum(t, 1)), t)"): "where t > 0 the other branch is taken",
    ("distributions/bernoulli.hpp", "i < last", "i <= last"):
        "one more block without elements, whose maximum is below all bounds",
    ("distributions/bernoulli.hpp",
     "!(max_piece(x + i, count, isa()) <= high && max_piece(negated, count, isa()) <= -low)",
     "!(max_piece(x + i, count, isa()) <= high && max_piece(negated, count, isa()) <= low)"):
        "low is 0 wherever this is called",
    ("distributions/categorical.hpp",
     "select(is_masked<Scalar>(logit), -static_cast<double>(std::numeric_limits<Scalar>::max()), logit)",
     "select(is_masked<Scalar>(logit), static_cast<double>(std::numeric_limits<Scalar>::max()), logit)"):
        "any finite number will do: it is multiplied by 0",
    ("distributions/categorical.hpp", "rng.uniform() * total", "rng.uniform() / total"):
        "the total is 1 up to rounding: another class in one of 10^7 draws",
    ("distributions/standard_normal.hpp", "double low = -40, high = 40;", "41"): "70 halvings of 80 leave less than 1e-19",
    ("distributions/standard_normal.hpp", "i < 70", "i <= 70"): "70 halvings of 80 leave less than 1e-19",
    ("distributions/standard_normal.hpp", "i < 70", "i < 71"): "70 halvings of 80 leave less than 1e-19",
    ("objectives/penalties.hpp", "real.shape(0)", "fake.shape(0)"): "both shapes are the same, or refused",
    ("layers/initializers.hpp", "std::min(weight.shape(0), weight.shape(1))",
     "std::min(weight.shape(1), weight.shape(1))"): "rows that are not used are made too",
    ("layers/initializers.hpp", "std::min(weight.shape(0), weight.shape(1))",
     "std::max(weight.shape(0), weight.shape(1))"): "rows that are not used are made too",
    ("layers/initializers.hpp", "pass < 2", "pass < 3"): "after two passes a third changes nothing",
}


def reads_constant(operation):
    """Whether the value of an operation in the table depends on its constant."""
    code = masked((ROOT / "include/eigenesis/kernels/operations.inl").read_text())
    row = re.search(rf"^EIGENESIS_(OPERATION|FUNCTION)\({operation},", code, re.M)
    parts = arguments(code, row.start() + len("EIGENESIS_") + len(row.group(1)))
    return row.group(1) == "OPERATION" and "constant" in code[slice(*parts[2])]


def reason(m):
    """Why a mutant is no fault, or nothing."""
    old, new = one_line(m.old), one_line(m.new)
    if m.file.endswith("operations.inl") and m.old.strip() == "0":
        code = masked((ROOT / "include/eigenesis" / m.file).read_text())
        start = code.rindex("EIGENESIS_OPERATION(", 0, m.start) + len("EIGENESIS_OPERATION")
        parts = arguments(code, start)
        if [begin for begin, _ in parts].index(m.start) - 3 >= int(code[slice(*parts[1])]):
            return "the operation has no such operand"
    for found in re.finditer(r"trace\(detail::Operation::(\w+), 0,", old):
        if old[:found.end() - 2] + "1," + old[found.end():] == new and not reads_constant(found.group(1)):
            return "the operation has no constant"
    line = (ROOT / "include/eigenesis" / m.file).read_text().splitlines()[m.line - 1]
    return EQUIVALENT.get((m.file, old if re.search(r"[^\w.]", old) else one_line(line.partition("//")[0]), new))


MUTATIONS = [(re.compile(pattern), replacement) for pattern, replacement in [
    (r" \+ ", " - "), (r" \+ ", " + 0 * "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r" \+= ", " = "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r" \*= ", " /= "), (r" /= ", " *= "),
    (r"(?:(?<=[(,?:=<>*/+-] )|(?<=\()|(?<=\A))-(?=[\w(])", ""),
    (r"(?<![\w.<'])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.'>])", lambda m: number(m.group())),
    (r"(?<![.\w])mean\((?!\))", "sum("), (r"(?<![.\w])sum\((?!\))", "mean("),
    (r"(?<![.\w])exp\(", "expm1("), (r"(?<![.\w])expm1\(", "exp("), (r"(?<![.\w])log\(", "log1p("),
    (r"(?<![.\w:])sqrt\(", "square("), (r"(?<![.\w])square\(", "abs("), (r"(?<![.\w])softplus\(", "sigmoid("),
    (r"(?<![.\w])sigmoid\(", "tanh("), (r"(?<![.\w])sin\(", "cos("), (r"(?<![.\w])cos\(", "sin("),
    (r"(?<![.\w])sum_per_sample\(", "2 * sum_per_sample("),
    (r"(?<![.\w])feature_mean\(", "2 * feature_mean("), (r"(?<![.\w])broadcast_to\(", "sum_to("),
    (r"\bstd::max\b", "std::min"), (r"\bstd::min\b", "std::max"),
    (r"(?<![.\w:])maximum\(", "minimum("), (r"(?<![.\w:])minimum\(", "maximum("),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"!(?=\w)", ""),
    (r"\bstride\b", "padding"), (r"\bpadding\b", "stride"), (r"\bdilation\b", "stride"),
    (r"\bheight\b", "width"), (r"\bwidth\b", "height"), (r"\binput\b", "output"), (r"\boutput\b", "input"),
    (r"\bbefore\b", "after"), (r"\bbegin\b", "end"), (r"\blog_variance_\b", "mean_"), (r"\bbeta1\b", "beta2"),
    (r"\bbeta2\b", "beta1"), (r"\breal\b", "fake"), (r"\bfake\b", "real"),
    (r"\breal_logits\b", "fake_logits"), (r"\bfake_logits\b", "real_logits"),
]]

Mutant = collections.namedtuple("Mutant", "id room file line start end old new")


def number(text):
    return repr(float(text) + 1) if re.search(r"[.e]", text) else str(int(text) + 1)


def masked(text):
    """The text with comments, strings, characters and lines of the preprocessor blanked out."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\d)\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:\\\n|[^\n])*'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", "\0", m.group()), text, flags=re.S | re.M)


def end_of(text, start, stops):
    """Where the expression that begins at `start` ends: at a character of `stops` outside of brackets, or a bracket."""
    depth = 0
    for i in range(start, len(text)):
        c = text[i]
        if depth == 0 and c in stops:
            return i
        if c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return i
            depth -= 1
    return len(text)


def arguments(text, start):
    """Begin and end of each argument of a macro whose opening bracket is at `start`."""
    found = []
    i = start + 1
    while True:
        end = end_of(text, i, ",")
        found.append((i, end))
        if text[end] != ",":
            return found
        i = end + 1


def formulas(name, text):
    """Begin and end of the formulas of a file: what is returned, assigned, or tested, and the table of operations."""
    spans = []
    if name.endswith("operations.inl"):
        for macro in re.finditer(r"^EIGENESIS_(FUNCTION|OPERATION)(?=\()", text, re.M):
            parts = arguments(text, macro.end())
            for begin, end in parts[1:] if macro.group(1) == "FUNCTION" else parts[2:]:
                inner = re.match(r"\s*EIGENESIS_EACH\(", text[begin:end])
                spans.append((begin + inner.end(), end - 1) if inner else (begin, end))
    else:
        for found in re.finditer(r"\breturn (?=[^;{])", text):
            spans.append((found.end(), end_of(text, found.end(), ";")))
        for found in re.finditer(r"\b(?:if|while) (?:constexpr )?\(", text):
            if "constexpr" not in found.group():
                spans.append((found.end(), end_of(text, found.end(), "")))
        for found in re.finditer(r"\bfor \([^;:{}]*; ", text):
            spans.append((found.end(), end_of(text, found.end(), ";")))
        for found in re.finditer(r"(?<=[\w\])]) = (?=[^=])", text):
            line = text[text.rfind("\n", 0, found.start()) + 1:found.start()]
            if not re.search(r"\b(?:using|template|constexpr|static|typename|concept)\b|\[$", line):
                spans.append((found.end(), end_of(text, found.end(), ";,")))
        for found in re.finditer(r"(?<=[;{}\n)])\s+([\w.\->\[\]*+() ]+? (?:\+=|-=|\*=|/=) [^;{}]*?);", text):
            spans.append((found.start(1), found.end(1)))
        for found in re.finditer(r"(?<=\w_\()(?=clamp|detail)", text):
            spans.append((found.end(), end_of(text, found.end(), "")))
    spans = [(begin, end) for begin, end in spans if "{" not in text[begin:end].replace("Index{", "").replace(
        "Scalar{", "").replace("Shape{", "").replace("Vec{", "").replace("T{", "").replace("Real{", "")]
    spans = [(begin, end) for begin, end in spans if text[begin:end].strip() and "\0" not in text[begin:end]]
    result, last = [], 0
    for begin, end in sorted(spans, key=lambda s: (s[0], -s[1])):
        if begin >= last:
            result.append((begin, end))
            last = end
    return result


def collect():
    mutants = []
    for room, (_, files) in ROOMS.items():
        for name in files:
            text = (ROOT / "include/eigenesis" / name).read_text()
            code = masked(text)
            for begin, end in formulas(name, code):
                old, seen = text[begin:end], set()
                for pattern, replacement in MUTATIONS:
                    for found in pattern.finditer(code[begin:end]):
                        by = replacement(found) if callable(replacement) else replacement
                        new = old[:found.start()] + by + old[found.end():]
                        if new in seen or new == old:
                            continue
                        seen.add(new)
                        line = text.count("\n", 0, begin + found.start()) + 1
                        mutants.append(Mutant(len(mutants) + 1, room, name, line, begin, end, old, new))
    return mutants


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def write_tree(tree, mutants):
    """The headers with the mutants in them. Returns (file, line) -> id of the mutant that stands there."""
    places = {}
    by_file = collections.defaultdict(lambda: collections.defaultdict(list))
    for m in mutants:
        by_file[m.file][m.start, m.end].append(m)
    shutil.copytree(ROOT / "include", tree, dirs_exist_ok=True)
    (tree / "mutant.hpp").write_text("#pragma once\nextern const int eigenesis_mutant;\n")
    config = tree / "eigenesis/machine/config.hpp"
    config.write_text(config.read_text().replace("#pragma once", '#pragma once\n#include "mutant.hpp"', 1))
    for name, spans in by_file.items():
        text = (ROOT / "include/eigenesis" / name).read_text()
        out, at = "", 0
        for (begin, end), group in sorted(spans.items()):
            out += text[at:begin] + "(\n"
            for m in group:
                places[name, out.count("\n") + 1] = m.id
                out += f"::eigenesis_mutant == {m.id} ? ({one_line(m.new)}) :\n"
            out += f"({text[begin:end]}))"
            at = end
        (tree / "eigenesis" / name).write_text(out + text[at:])
    return places


def write_if_new(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def in_background(command, timeout=None, **options):
    try:
        return subprocess.run(["nice", "-n", "10", *command], capture_output=True, text=True, timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        return None


def compile_all(build, mutants, rooms, jobs):
    """Compiles the tests with all mutants; leaves out those that the compiler refuses. Returns the others."""
    tree, flags = build / "include", ["-std=c++20", "-O1", "-w", "-fmax-errors=1000", "-D_GLIBCXX_ASSERTIONS",
                                      "-I", str(build / "include"), "-I", str(ROOT / "tests"),
                                      "-isystem", "/usr/include/eigen3"]
    tests = sorted({test for room in rooms for test in ROOMS[room][0]})
    tests = [t for t in tests if (ROOT / "tests" / (t + "_test.cpp")).exists()]
    main = build / "main.cpp"
    write_if_new(main, "#include <cstdlib>\n"
                    "extern const int eigenesis_mutant;\n"
                    "const int eigenesis_mutant = std::getenv(\"EIGENESIS_MUTANT\") ? "
                    "std::atoi(std::getenv(\"EIGENESIS_MUTANT\")) : 0;\n"
                    "#if !__has_include(<catch2/catch_test_macros.hpp>)\n"
                    "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n#endif\n")
    umbrella = build / "umbrella.hpp"
    write_if_new(umbrella, '#include <eigenesis/eigenesis.hpp>\n#include "catch.hpp"\n#include "gradient_check.hpp"\n')
    sources = [(p, "c_" + p.stem, []) for p in sorted((ROOT / "cmake/compiled").glob("*.cpp"))] + [(main, "main", [])]
    sources += [(ROOT / "tests" / (t + "_test.cpp"), t.replace("/", "_"),
                 ["-DEIGENESIS_COMPILED", "-include", str(umbrella)]) for t in tests]
    state = build / "state.json"
    digest = hashlib.sha256(repr((flags, mutants)).encode())
    for path in sorted((ROOT / "include").rglob("*.*")):
        digest.update(path.read_bytes())
    saved = json.loads(state.read_text()) if state.exists() else {"digest": "", "refused": []}
    refused = {tuple(key) for key in saved["refused"]}
    fresh = saved["digest"] == digest.hexdigest()  # the programs are those of these headers

    def save(done):
        state.write_text(json.dumps({"digest": digest.hexdigest() if done else "", "refused": sorted(refused)}))

    fewer = False
    while True:
        alive = [m for m in mutants if (m.file, m.old, m.new) not in refused]
        now = set()

        def note(result, source):
            found = re.findall(r"^\S*?include/eigenesis/([\w./]+):(\d+):\d+: +(.*)", result.stderr, re.M)
            guilty = set()
            for text in ("error", "required", "in "):
                guilty = guilty or {places[f, int(line)] for f, line, what in found
                                    if (f, int(line)) in places and what.startswith(text)}
            if result.returncode and not guilty:
                sys.exit(f"cannot compile {source}:\n{result.stderr[:5000]}")
            now.update(guilty)

        places = write_tree(tree, alive)
        header = pathlib.Path(str(umbrella) + ".gch")
        if not fresh:
            for old in build.glob("*.o"):
                old.unlink()
        if not fresh or fewer or not header.exists():
            note(in_background(["g++", *flags, "-DEIGENESIS_COMPILED", "-x", "c++-header", str(umbrella), "-o",
                                str(header)]), umbrella)
            fewer = False
        if not now:  # otherwise once more without those that were refused
            save(True)
            fresh = True
        if not now:
            def one(source):
                path, name, extra = source
                target = build / (name + ".o")
                if target.exists() and target.stat().st_mtime > path.stat().st_mtime:
                    return
                start = time.time()
                result = in_background(["g++", *flags, *extra, "-c", str(path), "-o", str(target)])
                print(f"compiled {name} in {time.time() - start:.0f} s", flush=True)
                if result.returncode:
                    note(result, path)
                    target.unlink(missing_ok=True)

            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                list(pool.map(one, sources))
        if not now:
            return alive
        print(f"{len(now)} mutants cannot be compiled and are left out", flush=True)
        refused |= {(m.file, m.old, m.new) for m in mutants if m.id in now}
        save(fresh)
        fewer = True  # what has been compiled with them is as good, as they are not chosen


def link(build, rooms):
    programs = {}
    for room in rooms:
        tests = [t for t in ROOMS[room][0] if (build / (t.replace("/", "_") + ".o")).exists()]
        programs[room] = []
        for test in tests:
            program = build / (test.replace("/", "_") + ".exe")
            objects = [build / (test.replace("/", "_") + ".o"), *sorted(build.glob("c_*.o")), build / "main.o"]
            if not program.exists() or any(o.stat().st_mtime > program.stat().st_mtime for o in objects):
                libraries = ["-lpthread"]
                if pathlib.Path("/usr/include/catch2/catch_test_macros.hpp").exists():
                    libraries = ["-lCatch2Main", "-lCatch2", *libraries]
                found = in_background(["g++", *map(str, objects), *libraries, "-o", str(program)])
                if found.returncode:
                    sys.exit(found.stderr[:3000])
            programs[room].append(program)
    return programs


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def kill(build, programs, mutant, limits):
    """The test that finds the mutant, or nothing."""
    for program in programs[mutant.room]:
        folder = build / f"run.{mutant.id}"
        folder.mkdir(exist_ok=True)
        environment = {**os.environ, "EIGENESIS_MUTANT": str(mutant.id), "EIGENESIS_THREADS": "2",
                       "EIGENESIS_PROPERTY_CASES": "10"}
        found = in_background([str(program), "~[.]", "-x", "1"], timeout=limits[program] * 10 + 30, cwd=folder,
                              env=environment, preexec_fn=limit_memory)
        shutil.rmtree(folder, ignore_errors=True)
        if found is None:
            return program.stem + ": does not end"
        if found.returncode:
            title = re.search(r"^-{5,}\n(.+)\n", found.stdout or "", re.M)
            return program.stem + ": " + (title.group(1) if title else f"ends with {found.returncode}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, help="a directory for the mutated headers and the programs")
    parser.add_argument("--jobs", type=int, default=2, help="mutants that are tried at a time")
    parser.add_argument("--compilers", type=int, default=1, help="files that are compiled at a time")
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--tests", help="run only these, for example ops/reduce,ops/map")
    parser.add_argument("--sample", type=int, help="take this many mutants, drawn at random, always the same ones")
    parser.add_argument("--only", help="numbers of mutants")
    parser.add_argument("--list", action="store_true", help="show the mutants and end")
    parser.add_argument("--compile", action="store_true", help="compile and end")
    options = parser.parse_args()
    rooms = options.rooms.split(",")
    if options.tests:
        for room, (tests, files) in ROOMS.items():
            ROOMS[room] = ([t for t in tests if t in options.tests.split(",")], files)
    mutants = collect()
    if options.sample:
        mutants = sorted(random.Random(1).sample(mutants, min(options.sample, len(mutants))))
    if options.list:
        for m in [m for m in mutants if m.room in rooms]:
            print(f"{m.id}\t{m.file}:{m.line}\t{one_line(m.old)}\t->\t{one_line(m.new)}")
        print(sum(m.room in rooms for m in mutants), "mutants")
        return
    if not options.build:
        parser.error("--build is needed")
    build = options.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    alive = compile_all(build, mutants, rooms, options.compilers)
    programs = link(build, rooms)
    if options.compile:
        return
    limits = {}
    for program in {p for group in programs.values() for p in group}:
        start = time.time()
        found = in_background([str(program), "~[.]"], cwd=build)
        if found.returncode:
            sys.exit(f"{program} fails without a mutant:\n{found.stdout[-3000:]}")
        limits[program] = time.time() - start
        print(f"{program.stem}: {limits[program]:.1f} s", flush=True)

    chosen = {int(n) for n in options.only.split(",")} if options.only else None
    todo = [m for m in alive if m.room in rooms and (not chosen or m.id in chosen)]
    survivors, equivalent, killed = [], [], collections.Counter()
    start = time.time()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for m, by in zip(todo, pool.map(lambda m: kill(build, programs, m, limits), todo)):
            what = f"{m.id}\t{m.file}:{m.line}\t{one_line(m.new)}"
            if by:
                killed[m.room] += 1
                print(f"killed\t{what}\t{by}", flush=True)
            elif reason(m):
                equivalent.append(m)
                print(f"equivalent\t{what}\t{reason(m)}", flush=True)
            else:
                survivors.append(m)
                print(f"SURVIVED\t{what}", flush=True)
    for room in rooms:
        print(f"{room}: {sum(m.room == room for m in todo)} mutants, {killed[room]} killed, "
              f"{sum(m.room == room for m in equivalent)} equivalent, {sum(m.room == room for m in survivors)} survived")
    print(f"{len(todo)} mutants, {sum(killed.values())} killed, {len(equivalent)} equivalent, {len(survivors)} survived; "
          f"{time.time() - start:.0f} s")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
