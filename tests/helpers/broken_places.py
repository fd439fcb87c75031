"""Places where writing fails: a disk that is full, or one that can only be read."""

import os
import subprocess
from contextlib import contextmanager

import pytest


def _mount(folder, *options):
    """A file system in memory at a folder; the test is skipped where it may not be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")


def change(folder, *options):
    """Other options for a mounted file system: another size, or ro and rw."""
    options = ",".join(["remount", *options])
    subprocess.run(["mount", "-o", options, str(folder)], check=True)


@contextmanager
def small_disk(folder, size):
    """A disk of so many KiB."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount(folder, f"size={size}k")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder):
    """A folder that nobody can write to, not even root."""
    with small_disk(folder, 64):
        change(folder, "ro")
        yield folder


def used(folder):
    """KiB in use on the disk of a folder."""
    disk = os.statvfs(folder)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
