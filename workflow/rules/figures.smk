# The figures of the paper, each from tables and described cells alone.


rule draw_figure_1:
    input:
        superposition=f"results/{RUN}/tables/superposition.tsv",
        ceiling=f"results/{RUN}/tables/ceiling.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_1.pdf",
        png=report(
            f"results/{RUN}/figures/figure_1.png",
            caption="../report/figure_1.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_1.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_1.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_figure_1"),
    script:
        "../../scripts/draw_figure_1.py"


rule draw_figure_2:
    input:
        features=f"results/{RUN}/features/{FIRST_STEERED}/features.h5ad",
        trajectories=f"results/{RUN}/steering/{FIRST_STEERED}/trajectories.h5ad",
        selected=f"results/{RUN}/steering/{FIRST_STEERED}/selected.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_2.pdf",
        png=report(
            f"results/{RUN}/figures/figure_2.png",
            caption="../report/figure_2.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_2.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_2.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_figure_2"),
    script:
        "../../scripts/draw_figure_2.py"


rule draw_figure_3:
    input:
        concepts=[f"results/{RUN}/concepts/{name}/concepts.h5ad" for name in FIRST_ANNOTATED],
    output:
        pdf=f"results/{RUN}/figures/figure_3.pdf",
        png=report(
            f"results/{RUN}/figures/figure_3.png",
            caption="../report/figure_3.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_3.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_3.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        names=FIRST_ANNOTATED,
        probes=PLAIN["figures"]["probes"],
        code=fingerprint("draw_figure_3"),
    script:
        "../../scripts/draw_figure_3.py"


rule draw_figure_S1:
    input:
        simulated=f"results/{RUN}/simulation/{FIRST_HIERARCHICAL}/data.h5ad",
        real=f"results/{RUN}/embeddings/{FIRST_BUNDLE}/cells.h5ad",
    output:
        pdf=f"results/{RUN}/figures/figure_S1.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S1.png",
            caption="../report/figure_S1.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S1.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S1.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory(2000, per_input=12),
        runtime=30,
    params:
        model=FIRST_BUNDLE,
        code=fingerprint("draw_figure_S1"),
    script:
        "../../scripts/draw_figure_S1.py"


rule draw_figure_S2:
    input:
        superposition=f"results/{RUN}/tables/superposition.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_S2.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S2.png",
            caption="../report/figure_S2.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S2.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S2.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_figure_S2"),
    script:
        "../../scripts/draw_figure_S2.py"


rule draw_figure_S3:
    input:
        data=f"results/{RUN}/simulation/{SMALL_SIMULATION}/data.h5ad",
        embeddings=[
            f"results/{RUN}/autoencoder/{name}/embedding.h5ad" for name in SMALL_AUTOENCODERS
        ],
        histories=[f"results/{RUN}/autoencoder/{name}/history.tsv" for name in SMALL_AUTOENCODERS],
    output:
        pdf=f"results/{RUN}/figures/figure_S3.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S3.png",
            caption="../report/figure_S3.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S3.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S3.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        names=[Path(name).name for name in SMALL_AUTOENCODERS],
        code=fingerprint("draw_figure_S3"),
    script:
        "../../scripts/draw_figure_S3.py"


rule draw_figure_S4:
    input:
        points=f"results/{RUN}/sweeps/{FIRST_SWEEP}/points.parquet",
        recovery=f"results/{RUN}/sweeps/{FIRST_SWEEP}/recovery.parquet",
    output:
        pdf=f"results/{RUN}/figures/figure_S4.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S4.png",
            caption="../report/figure_S4.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S4.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S4.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_figure_S4"),
    script:
        "../../scripts/draw_figure_S4.py"


rule draw_figure_S13:
    input:
        points=f"results/{RUN}/tables/sweep_points.tsv",
        recovery=f"results/{RUN}/tables/sweep_recovery.tsv",
        structure=f"results/{RUN}/sweeps/{STRUCTURE_SWEEP}/structure.tsv",
        programs=f"results/{RUN}/sweeps/{STRUCTURE_SWEEP}/structure_programs.tsv",
        baselines=f"results/{RUN}/baselines/{STRUCTURE_SOURCE}/recovery.tsv",
        superposition=f"results/{RUN}/tables/superposition.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_S13.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S13.png",
            caption="../report/figure_S13.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S13.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S13.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        sweeps=[name for name in STRUCTURED if CONFIG.sweeps[name].source == STRUCTURE_SOURCE],
        select=CONFIG.sweeps[STRUCTURE_SWEEP].structure.select if STRUCTURED else {},
        code=fingerprint("draw_figure_S13"),
    script:
        "../../scripts/draw_figure_S13.py"


