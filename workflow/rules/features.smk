# The features of an SAE or a control: where they are active, and how (paper section 5.1). Of few cells
# they are described and tested by one job (dge.smk).


rule describe_features:
    input:
        bundle=f"results/{RUN}/embeddings/{{dataset}}/{{model}}/cells.h5ad",
        sae=JOBS.weights,
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
        controls=PLAIN["controls"],
        code=described_code("describe_features"),
    script:
        "../../scripts/describe_features.py"


rule map_features:
    input:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        layout=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/map.h5ad",
    log:
        f"results/{RUN}/logs/map_features/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/map_features/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("similarity"),
        runtime=growing(60),
    params:
        code=fingerprint("map_features"),
    script:
        "../../scripts/map_features.py"


rule catalogue_features:
    input:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        seeds=JOBS.of_seeds(f"results/{RUN}/features/{{}}/features.h5ad"),
    output:
        catalogue=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/catalogue.tsv",
        seeds=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/seeds.tsv",
    log:
        f"results/{RUN}/logs/catalogue_features/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/catalogue_features/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("catalogue"),
        runtime=growing(120),
    params:
        name="{dataset}/{model}/{sae}",
        seeds=JOBS.of_seeds("{}"),
        min_cells=PLAIN["dge"]["min_cells"],
        code=fingerprint("catalogue_features"),
    script:
        "../../scripts/catalogue_features.py"


rule compare_groups:
    input:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/comparisons.tsv",
        summary=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/comparisons_summary.tsv",
    log:
        f"results/{RUN}/logs/compare_groups/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/compare_groups/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory_of("catalogue"),
        runtime=growing(60),
    params:
        comparisons=JOBS.setting("datasets/{dataset}/comparisons"),
        code=fingerprint("compare_groups"),
    script:
        "../../scripts/compare_groups.py"
