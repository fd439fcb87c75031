# What happens to cells when a feature is turned (paper section 5.2), beside controls.


rule steer_cells:
    input:
        bundle=DECODED,
        sae=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/cfg.json",
        weights=f"results/{RUN}/sae/{{dataset}}/{{model}}/{{sae}}/sae_weights.safetensors",
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        others=lambda wildcards: [
            f"results/{RUN}/sae/{name}/sae_weights.safetensors"
            for name in PLAN.counterparts("{dataset}/{model}/{sae}".format(**wildcards)).values()
        ],
    output:
        effects=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/effects.parquet",
        trajectories=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/trajectories.h5ad",
        selected=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/selected.tsv",
        controls=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/controls.tsv",
        doses=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/doses.tsv",
        dose_genes=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/dose_genes.tsv",
        ranking=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/ranking.tsv",
        control_effects=f"results/{RUN}/steering/{{dataset}}/{{model}}/{{sae}}/control_effects.h5ad",
    log:
        f"results/{RUN}/logs/steer_cells/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/steer_cells/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("steer"),
        runtime=growing(60),
    params:
        config=JOBS.setting("datasets/{dataset}/steering"),
        trajectories=JOBS.setting("datasets/{dataset}/trajectories"),
        others=lambda wildcards: list(
            PLAN.counterparts("{dataset}/{model}/{sae}".format(**wildcards))
        ),
        code=fingerprint("steer_cells"),
    script:
        "../../scripts/steer_cells.py"
