# Embeddings of real cells: every model fills the same bundle (cells, embedding, decoder).

# The files of a bundle, for jobs that decode.
DECODED = [f"results/{RUN}/embeddings/{{dataset}}/{{model}}/{name}" for name in BUNDLE_FILES]


rule embed_cells:
    input:
        cells=f"results/{RUN}/datasets/{{dataset}}/cells.h5ad",
        files=lambda wildcards: files_of(JOBS.model(wildcards).files),
    output:
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        weights=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.safetensors",
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/bundle.json",
        diagnostics=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/diagnostics.tsv",
    log:
        f"results/{RUN}/logs/embed_cells/{{dataset}}/{{model}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/embed_cells/{{dataset}}/{{model}}.tsv"
    conda:
        JOBS.environment
    threads: JOBS.of_model(sizes.embed_threads)
    resources:
        mem_mb=JOBS.memory(JOBS.of_model(sizes.embed_memory), per_input=12),
        runtime=growing(JOBS.of_model(sizes.embed_runtime)),
    params:
        config=JOBS.setting("datasets/{dataset}/models/{model}"),
        command=(
            f"snakemake results/{RUN}/embeddings/{{dataset}}/{{model}}/bundle.json "
            f"--configfile results/{RUN}/config.yaml"
        ),
        device=device,
        content=lambda wildcards: content_of(files_of(JOBS.model(wildcards).files)),
        code=model_code,
    script:
        "../../scripts/embed_cells.py"


# Read by comparisons of modalities alone, and made where one is asked for.
rule keep_modality:
    input:
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        files=lambda wildcards: files_of(user_files(CONFIG.datasets[wildcards.dataset].cells)),
    output:
        cells=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells_{{modality}}.h5ad",
    log:
        f"results/{RUN}/logs/keep_modality/{{dataset}}/{{model}}/{{modality}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/keep_modality/{{dataset}}/{{model}}/{{modality}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory(4000, per_input=12),
        runtime=growing(60),
    params:
        config=JOBS.setting("datasets/{dataset}/cells"),
        content=lambda wildcards: content_of(
            files_of(user_files(CONFIG.datasets[wildcards.dataset].cells))
        ),
        code=fingerprint("keep_modality"),
    script:
        "../../scripts/keep_modality.py"
