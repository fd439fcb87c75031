# Figures. Each says in its own file what it is made from (featurelens.figures), and a run draws those
# whose inputs it makes. Figures of one job share a start, which takes longer than drawing.

for job, figures in jobs_of(TARGETS.pages).items():

    rule:
        name:
            f"draw_{job}"
        input:
            **named_inputs(figures),
        output:
            **{f"{name}_pdf": f"results/{RUN}/figures/{name}.pdf" for name in figures},
            **{
                f"{name}_png": report(
                    f"results/{RUN}/figures/{name}.png",
                    **entry(figures[name], "Figure"),
                )
                for name in figures
            },
        log:
            f"results/{RUN}/logs/draw_{job}.log",
        benchmark:
            f"results/{RUN}/benchmarks/draw_{job}.tsv"
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=JOBS.memory(2000, per_input=12),
            runtime=growing(30),
        params:
            figures=described(figures),
            code=[fingerprint("draw", figures=name) for name in figures],
        script:
            "../../scripts/draw.py"


rule draw_feature_map:
    input:
        **named_inputs({"feature_map": TARGETS.drawn["feature_map"]}),
    output:
        feature_map_pdf=f"results/{RUN}/figures/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.pdf",
        feature_map_png=report(
            f"results/{RUN}/figures/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.png",
            caption=entry(TARGETS.drawn["feature_map"], "Figure")["caption"],
            category="2 Annotated features",
            labels={"embedding": "{dataset}/{model}", "gene sets": "{collection}"},
        ),
    log:
        f"results/{RUN}/logs/draw_feature_map/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_feature_map/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=JOBS.memory(2000, per_input=12),
        runtime=growing(30),
    params:
        figures=described({"feature_map": TARGETS.drawn["feature_map"]}),
        code=fingerprint("draw", figures="feature_map"),
    script:
        "../../scripts/draw.py"


rule draw_gsea:
    input:
        **named_inputs({"gsea": TARGETS.drawn["gsea"]}),
    output:
        gsea_folder=report(
            directory(f"results/{RUN}/figures/gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}"),
            patterns=["feature_{feature}.png"],
            caption=entry(TARGETS.drawn["gsea"], "Figure")["caption"],
            category="2 Annotated features",
            labels={
                "embedding": "{dataset}/{model}",
                "gene sets": "{collection}",
                "GSEA of feature": "{feature}",
            },
        ),
    log:
        f"results/{RUN}/logs/draw_gsea/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        figures=described({"gsea": TARGETS.drawn["gsea"]}),
        code=fingerprint("draw", figures="gsea"),
    script:
        "../../scripts/draw.py"
