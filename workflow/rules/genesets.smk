# Collections of gene sets: whatever a user brings (GMT, YAML, JSON, ontology with annotations) in the
# one form that later stages read.


rule compile_collection:
    input:
        files=lambda wildcards: files_of(user_files(CONFIG.collections[wildcards.collection])),
    output:
        sets=f"results/{RUN}/genesets/{{collection}}/sets.gmt",
        terms=f"results/{RUN}/genesets/{{collection}}/terms.tsv",
        counts=f"results/{RUN}/genesets/{{collection}}/counts.json",
    log:
        f"results/{RUN}/logs/compile_collection/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/compile_collection/{{collection}}.tsv"
    wildcard_constraints:
        collection=one_of(name for name in CONFIG.collections if name not in PLAN.unions),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        config=JOBS.setting("collections/{collection}"),
        content=lambda wildcards: content_of(
            files_of(user_files(CONFIG.collections[wildcards.collection]))
        ),
        code=fingerprint("compile_collection"),
    script:
        "../../scripts/compile_collection.py"


rule unite_collections:
    input:
        sets=lambda wildcards: parts_of(wildcards.collection, "sets.gmt"),
        terms=lambda wildcards: parts_of(wildcards.collection, "terms.tsv"),
    output:
        sets=f"results/{RUN}/genesets/{{collection}}/sets.gmt",
        terms=f"results/{RUN}/genesets/{{collection}}/terms.tsv",
        counts=f"results/{RUN}/genesets/{{collection}}/counts.json",
    log:
        f"results/{RUN}/logs/unite_collections/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/unite_collections/{{collection}}.tsv"
    wildcard_constraints:
        collection=one_of(PLAN.unions),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=lambda wildcards: list(CONFIG.collections[wildcards.collection].union),
        code=fingerprint("unite_collections"),
    script:
        "../../scripts/unite_collections.py"
