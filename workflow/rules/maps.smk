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
