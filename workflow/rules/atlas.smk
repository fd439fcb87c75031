# The atlas: every feature of a source on one page that opens from a disk, and a page that leads to
# them all. Controls of one embedding are made by one job, which starts once.


rule build_atlas:
    input:
        files=lambda wildcards: list(ATLAS.files(Place(**wildcards)).values()),
    output:
        folders=directory(f"results/{RUN}/atlas/{{dataset}}/{{model}}/{{sae}}"),
    log:
        f"results/{RUN}/logs/build_atlas/{{dataset}}/{{model}}/{{sae}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/build_atlas/{{dataset}}/{{model}}/{{sae}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory(2000, per_input=6),
        runtime=growing(60),
    params:
        sources=lambda wildcards: ATLAS.described([Place(**wildcards)]),
        run=RUN,
        code=fingerprint("build_atlas"),
    script:
        "../../scripts/build_atlas.py"


for controls, embeddings in ATLAS.together.items():

    rule:
        name:
            f"build_atlas_of_control{'' if controls == next(iter(ATLAS.together)) else 's'.join(controls)}"
        input:
            files=lambda wildcards, controls=controls: [
                file for sae in controls for file in ATLAS.files(Place(*wildcards, sae)).values()
            ],
        output:
            folders=[
                directory(f"results/{RUN}/atlas/{{dataset}}/{{model}}/{sae}") for sae in controls
            ],
        log:
            f"results/{RUN}/logs/build_atlas/{{dataset}}/{{model}}.log",
        benchmark:
            f"results/{RUN}/benchmarks/build_atlas/{{dataset}}/{{model}}.tsv"
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=JOBS.memory(2000, per_input=2),
            runtime=growing(60 * len(controls)),
        params:
            sources=lambda wildcards, controls=controls: ATLAS.described(
                Place(*wildcards, sae) for sae in controls
            ),
            run=RUN,
            code=fingerprint("build_atlas"),
        script:
            "../../scripts/build_atlas.py"

    workflow.ruleorder(
        f"build_atlas_of_control{'' if controls == next(iter(ATLAS.together)) else 's'.join(controls)}",
        "build_atlas",
    )


rule list_atlas:
    input:
        folders=[ATLAS.folder(place) for place in ATLAS.pages],
    output:
        page=f"results/{RUN}/atlas/index.html",
    log:
        f"results/{RUN}/logs/list_atlas.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        run=RUN,
        code=fingerprint("list_atlas"),
    script:
        "../../scripts/list_atlas.py"
