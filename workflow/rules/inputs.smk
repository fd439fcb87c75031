# What went in: the checked configuration, written out, and the files that the user brought, with their
# checksums. The same check of those files is made in workflow/Snakefile before a job is planned.


rule check_inputs:
    input:
        datasets=[
            file
            for block in CONFIG.datasets.values()
            for named in (user_files(block.cells), *(m.files for m in block.models.values()))
            for file in files_of(named)
        ],
        collections=[
            file for block in CONFIG.collections.values() for file in files_of(user_files(block))
        ],
        saes=JOBS.imported_files(*CONFIG.saes),
        universe=existing(CONFIG.enrichment.universe.file),
        claims=existing(CONFIG.claims),
    output:
        config=report(
            f"results/{RUN}/config.yaml",
            caption="../report/config.rst",
            category="5 Settings and versions",
        ),
        inputs=f"results/{RUN}/inputs.tsv",
        sets=f"results/{RUN}/gene_sets.tsv",
        text=f"results/{RUN}/check.txt",
        versions=report(
            f"results/{RUN}/versions.tsv",
            caption="../report/versions.rst",
            category="5 Settings and versions",
        ),
    log:
        f"results/{RUN}/logs/check_inputs.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        config=PLAIN,
        files=PLAN.user_files,
        content=lambda wildcards: content_of(path for _, path in named_files(CONFIG)),
        code=code.checks_code(
            fingerprint,
            "check_inputs",
            {model.kind for block in CONFIG.datasets.values() for model in block.models.values()},
        ),
    script:
        "../../scripts/check_inputs.py"
