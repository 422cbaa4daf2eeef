#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stops a training with checkpoints in every way, and checks that nothing is lost.

  faults.py PROGRAM SHIM [PART...] [--kills N] [--cuts N] [--seed N] [--folder DIR]

PROGRAM is train_with_checkpoints, SHIM the library of shim.cpp. The parts are
  kill    SIGKILL before each system call of a save: the first one, the second, and one that moves earlier files up
  errors  each system call of a save or a resume fails: no space, no quota, I/O error, signal, short write
  random  SIGKILL at N random moments
  limits  full file system, limits of the process, no permission, read-only, what is in the way
  power   a copy of an ext4 image at N random moments, as a power cut leaves it
After each of them the file at the path is whole and not older than the last acknowledged checkpoint, nothing else is
left in the folder, and the same call goes on to the numbers of the training that was never stopped. The reader here
shares no code with the library. `kill` and `errors` need strace; `power` and a part of `limits` need root. Exit code 77
means that a part was left out for that.
"""
import argparse
import errno
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

KEEP = 3
STEPS, EVERY = 60, 10
# Steps of a training, and from one checkpoint to the next. A power cut is to come between saves, not mostly in one.
LENGTHS = {"short": (STEPS, EVERY), "saves": (300, 5), "steps": (2000, 200)}
NOBODY = 65534
ALONE = "EIGENESIS_FAULTS_ALONE"  # in the environment: whether this process has mounts of its own


class Fault(Exception):
    pass


def expect(condition, *message):
    if not condition:
        raise Fault(" ".join(str(part) for part in message))


def read_checkpoint(path):
    """The step of a checkpoint. Fault if it is not whole."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    at = 8 + content[8:].find(b'"crc32": "') + 10
    expect(len(content) > 64 and at > 18, path, "has no checksum;", len(content), "bytes")
    digits = content[at : at + 8].decode()
    content[at : at + 8] = b"0" * 8
    found = "%08x" % zlib.crc32(content)
    expect(found == digits, path, "has the checksum", digits, "but is", found)
    (size,) = struct.unpack("<Q", content[:8])
    begin = json.loads(content[8 : 8 + size])["fit.numbers"]["data_offsets"][0]
    return int(struct.unpack_from("<11d", content, 8 + size + begin)[6])


class Run:
    """A training that has ended, or that is `going`."""

    def __init__(self, world, path, length="short", strace=(), shim=None, threads=1, going=False, **how):
        steps, every = LENGTHS[length]
        self.command = [world.program, path, str(steps), str(every), str(KEEP)]
        environment = dict(os.environ, EIGENESIS_THREADS=str(threads))
        if shim:
            environment.update(LD_PRELOAD=world.shim, FAULTS_SHIM=shim)
        if strace:
            self.command = ["setarch", "-R", "strace", "-qq", "-f", *strace, *self.command]
        self.process = subprocess.Popen(
            self.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if not going:
            self.end()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self, kill=False):
        if kill:
            self.process.kill()
        self.errors = self.process.stderr.read()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.code = self.process.returncode
        return self

    def steps(self, what):
        return [int(line.split()[1]) for line in list(self.lines) if line.startswith(what + " ")]

    def saved(self):
        """The step of the newest acknowledged checkpoint, or -1."""
        return max(self.steps("saved") + self.steps("resumed"), default=-1)

    def hash(self):
        return self.lines[-1].split()[1] if self.lines and self.lines[-1].startswith("hash ") else None


