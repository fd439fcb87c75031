# Maps for the eye: the cells of an embedding, and where its best annotated features are active.


rule lay_out_cells:
    input:
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
    output:
        layout=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/layout.h5ad",
    log:
        f"results/{RUN}/logs/lay_out_cells/{{dataset}}/{{model}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/lay_out_cells/{{dataset}}/{{model}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("cells"),
        runtime=60,
    params:
        code=fingerprint("lay_out_cells"),
    script:
        "../../scripts/lay_out_cells.py"


rule draw_feature_map:
    input:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        table=f"results/{RUN}/tables/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv",
        layout=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/layout.h5ad",
    output:
        pdf=f"results/{RUN}/figures/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.pdf",
        png=report(
            f"results/{RUN}/figures/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.png",
            caption="../report/feature_map.rst",
            category="Annotated features",
            labels={"embedding": "{dataset}/{model}", "gene sets": "{collection}"},
        ),
    log:
        f"results/{RUN}/logs/draw_feature_map/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_feature_map/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_feature_map"),
    script:
        "../../scripts/draw_feature_map.py"
