# SAE sweeps over embeddings of simulations and of real cells. One job trains one stack of points.
# Finished points stay in a store beside the sweep, which no rule declares, so that a grown grid
# trains only what is new and an interrupted job loses at most the point in hand. On a simulation
# (paper sections 4.2 and 4.3) the truth is known and recovery is measured, on real cells (Figure
# S14) what the SAEs make of held-out cells.


rule train_stack:
    input:
        embedding=sweep_embedding,
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/stacks/{{stack}}.parquet",
    log:
        f"results/{RUN}/logs/train_stack/{{sweep}}/{{stack}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/train_stack/{{sweep}}/{{stack}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=stack_memory,
        runtime=stack_runtime,
    params:
        points=setting("{sweep}/{stack}", within=STACKS),
        source=setting("sweeps/{sweep}/embedding"),
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        n_cells=sweep_cells,
        engine=CONFIG.engine,
        device=device,
        code=fingerprint("train_stack"),
    script:
        "../../scripts/train_stack.py"


rule measure_recovery:
    input:
        data=sweep_simulation,
        embedding=sweep_embedding,
        points=f"results/{RUN}/sweeps/{{sweep}}/stacks/{{stack}}.parquet",
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/recovery/{{stack}}.parquet",
    log:
        f"results/{RUN}/logs/measure_recovery/{{sweep}}/{{stack}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/measure_recovery/{{sweep}}/{{stack}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=recovery_memory,
        runtime=recovery_runtime,
    params:
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        code=fingerprint("measure_recovery"),
    script:
        "../../scripts/measure_recovery.py"


rule measure_held_out:
    input:
        embedding=sweep_embedding,
        points=f"results/{RUN}/sweeps/{{sweep}}/stacks/{{stack}}.parquet",
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/held_out/{{stack}}.parquet",
        curves=f"results/{RUN}/sweeps/{{sweep}}/curves/{{stack}}.parquet",
    log:
        f"results/{RUN}/logs/measure_held_out/{{sweep}}/{{stack}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/measure_held_out/{{sweep}}/{{stack}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        n_cells=sweep_cells,
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        code=fingerprint("measure_held_out"),
    script:
        "../../scripts/measure_held_out.py"


rule collect_sweep:
    input:
        points=sweep_tables("stacks"),
    output:
        index=f"results/{RUN}/sweeps/{{sweep}}/index.tsv",
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
    log:
        f"results/{RUN}/logs/collect_sweep/{{sweep}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        points=sweep_points,
        code=fingerprint("collect_sweep"),
    script:
        "../../scripts/collect_sweep.py"


rule collect_recovery:
    input:
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
        recovery=sweep_tables("recovery"),
    output:
        recovery=f"results/{RUN}/sweeps/{{sweep}}/recovery.parquet",
    log:
        f"results/{RUN}/logs/collect_recovery/{{sweep}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("collect_recovery"),
    script:
        "../../scripts/collect_recovery.py"


rule collect_held_out:
    input:
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
        held_out=sweep_tables("held_out"),
        curves=sweep_tables("curves"),
    output:
        held_out=f"results/{RUN}/sweeps/{{sweep}}/held_out.parquet",
        curves=f"results/{RUN}/sweeps/{{sweep}}/curves.parquet",
    log:
        f"results/{RUN}/logs/collect_held_out/{{sweep}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        code=fingerprint("collect_held_out"),
    script:
        "../../scripts/collect_held_out.py"


rule compare_seeds:
    input:
        embedding=sweep_embedding,
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/consistency.tsv",
    log:
        f"results/{RUN}/logs/compare_seeds/{{sweep}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/compare_seeds/{{sweep}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=comparison_memory,
        runtime=comparison_runtime,
    params:
        n_cells=sweep_cells,
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        code=fingerprint("compare_seeds"),
    script:
        "../../scripts/compare_seeds.py"


rule match_dictionaries:
    input:
        data=sweep_simulation,
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/dictionary.tsv",
    log:
        f"results/{RUN}/logs/match_dictionaries/{{sweep}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/match_dictionaries/{{sweep}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=sweep_baselines,
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        code=fingerprint("match_dictionaries"),
    script:
        "../../scripts/match_dictionaries.py"


rule recover_structure:
    input:
        data=sweep_simulation,
        embedding=sweep_embedding,
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/structure.tsv",
        programs=f"results/{RUN}/sweeps/{{sweep}}/structure_programs.tsv",
    log:
        f"results/{RUN}/logs/recover_structure/{{sweep}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/recover_structure/{{sweep}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=structure_memory,
        runtime=structure_runtime,
    params:
        ids=structure_points,
        config=setting("sweeps/{sweep}/structure"),
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        code=fingerprint("recover_structure"),
    script:
        "../../scripts/recover_structure.py"