class World:
    def __init__(self, options):
        self.program = os.path.abspath(options.program)
        self.shim = os.path.abspath(options.shim)
        self.options = options
        self.may_mount = os.environ.get(ALONE) == "yes"
        self.random = random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="eigenesis-faults-", dir=options.folder)
        os.chmod(self.folder, 0o755)
        self.count = 0
        self.hashes = {}
        for length in LENGTHS:
            self.hashes[length] = Run(self, self.path(), length).hash()
            expect(self.hashes[length], "the training without a fault gave no hash")

    def path(self):
        """A file in a new folder."""
        self.count += 1
        folder = os.path.join(self.folder, str(self.count))
        os.mkdir(folder)
        return os.path.join(folder, "run.ckpt")

    def after(self, run, path, length="short", temporaries=False, at_least=None):
        """Checks what a fault has left, then goes on to the end. Returns how many steps were lost."""
        folder = os.path.dirname(path)
        saved = max(run.saved(), -1 if at_least is None else at_least)
        every = LENGTHS[length][1]
        found = read_checkpoint(path) if os.path.exists(path) else -1
        expect(found in (saved, 0 if saved < 0 else saved + every), "acknowledged:", saved, "but found:", found)
        left = [name for name in os.listdir(folder) if name.startswith(".eigenesis-")]
        expect(temporaries or not left, "left behind:", left)
        for name in os.listdir(folder):
            if name not in left:
                expect(read_checkpoint(os.path.join(folder, name)) <= found, name, "is newer than the newest")
        end = Run(self, path, length)
        expect(end.code == 0, "did not go on:", end.errors)
        expect(found < 1 or end.steps("resumed") == [found], "resumed", end.steps("resumed"), "but found was", found)
        self.check_end(end, path, length)
        return found

    def check_end(self, run, path, length="short"):
        folder = os.path.dirname(path)
        expect(run.hash() == self.hashes[length], "final hash", run.hash(), "instead of", self.hashes[length])
        steps, every = LENGTHS[length]
        names = ["run.ckpt", "run.ckpt.1", "run.ckpt.2"]
        there = sorted(os.listdir(folder))
        # A training that only had to finish after an interrupted move may have one too many, or two names of one file.
        expect(set(names) <= set(there) <= set(names + ["run.ckpt.3"]), "the folder has", there)
        found = [read_checkpoint(os.path.join(folder, name)) for name in there]
        expect(found[0] == steps and found == sorted(found, reverse=True), "the files are of steps", found)
        shutil.rmtree(folder)


class Tally:
    """Counts what was tried, and tells what went wrong."""

    def __init__(self, name):
        self.name, self.tried, self.outcomes, self.failures = name, 0, {}, []

    def try_(self, what, f):
        self.tried += 1
        try:
            outcome = f()
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        except Fault as fault:
            self.failures.append(f"{what}: {fault}")
            print("FAILED", self.failures[-1], flush=True)

    def report(self):
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items(), key=str))
        print(f"{self.name}: {self.tried} tried, {len(self.failures)} failed ({outcomes})", flush=True)
        return not self.failures


def calls_of_save(world, path, step):
    """The system calls of the save at a step, each with its number among those of its name."""
    log = path + ".log"
    Run(world, path, strace=["-o", log])
    numbers, calls, inside = {}, [], False
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = re.match(r"\d+ +(\w+)\((.*)", line)
            if not match or "resumed>" in line:
                continue
            name = match[1]
            numbers[name] = numbers.get(name, 0) + 1
            if name == "write" and f'"saving {step}\\n"' in line:
                inside = True
            elif name == "write" and f'"saved {step}\\n"' in line:
                # The acknowledgement itself: the program is killed before it.
                return calls + [(name, numbers[name])]
            elif inside:
                calls.append((name, numbers[name]))
    raise Fault(f"no save at step {step}")


def inject(name, what, number):
    return ["-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{what}:when={number}"]


def part_kill(world):
    tally = Tally("kill before each system call of a save")
    for step in (0, EVERY, STEPS - EVERY):
        calls = calls_of_save(world, world.path(), step)
        for name, number in calls:
            def kill():
                path = world.path()
                run = Run(world, path, strace=inject(name, "signal=KILL", number))
                expect(run.code != 0 and run.lines[-1] == f"saving {step}", "killed too early or late:", run.lines[-1:])
                found = world.after(run, path, temporaries=True)
                return "found the new one" if found == step else "found the one before"
            tally.try_(f"save at {step}, {name} {number}", kill)
    return tally.report()


def check_error(run, path, reasons):
    """A program that has ended with an error says which file and why."""
    lines = run.errors.strip().split("\n")
    expect(run.code == 1 and len(lines) == 1, "code", run.code, run.errors)
    expect(path in lines[0] and any(f"'{reason}'" in lines[0] for reason in reasons), "unclear:", lines[0])


ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")


