"""Compare high and low cells of one type, in genes and in a second modality."""

from pathlib import Path
from typing import Any

from featurelens.dge.config import DgeConfig, HighLowConfig
from featurelens.dge.high_low import all_high_low
from featurelens.embeddings.bundle import read_bundle
from featurelens.embeddings.modalities import read_modality
from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    folder = Path(snakemake.input.bundle[0]).parent
    genes, sets = all_high_low(
        read_bundle(folder),
        read_anndata(snakemake.input.features),
        [build(HighLowConfig, asked) for asked in snakemake.params.asked],
        config=build(DgeConfig, snakemake.params.config),
        selected=next(map(read_table, snakemake.input.selected), None),
        read=lambda name: read_modality(folder, name),
        means=Means(snakemake.threads, log=log),
    )
    log(sets.to_string(index=False))
    write_table(genes, snakemake.output.genes)
    write_table(sets, snakemake.output.sets)
