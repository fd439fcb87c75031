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