def part_errors(world):
    tally = Tally("each system call of a save fails")
    for step in (0, STEPS - EVERY):
        calls = calls_of_save(world, world.path(), step)[:-1]
        calls = [call for call in calls if call[0] not in ("brk", "mmap", "munmap", "madvise", "futex")]
        for name, number in calls:
            # If every write failed from there on, the message could not be written either.
            for_good = [("ENOSPC", "+"), ("EIO", "+")] if name != "write" else []
            for error, ever in [(error, "") for error in ERRORS] + for_good:
                def fail():
                    path = world.path()
                    run = Run(world, path, strace=inject(name, f"error={error}", f"{number}{ever}"))
                    if run.code == 0:
                        if name in ("linkat", "unlinkat", "renameat") and ever:
                            expect(run.hash() == world.hashes["short"], "final hash", run.hash())
                            shutil.rmtree(os.path.dirname(path), ignore_errors=False)
                            return "went on"
                        world.check_end(run, path)
                        return "went on"
                    expect(error != "EINTR", "not despite a signal:", run.errors)
                    check_error(run, path, [os.strerror(getattr(errno, error))])
                    folder = os.path.dirname(path)
                    found = read_checkpoint(path) if os.path.exists(path) else -1
                    # Where only the folder could not be brought to the disk, the new one is there.
                    expect(name == "fsync" or found == run.saved(), "acknowledged:", run.saved(), "but found:", found)
                    if ever and name == "unlinkat":
                        for left in [each for each in os.listdir(folder) if each.startswith(".eigenesis-")]:
                            os.remove(os.path.join(folder, left))  # nothing can be removed there
                    world.after(run, path)
                    return "ended with an error"
                tally.try_(f"save at {step}, {name} {number}{ever} {error}", fail)
            if name == "write":
                def lie():
                    path = world.path()
                    run = Run(world, path, strace=inject(name, "retval=2", number))
                    check_error(run, path, ["Input/output error"])
                    world.after(run, path)
                    return "ended with an error"
                tally.try_(f"save at {step}, {name} {number} that says it wrote 2 bytes and did not", lie)
    good = tally.report()

    tally = Tally("what a file system does not have")
    for name, error in [("linkat", "EPERM"), ("linkat", "EOPNOTSUPP"), ("flock", "EOPNOTSUPP"), ("flock", "ENOLCK"),
                        ("fchown", "EPERM"), ("getdents64", "EIO")]:
        def without():
            path = world.path()
            run = Run(world, path, strace=inject(name, f"error={error}", "1+"))
            expect(run.code == 0, run.errors)
            world.check_end(run, path)
            return "went on"
        tally.try_(f"{name} {error}", without)
    def short_writes():
        path = world.path()
        run = Run(world, path, shim="short_writes")
        expect(run.code == 0, run.errors)
        world.check_end(run, path)
        return "went on"
    tally.try_("short writes", short_writes)
    good = tally.report() and good

    tally = Tally("each system call that reads a checkpoint fails")
    half = world.path()
    stopped = Run(world, half, strace=inject("renameat", "error=EIO", "9"))
    saved = stopped.saved()
    expect(0 < saved < STEPS, "expected a training that stopped half way:", stopped.lines)
    for error in ("EIO", "EACCES", "EMFILE", "EINTR"):
        for name in ("newfstatat", "openat", "read", "close", "readlink"):
            for number in range(1, 6):
                def fail():
                    path = world.path()
                    shutil.copy(half, path)
                    before = open(path, "rb").read()
                    log = path + ".log"
                    strace = ["-o", log, "-P", path, "-e", f"trace={name}", "-e",
                              f"inject={name}:error={error}:when={number}"]
                    run = Run(world, path, strace=strace)
                    injected = "INJECTED" in open(log).read()
                    os.remove(log)
                    if run.code == 0:
                        expect(run.steps("resumed") == [saved], "began anew:", run.lines[:1])
                        expect(run.hash() == world.hashes["short"], "final hash", run.hash())
                        return "went on" if injected else "had no such call"
                    expect(error != "EINTR", "not despite a signal:", run.errors)
                    check_error(run, path, [os.strerror(getattr(errno, error))])
                    expect(read_checkpoint(path) >= saved, "an older checkpoint")
                    expect(run.lines or open(path, "rb").read() == before, "the file is another one")
                    world.after(run, path, at_least=saved)
                    return "ended with an error"
                tally.try_(f"{name} {number} {error}", fail)
    return tally.report() and good


