# Steps that their own files describe: featurelens/<room>/steps/<rule>.py says what it reads, writes and
# asks for (featurelens.planning.steps). Simulations and what is measured on them (paper sections 4.1
# and 4.3), maps and lists of features (5.1), closer looks at chosen ones, the space of concepts (5.3).

for step in read_steps():

    rule:
        name:
            step.name
        input:
            **JOBS.inputs(step),
        output:
            **{key: f"results/{RUN}/{path}" for key, path in step.outputs.items()},
        log:
            f"results/{RUN}/logs/{step.name}/{step.parts}.log",
        benchmark:
            f"results/{RUN}/benchmarks/{step.name}/{step.parts}.tsv"
        localrule: step.is_local
        conda:
            "../../envs/core.yaml"
        threads: JOBS.size(step.threads)
        resources:
            mem_mb=JOBS.step_memory(step),
            runtime=growing(JOBS.size(step.minutes)),
        params:
            step=step.name,
            values=JOBS.values(step),
            device=device if step.gpu else "cpu",
            code=code.step_code(fingerprint, "take_step", step),
        script:
            "../../scripts/take_step.py"
