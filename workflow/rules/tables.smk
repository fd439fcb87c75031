# Tables. Each says in its own file what it is made from (featurelens.tables), and a run makes those
# whose inputs it makes; tables of one job share a start. claims.tsv judges the paper's claims by them.

for job, tables in jobs_of(TARGETS.sheets).items():

    rule:
        name:
            f"tabulate_{job}"
        input:
            **named_inputs(tables),
        output:
            **{
                file: (
                    report(
                        f"results/{RUN}/tables/{file}.tsv",
                        **entry(table, "Table", file),
                    )
                    if caption
                    else f"results/{RUN}/tables/{file}.tsv"
                )
                for table in tables.values()
                for file, caption in table.output.outputs.items()
            },
        log:
            f"results/{RUN}/logs/tabulate_{job}.log",
        benchmark:
            f"results/{RUN}/benchmarks/tabulate_{job}.tsv"
        localrule: not any(table.output.memory for table in tables.values())
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=growing(max(1000, *(table.output.memory for table in tables.values()))),
            runtime=growing(120),
        params:
            tables=described(tables),
            code=[fingerprint("tabulate", tables=name) for name in tables],
        script:
            "../../scripts/tabulate.py"


rule list_features:
    input:
        **named_inputs({"annotated_features": TARGETS.tabulated["annotated_features"]}),
    output:
        annotated_features=report(
            f"results/{RUN}/tables/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv",
            caption=entry(TARGETS.tabulated["annotated_features"], "Table")["caption"],
            category="2 Annotated features",
            labels={"embedding": "{dataset}/{model}", "gene sets": "{collection}"},
        ),
    log:
        f"results/{RUN}/logs/list_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        tables=described({"annotated_features": TARGETS.tabulated["annotated_features"]}),
        code=fingerprint("tabulate", tables="annotated_features"),
    script:
        "../../scripts/tabulate.py"


rule judge_claims:
    input:
        tables=TARGETS.evidence,
        claims=existing(CONFIG.claims),
    output:
        table=report(
            f"results/{RUN}/tables/claims.tsv",
            caption="../report/claims.rst",
            category="1 Claims of the paper",
        ),
    log:
        f"results/{RUN}/logs/judge_claims.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        run=RUN,
        names=CONFIG.paper.known(),
        content=lambda wildcards: content_of(existing(CONFIG.claims)),
        code=fingerprint("judge_claims"),
    script:
        "../../scripts/judge_claims.py"
