"""The software of a run, by what is installed."""

import platform
from importlib.metadata import version

from featurelens.planning.software import software


def test_software_is_listed_by_name_with_python_first():
    table = software().set_index("package")["version"]
    assert table.index[0] in ("featurelens", "python")
    assert table["python"] == platform.python_version()
    for name in ("numpy", "anndata", "torch"):
        assert table[name] == version(name)
    assert list(table.index[2:]) == sorted(table.index[2:], key=str.lower)
