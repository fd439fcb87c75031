"""Encode all cells with an SAE and describe every feature."""

from pathlib import Path
from typing import Any

from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import read_anndata, sha256_array, write_anndata
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.sae import model

snakemake: Any

with job_log(snakemake.log[0]) as log:
    cells = read_anndata(snakemake.input.bundle)
    X = cells.obsm["X_emb"]
    sae = model.load(Path(snakemake.input.weights).parent, data_sha256=sha256_array(X))
    config = build(FeatureConfig, snakemake.params.config)
    features = describe_features(sae.encode_sparse(X), cells, config, directions=sae.directions)
    log(features.var["type"].value_counts().to_string())
    write_anndata(features, snakemake.output.features)
