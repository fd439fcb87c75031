# Real cells and their embeddings: every model fills the same bundle (cells, embedding, decoder).


rule prepare_cells:
    input:
        files=dataset_files,
    output:
        cells=f"results/{RUN}/datasets/{{dataset}}/cells.h5ad",
    log:
        f"results/{RUN}/logs/prepare_cells/{{dataset}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/prepare_cells/{{dataset}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory(4000, per_input=12),
        runtime=30,
    params:
        config=setting("datasets/{dataset}/cells"),
        code=fingerprint("prepare_cells"),
    script:
        "../../scripts/prepare_cells.py"


rule embed_cells:
    input:
        cells=f"results/{RUN}/datasets/{{dataset}}/cells.h5ad",
        files=model_files,
    output:
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/bundle.json",
        diagnostics=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/diagnostics.tsv",
    log:
        f"results/{RUN}/logs/embed_cells/{{dataset}}/{{model}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/embed_cells/{{dataset}}/{{model}}.tsv"
    conda:
        model_environment
    threads: model_threads
    resources:
        mem_mb=model_memory,
        runtime=model_runtime,
    params:
        config=setting("datasets/{dataset}/models/{model}"),
        command=(
            f"snakemake results/{RUN}/embeddings/{{dataset}}/{{model}}/bundle.json "
            f"--configfile results/{RUN}/config.yaml"
        ),
        device=device,
        code=model_code,
    script:
        "../../scripts/embed_cells.py"
