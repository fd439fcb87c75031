# The features of an SAE or a control: where they are active, and how (paper section 5.1). Of few cells
# they are described and tested by one job (dge.smk).


rule describe_features:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        sae=JOBS.weights,
        tokens=JOBS.tokens,
    output:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    log:
        f"results/{RUN}/logs/describe_features/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/describe_features/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("describe"),
        runtime=growing(60),
    params:
        source="{sae}",
        config=PLAIN["features"],
        controls=lambda wildcards: made_with(wildcards.sae, CONFIG.controls),
        code=described_code("describe_features"),
    script:
        "../../scripts/describe_features.py"
