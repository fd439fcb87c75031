"""A small made run that holds everything: every claim that has a measure is judged by it."""

import itertools
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.claims.config import PaperNames
from featurelens.claims.entries import read_claims
from featurelens.claims.judge import judge
from featurelens.claims.reads import Bounds, Extreme, Words
from featurelens.concepts.comparison import compare_concepts
from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import kept_terms
from featurelens.enrichment.config import FILTERS
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.genesets.sets import GeneSets
from featurelens.tables import (
    feature_selection,
    found_terms,
    local_features,
    local_terms,
    rare_features,
    selected_feature_types,
    settings,
    sizes,
    steered_features,
    subpopulations,
    table_S6,
    table_S8,
)

CLAIMS = read_claims(Path(__file__).parents[2] / "config/claims.yaml")
NAMES = PaperNames(
    multidgd="bone-marrow/multidgd/seed0",
    seeds=("seed0", "seed42"),
    geneformer="bone-marrow/geneformer/seed0",
    collection="go",
    trajectory="erythropoiesis",
).known()
STAGES = ["HSC", "MK/E prog", "Proerythroblast", "Erythroblast", "Normoblast"]
OTHERS = ["NK", "CD8+ T", "Transitional B", "Naive CD20+ B", "B1 B", "CD14+ Mono"]
TYPES = np.repeat([*STAGES, *OTHERS], range(40, 62, 2))
N_GENES, N_FEATURES = 60, 80
ERYTHROID = 0
SPLIT = 1
"""A feature of half of the naive B cells, whose genes it changes."""


def activations(seed):
    """Feature 0 rises along the stages; 1 to 6 are local to the other types; the rest is noise."""
    rng = np.random.default_rng(seed)
    dense = rng.exponential(0.1, (len(TYPES), N_FEATURES)) * (rng.random(N_FEATURES) < 0.5)
    dense *= rng.random(dense.shape) < 0.3
    level = pd.Series(range(1, 6), index=STAGES).reindex(TYPES).fillna(0.2).to_numpy()
    dense[:, ERYTHROID] = level * rng.uniform(0.9, 1.1, len(TYPES))
    for feature, cell_type in enumerate(OTHERS, start=1):
        dense[:, feature] = (cell_type == TYPES) * rng.uniform(0.5, 1, len(TYPES))
    dense[:, SPLIT] *= np.arange(len(TYPES)) % 2
    dense[:, 40:60] = rng.random((len(TYPES), 20)) < 0.006  # active in few cells
    return dense.astype(np.float32)


def features_of(seed, d):
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(TYPES), "batch": "all", "library": 1e4},
        index=[f"cell{row}" for row in range(len(TYPES))],
    )
    codes = pd.Categorical(TYPES).codes[:, None]
    embedding = (rng.normal(size=(len(TYPES), d)) + codes).astype(np.float32)
    cells = anndata.AnnData(obs=obs, obsm={"X_emb": embedding})
    dense = activations(seed)
    found = describe_features(sparse.csr_matrix(dense), cells, FeatureConfig())
    counts = rng.poisson(2, (len(TYPES), N_GENES)).astype(np.float32)
    counts[dense[:, SPLIT] > 0, :15] += 20
    expression = sparse.csr_matrix(np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True))))
    return found, anndata.AnnData(expression, obs=obs)


def kept_of(found, seed):
    rng = np.random.default_rng(seed)
    live = found.var_names[found.var["n_active"] > 0]
    rows = [(name, f"term {term}") for name in live for term in rng.permutation(30)[:6]]
    table = pd.DataFrame(rows, columns=["feature", "term"]).assign(category="all", direction="up")
    marked = {name: True for filters in FILTERS.values() for name in filters}
    return kept_terms(
        {convention: table.assign(**marked) for convention in FILTERS}, list(found.var_names)
    )


