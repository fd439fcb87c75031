# SAE sweeps over embeddings of simulations and of real cells. One job trains one stack of points.
# Finished points stay in a store beside the sweep, which no rule declares, so that a grown grid
# trains only what is new and an interrupted job loses at most the point in hand. What is measured on
# them are the files of featurelens.sweeps.measures: on a simulation (paper sections 4.2 and 4.3) the
# truth is known and recovery is measured, on real cells (Figure S14) what the SAEs make of held-out
# cells. A small sweep is measured in one job, a large one in a job a stack.


rule train_stack:
    input:
        embedding=JOBS.of_sweep(PLAN.embedding_file),
    output:
        table=f"results/{RUN}/sweeps/{{sweep}}/stacks/{{stack}}.parquet",
    log:
        f"results/{RUN}/logs/train_stack/{{sweep}}/{{stack}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/train_stack/{{sweep}}/{{stack}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(JOBS.of_stack(sweep_sizes.stack_memory)),
        runtime=JOBS.of_stack(sweep_sizes.stack_runtime),
    params:
        points=JOBS.setting("{sweep}/{stack}", within=PLAN.stacks),
        source=JOBS.setting("sweeps/{sweep}/embedding"),
        store=f"results/{RUN}/sweeps/{{sweep}}/store",
        n_cells=JOBS.of_sweep(PLAN.trained_cells),
        engine=CONFIG.engine,
        device=device,
        code=code.stack_code(fingerprint, "train_stack", PLAN.stacks, engine=CONFIG.engine),
    script:
        "../../scripts/train_stack.py"


rule collect_sweep:
    input:
        points=JOBS.stack_tables("stacks"),
    output:
        index=f"results/{RUN}/sweeps/{{sweep}}/index.tsv",
        points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
    log:
        f"results/{RUN}/logs/collect_sweep/{{sweep}}.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        points=JOBS.of_sweep(PLAN.points),
        code=fingerprint("collect_sweep"),
    script:
        "../../scripts/collect_sweep.py"


for job in TARGETS.measuring:

    rule:
        name:
            job.rule
        input:
            **{name: JOBS.of_sweep(PLAN.measured_on[name]) for name in job.measure.inputs},
            points=f"results/{RUN}/sweeps/{{sweep}}/{job.points}",
        output:
            **{name: f"results/{RUN}/sweeps/{{sweep}}/{file}" for name, file in job.outputs.items()},
        log:
            f"results/{RUN}/logs/{job.rule}/{job.parts}.log",
        benchmark:
            f"results/{RUN}/benchmarks/{job.rule}/{job.parts}.tsv"
        wildcard_constraints:
            sweep="|".join(map(re.escape, job.sweeps)),
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=growing(JOBS.measuring(job.measure.name, sweep_sizes.measuring_memory)),
            runtime=growing(JOBS.measuring(job.measure.name, sweep_sizes.measuring_runtime)),
        params:
            measure=job.measure.name,
            n_cells=JOBS.of_sweep(PLAN.trained_cells),
            store=f"results/{RUN}/sweeps/{{sweep}}/store",
            values=JOBS.measured_values(job.measure),
            code=sweep_code("measure_sweep", sweeps__measures=job.measure.name),
        script:
            "../../scripts/measure_sweep.py"


for job in [job for job in TARGETS.measuring if job.is_of_stacks]:

    rule:
        name:
            f"collect_{job.measure.name}"
        input:
            **{name: JOBS.stack_tables(Path(file).parent) for name, file in job.outputs.items()},
            points=f"results/{RUN}/sweeps/{{sweep}}/points.parquet",
        output:
            **{
                name: f"results/{RUN}/sweeps/{{sweep}}/{file}"
                for name, file in job.measure.outputs.items()
            },
        log:
            f"results/{RUN}/logs/collect_{job.measure.name}/{{sweep}}.log",
        wildcard_constraints:
            sweep="|".join(map(re.escape, job.sweeps)),
        localrule: True
        conda:
            "../../envs/core.yaml"
        params:
            code=fingerprint("collect_measure"),
        script:
            "../../scripts/collect_measure.py"
