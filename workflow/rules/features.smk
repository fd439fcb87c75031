# One SAE per embedding of real cells, its features, and what happens to cells when a feature is
# turned (paper sections 5.1 and 5.2).


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
    threads: 1
    resources:
        mem_mb=memory_of("train"),
        runtime=480,
    params:
        config=sae_config,
        source="{dataset}/{model}",
        engine=CONFIG.engine,
        device=device,
        code=fingerprint("train_sae"),
    script:
        "../../scripts/train_sae.py"


rule describe_features:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        sae=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/cfg.json",
        weights=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/sae_weights.safetensors",
    output:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    log:
        f"results/{RUN}/logs/describe_features/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/describe_features/{{dataset}}/{{model}}/{{sae}}.tsv"
    wildcard_constraints:
        sae=ENCODED_PATTERN,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("describe"),
        runtime=60,
    params:
        config=PLAIN["features"],
        code=fingerprint("describe_features"),
    script:
        "../../scripts/describe_features.py"


rule steer_cells:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        decoder=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/decoder.json",
        weights=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/sae_weights.safetensors",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        effects=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/effects.parquet",
        trajectories=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/trajectories.h5ad",
        selected=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/selected.tsv",
    log:
        f"results/{RUN}/logs/steer_cells/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/steer_cells/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=memory_of("steer"),
        runtime=60,
    params:
        config=setting("datasets/{dataset}/steering"),
        code=fingerprint("steer_cells"),
    script:
        "../../scripts/steer_cells.py"
