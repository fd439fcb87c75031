"""Which ways of computing libraries take, whatever the processor offers."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from featurelens import portable

FLAGS = "fpu sse2 sse4_2 avx f16c {} bmi1 bmi2 avx512f avx512vl"
ABLE = portable.flags() >= portable.NEEDED
able = pytest.mark.skipif(not ABLE, reason="nothing is pinned: no AVX2 and FMA, or not Linux")


def cpuinfo(tmp_path, flags):
    """What Linux writes of two processors, the second of which is never asked."""
    path = tmp_path / "cpuinfo"
    text = "processor\t: {}\nmodel name\t: Made {} @ 3.00GHz\nflags\t\t: {}\n\n"
    path.write_text(text.format(0, 0, flags) + text.format(1, 1, "avx2 fma"))
    return path


def fresh(code, **environment):
    """What a Python that pins nothing yet prints, as JSON."""
    known = {name: value for name, value in os.environ.items() if name not in portable.PINS}
    known.pop(portable.SAID, None)
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"],
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_every_variable_is_set_where_the_processor_can(tmp_path):
    environment = {"HOME": "/nobody"}
    assert portable.pin(environment, cpuinfo=cpuinfo(tmp_path, FLAGS.format("avx2 fma"))) == []
    assert environment == {"HOME": "/nobody", **portable.PINS}


@pytest.mark.parametrize("has", ["avx2", "fma", ""])
def test_nothing_is_set_where_it_cannot(tmp_path, has):
    environment = {}
    assert portable.pin(environment, cpuinfo=cpuinfo(tmp_path, FLAGS.format(has))) == []
    assert portable.pin(environment, cpuinfo=tmp_path / "absent") == []
    assert environment == {}


def test_what_the_user_set_stays_and_is_named(tmp_path):
    environment = {"MKL_CBWR": "AUTO", "OPENBLAS_CORETYPE": "Haswell"}
    found = portable.pin(environment, cpuinfo=cpuinfo(tmp_path, FLAGS.format("avx2 fma")))
    assert found == ["MKL_CBWR is 'AUTO', not 'COMPATIBLE'"]
    assert environment == {**portable.PINS, "MKL_CBWR": "AUTO"}


def test_the_processor_has_a_name(tmp_path):
    assert portable.processor(cpuinfo(tmp_path, "fma")) == "Made 0 @ 3.00GHz"
    assert portable.processor(tmp_path / "absent") == "unknown"


LOADED = """
import featurelens, os, sys
loaded = [name for name in ("numpy", "numba", "torch", "pyarrow") if name in sys.modules]
import numba, torch, pyarrow, scipy.linalg
from numba.core.registry import cpu_target
from numpy._core._multiarray_umath import __cpu_dispatch__ as kinds, __cpu_features__ as features
from threadpoolctl import threadpool_info
_, name, used = cpu_target.target_context.codegen().magic_tuple()
print(json.dumps({
    "loaded": loaded,
    "numba": [name, used],
    "numpy": [kind for kind in kinds if features[kind]],
    "openblas": [row["architecture"] for row in threadpool_info() if row["user_api"] == "blas"],
    "torch": torch.backends.cpu.get_cpu_capability(),
    "arrow": pyarrow.runtime_info().simd_level,
}))
torch.ones(8, 8) @ torch.ones(8, 8)
"""


@able
def test_libraries_do_as_they_are_told():
    """Said by the libraries themselves, after they were loaded."""
    code = LOADED.replace("torch.ones(8, 8) @ torch.ones(8, 8)", "")
    found, warned = fresh(code)
    assert found == {
        "loaded": [],
        "numba": ["haswell", portable.FEATURES],
        "numpy": ["X86_V3"],
        "openblas": ["Haswell", "Haswell"],
        "torch": "AVX2",
        "arrow": "avx2",
    }
    assert warned == ""


@able
def test_mkl_says_that_it_is_compatible():
    code = """
import featurelens, torch
with torch.backends.mkl.verbose(torch.backends.mkl.VERBOSE_ON):
    torch.ones(64, 64) @ torch.ones(64, 64)
"""
    known = {name: value for name, value in os.environ.items() if name not in portable.PINS}
    done = subprocess.run(
        [sys.executable, "-c", code], env=known, capture_output=True, text=True, check=True
    )
    products = [line for line in done.stdout.splitlines() if "GEMM" in line]
    assert products
    assert all("CNR:COMPATIBLE" in line for line in products)


@able
def test_a_warning_comes_once_from_a_process_and_those_that_it_starts():
    code = """
import featurelens, subprocess, sys
subprocess.run([sys.executable, "-c", "import featurelens"], check=True)
print("null")
"""
    _, warned = fresh(code, OPENBLAS_CORETYPE="Prescott")
    assert warned.count("OPENBLAS_CORETYPE is 'Prescott', not 'Haswell'") == 1
    assert warned.count("UserWarning") == 1


@able
def test_numba_that_was_loaded_before_is_told_while_it_has_compiled_nothing():
    code = """
import numba
{}
import featurelens
print(json.dumps([featurelens._EARLY, numba.config.CPU_NAME]))
"""
    # numba loads numpy, which then has what it found, where that is more.
    more = ["numpy"] if portable.flags() >= {"avx512f", "avx512bw", "avx512vl"} else []
    assert fresh(code.format(""))[0] == [more, "haswell"]
    early, told = fresh(code.format("numba.njit('f8(f8)')(lambda x: x)"))[0]
    assert (sorted(early), told) == (sorted(["numba", *more]), None)


def test_a_numpy_that_found_more_is_named(monkeypatch):
    """A numpy that was loaded before, on a processor with AVX-512."""
    features = {"X86_V3": True, "X86_V4": True}
    core = SimpleNamespace(_multiarray_umath=SimpleNamespace(__cpu_features__=features))
    loaded = {"numpy": SimpleNamespace(_core=core)}
    assert portable.loaded_early(loaded) == ["numpy"]
    features["X86_V4"] = False
    assert portable.loaded_early(loaded) == []
    with pytest.warns(UserWarning, match="numpy and torch loaded before featurelens"):
        portable.warn_of(["numpy", "torch"])


KERNEL = """
import numba
@numba.njit(cache=True)
def twice(x):
    return x + x
"""


@able
def test_code_that_was_compiled_for_another_target_is_not_used(tmp_path):
    """numba's cache tells targets apart: one entry each, and each finds its own again."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    code = f"""
import featurelens, sys
sys.path.insert(0, {str(tmp_path)!r})
from kernel import twice
twice(1.0)
print(json.dumps(sum(twice.stats.cache_hits.values())))
"""
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert fresh(code, **place, **other)[0] == 0
    assert fresh(code, **place)[0] == 0
    assert fresh(code, **place)[0] == 1
    assert fresh(code, **place, **other)[0] == 1
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 2
