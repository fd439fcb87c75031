"""The same bytes on every x86-64 processor with AVX2 and FMA: which of their ways libraries take.

Libraries choose among ways to compute when they are loaded, by what the processor offers, and each
way sums in another order. Here they are told to take that of the first processors with AVX2 and
FMA (Haswell, of 2013) on every later one. Nothing is told on other processors, nor off Linux.

What a pin costs and what it was seen to change stands in docs/portable.md.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

NEEDED = frozenset({"avx2", "fma"})
"""Flags of a processor that can compute as the pins say, as Linux writes them."""
FEATURES = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3"
"""What numba's code may use: level 3 of x86-64 (psABI, table of micro-architecture levels)."""
PINS = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": FEATURES,
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
"""Variable of each library and what it is set to.

MKL, in torch, promises equal bytes on processors of different makers only as COMPATIBLE, with the
instructions of SSE2; any other value is ignored on processors that are not Intel's (oneMKL
Developer Guide, Getting Started with Conditional Numerical Reproducibility).
"""
SAID = "FEATURELENS_OWN_WAYS"
"""Set where a process was warned of variables that the user set, for those that it starts."""


def pin(
    environment: MutableMapping[str, str] | None = None, *, cpuinfo: str | Path = "/proc/cpuinfo"
) -> list[str]:
    """Set the variables that are not set; those that are set to something else, a line each.

    Parameters
    ----------
    environment
        Where they are set; None: that of this process.
    cpuinfo
        File in which Linux describes the processors.
    """
    environment = os.environ if environment is None else environment
    if not flags(cpuinfo) >= NEEDED:
        return []
    for name, value in PINS.items():
        environment.setdefault(name, value)
    return [
        f"{name} is {environment[name]!r}, not {value!r}"
        for name, value in PINS.items()
        if environment[name] != value
    ]


def loaded_early(loaded: Mapping[str, Any] | None = None) -> list[str]:
    """Libraries that were loaded before the variables were set, and took another way.

    Parameters
    ----------
    loaded
        Modules by name; None: those of this process.
    """
    loaded = sys.modules if loaded is None else loaded
    return [name for name, takes in _TAKEN.items() if name in loaded and takes(loaded[name])]


def pin_this_process() -> list[str]:
    """Pin, and warn of what the user set otherwise, once here and in what this process starts.

    Returns
    -------
    list of str
        Of :func:`loaded_early`.
    """
    otherwise = pin()
    if otherwise and SAID not in os.environ:
        os.environ[SAID] = "1"
        _warn("; ".join(otherwise))
    return loaded_early() if PINS.items() <= os.environ.items() else []


def warn_of(early: Sequence[str]) -> None:
    """Warn of libraries that were loaded too early."""
    if early:
        _warn(f"{' and '.join(early)} loaded before featurelens; import featurelens first")


def _warn(why: str) -> None:
    text = f"results may differ in their last digits from those of other machines: {why}"
    warnings.warn(f"{text} (docs/portable.md)", stacklevel=4)


def flags(cpuinfo: str | Path = "/proc/cpuinfo") -> frozenset[str]:
    """What the first processor offers, as Linux names it; nothing off Linux or x86."""
    return frozenset(_field("flags", cpuinfo).split())


def processor(cpuinfo: str | Path = "/proc/cpuinfo") -> str:
    """Name of the first processor; "unknown" where Linux does not say."""
    return _field("model name", cpuinfo) or "unknown"


def _field(name: str, cpuinfo: str | Path) -> str:
    try:
        with Path(cpuinfo).open() as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
                if not line.strip():
                    break  # the second processor
    except OSError:
        pass
    return ""


def _numpy_takes(numpy: Any) -> bool:
    """Whether numpy, and OpenBLAS with it, found more than the pins let it find."""
    features = numpy._core._multiarray_umath.__cpu_features__
    return any(features.get(name) for name in PINS["NPY_DISABLE_CPU_FEATURES"].split())


def _numba_takes(numba: Any) -> bool:
    """Whether numba compiles for another target and cannot be told any more."""
    from numba.core.registry import cpu_target

    target = PINS["NUMBA_CPU_NAME"], PINS["NUMBA_CPU_FEATURES"]
    config = numba.config
    if target == (config.CPU_NAME, config.CPU_FEATURES):
        return False
    if config.CPU_NAME is not None or "_toplevel_target_context" in vars(cpu_target):
        return True
    config.CPU_NAME, config.CPU_FEATURES = target
    return False


def _torch_takes(torch: Any) -> bool:
    """Whether torch chose for good; it chooses when it first computes, and does so here."""
    return torch.backends.cpu.get_cpu_capability() != "AVX2"


_TAKEN = {"numpy": _numpy_takes, "numba": _numba_takes, "torch": _torch_takes}