def part_random(world):
    tally = Tally("kills at random moments")
    began = time.monotonic()
    Run(world, world.path(), length="saves", threads=2)
    duration = time.monotonic() - began
    trainings = temporaries = 0
    kills = world.options.kills
    path, newest = world.path(), -1
    while tally.tried < kills:
        run = Run(world, path, length="saves", threads=2, going=True)
        time.sleep(world.random.uniform(0, 0.5 * duration))
        finished = run.process.poll() is not None
        run.end(kill=True)
        if finished:
            if run.code != 0 or run.hash() != world.hashes["saves"]:
                tally.failures.append(f"end of training {trainings}: code {run.code}, {run.hash()}, {run.errors}")
                print("FAILED", tally.failures[-1], flush=True)
            trainings += 1
            shutil.rmtree(os.path.dirname(path))
            path, newest = world.path(), -1
            continue
        def check():
            nonlocal newest, temporaries
            newest = max(newest, run.saved())
            found = read_checkpoint(path) if os.path.exists(path) else -1
            expect(found in (newest, 0 if newest < 0 else newest + LENGTHS["saves"][1]), "acknowledged:", newest,
                   "but found:", found)
            expect(not run.steps("resumed") or run.steps("resumed")[0] <= found, "resumed from a newer one")
            left = [name for name in os.listdir(os.path.dirname(path)) if name.startswith(".eigenesis-")]
            temporaries += len(left)
            expect(len(left) <= 1, "more than one temporary file:", left)
            for name in set(os.listdir(os.path.dirname(path))) - set(left):
                expect(read_checkpoint(os.path.join(os.path.dirname(path), name)) <= found, name, "is too new")
            newest = max(newest, found)
            return "whole and not older than acknowledged"
        tally.try_(f"kill {tally.tried}", check)
    end = Run(world, path, length="saves")
    tally.try_("the last end", lambda: world.check_end(end, path, "saves") or "final hash right")
    print(f"{trainings + 1} trainings of {LENGTHS['saves'][0]} steps ended with the hash {world.hashes['saves']}; "
          f"{temporaries} of {kills} kills left a temporary file, which the next save removed")
    return tally.report()


def checkpoint_half_way(world):
    path = world.path()
    run = Run(world, path, strace=inject("renameat", "error=EIO", "9"))
    expect(run.code == 1 and os.path.exists(path), "expected a training that stopped half way:", run.lines)
    return path, run.saved()


