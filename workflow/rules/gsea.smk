# A closer look at chosen features: preranked GSEA with its leading edges and enrichment plots, from
# local files alone.


rule run_gsea:
    input:
        table=f"results/{RUN}/tables/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv",
        dge=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/global_corrected.parquet",
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        sets=f"results/{RUN}/genesets/{{collection}}/sets.gmt",
    output:
        table=f"results/{RUN}/gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}/gsea.tsv",
        running=f"results/{RUN}/gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}/running.parquet",
    log:
        f"results/{RUN}/logs/run_gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/run_gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=PLAIN["gsea"],
        enrichment=PLAIN["enrichment"],
        code=fingerprint("run_gsea"),
    script:
        "../../scripts/run_gsea.py"
