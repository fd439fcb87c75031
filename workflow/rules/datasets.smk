# Real cells, as they come with scanpy or from a file of the user.


rule prepare_cells:
    input:
        files=lambda wildcards: files_of(user_files(CONFIG.datasets[wildcards.dataset].cells)),
    output:
        cells=f"results/{RUN}/datasets/{{dataset}}/cells.h5ad",
    log:
        f"results/{RUN}/logs/prepare_cells/{{dataset}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/prepare_cells/{{dataset}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory(4000, per_input=12),
        runtime=growing(30),
    params:
        config=JOBS.setting("datasets/{dataset}/cells"),
        content=lambda wildcards: content_of(
            files_of(user_files(CONFIG.datasets[wildcards.dataset].cells))
        ),
        code=fingerprint("prepare_cells"),
    script:
        "../../scripts/prepare_cells.py"
