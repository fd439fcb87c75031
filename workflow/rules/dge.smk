# Which genes the high cells of a feature express (paper section 5.3). A source of features on few cells
# is described and tested in every way by one job, on more cells each test is a job of its own
# (featurelens.planning.contrasts).

TESTED = f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}"


for job in WHOLE:

    rule:
        name:
            f"test_source{job.suffix}"
        input:
            bundle=DECODED,
            sae=JOBS.weights,
            tokens=JOBS.tokens,
        output:
            features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
            dge=[f"{TESTED}/{test}.parquet" for test in job.tests],
        log:
            f"results/{RUN}/logs/test_source/{{dataset}}/{{model}}/{{sae}}.log",
        benchmark:
            f"results/{RUN}/benchmarks/test_source/{{dataset}}/{{model}}/{{sae}}.tsv"
        wildcard_constraints:
            dataset=job.datasets,
            sae=job.sources,
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=JOBS.memory_of("describe", "test"),
            runtime=growing(60),
        params:
            source="{sae}",
            features=PLAIN["features"],
            controls=lambda wildcards: made_with(wildcards.sae, CONFIG.controls),
            config=PLAIN["dge"],
            tests=tested(job),
            code=described_code("test_source"),
        script:
            "../../scripts/test_source.py"


# Features are described without tests where no such rule comes first.
for job in WHOLE:
    workflow.ruleorder(f"test_source{job.suffix}", "describe_features")
    workflow.ruleorder(f"test_source{job.suffix}", "test_expression")


rule test_expression:
    input:
        bundle=DECODED,
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
    output:
        table=f"{TESTED}/{{contrast}}_{{convention}}.parquet",
    log:
        f"results/{RUN}/logs/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/test_expression/{{dataset}}/{{model}}/{{sae}}/{{contrast}}_{{convention}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=JOBS.memory_of("test"),
        runtime=growing(60),
    params:
        device=device,
        config=PLAIN["dge"],
        tests=tested(TESTING[-1]),
        code=fingerprint("test_expression"),
    script:
        "../../scripts/test_expression.py"
