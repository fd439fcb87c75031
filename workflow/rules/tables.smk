# The tables of the paper and of the run; claims.tsv judges the paper's claims by them.


rule collect_superposition:
    input:
        scores=[f"results/{RUN}/autoencoder/{name}/superposition.tsv" for name in PLAN.autoencoders],
        configs=[f"results/{RUN}/autoencoder/{name}/config.json" for name in PLAN.autoencoders],
        histories=[f"results/{RUN}/autoencoder/{name}/history.tsv" for name in PLAN.autoencoders],
    output:
        table=report(
            f"results/{RUN}/tables/superposition.tsv",
            caption="../report/superposition.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/collect_superposition.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        folders=[f"results/{RUN}/autoencoder/{name}" for name in PLAN.autoencoders],
        code=fingerprint("collect_superposition"),
    script:
        "../../scripts/collect_superposition.py"


rule collect_ceiling:
    input:
        tables=[f"results/{RUN}/simulation/{name}/ceiling.tsv" for name in PLAN.embedded],
    output:
        table=report(
            f"results/{RUN}/tables/ceiling.tsv",
            caption="../report/ceiling.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/collect_ceiling.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        names=PLAN.embedded,
        code=fingerprint("collect_ceiling"),
    script:
        "../../scripts/collect_ceiling.py"


rule collect_dimensions:
    input:
        tables=[
            f"results/{RUN}/simulation/{name}/intrinsic_dimension.tsv"
            for name in PLAN.hierarchical
        ],
    output:
        table=report(
            f"results/{RUN}/tables/intrinsic_dimension.tsv",
            caption="../report/intrinsic_dimension.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/collect_dimensions.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        names=PLAN.hierarchical,
        code=fingerprint("collect_dimensions"),
    script:
        "../../scripts/collect_dimensions.py"


rule collect_chance:
    input:
        tables=[f"results/{RUN}/simulation/{name}/chance_structure.tsv" for name in PLAN.chanced],
    output:
        table=report(
            f"results/{RUN}/tables/chance_structure.tsv",
            caption="../report/chance_structure.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/collect_chance.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        names=PLAN.chanced,
        code=fingerprint("collect_chance"),
    script:
        "../../scripts/collect_chance.py"


rule tabulate_autoencoders:
    input:
        configs=[f"results/{RUN}/autoencoder/{name}/config.json" for name in PLAN.autoencoders],
        histories=[f"results/{RUN}/autoencoder/{name}/history.tsv" for name in PLAN.autoencoders],
    output:
        table=report(
            f"results/{RUN}/tables/table_S3.tsv",
            caption="../report/table_S3.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_autoencoders.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        n_observed={
            f"results/{RUN}/autoencoder/{name}": CONFIG.simulations[
                Path(name).parent.name
            ].n_observed
            for name in PLAN.autoencoders
        },
        code=fingerprint("tabulate_autoencoders"),
    script:
        "../../scripts/tabulate_autoencoders.py"


rule tabulate_sweeps:
    input:
        points=[f"results/{RUN}/sweeps/{name}/points.parquet" for name in CONFIG.sweeps],
        recovery=[f"results/{RUN}/sweeps/{name}/recovery.parquet" for name in PLAN.simulated_sweeps],
        baselines=[
            f"results/{RUN}/baselines/{name.source}/recovery.tsv" for name in PLAN.simulated_sweeps
        ],
        structure=[f"results/{RUN}/sweeps/{name}/structure.tsv" for name in PLAN.structured_sweeps],
        consistency=[f"results/{RUN}/sweeps/{name}/consistency.tsv" for name in PLAN.seeded_sweeps],
    output:
        points=f"results/{RUN}/tables/sweep_points.tsv",
        recovery=f"results/{RUN}/tables/sweep_recovery.tsv",
        structure=f"results/{RUN}/tables/structure.tsv",
        consistency=f"results/{RUN}/tables/consistency.tsv",
        selected=report(
            f"results/{RUN}/tables/selected_points.tsv",
            caption="../report/selected_points.rst",
            category="Tables",
        ),
        grid=report(
            f"results/{RUN}/tables/table_S4.tsv",
            caption="../report/table_S4.rst",
            category="Tables",
        ),
        correlations=report(
            f"results/{RUN}/tables/table_S5.tsv",
            caption="../report/table_S5.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_sweeps.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        sweeps=list(CONFIG.sweeps),
        simulated=list(map(str, PLAN.simulated_sweeps)),
        structured=list(map(str, PLAN.structured_sweeps)),
        seeded=list(map(str, PLAN.seeded_sweeps)),
        code=fingerprint("tabulate_sweeps"),
    script:
        "../../scripts/tabulate_sweeps.py"


rule tabulate_cell_sweeps:
    input:
        points=[f"results/{RUN}/sweeps/{name}/points.parquet" for name in PLAN.cell_sweeps],
        held_out=[f"results/{RUN}/sweeps/{name}/held_out.parquet" for name in PLAN.cell_sweeps],
    output:
        table=report(
            f"results/{RUN}/tables/cell_sweeps.tsv",
            caption="../report/cell_sweeps.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_cell_sweeps.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        sweeps=list(map(str, PLAN.cell_sweeps)),
        code=fingerprint("tabulate_cell_sweeps"),
    script:
        "../../scripts/tabulate_cell_sweeps.py"


rule tabulate_bundles:
    input:
        diagnostics=[f"results/{RUN}/embeddings/{name}/diagnostics.tsv" for name in PLAN.bundles],
    output:
        table=report(
            f"results/{RUN}/tables/bundles.tsv",
            caption="../report/bundles.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_bundles.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        bundles=list(map(str, PLAN.bundles)),
        code=fingerprint("tabulate_bundles"),
    script:
        "../../scripts/tabulate_bundles.py"


rule tabulate_features:
    input:
        features=[f"results/{RUN}/features/{name}/features.h5ad" for name in PLAN.saes],
    output:
        types=report(
            f"results/{RUN}/tables/table_S6.tsv",
            caption="../report/table_S6.rst",
            category="Tables",
        ),
        local_features=report(
            f"results/{RUN}/tables/local_features.tsv",
            caption="../report/local_features.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_features.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        saes=list(map(str, PLAN.saes)),
        code=fingerprint("tabulate_features"),
    script:
        "../../scripts/tabulate_features.py"


rule tabulate_annotation:
    input:
        summaries=[f"results/{RUN}/enrichment/{name}/summary.tsv" for name in PLAN.annotated],
        controls=[f"results/{RUN}/enrichment/{name}/summary.tsv" for name in PLAN.beside],
    output:
        annotation=report(
            f"results/{RUN}/tables/annotation.tsv",
            caption="../report/annotation.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/tabulate_annotation.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        names=list(map(str, PLAN.annotated)),
        controls=list(map(str, PLAN.beside)),
        code=fingerprint("tabulate_annotation"),
    script:
        "../../scripts/tabulate_annotation.py"


rule tabulate_concepts:
    input:
        kept=[f"results/{RUN}/concepts/{name}/kept_terms.parquet" for name in PLAN.annotated],
        terms=[f"results/{RUN}/genesets/{name.collection}/terms.tsv" for name in PLAN.annotated],
    output:
        terms=report(
            f"results/{RUN}/tables/table_S7.tsv",
            caption="../report/table_S7.rst",
            category="Tables",
        ),
        frequencies=report(
            f"results/{RUN}/tables/concept_frequency.tsv",
            caption="../report/concept_frequency.rst",
            category="Tables",
        ),
        per_feature=report(
            f"results/{RUN}/tables/terms_per_feature.tsv",
            caption="../report/terms_per_feature.rst",
            category="Tables",
        ),
        probes=report(
            f"results/{RUN}/tables/concept_probes.tsv",
            caption="../report/concept_probes.rst",
            category="Tables",
        ),
        sizes=f"results/{RUN}/tables/concept_sizes.tsv",
    log:
        f"results/{RUN}/logs/tabulate_concepts.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        names=list(map(str, PLAN.annotated)),
        config=PLAIN["concepts"],
        probes=PLAIN["figures"]["probes"],
        code=fingerprint("tabulate_concepts"),
    script:
        "../../scripts/tabulate_concepts.py"


rule list_features:
    input:
        features=f"results/{RUN}/features/{{dataset}}/{{model}}/{{sae}}/features.h5ad",
        dge=f"results/{RUN}/dge/{{dataset}}/{{model}}/{{sae}}/global_corrected.parquet",
        published=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/global_published.parquet",
        corrected=f"results/{RUN}/enrichment/{{dataset}}/{{model}}/{{sae}}/{{collection}}/global_corrected.parquet",
    output:
        table=report(
            f"results/{RUN}/tables/features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.tsv",
            caption="../report/annotated_features.rst",
            category="Annotated features",
            labels={"embedding": "{dataset}/{model}", "gene sets": "{collection}"},
        ),
    log:
        f"results/{RUN}/logs/list_features/{{dataset}}/{{model}}/{{sae}}/{{collection}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("list_features"),
    script:
        "../../scripts/list_features.py"


rule judge_claims:
    input:
        tables=TARGETS.evidence,
        claims=existing(CONFIG.claims),
    output:
        table=report(
            f"results/{RUN}/tables/claims.tsv",
            caption="../report/claims.rst",
            category="Tables",
        ),
    log:
        f"results/{RUN}/logs/judge_claims.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        run=RUN,
        code=fingerprint("judge_claims"),
    script:
        "../../scripts/judge_claims.py"
