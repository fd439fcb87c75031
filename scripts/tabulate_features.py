"""Write the tables of all embeddings and their features."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.tables.features import feature_types, local_features

snakemake: Any

with job_log(snakemake.log[0]):
    features = {
        name: read_anndata(file)
        for name, file in zip(snakemake.params.saes, snakemake.input.features, strict=True)
    }
    variables = {name: adata.var for name, adata in features.items()}
    cell_types = {name: adata.obs["cell_type"] for name, adata in features.items()}
    write_table(feature_types(variables), snakemake.output.types)
    write_table(local_features(variables, cell_types), snakemake.output.local_features)
