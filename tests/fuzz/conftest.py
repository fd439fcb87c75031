"""One folder a module, whose files each input replaces; figures of what became of the inputs."""

import hypothesis.configuration
import pytest

from fuzzed import ASKED, OUTCOMES, SHARES, SHORT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("spoilt")
    hypothesis.configuration.set_hypothesis_home_dir(made / "hypothesis")
    return made


def pytest_terminal_summary(terminalreporter):
    if not OUTCOMES:
        return
    terminalreporter.section(
        f"{sum(OUTCOMES.values())} inputs ({ASKED / SHORT:g} times the short run)"
    )
    for test in SHARES:
        read, refused = (OUTCOMES[test, kind] for kind in ("read", "refused"))
        if read + refused:
            terminalreporter.line(f"{test}: {refused} refused, {read} read")