def part_limits(world):
    tally = Tally("limits and refusals")
    may_mount = world.may_mount

    def refuses(run, path, reason, saved, at_least_one=True):
        check_error(run, path, [reason])
        expect(not at_least_one or run.steps("saved"), "it was refused at once")
        world.after(run, path, at_least=saved)
        return f"{reason}"

    def full_file_system():
        path = world.path()
        folder = os.path.dirname(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", folder], check=True)
        try:
            run = Run(world, path)
            check_error(run, path, ["No space left on device"])
            expect(run.steps("saved"), "it was refused at once")
            expect(read_checkpoint(path) == run.saved(), "not the acknowledged one")
            expect(not [each for each in os.listdir(folder) if each[0] == "."], "left behind:", os.listdir(folder))
            subprocess.run(["mount", "-o", "remount,size=1m", folder], check=True)
            end = Run(world, path)
            expect(end.hash() == world.hashes["short"], "final hash", end.hash(), end.errors)
            return "No space left on device"
        finally:
            subprocess.run(["umount", folder], check=True)

    def size_limit(ignored):
        path = world.path()
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            limits = (14336, 14336)  # the first checkpoint fits, the second does not
            run = Run(world, path, restore_signals=False,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
        finally:
            signal.signal(signal.SIGXFSZ, before)
        if ignored:
            return refuses(run, path, "File too large", -1)
        expect(run.code == -signal.SIGXFSZ, "code", run.code, run.errors)
        expect(run.steps("saved"), "it was refused at once")
        world.after(run, path, temporaries=True)
        return "killed by SIGXFSZ"

    def descriptors(number):
        path, saved = checkpoint_half_way(world)
        run = Run(world, path,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number)))
        if run.code == 127:  # the program could not be loaded
            expect(not run.lines and read_checkpoint(path) == saved, "lines", run.lines)
            return "not enough for the dynamic linker"
        if run.code == 0:
            world.check_end(run, path)
            return "enough"
        check_error(run, path, ["Too many open files"])
        world.after(run, path, at_least=saved)
        return "Too many open files"

    def refused_resume(prepare, reasons, undo=lambda path: None, name="", **how):
        path, saved = checkpoint_half_way(world)
        before = hashlib.sha256(open(path, "rb").read()).digest()
        prepare(path)
        try:
            run = Run(world, path, **how)
        finally:
            undo(path)
        check_error(run, path, reasons)
        expect(hashlib.sha256(open(path, "rb").read()).digest() == before, "the old file is another one")
        world.after(run, path, at_least=saved)
        return reasons[0]

    def bind_read_only(path):
        folder = os.path.dirname(path)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)

    def unbind(path):
        subprocess.run(["umount", os.path.dirname(path)], check=True)

    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    tally.try_("limit of file sizes, signal ignored", lambda: size_limit(True))
    tally.try_("limit of file sizes, signal not ignored", lambda: size_limit(False))
    for number in range(3, 14):
        tally.try_(f"{number} descriptors", lambda: descriptors(number))
    tally.try_("a folder that may not be written to", lambda: refused_resume(
        lambda path: os.chmod(os.path.dirname(path), 0o555), ["Permission denied"],
        lambda path: os.chmod(os.path.dirname(path), 0o755), **as_nobody))
    tally.try_("a file that may not be written to", lambda: refused_resume(
        lambda path: (os.chmod(os.path.dirname(path), 0o777), os.chmod(path, 0o444)), ["Permission denied"],
        lambda path: (os.chmod(os.path.dirname(path), 0o755), os.chmod(path, 0o644)), **as_nobody))
    tally.try_("a file that may not be read", lambda: refused_resume(
        lambda path: (os.chmod(os.path.dirname(path), 0o777), os.chmod(path, 0o222)), ["Permission denied"],
        lambda path: (os.chmod(os.path.dirname(path), 0o755), os.chmod(path, 0o644)), **as_nobody))
    tally.try_("a folder where an earlier file goes", lambda: refused_resume(
        lambda path: os.mkdir(path + ".2"), ["File exists"], lambda path: os.rmdir(path + ".2")))

    def refused_at_once(path, reason):
        run = Run(world, path)
        check_error(run, path, [reason])
        expect(not run.steps("saved"), "it was acknowledged:", run.lines)
        return reason
    tally.try_("a folder in the way", lambda: refused_at_once(os.path.dirname(world.path()), "Is a directory"))
    tally.try_("a name too long", lambda: refused_at_once(world.path() + "n" * 250, "File name too long"))
    tally.try_("no folder", lambda: refused_at_once(world.path() + "/no/run.ckpt", "No such file or directory"))
    if may_mount:
        tally.try_("a full file system", full_file_system)
        tally.try_("a read-only file system", lambda: refused_resume(
            bind_read_only, ["Read-only file system"], unbind))
    else:
        print("left out, as nothing can be mounted: full and read-only file systems")
    return tally.report() and (True if may_mount else None)


def still_copy(image):
    """The image at one moment: equal in two readings, so that nobody wrote between the first and the second."""
    with open(image, "rb") as file:
        before = None
        for _ in range(200):
            file.seek(0)
            now = file.read()
            if now == before:
                return now
            before = now
    raise Fault("the image is never still")


