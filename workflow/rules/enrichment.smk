# Which gene sets the genes of a feature carry, how much of that permuted cells would give (paper
# section 5.3), and a closer look at chosen features: preranked GSEA from local files alone.

ENRICHMENT = f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}"


for job in TESTING:

    rule:
        name:
            f"enrich_features{job.suffix}"
        input:
            dge=[
                f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/{test}.parquet"
                for test in job.tests
            ],
            bundle=DECODED,
            features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
            sets=f"results/{RUN}/genesets/{{collection}}/sets.gmt",
            universe=existing(CONFIG.enrichment.universe.file),
        output:
            table=[f"{ENRICHMENT}/{test}.parquet" for test in job.tests],
            null=[f"{ENRICHMENT}/nulls_{test}.tsv" for test in job.tests],
            summary=[f"{ENRICHMENT}/summary_{test}.tsv" for test in job.tests],
            joined=[f"{ENRICHMENT}/summary.tsv"] if job.is_whole else [],
            confirmed=[f"{ENRICHMENT}/{name}" for name in JOBS.confirmed(job.tests)],
        log:
            f"results/{RUN}/logs/enrich_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}{job.log}.log",
        benchmark:
            f"results/{RUN}/benchmarks/enrich_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}{job.log}.tsv"
        wildcard_constraints:
            dataset=job.datasets,
            sae=job.sources,
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=JOBS.memory_of("enrich"),
            runtime=growing(240),
        params:
            device=device,
            config=lambda wildcards: PLAN.enrichment(wildcards.sae),
            dge=PLAIN["dge"],
            tests=tested(job),
            content=lambda wildcards: content_of(existing(CONFIG.enrichment.universe.file)),
            code=fingerprint("enrich_features"),
        script:
            "../../scripts/enrich_features.py"


# Few cells are tested by the rules that come first.
workflow.ruleorder(*(f"enrich_features{job.suffix}" for job in TESTING))
for job in WHOLE:
    workflow.ruleorder(f"enrich_features{job.suffix}", "summarise_annotation")
