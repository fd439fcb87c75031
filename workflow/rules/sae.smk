# One SAE per embedding of real cells (paper section 5.1).


rule train_sae:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
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
        source="{dataset}/{model}",
        engine=CONFIG.engine,
        device=device,
        code=training_code,
    script:
        "../../scripts/train_sae.py"
