# Controls: sources of features that are no trained SAE. What has weights is drawn here or made by
# train_sae; from features.h5ad on, a control is one more SAE.


rule draw_directions:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        tokens=JOBS.tokens,
        sae=lambda wildcards: [
            f"results/{RUN}/sae/{{dataset}}/{{model}}/{parse_source(wildcards.sae).sae}/{name}"
            for name in ("cfg.json", "sae_weights.safetensors")
        ],
    output:
        config=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/cfg.json",
        weights=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/sae_weights.safetensors",
    log:
        f"results/{RUN}/logs/draw_directions/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_directions/{{dataset}}/{{model}}/{{sae}}.tsv"
    wildcard_constraints:
        sae=RANDOM_PATTERN,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("describe"),
        runtime=growing(60),
    params:
        source="{sae}",
        controls=lambda wildcards: made_with(wildcards.sae, CONFIG.controls),
        code=control_code("draw_directions"),
    script:
        "../../scripts/draw_directions.py"