def steered_terms():
    """Terms of an edit that raises the genes of one of them."""
    genes = [f"g{number}" for number in range(20)]
    sets = [("oxygen transport", "a|b", genes[:8]), ("iron ion transport", "a|b", genes[8:])]
    effects = pd.DataFrame({"feature": "0", "role": "global", "gene": genes})
    effects["log2_fold"] = effects["glm_log2_fold"] = [4.0] * 9 + [0.1] * 11
    effects["glm_q"] = [1e-9] * 9 + [1.0] * 11
    both = [effects.assign(convention=convention) for convention in FILTERS]
    controls = anndata.AnnData(
        np.random.default_rng(0).normal(size=(200, 20)),
        obs=pd.DataFrame({"feature": ["0"] * 200}, index=map(str, range(200))),
        var=pd.DataFrame({"symbol": genes}, index=genes),
    )
    collection = GeneSets.of((term, about, tuple(members)) for term, about, members in sets)
    return table_S8.tabulate(
        pd.concat(both), controls, {}, {}, collection, origin="HSC", enrichment={}
    )


@pytest.fixture(scope="module")
def cells():
    """Tables of cells, by the functions that make them."""
    seeds = {
        "bone-marrow/multidgd/seed0": (0, 20),
        "bone-marrow/multidgd/seed42": (42, 20),
        "bone-marrow/geneformer/seed0": (7, 30),
    }
    made = {name: features_of(*how) for name, how in seeds.items()}
    features = {name: found for name, (found, _) in made.items()}
    first = next(iter(made))
    kept = {f"{name}/go": kept_of(found, 3) for name, found in features.items()}
    terms = pd.DataFrame({"term": [f"term {number}" for number in range(30)]})
    terms["namespace"] = ["biological_process"] * 20 + ["molecular_function"] * 10
    stages = {"bone-marrow": {"erythropoiesis": {"stages": STAGES}}}
    counted, selected = feature_selection.tabulate(features, trajectories=stages, most=5)
    summary = pd.DataFrame(
        [
            {"contrast": "global", "convention": convention, "filter": name}
            | {"share": 0.8, "share_complete": 0.4, "n_terms": 30, "n_terms_tested": 31}
            | {"share_of_annotated_max": 0.5, "terms_per_feature_mean": 6.0}
            for convention, filters in FILTERS.items()
            for name in filters
        ]
    )
    steered = pd.DataFrame({"feature": [str(ERYTHROID)], "role": "global", "operation": "set"})
    steered["steered_value"] = features[first].var["max"].iloc[ERYTHROID] * 0.8
    bundle = {"n_cells": len(TYPES), "n_genes": N_GENES}
    annotation = [summary.assign(sae=name) for name in kept]
    chosen = {"concepts.min_dist": 1.0, "concepts.n_neighbors": 10, "concepts.seed": 0}
    chosen |= {"concepts.spread": 10, "dge.high_percentile": 99.0, "dge.max_low_cells": 1000}
    chosen |= {"datasets.bone-marrow.high_low.Naive CD20+ B.percent": 5.0}
    return {
        "table_S6": table_S6.tabulate(features),
        "local_features": local_features.tabulate(features),
        "feature_selection": counted,
        "selected_features": selected,
        "selected_feature_types": selected_feature_types.tabulate(
            features, selected, trajectories=stages
        ),
        "local_terms": local_terms.tabulate(kept, features, direction="up", most=2),
        "found_terms": found_terms.tabulate(kept, dict.fromkeys(kept, terms), direction="up"),
        "concept_comparison": compare_concepts(kept, ConceptConfig()),
        "rare_features": rare_features.tabulate(
            kept[f"{first}/go"], features[first], name=f"{first}/go", direction="up"
        ),
        "subpopulations": subpopulations.tabulate(*made[first], name=first),
        "annotation": pd.concat(annotation, ignore_index=True),
        "settings": settings.tabulate(chosen),
        "sizes": sizes.tabulate(
            {"hierarchical": {"n_cells": 100}},
            {
                "bone-marrow/multidgd": bundle | {"d": 20},
                "bone-marrow/geneformer": bundle | {"d": 896},
            },
            {name: {"n_features": N_FEATURES} for name in features},
            {f"{first}/go": summary},
        ),
        "high_low": pd.DataFrame(
            [
                {"sae": first, "cell_type": "Naive CD20+ B", "convention": convention}
                | {"measure": measure, "mean_high": 0.03, "mean_low": 0.04, "p_shuffled": 0.01}
                for convention in FILTERS
                for measure in ("mean", "share_open")
            ]
        ),
        "table_S8": steered_terms(),
        "steered_features": steered_features.tabulate({first: steered}, features),
        "cell_sweeps": pd.DataFrame({"sweep": "bone-marrow", "id": list(map(str, range(240)))}),
    }