rule draw_figure_S14:
    input:
        table=f"results/{RUN}/tables/cell_sweeps.tsv",
        curves=[f"results/{RUN}/sweeps/{name}/curves.parquet" for name in CELL_SWEEPS],
    output:
        pdf=f"results/{RUN}/figures/figure_S14.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S14.png",
            caption="../report/figure_S14.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S14.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S14.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        sweeps=CELL_SWEEPS,
        code=fingerprint("draw_figure_S14"),
    script:
        "../../scripts/draw_figure_S14.py"


rule draw_figure_S14c:
    input:
        points=f"results/{RUN}/tables/sweep_points.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_S14c.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S14c.png",
            caption="../report/figure_S14c.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S14c.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S14c.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        real=CELL_SWEEPS,
        code=fingerprint("draw_figure_S14c"),
    script:
        "../../scripts/draw_figure_S14c.py"


rule draw_figure_S22:
    input:
        concepts=[f"results/{RUN}/concepts/{name}/concepts.h5ad" for name in FIRST_ANNOTATED],
    output:
        pdf=f"results/{RUN}/figures/figure_S22.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S22.png",
            caption="../report/figure_S22.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S22.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S22.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        names=FIRST_ANNOTATED,
        code=fingerprint("draw_figure_S22"),
    script:
        "../../scripts/draw_figure_S22.py"


rule draw_figure_S29:
    input:
        sizes=f"results/{RUN}/tables/concept_sizes.tsv",
        per_feature=f"results/{RUN}/tables/terms_per_feature.tsv",
        frequencies=f"results/{RUN}/tables/concept_frequency.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_S29.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S29.png",
            caption="../report/figure_S29.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S29.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S29.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        names=FIRST_ANNOTATED,
        code=fingerprint("draw_figure_S29"),
    script:
        "../../scripts/draw_figure_S29.py"


rule draw_figure_S32:
    input:
        comparison=f"results/{RUN}/tables/concept_comparison.tsv",
        frequencies=f"results/{RUN}/tables/concept_frequency.tsv",
    output:
        pdf=f"results/{RUN}/figures/figure_S32.pdf",
        png=report(
            f"results/{RUN}/figures/figure_S32.png",
            caption="../report/figure_S32.rst",
            category="Figures",
        ),
    log:
        f"results/{RUN}/logs/draw_figure_S32.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_figure_S32.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_figure_S32"),
    script:
        "../../scripts/draw_figure_S32.py"


rule draw_sweep_figures:
    input:
        points=f"results/{RUN}/sweeps/{SMALL_SWEEP}/points.parquet",
        recovery=f"results/{RUN}/sweeps/{SMALL_SWEEP}/recovery.parquet",
    output:
        pdf=[
            f"results/{RUN}/figures/figure_S5.pdf",
            f"results/{RUN}/figures/figure_S6.pdf",
            f"results/{RUN}/figures/figure_S7.pdf",
            f"results/{RUN}/figures/figure_S8.pdf",
            f"results/{RUN}/figures/figure_S9.pdf",
            f"results/{RUN}/figures/figure_S10.pdf",
            f"results/{RUN}/figures/figure_S11.pdf",
            f"results/{RUN}/figures/figure_S12.pdf",
        ],
        png=[
            report(
                f"results/{RUN}/figures/figure_S5.png",
                caption="../report/figure_S5.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S6.png",
                caption="../report/figure_S6.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S7.png",
                caption="../report/figure_S7.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S8.png",
                caption="../report/figure_S8.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S9.png",
                caption="../report/figure_S9.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S10.png",
                caption="../report/figure_S10.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S11.png",
                caption="../report/figure_S11.rst",
                category="Figures",
            ),
            report(
                f"results/{RUN}/figures/figure_S12.png",
                caption="../report/figure_S12.rst",
                category="Figures",
            ),
        ],
    log:
        f"results/{RUN}/logs/draw_sweep_figures.log",
    benchmark:
        f"results/{RUN}/benchmarks/draw_sweep_figures.tsv"
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("draw_sweep_figures"),
    script:
        "../../scripts/draw_sweep_figures.py"
