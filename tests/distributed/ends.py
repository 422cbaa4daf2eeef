# SPDX-License-Identifier: MIT
"""Trainings on several ranks that do not end well: all processes are gone within 30 seconds, with an exit code that is
not 0. Call: ends.py PROGRAM MPIRUN FLAGS..., where MPIRUN FLAGS... -np 2 PROGRAM starts two ranks."""

import os
import signal
import subprocess
import sys
import tempfile
import time

program, mpirun = sys.argv[1], sys.argv[2:]


def expect(what, condition, got):
    if not condition:
        sys.exit(f"ends: expected {what} but got {got}")


def start(*how, ranks=4):
    return subprocess.Popen(
        [*mpirun, "-np", str(ranks), program, *how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def runs(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end_of(name, process, pids=()):
    begin = time.monotonic()
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit(f"ends: expected the end of all ranks within 30 s: {name}")
    while any(map(runs, pids)) and time.monotonic() < begin + 30:
        time.sleep(0.1)
    left = [pid for pid in pids if runs(pid)]
    expect(f"no process after {name}", not left, left)
    print(f"{name}: all ranks ended after {time.monotonic() - begin:.1f} s with exit code {process.returncode}")
    return out, err


def fails(name, process, pids=(), message=""):
    out, err = end_of(name, process, pids)
    expect(f"an exit code other than 0 after {name}", process.returncode != 0, process.returncode)
    expect(f"the message of {name}, {message!r}", message in err, err)


for victim, kind in ((3, signal.SIGKILL), (0, signal.SIGKILL), (1, signal.SIGSEGV)):
    process = start("endless")
    pids = [int(process.stdout.readline()) for _ in range(4)]
    os.kill(pids[victim], kind)
    fails(f"{signal.Signals(kind).name} of rank process {victim}", process, pids)

# What was killed goes on from its checkpoint, to the same bits.
with tempfile.TemporaryDirectory() as folder:
    last_line = lambda process, name: end_of(name, process)[0].splitlines()[-1]
    whole = last_line(start("keeps", "4000", f"{folder}/whole", ranks=2), "a training")
    for _ in range(3):
        process = start("keeps", "4000", f"{folder}/killed", ranks=2)
        pids = [int(process.stdout.readline()) for _ in range(2)]
        written = os.path.exists(f"{folder}/killed") and os.stat(f"{folder}/killed").st_mtime_ns
        while not os.path.exists(f"{folder}/killed") or os.stat(f"{folder}/killed").st_mtime_ns == written:
            expect("a checkpoint of a training that goes on", process.poll() is None, process.returncode)
        os.kill(pids[0], signal.SIGKILL)
        fails("SIGKILL of a training with a checkpoint", process, pids)
    killed = last_line(start("keeps", "4000", f"{folder}/killed", ranks=2), "what is left of a training")
    expect("the weights of a training that was never killed, " + whole, killed == whole, killed)

fails("an error outside of fit", start("error_outside"), message="the last rank has no data")
fails("an exit outside of fit", start("exit_outside"))
fails("an error caught while Mpi lives", start("caught_inside"), message="at the end of the program")
fails("a rank that leaves without a word", start("leaves"), message="at the end of the program")
fails("a step that swallows its error", start("swallows"), message="expected all ranks to take the same steps")
out, err = end_of("a program that forgets .distributed", start("forgets"))
expect("a sentence about .distributed", "no training had .distributed = mpi" in err, err)

# Ranks with other instruction sets: the second one is told to use another.
other = ["env", "EIGENESIS_ISA=baseline", program]
for how, expected in (("", "; they give different bits: set EIGENESIS_ISA"), ("any_instruction_set", None)):
    command = [*mpirun, "-np", "1", "env", "EIGENESIS_ISA=avx2", program, how, ":", "-np", "1", *other, how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if "avx2" not in open("/proc/cpuinfo").read():
        process.kill()
        break
    if expected:
        fails("other instruction sets", process, message=expected)
    else:
        out, err = end_of("other instruction sets that are allowed", process)
        expect("a training that ends well", process.returncode == 0 and "done" in out, (process.returncode, err))
