"""A model.pt of the form that scvi-tools writes, made without it, and its networks in torch."""

from collections import OrderedDict, defaultdict

import numpy as np
import pandas as pd
import torch
from torch import nn

GENES = [f"g{i}" for i in range(6)]
BATCHES = ["left", "right", "top"]


def layers(n_in, n_out, n_layers, n_batches):
    """Hidden layers as in scvi-tools: every one takes the batch, is normalised, then ReLU."""
    stack = nn.Sequential()
    for i in range(n_layers):
        linear = nn.Linear((n_in if i == 0 else n_out) + n_batches, n_out)
        norm = nn.BatchNorm1d(n_out, eps=0.001)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.uniform_(norm.bias, -1, 1)
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.2, 3)
        stack.add_module(f"Layer {i}", nn.Sequential(linear, norm, nn.ReLU()))
    return stack


class Network(nn.Module):
    """Encoder and decoder, names as in the state dictionary of scvi-tools."""

    def __init__(self, n_genes=6, n_latent=2, n_hidden=5, n_layers=2, n_batches=3):
        super().__init__()
        self.n_batches = 0 if n_batches == 1 else n_batches
        self.z_encoder = nn.ModuleDict(
            {
                "encoder": nn.ModuleDict({"fc_layers": layers(n_genes, n_hidden, n_layers, 0)}),
                "mean_encoder": nn.Linear(n_hidden, n_latent),
                "var_encoder": nn.Linear(n_hidden, n_latent),
            }
        )
        hidden = layers(n_latent, n_hidden, n_layers, self.n_batches)
        self.decoder = nn.ModuleDict(
            {
                "px_decoder": nn.ModuleDict({"fc_layers": hidden}),
                "px_scale_decoder": nn.Sequential(nn.Linear(n_hidden, n_genes), nn.Softmax(-1)),
            }
        )
        self.px_r = nn.Parameter(torch.randn(n_genes))

    @torch.no_grad()
    def encode(self, counts):
        hidden = torch.log1p(torch.tensor(counts, dtype=torch.float32))
        for layer in self.z_encoder["encoder"]["fc_layers"]:
            hidden = layer(hidden)
        variance = self.z_encoder["var_encoder"](hidden).exp() + 1e-4
        return self.z_encoder["mean_encoder"](hidden).numpy(), variance.numpy()

    @torch.no_grad()
    def decode(self, z, batches):
        """Proportions of cells of the given batches, (n, n_genes)."""
        hidden = torch.tensor(z, dtype=torch.float32)
        code = torch.eye(max(self.n_batches, 1))[list(batches)][:, : self.n_batches]
        for layer in self.decoder["px_decoder"]["fc_layers"]:
            hidden = layer(torch.cat([hidden, code], dim=1))
        return self.decoder["px_scale_decoder"](hidden).numpy()


def network(seed=0, **sizes):
    torch.manual_seed(seed)
    return Network(**sizes).eval()


def content(model, *, batches=BATCHES, name="SCVI", genes=GENES, module=(), **options):
    """What scvi-tools 1.4.2 puts into model.pt, a table of another library included.

    ``module`` holds what SCVI hands on to its module VAE, ``options`` what it takes itself.
    """
    fields = defaultdict(dict)
    fields["batch"] = {
        "state_registry": {"categorical_mapping": np.array(batches, dtype=object)},
        "summary_stats": {"n_batch": len(batches)},
    }
    return {
        "model_state_dict": OrderedDict(model.state_dict()),
        "var_names": np.array(genes, dtype=object),
        "attr_dict": {
            "history_": {"elbo_train": pd.DataFrame({"elbo_train": [3.0, 2.0]})},
            "init_params_": {
                "kwargs": {"kwargs": dict(module)},
                "non_kwargs": {"gene_likelihood": "nb", "latent_distribution": "normal"} | options,
            },
            "registry_": {
                "model_name": name,
                "scvi_version": "1.4.2",
                "setup_args": {"batch_key": "batch", "size_factor_key": None},
                "field_registries": fields,
            },
            "test_indices_": np.array([], dtype=np.int64),
            "scale_": np.float64(0.5),
        },
    }


def save(path, model, **about):
    torch.save(content(model, **about), path)
    return str(path)
