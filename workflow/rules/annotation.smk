# scFeatureLens (paper section 5.3): which genes the high cells of a feature express, which gene sets
# those genes carry, how much of that permuted cells would give, and the space of concepts.


rule test_expression:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.parquet",
    log:
        f"results/{RUN}/logs/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("test"),
        runtime=60,
    params:
        device=device,
        config=PLAIN["dge"],
        convention="{convention}",
        contrast="{contrast}",
        code=fingerprint("test_expression"),
    script:
        "../../scripts/test_expression.py"


rule test_chosen:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/chosen.tsv",
    log:
        f"results/{RUN}/logs/test_chosen/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/test_chosen/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("test"),
        runtime=60,
    params:
        config=PLAIN["dge"],
        code=fingerprint("test_chosen"),
    script:
        "../../scripts/test_chosen.py"


rule enrich_features:
    input:
        dge=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.parquet",
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        sets=f"results/{RUN}/genesets/{{collection}}/sets.gmt",
        universe=existing(CONFIG.enrichment.universe.file),
    output:
        table=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/{{contrast}}_{{convention}}.parquet",
        null=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/nulls_{{contrast}}_{{convention}}.tsv",
        summary=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/summary_{{contrast}}_{{convention}}.tsv",
    log:
        f"results/{RUN}/logs/enrich_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}/{{contrast}}_{{convention}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/enrich_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}/{{contrast}}_{{convention}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("enrich"),
        runtime=240,
    params:
        device=device,
        config=enrichment_config,
        dge=PLAIN["dge"],
        contrast="{contrast}",
        convention="{convention}",
        code=fingerprint("enrich_features"),
    script:
        "../../scripts/enrich_features.py"


rule summarise_annotation:
    input:
        summaries=annotation_summaries,
    output:
        table=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/summary.tsv",
    log:
        f"results/{RUN}/logs/summarise_annotation/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("summarise_annotation"),
    script:
        "../../scripts/summarise_annotation.py"


rule keep_terms:
    input:
        published=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/global_published.parquet",
        corrected=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/global_corrected.parquet",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}/kept_terms.parquet",
    log:
        f"results/{RUN}/logs/keep_terms/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/keep_terms/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("keep"),
        runtime=30,
    params:
        code=fingerprint("keep_terms"),
    script:
        "../../scripts/keep_terms.py"


rule map_concepts:
    input:
        kept=f"results/{RUN}/concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}/kept_terms.parquet",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        terms=f"results/{RUN}/genesets/{{collection}}/terms.tsv",
    output:
        concepts=f"results/{RUN}/concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}/concepts.h5ad",
    log:
        f"results/{RUN}/logs/map_concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/map_concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("map"),
        runtime=60,
    params:
        config=PLAIN["concepts"],
        code=fingerprint("map_concepts"),
    script:
        "../../scripts/map_concepts.py"


rule compare_concepts:
    input:
        kept=[f"results/{RUN}/concepts/{name}/kept_terms.parquet" for name in COMPARED],
    output:
        table=report(
            f"results/{RUN}/tables/concept_comparison.tsv",
            caption="../report/concept_comparison.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/compare_concepts.log",
    benchmark:
        f"results/{RUN}/benchmarks/compare_concepts.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        names=COMPARED,
        relatives=relatives(CONFIG.saes),
        config=PLAIN["concepts"],
        code=fingerprint("compare_concepts"),
    script:
        "../../scripts/compare_concepts.py"
