import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from featurelens.options import described
from featurelens.sae import schedule
from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig, effective_l1, n_kept, width

READ = TypeAdapter(SAEConfig).validate_json


def test_width_and_k_follow_the_authors_rule():
    # The paper's grid: for 8 neurons k of 1, 5, 10 and 20 percent all give one neuron; 75 gives 6.
    configs = [SAEConfig(architecture="topk", expansion=2, k=k) for k in (1, 5, 10, 20, 75, 100)]
    assert [width(config, 4) for config in configs] == [8] * 6
    assert [n_kept(config, 8) for config in configs] == [1, 1, 1, 1, 6, 8]


def test_the_number_of_features_can_be_limited():
    # The paper's two SAEs have 10,000 features on 20 and on 896 dimensions.
    config = SAEConfig(architecture="vanilla", expansion=500, max_features=10_000)
    assert [width(config, d_in) for d_in in (4, 20, 896)] == [2000, 10_000, 10_000]
    assert width(SAEConfig(architecture="vanilla", expansion=500), 896) == 448_000


def test_effective_l1_by_hand():
    # By hand: l1 d / h with averages, so 1e-3 at 20 to 10,000 means 2e-6.
    paper = SAEConfig(architecture="vanilla", expansion=500, l1=1e-3)
    assert effective_l1(paper, 20, 10_000) == pytest.approx(2e-6)
    summed = SAEConfig(architecture="vanilla", expansion=500, l1=1e-3, reduction="sum")
    assert effective_l1(summed, 20, 10_000) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"architecture": "vanilla", "expansion": 2, "l1": -0.1}', "l1"),
        ('{"architecture": "vanilla", "expansion": 0}', "expansion"),
        ('{"architecture": "topk", "expansion": 2, "k": 101}', "k"),
        ('{"architecture": "topk", "expansion": 2, "k": 0}', "k"),
        ('{"architecture": "bricken", "expansion": 2}', "architecture"),
        ('{"architecture": "relu", "expansion": 2, "lr": 0.1}', "lr"),
        ('{"architecture": "relu", "expansion": 2, "batch_size": 0}', "batch_size"),
    ],
)
def test_bad_values_and_unknown_keys_are_refused_by_name(text, key):
    with pytest.raises(ValidationError) as caught:
        READ(text, strict=True)
    assert [error["loc"][0] for error in caught.value.errors()] == [key]


def test_fields_that_need_each_other():
    with pytest.raises(ValueError, match="patience needs a validation_fraction"):
        SAEConfig(architecture="relu", expansion=2, patience=5)
    with pytest.raises(ValueError, match="warmup and decay"):
        SAEConfig(architecture="relu", expansion=2, warmup=0.6, decay=0.6)


def test_every_field_says_what_it_means():
    properties = described(SAEConfig)["properties"]
    assert all(len(entry.get("description", "")) > 15 for entry in properties.values())


def test_unknown_architecture_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'bricken'.*vanilla, relu, topk"):
        load_architecture("bricken")


def test_planning_imports_no_torch():
    code = (
        "import sys, featurelens.sae, featurelens.sae.config, featurelens.sae.training\n"
        "sys.exit('torch' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_schedule_by_hand():
    # 10 steps: the rate rises over 2 steps (1/2, 1) and falls over the last 5 (5/5 ... 1/5).
    config = SAEConfig(architecture="relu", expansion=2, warmup=0.2, decay=0.5, sparsity_warmup=0.4)
    rates = schedule.rate_factors(config, 0, 10, 10)
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
    assert schedule.sparsity_factors(config, 2, 3, 10) == pytest.approx([0.75, 1, 1])
    plain = SAEConfig(architecture="relu", expansion=2)
    assert schedule.rate_factors(plain, 3, 4, 10).tolist() == [1.0] * 4