def passing(condition):
    """A value that a condition lets pass."""
    if isinstance(condition, Bounds):
        ends = [end for end in (condition.above, condition.below) if end is not None]
        return sum(ends) / 2 if len(ends) == 2 else ends[0] * (2 if condition.above else 0.5)
    if isinstance(condition, Extreme):
        return 7.0
    if isinstance(condition, Words):
        return condition.contains[0]
    return condition[0] if isinstance(condition, tuple) else condition


def simulated():
    """Two rows that each read of a claim on simulations lets pass, with its columns."""
    rows: dict[str, list] = {}
    for claim in CLAIMS:
        quantities = [claim, *claim.beside.values()]
        reads = [getattr(q, part) for q in quantities for part in ("read", "minus", "divided_by")]
        for read in [*filter(None, reads), *filter(None, [claim.chance])]:
            if claim.number not in (*range(1, 12), 41):
                continue
            row = {name: passing(condition) for name, condition in read.where.items()}
            columns = [read.column] if isinstance(read.column, str) else read.column.values()
            trend = [1.0] if read.reduce == "mode" else [1.0, 2.0]
            names = claim.expected if read.by else trend if read.along else [None]
            for name, size in itertools.product(names, (0.4, 0.6)):
                new = dict.fromkeys(columns, size) | row
                new |= {read.by: name} if read.by else {}
                new |= {read.along: row.get(read.along, name)} if read.along else {}
                rows.setdefault(read.table, []).append(new)
    return {table: pd.DataFrame(content) for table, content in rows.items()}


def test_every_claim_with_a_measure_is_judged(cells):
    table = judge(CLAIMS, simulated() | cells, names=NAMES)
    judged = (table[["verdict", "verdict_corrected"]] != "not judged").any(axis=1)
    without = {claim.name for claim in CLAIMS if claim.read is None}
    without |= {"12"}  # a choice, and this run chose 80 features
    names = table["number"].astype(str) + table["part"]
    assert set(names[~judged]) == without, table.loc[
        ~judged, ["number", "part", "note"]
    ].to_string()
    reduced = table["note"].str.contains("reduced run")
    assert reduced[table["number"].between(13, 15)].all()


def test_what_was_planted_is_found(cells):
    table = judge(CLAIMS, cells, names=NAMES).set_index(["number", "part"])
    assert table.loc[(18, ""), "verdict"] == "reproduced"
    assert table.loc[(30, "b"), "verdict"] == "reproduced"
    assert table.loc[(21, ""), "verdict"] == "reproduced"
    assert table.loc[(20, "b"), "verdict"] == "reproduced"
    assert table.loc[(20, "a"), "verdict"] == "not reproduced"
    assert table.loc[(22, ""), "reproduced_published"] == "0.75"
    assert table.loc[(40, ""), "reproduced_published"] == "80.0 %"
    # The activation off the trajectory is a twenty-fifth of that of normoblasts: 0.2 of 5.
    assert float(table.loc[(19, "a"), "reproduced_published"]) == pytest.approx(0.04, rel=0.1)
    selected = cells["selected_features"]
    first = selected[(selected["sae"] == NAMES["multidgd"]) & (selected["rank"] == 1)]
    assert first["feature"].astype(int).tolist() == [ERYTHROID]
    found = cells["found_terms"]
    rows = found[
        (found["sae"] == "bone-marrow/multidgd/seed0/go") & (found["filter"] == "kept_fdr")
    ]
    counts = rows.set_index("part")["n_sets"].to_dict()
    assert counts == {"all": 30, "biological_process": 20, "molecular_function": 10}


def test_the_order_of_a_run_changes_no_verdict(cells):
    turned = {
        name: table.iloc[::-1].assign(**({"position": 9} if "position" in table else {}))
        for name, table in cells.items()
    }
    one, other = (judge(CLAIMS, tables, names=NAMES) for tables in (cells, turned))
    columns = ["number", "part", "verdict", "verdict_corrected"]
    assert other[columns].equals(one[columns])
