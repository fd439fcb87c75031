# The space of concepts: features by the gene sets that they carry (paper section 5.3).


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
    resources:
        mem_mb=JOBS.memory_of("keep"),
        runtime=growing(30),
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
        published=f"results/{RUN}/concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}/concepts_published.h5ad",
    log:
        f"results/{RUN}/logs/map_concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/map_concepts/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("map"),
        runtime=growing(60),
    params:
        config=PLAIN["concepts"],
        code=fingerprint("map_concepts"),
    script:
        "../../scripts/map_concepts.py"


rule compare_concepts:
    input:
        kept=[f"results/{RUN}/concepts/{name}/kept_terms.parquet" for name in PLAN.compared],
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
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        names=list(map(str, PLAN.compared)),
        relatives=relatives(CONFIG.saes),
        config=PLAIN["concepts"],
        code=fingerprint("compare_concepts"),
    script:
        "../../scripts/compare_concepts.py"
