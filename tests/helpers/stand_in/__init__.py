"""A stand-in for what ``config/paper.yaml`` downloads: files of the same forms, made on the spot.

Nothing of the published files is in them. Cells are drawn from a model in which an erythroid
trajectory, haemoglobin genes and the terms of both are planted (:mod:`.marrow`), multiDGD is
trained on them (:mod:`.multidgd`), Geneformer has random weights but for the programs of its genes
(:mod:`.geneformer`), ontology and annotations name the planted genes (:mod:`.ontology`).
:mod:`.site` serves them from this computer, and :mod:`.study` lays sizes and addresses over the
config.
"""
