"""What numbers of steering are called on the page, their units, and how to read them."""

from __future__ import annotations

STEERING_WORDS: dict[str, tuple[str, str, str]] = {
    "efficiency": (
        "efficiency",
        "-1 to 1",
        "How much nearer cells come to the target per length of their way; 1 is straight.",
    ),
    "specificity": (
        "specificity",
        "0 to 1",
        "Effect on genes that truly differ, over that on all; 0.5 makes no difference.",
    ),
    "precision": (
        "precision",
        "share of genes",
        "Of the genes that change most, those that truly differ most in the same direction.",
    ),
    "dose": (
        "dose",
        "times the edit",
        "1: the edit; 0: a feature that is set is off, any other edit does nothing.",
    ),
    "activation": ("activation", "activation", "Mean of the edited feature over the cells."),
    "way": (
        "way",
        "share of the distance",
        "How much nearer the cells come to the target's mean, of their distance to it, with a "
        "95 % interval over draws of cells; 0: no nearer, 1: there.",
    ),
    "share_arrived": (
        "arrived",
        "% of cells",
        "Cells whose nearest type becomes the target and was not before.",
    ),
    "steering_role": ("Steered as", "", "Global: towards the target; local: of a type of its own."),
    "steering_cell_type": ("Target", "", "The type whose mean activation the feature is set to."),
    "steering_rank": ("Choice", "", "Its place among the features that the rule chose."),
    "steering_score": ("Score", "", "By which the rule orders features; larger comes first."),
    "steering_rule": ("Rule", "", "How the feature was chosen."),
    "steering_operation": ("Operation", "", "What is done to the activation."),
    "steering_steered_value": ("Set to", "activation", "What the activation is set to at dose 1."),
    "steering_drawn_value": (
        "Set to, in the picture",
        "activation",
        "The activation in the picture of steered cells.",
    ),
    "steering_n_cells": ("Steered cells", "cells", "Cells of the origin whose feature is edited."),
    "steering_beyond_range": ("Beyond range", "", "What is said of a value that no cell has."),
    "steering_share_clipped_control": (
        "Cut off before",
        "share of the decoded amount",
        "Decoded expression that lies below zero and is cut off, without the edit.",
    ),
    "steering_share_clipped_steered": (
        "Cut off after",
        "share of the decoded amount",
        "The same with the edit; much more than before makes genes fall by itself.",
    ),
    "steering_mean_control": ("before", "mean expression", "Decoded without the edit."),
    "steering_mean_steered": ("after", "mean expression", "Decoded with the edit."),
    "steering_log2_fold": (
        "log2 fold change",
        "log2 (after / before)",
        "1: twice as high after the edit.",
    ),
    "steering_p": (
        "p",
        "",
        "Rank of the effect among those of controls that move the same cells equally far.",
    ),
    "steering_q": ("q", "", "False discovery rate over the genes."),
    "control_mean_difference": (
        "difference of means",
        "",
        "From the mean of the origin's cells to that of the target's: made for this one way.",
    ),
    "control_linear_probe": (
        "linear probe",
        "",
        "The direction that best tells the cells of the two types apart.",
    ),
    "control_frozen": (
        "frozen decoder",
        "",
        "The most similar feature of an SAE whose decoder was not trained.",
    ),
    "control_untrained": ("untrained SAE", "", "The most similar feature of an untrained SAE."),
    "control_matched_features": (
        "matched features",
        "",
        "Features that are active about as often and move cells about as far.",
    ),
    "control_random_directions": (
        "random directions",
        "",
        "Drawn with the covariance of the cells.",
    ),
}
"""Name to label, unit and how to read it."""
