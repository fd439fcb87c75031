"""Make the atlas of one source of features, or of several."""

from typing import Any

from featurelens.atlas.build import build_atlas
from featurelens.atlas.material import read_material
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    sources = snakemake.params.sources.items()
    for (name, source), folder in zip(sources, snakemake.output, strict=True):
        material = read_material(
            name, source["files"], run=snakemake.params.run, lacking=source["lacking"]
        )
        log(build_atlas(material, folder, overview="../../../index.html"))
