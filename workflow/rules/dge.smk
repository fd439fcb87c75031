# Which genes the high cells of a feature express (paper section 5.3).


rule test_expression:
    input:
        bundle=BUNDLE_FILES,
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.parquet",
    log:
        f"results/{RUN}/logs/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("test"),
        runtime=60,
    params:
        device=device,
        config=PLAIN["dge"],
        convention="{convention}",
        contrast="{contrast}",
        code=fingerprint("test_expression"),
    script:
        "../../scripts/test_expression.py"


rule test_chosen:
    input:
        bundle=BUNDLE_FILES,
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/chosen.tsv",
    log:
        f"results/{RUN}/logs/test_chosen/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/test_chosen/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("test"),
        runtime=60,
    params:
        config=PLAIN["dge"],
        code=fingerprint("test_chosen"),
    script:
        "../../scripts/test_chosen.py"
