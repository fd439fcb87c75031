"""Let numba see another processor: Python reads this file when it starts, if on its path.

FEATURELENS_HOST is LLVM's name of the processor and what it offers, joined by commas.
"""

import os

if "FEATURELENS_HOST" in os.environ:
    import llvmlite.binding as llvm
    from llvmlite.binding.targets import FeatureMap

    name, *offered = os.environ["FEATURELENS_HOST"].split(",")
    llvm.get_host_cpu_name = lambda: name
    llvm.get_host_cpu_features = lambda: FeatureMap(dict.fromkeys(offered, True))
