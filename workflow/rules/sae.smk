# One SAE per embedding of real cells (paper section 5.1), trained here, or trained elsewhere and read.


rule train_sae:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        files=JOBS.sae_files,
        tokens=JOBS.tokens,
    output:
        config=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/cfg.json",
        weights=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/sae_weights.safetensors",
        history=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/history.tsv",
        train=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/train.json",
    log:
        f"results/{RUN}/logs/train_sae/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/train_sae/{{dataset}}/{{model}}/{{sae}}.tsv"
    wildcard_constraints:
        sae=TRAINED_PATTERN,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("train"),
        runtime=growing(480),
    params:
        config=JOBS.sae,
        content=lambda wildcards: content_of(JOBS.sae_files(wildcards)),
        source="{dataset}/{model}",
        engine=CONFIG.engine,
        device=device,
        code=training_code,
    script:
        "../../scripts/train_sae.py"
