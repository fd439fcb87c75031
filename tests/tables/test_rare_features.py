"""Which features are rare, and what is asked of them."""

import anndata
import numpy as np
import pandas as pd

from featurelens.concepts.space import kept_terms
from featurelens.tables import rare_features


def test_the_quarter_of_the_annotated_features_with_fewest_cells_is_rare():
    names = [str(number) for number in range(48)]
    pairs = [(name, f"term {int(name) % 2}") for name in names[:44]]
    found = pd.DataFrame(pairs, columns=["feature", "term"])
    found = found.assign(category="all", direction="up", kept_fdr=True)
    features = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": ["a", "b"]}, index=["u", "v"]),
        var=pd.DataFrame({"n_active": [*range(1, 45), 0, 0, 0, 0]}, index=names),
        uns={"cell_types": np.array(["a", "b"])},
    )
    # Even features carry the one term and are of type a, odd ones the other and of type b.
    features.varm["type_means"] = np.array([[1.0, 0.0], [0.0, 1.0]] * 24)
    table = rare_features.tabulate(
        kept_terms({"corrected": found}, names), features, name="a/b/c/go", direction="up"
    )
    rows = table[table["filter"] == "kept_fdr"].set_index("features")
    # The 11.75th of 44: at the quantile 0.25 features 1 to 11 count as rare.
    assert rows["n_features"].to_dict() == {"rare": 11, "common": 33}
    assert rows["most_cells"].to_dict() == {"rare": 11, "common": 44}
    # Of 16 or 17 features with the same term the 10 nearest are of its type.
    assert rows.loc["common", "same_type"] == 1
    empty = table[table["filter"] == "kept_published_05"]
    assert (empty["n_features"] == 0).all()
