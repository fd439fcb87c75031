# What a linear probe finds in embeddings and in the observables themselves (paper section 4.1), and
# what decompositions of the same data and random neurons find (section 4.3).


rule measure_superposition:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
        embedding=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/embedding.h5ad",
    output:
        table=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/superposition.tsv",
    log:
        f"results/{RUN}/logs/measure_superposition/{{simulation}}/{{autoencoder}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/measure_superposition/{{simulation}}/{{autoencoder}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: JOBS.of_simulation(sizes.probe_threads)
    resources:
        mem_mb=growing(JOBS.of_autoencoder(sizes.superposition_memory)),
        runtime=growing(JOBS.of_simulation(sizes.probe_runtime)),
    params:
        probe=JOBS.setting("simulations/{simulation}/probe"),
        probe_epochs=JOBS.setting("simulations/{simulation}/probe_epochs"),
        device=device,
        code=fingerprint("measure_superposition"),
    script:
        "../../scripts/measure_superposition.py"


rule measure_ceiling:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        table=f"results/{RUN}/simulation/{{simulation}}/ceiling.tsv",
    log:
        f"results/{RUN}/logs/measure_ceiling/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/measure_ceiling/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: JOBS.of_simulation(sizes.probe_threads)
    resources:
        mem_mb=growing(JOBS.of_simulation(sizes.ceiling_memory)),
        runtime=growing(JOBS.of_simulation(sizes.probe_runtime)),
    params:
        probe=JOBS.setting("simulations/{simulation}/probe"),
        probe_epochs=JOBS.setting("simulations/{simulation}/probe_epochs"),
        ceiling_epochs=JOBS.setting("simulations/{simulation}/ceiling_epochs"),
        device=device,
        code=fingerprint("measure_ceiling"),
    script:
        "../../scripts/measure_ceiling.py"


rule score_random_neurons:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        table=f"results/{RUN}/simulation/{{simulation}}/chance_structure.tsv",
    log:
        f"results/{RUN}/logs/score_random_neurons/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/score_random_neurons/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(JOBS.of_simulation(sizes.chance_memory)),
        runtime=growing(60),
    params:
        config=JOBS.setting("simulations/{simulation}/chance"),
        code=fingerprint("score_random_neurons"),
    script:
        "../../scripts/score_random_neurons.py"


rule measure_baselines:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        table=f"results/{RUN}/baselines/{{simulation}}/recovery.tsv",
    log:
        f"results/{RUN}/logs/measure_baselines/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/measure_baselines/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(JOBS.of_simulation(sizes.baselines_memory)),
        runtime=growing(JOBS.of_simulation(sizes.baselines_runtime)),
    params:
        config=JOBS.setting("simulations/{simulation}/baselines"),
        code=fingerprint("measure_baselines"),
    script:
        "../../scripts/measure_baselines.py"
