"""Checksums of small work of every kind, here and on emulated processors, and of the miniature."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import pytest
import yaml

from clones import ROOT, copy_repository
from featurelens import portable
from featurelens.checksums import checksums, differences
from miniature import shrink

HERE = Path(__file__).parent
KNOWN = HERE / "pieces.txt"
"""Name and digest of every piece, below the versions that they were made with."""
SLOW_TO_COMPILE = "umap"
EMULATOR = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
PROCESSORS = (
    "Haswell-noTSX",
    "Broadwell-noTSX",
    "Skylake-Client-noTSX-IBRS",
    "Cascadelake-Server-noTSX",
    "EPYC",
    "EPYC-Milan",
)
"""Of two makers, of several families and sizes of caches. QEMU has no AVX-512."""

LEVEL_3 = "avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,popcnt"
LEVEL_4 = f"{LEVEL_3},avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
HOSTS = (
    f"haswell,{LEVEL_3}",
    f"alderlake,{LEVEL_3},vaes",
    f"znver1,{LEVEL_3},sse4a",
    f"znver4,{LEVEL_4}",
    f"skylake-avx512,{LEVEL_4}",
    f"sapphirerapids,{LEVEL_4},avx512fp16",
)
"""Processors that numba is made to see. Code for AVX-512 would end a process on one without."""
HOST = {"PYTHONPATH": str(HERE / "hosts")}

pytestmark = pytest.mark.skipif(
    not portable.flags() >= portable.NEEDED, reason="a processor without AVX2 or FMA, or not Linux"
)
needs_emulator = pytest.mark.skipif(EMULATOR is None, reason="qemu-user-static is not installed")


def known():
    """Digests of the pieces, where the versions at hand are those that they were made with."""
    lines = [line.split() for line in KNOWN.read_text().splitlines()]
    made_with = {line[1]: line[2] for line in lines if line[0] == "#"}
    others = [
        package for package, number in made_with.items() if version(package).split("+")[0] != number
    ]
    if others:
        pytest.skip(f"other versions than those of the known checksums: {', '.join(others)}")
    return {line[0]: line[1] for line in lines if line[0] != "#"}


def run(command, folder=ROOT, **environment):
    """Output of a command in surroundings where nothing is pinned yet."""
    own = {name: value for name, value in os.environ.items() if name not in portable.PINS}
    own |= {"OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def pieces(*names, python=(sys.executable,), **environment):
    """Digests of pieces, made in a process of their own."""
    lines = run([*python, HERE / "pieces.py", *names], **environment).splitlines()
    return dict(line.split("\t") for line in lines)


def test_every_piece_has_the_checksum_that_this_repository_knows():
    expected = known()
    names = [name for name in expected if name != SLOW_TO_COMPILE]
    assert pieces(*names) == {name: expected[name] for name in names}


SWITCHED = {
    "numpy_functions": {"NPY_DISABLE_CPU_FEATURES": "X86_V3"},
    "numpy_products": {"OPENBLAS_CORETYPE": "Prescott"},
    "draws": {"ATEN_CPU_CAPABILITY": "default"},
    "torch_products": {"MKL_CBWR": "AUTO"},
}


def test_a_checksum_can_differ():
    """What the pins rule out does change what they are to keep."""
    expected = known()
    switches = {name: value for one in SWITCHED.values() for name, value in one.items()}
    found = pieces(*SWITCHED, PYTHONWARNINGS="ignore", **switches)
    assert [name for name in SWITCHED if found[name] == expected[name]] == []


def emulator(folder, processor):
    """An environment whose Python, and all that it starts, runs on an emulated processor."""
    own = Path(sys.prefix)
    (folder / "bin").mkdir(parents=True)
    shutil.copy(own / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(own / "lib")
    python = folder / "bin/python"
    real = Path(sys.executable).resolve()
    python.write_text(f'#!/bin/sh\nexec {EMULATOR} -cpu {processor} -0 "$0" {real} "$@"\n')
    python.chmod(0o755)
    return python


@pytest.mark.portable
@needs_emulator
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_piece_has_it_on_an_emulated_processor(processor, tmp_path):
    python = emulator(tmp_path / "emulated", processor)
    assert pieces(python=(python,), NUMBA_CACHE_DIR=str(tmp_path)) == known()


def miniature(folder, cores, **environment):
    """Checksums of the miniature, made from nothing, with numba's cache empty."""
    copy_repository(folder)
    demo = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    (folder / "config/config.yaml").write_text(yaml.safe_dump(shrink(demo), sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "--cores", cores, "--show-failed-logs"]
    run(command, folder, NUMBA_CACHE_DIR=str(folder / "numba"), MPLBACKEND="Agg", **environment)
    return checksums(folder / "results/demo")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Checksums of the miniature on this processor, with two cores."""
    return miniature(tmp_path_factory.mktemp("here"), 2)


@pytest.mark.portable
def test_numba_sees_another_processor():
    """Where nothing is pinned."""
    code = """
from numba.core.registry import cpu_target
print(cpu_target.target_context.codegen().magic_tuple()[1:])
"""
    seen = run([sys.executable, "-c", code], **HOST, FEATURELENS_HOST="znver4,avx2,avx512f")
    assert seen.strip() == "('znver4', '+avx2,+avx512f')"


@pytest.mark.portable
@pytest.mark.parametrize(("host", "cores"), list(zip(HOSTS, cycle((1, 2)), strict=False)))
def test_the_miniature_is_the_same_wherever_numba_thinks_it_is(here, host, cores, tmp_path):
    assert differences(miniature(tmp_path, cores, **HOST, FEATURELENS_HOST=host), here) == []
