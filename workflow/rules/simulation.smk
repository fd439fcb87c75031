# Simulations with known truth, autoencoders on them, and what a linear probe finds in their
# embeddings (paper section 4.1); the linear decompositions of the same data (section 4.3).


rule simulate:
    output:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    log:
        f"results/{RUN}/logs/simulate/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/simulate/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=simulate_memory,
        runtime=30,
    params:
        config=setting("simulations/{simulation}/data"),
        code=fingerprint("simulate"),
    script:
        "../../scripts/simulate.py"


rule train_autoencoder:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        model=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/model.safetensors",
        config=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/config.json",
        history=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/history.tsv",
        embedding=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/embedding.h5ad",
    log:
        f"results/{RUN}/logs/train_autoencoder/{{simulation}}/{{autoencoder}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/train_autoencoder/{{simulation}}/{{autoencoder}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: train_threads
    resources:
        mem_mb=train_memory,
        runtime=train_runtime,
    params:
        config=autoencoder_config,
        device=device,
        code=fingerprint("train_autoencoder"),
    script:
        "../../scripts/train_autoencoder.py"


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
    threads: probe_threads
    resources:
        mem_mb=superposition_memory,
        runtime=probe_runtime,
    params:
        probe=setting("simulations/{simulation}/probe"),
        probe_epochs=setting("simulations/{simulation}/probe_epochs"),
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
    threads: probe_threads
    resources:
        mem_mb=ceiling_memory,
        runtime=probe_runtime,
    params:
        probe=setting("simulations/{simulation}/probe"),
        probe_epochs=setting("simulations/{simulation}/probe_epochs"),
        ceiling_epochs=setting("simulations/{simulation}/ceiling_epochs"),
        device=device,
        code=fingerprint("measure_ceiling"),
    script:
        "../../scripts/measure_ceiling.py"


rule count_components:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        table=f"results/{RUN}/simulation/{{simulation}}/intrinsic_dimension.tsv",
    log:
        f"results/{RUN}/logs/count_components/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/count_components/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=fingerprint("count_components"),
    script:
        "../../scripts/count_components.py"


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
    threads: 1
    resources:
        mem_mb=chance_memory,
        runtime=60,
    params:
        config=setting("simulations/{simulation}/chance"),
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
    threads: 1
    resources:
        mem_mb=baselines_memory,
        runtime=baselines_runtime,
    params:
        config=setting("simulations/{simulation}/baselines"),
        code=fingerprint("measure_baselines"),
    script:
        "../../scripts/measure_baselines.py"
