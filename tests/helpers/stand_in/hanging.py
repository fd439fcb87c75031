"""What hangs on differences 3 to 7 and a from the author's computation, on a run of the stand-in.

``python tests/helpers/stand_in/hanging.py RESULTS [NAME ...]`` prints the figures of
``docs/reproduction/differences.tsv`` that need no second run: each is computed by the library's own
functions both ways, from what a run left in its folder (``results/paper``). Each takes seconds to
minutes. For 1, 2 and b, c two runs were made, as docs/REPRODUCTION.md says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import yaml
from sklearn.linear_model import LinearRegression

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_bundle
from featurelens.embeddings.bundle import Bundle, read_bundle
from featurelens.embeddings.expression import LIBRARY_COLUMN, own_library
from featurelens.io import read_anndata
from featurelens.options import build
from featurelens.recovery.baseline_scores import measure_baselines, spaced_cells
from featurelens.recovery.baselines import fit_baseline
from featurelens.recovery.config import BaselineConfig
from featurelens.recovery.neurons import measure_recovery
from featurelens.recovery.structure import measure_structure
from featurelens.recovery.superposition import superposition
from featurelens.sae import model
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import train
from featurelens.simulation.observables import observables
from featurelens.simulation.variables import variables
from featurelens.steering.choices import choose
from featurelens.steering.config import SteeringConfig
from featurelens.steering.genes import published_genes
from featurelens.steering.stage import Stage
from stand_in.genes import HAEMOGLOBIN

MARROW, SAE = "bone-marrow/multidgd", "bone-marrow/multidgd/seed0"
OVER: dict[str, Any] = {"expansion": 5, "l1": 1e-3, "learning_rate": 1e-3, "epochs": 40}
"""The SAE over the hierarchical simulation whose structure is scored."""
Lines = Iterator[str]


def steering(results: Path) -> Lines:
    """3: the factor of a steered feature, and the library of a cell (claim 20)."""
    config = yaml.safe_load((results / "config.yaml").read_text())["datasets"]["bone-marrow"]
    bundle, sae, features = _of_cells(results)
    plain = config["steering"]
    known = {name: plain[name] for name in ("origin", "target", "trajectory", "local_types")}
    library, what = own_library(bundle)
    sums = np.asarray(bundle.cells.layers["counts"].sum(axis=1)).ravel()
    yield f"library: {what}; over the sum of counts {np.median(library / sums):.3f} (median)"
    without = bundle.cells.copy()
    without.uns.pop(LIBRARY_COLUMN, None)
    for factor in (1.5, 1.0):
        steered = build(SteeringConfig, known | {"factor": factor})
        chosen = choose(features, sae.directions, steered, config["trajectories"])
        for name, cells in (("sum", without), ("own", bundle.cells)):
            stage = Stage(sae, replace(bundle, cells=cells), features, steered)
            before, after = stage.edit(dict(chosen.iloc[0])).published[:2]
            assert stage.reading is not None
            size = bundle.decoder.dispersion
            genes = published_genes(stage.reading, before, after, size)
            fold, q = genes["glm_log2_fold"], genes["glm_q"]
            selected = (q < 0.05) & (np.abs(fold) > 1)
            shift = np.linalg.norm(after - before, axis=1).mean()
            yield (
                f"factor {factor}, library {name}: moved by {shift:.4f}; {(q < 0.05).sum()} genes "
                f"at .05, {selected.sum()} of them beyond twofold; "
                f"mean |log2 fold| {np.abs(fold).mean():.4f}"
            )


def baselines(results: Path) -> Lines:
    """4: Table S5 as published and corrected."""
    for simulation, n_components in (("small", 4), ("hierarchical", 150)):
        data = read_anndata(results / f"simulation/{simulation}/data.h5ad")
        methods = ("pca", "ica", "svd")
        config = build(BaselineConfig, {"methods": methods, "n_components": n_components})
        table = measure_baselines(data, config, log=lambda _: None)
        after = table[table["convention"] == "published"]
        train = data[spaced_cells(data, len(data))]
        for method in methods:
            ours = fit_baseline(observables(train), method, n_components, seed=0)
            before = measure_recovery(ours.scores, variables(train), convention="published")
            for when, rows in (("before", before), ("after", after[after["method"] == method])):
                found = rows.set_index("group")["max_correlation"].items()
                shown = ", ".join(f"{group} {value:.2f}" for group, value in found)
                yield f"{simulation} {method} {when}: {shown}"


def validation(results: Path) -> Lines:
    """5: the validation loss of the sweep over cells, reset or not (claim 43's runs)."""
    embedding = read_bundle(results / "embeddings" / MARROW).embedding
    points = [
        SAEConfig(
            architecture=architecture,
            expansion=20,
            l1=l1,
            learning_rate=1e-3,
            epochs=200,
            patience=10,
            batch_size=32,
            validation_fraction=0.1,
            convention="published",
            initialisation="linear" if architecture == "vanilla" else "own",
        )
        for architecture in ("vanilla", "relu")
        for l1 in (1.0, 0.01)
    ]
    both = (points, [replace(point, validation="unreset") for point in points])
    reset, unreset = (train(embedding, configs) for configs in both)
    for one, other in zip(reset, unreset, strict=True):
        loss, added = (run.history["validation_loss"].iloc[-1] for run in (one, other))
        assert one.sae is not None
        held = embedding[-int(len(embedding) * 0.1) :]
        error = np.square(one.sae.decode(one.sae.encode(held)) - held).mean(axis=1)
        batches = np.mean([error[at : at + 32].mean() for at in range(0, len(error), 32)])
        yield (
            f"{one.config.architecture}, l1 {one.config.l1}: {len(one.history)} epochs, "
            f"{loss:.4g}; unreset {len(other.history)}, {added:.4g} ({added / loss:.1f}-fold); "
            f"batches over rows {batches / error.mean():.4f}"
        )


def guard(results: Path) -> Lines:
    """6: tests of counts with and without a guard (multiDGD's features; claims 28 and 34)."""
    bundle, _, features = _of_cells(results)
    config = DgeConfig(expression="measured")
    sets = split_cells(features.X, config=config, convention="published")
    prepared = prepare_bundle(bundle, config, convention="published")
    for guarded in (True, False):
        tests = test_genes(
            sets, replace(prepared, guarded=guarded), config=config, convention="published"
        )
        emptied = int(np.isnan(tests.q).any(axis=1).sum())
        found = (tests.q < 1e-5).sum(axis=1)
        yield (
            f"guard {guarded}: {len(found)} features, {emptied} emptied, {found.mean():.1f} genes "
            f"below 1e-5 a feature, {(found > 0).sum()} features with some"
        )


def structure(results: Path) -> Lines:
    """7a: silent genes in the percentiles of structure recovery (claim 11)."""
    data = read_anndata(results / "simulation/hierarchical/data.h5ad")
    name = "autoencoder/hierarchical/latent150-depth2-wide-seed0-published/embedding.h5ad"
    embedding = np.asarray(read_anndata(results / name).obsm["X_emb"])
    [trained] = train(embedding, [SAEConfig(architecture="relu", convention="published", **OVER)])
    assert trained.sae is not None
    expressed = observables(data).rows(slice(None))
    edges = np.asarray(data.varm["connectivity"])
    found = measure_structure(trained.sae.encode(embedding), expressed, edges).summary
    silent = int((~(expressed != 0).any(axis=0)).sum())
    yield f"{silent} of {expressed.shape[1]} genes silent"
    for _, row in found[found["percentile"].isin([20, 70])].iterrows():
        yield (
            f"percentile {row['percentile']}: coverage {row['coverage_covered']:.3f} without, "
            f"{row['published_coverage_covered']:.3f} with silent genes; of programs "
            f"{row['n_covered']:.0f}, {row['published_n_covered']:.0f}"
        )


def probe(results: Path) -> Lines:
    """7d: R² of the small simulation in double and in single precision (claim 1's probe)."""
    data = read_anndata(results / "simulation/small/data.h5ad")
    held = (data.obs["split"] != "train").to_numpy()
    for latent in (2, 4, 10):
        path = results / f"autoencoder/small/latent{latent}/embedding.h5ad"
        if not path.exists():
            continue
        embedding = np.asarray(read_anndata(path).obsm["X_emb"])
        table = superposition(
            embedding, variables(data), held, convention="published", probe="least_squares"
        )
        for group, single in table.groupby("group", sort=False)["score"].mean().items():
            [values] = [found.values for found in variables(data) if found.name == group]
            targets = np.asarray(values, dtype=np.float64)
            targets = targets.reshape(len(targets), -1)
            fitted = LinearRegression().fit(embedding.astype(np.float64), targets)
            left = np.square(targets - fitted.predict(embedding.astype(np.float64))).sum(axis=0)
            total = np.square(targets - targets.mean(axis=0)).sum(axis=0)
            double = np.mean(1 - left[total > 0] / total[total > 0])
            yield f"latent {latent}, {group}: {double:.5f} in double, {single:.5f} in single"


def namespaces(results: Path) -> Lines:
    """a: terms of an annotated feature in each namespace (claim 34, read by position)."""
    terms = pd.read_parquet(results / f"enrichment/{SAE}/go/global_published.parquet")
    kept = terms[terms["kept_published_05"]]
    for collection in ("go-process", "go-function"):
        own = pd.read_csv(results / f"genesets/{collection}/terms.tsv", sep="\t")["name"]
        of_feature = kept[kept["term"].astype(str).isin(own)].groupby("feature", observed=True)
        yield f"{collection}: {of_feature.size().mean():.1f} terms of each of {of_feature.ngroups}"


def seeds(results: Path) -> Lines:
    """Haemoglobins among all genes, by how a steered feature of each SAE changes them."""
    for place in sorted((results / "steering" / MARROW).iterdir()):
        effects = pd.read_parquet(place / "effects.parquet")
        chosen = effects[(effects["role"] == "global") & (effects["convention"] == "corrected")]
        rank = chosen.set_index("gene")["log2_fold"].rank(pct=True)
        yield f"{place.name}: haemoglobins at {rank[list(HAEMOGLOBIN)].median():.3f} (median)"


MEASURES: dict[str, Callable[[Path], Lines]] = {
    measure.__name__: measure
    for measure in (steering, baselines, validation, guard, structure, probe, namespaces, seeds)
}


def _of_cells(results: Path) -> tuple[Bundle, model.SAE, anndata.AnnData]:
    """Bone marrow, an SAE of it, and its features."""
    features = read_anndata(results / f"features/{SAE}/features.h5ad")
    bundle = read_bundle(results / "embeddings" / MARROW)
    bundle = replace(bundle, cells=bundle.cells.to_memory())
    return bundle, model.load(results / "sae" / SAE), features


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for name in names or MEASURES:
        for line in MEASURES[name](Path(folder)):
            sys.stdout.write(f"{name}: {line}\n")
