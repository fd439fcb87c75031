"""Write how often terms occur, how many terms features carry, and what probes find."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.concepts import (
    concept_frequencies,
    concept_sizes,
    frequent_terms,
    probe_concepts,
    terms_per_feature,
)

snakemake: Any

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    kept = read_tables(params.names, snakemake.input.kept)
    terms = read_tables(params.names, snakemake.input.terms)
    direction = params.config["direction"]
    frequencies = concept_frequencies(kept, terms, direction=direction)
    write_table(frequencies, output.frequencies)
    write_table(frequent_terms(frequencies, params.names), output.terms)
    write_table(terms_per_feature(kept, direction=direction), output.per_feature)
    write_table(concept_sizes(kept, direction=direction), output.sizes)
    probes = probe_concepts(kept, params.probes, name=params.config["filter"], direction=direction)
    write_table(probes, output.probes)
