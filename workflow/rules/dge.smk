# Which genes the high cells of a feature express (paper section 5.3). Whether a job tests a source of
# features in one way or in all of them is up to its size (featurelens.planning.contrasts).

for job in TESTING:

    rule:
        name:
            f"test_expression{job.suffix}"
        input:
            bundle=BUNDLE_FILES,
            features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        output:
            [
                f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/{test}.parquet"
                for test in job.tests
            ],
        log:
            f"results/{RUN}/logs/test_expression/{{dataset}}/{{model}}/{{sae}}{job.log}.log",
        benchmark:
            f"results/{RUN}/benchmarks/test_expression/{{dataset}}/{{model}}/{{sae}}{job.log}.tsv"
        wildcard_constraints:
            dataset=job.datasets,
            sae=job.sources,
        conda:
            "../../envs/core.yaml"
        threads: job.threads
        resources:
            mem_mb=JOBS.memory_of("test"),
            runtime=growing(60),
        params:
            device=device,
            config=PLAIN["dge"],
            tests=tested(job),
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
        mem_mb=JOBS.memory_of("test"),
        runtime=growing(60),
    params:
        config=PLAIN["dge"],
        code=fingerprint("test_chosen"),
    script:
        "../../scripts/test_chosen.py"