def part_power(world):
    if not world.may_mount or not os.path.exists("/dev/loop-control"):
        print("power: left out, as there are no loop devices or nothing can be mounted")
        return None
    there = os.path.join(world.folder, "image")
    os.mkdir(there)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", there], check=True)
    image, cut_image = os.path.join(there, "disk"), os.path.join(there, "cut")
    mounted, cut_mounted = os.path.join(there, "mounted"), os.path.join(there, "cut_mounted")
    os.mkdir(mounted)
    os.mkdir(cut_mounted)
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, mounted]).returncode != 0:
        subprocess.run(["umount", there], check=True)
        print("power: left out, as there are no loop devices")
        return None
    began = time.monotonic()
    folder = os.path.join(mounted, "0")
    os.mkdir(folder)
    Run(world, os.path.join(folder, "run.ckpt"), length="steps")
    duration = time.monotonic() - began
    shutil.rmtree(folder)

    def cut(shim, number, stop):
        folder = os.path.join(mounted, str(number))
        os.mkdir(folder)
        run = Run(world, os.path.join(folder, "run.ckpt"), length="steps", shim=shim, going=True)
        moment = world.random.uniform(0.02, 0.9 * duration)
        time.sleep(moment)
        if stop:  # between two system calls; otherwise within one too, but nobody writes for the time of two readings
            run.process.send_signal(signal.SIGSTOP)
            if run.process.poll() is None:
                os.waitid(os.P_PID, run.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            time.sleep(0.05)  # what it said is read
        saved = run.saved()
        content = still_copy(image)
        run.end(kill=True)
        shutil.rmtree(folder)
        with open(cut_image, "wb") as file:
            file.write(content)
        subprocess.run(["mount", "-o", "loop", cut_image, cut_mounted], check=True)  # replays the journal
        try:
            path = os.path.join(cut_mounted, str(number), "run.ckpt")
            found = read_checkpoint(path) if os.path.exists(path) else -1
            expect(found >= saved, "acknowledged:", saved, "but found:", found)
            if shim is None:
                os.makedirs(os.path.dirname(path), exist_ok=True)  # before the first save it may not be there
                end = Run(world, path, length="steps")
                expect(found < 1 or end.steps("resumed") == [found], "resumed", end.steps("resumed"), "not", found)
                world.check_end(end, path, "steps")
            return "whole and not older than acknowledged" if saved >= 0 else "before the first was acknowledged"
        finally:
            subprocess.run(["umount", cut_mounted], check=True)

    tally = Tally("power cuts")
    for i in range(1, world.options.cuts + 1):
        tally.try_(f"cut {i}", lambda: cut(None, i, i % 2 == 0))
    good = tally.report()
    # Can this test fail? A program that does not ask for the disk must lose something.
    for shim in ("no_fsync", "no_folder_fsync"):
        lost = 0
        for i in range(10):
            try:
                cut(shim, f"{shim}{i}", True)
            except Fault:
                lost += 1
        print(f"power cuts with {shim}: {lost} of 10 lost what was acknowledged (that must be some)")
        good = good and lost > 0
    subprocess.run(["umount", mounted], check=True)
    subprocess.run(["umount", there], check=True)
    return good


PARTS = {"kill": part_kill, "errors": part_errors, "random": part_random, "limits": part_limits, "power": part_power}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("shim")
    parser.add_argument("part", nargs="*", help="all without")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the files are written; the system's for temporary files without")
    options = parser.parse_args()
    for part in options.part:
        if part not in PARTS:
            parser.error(f"expected parts of {', '.join(PARTS)} but got {part}")
    # Mounts are made where nobody else sees them.
    if os.geteuid() == 0 and ALONE not in os.environ:
        os.environ[ALONE] = "yes"
        if subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0:
            os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
        os.environ[ALONE] = "no"
    if not shutil.which("strace") or not shutil.which("setarch"):
        print("left out: strace or setarch is not installed")
        return 77
    world = World(options)
    results = []
    try:
        for part in options.part or PARTS:
            began = time.monotonic()
            results.append(PARTS[part](world))
            print(f"{part} took {time.monotonic() - began:.0f} s", flush=True)
    finally:
        shutil.rmtree(world.folder, ignore_errors=True)
    return 1 if False in results else 77 if None in results else 0


if __name__ == "__main__":
    sys.exit(main())
