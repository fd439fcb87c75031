"""What an atlas shows, computed from its material: one table of each kind, joined by numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.atlas.cells import Activations, Cells, cells_of
from featurelens.atlas.genes import leading_genes
from featurelens.atlas.maps import FeatureMap, feature_maps
from featurelens.atlas.material import Material
from featurelens.atlas.measures import measures_of
from featurelens.atlas.near import nearest
from featurelens.atlas.terms import carried_terms
from featurelens.genesets.sets import unique_symbols


@dataclass(frozen=True)
class Gathered:
    """Tables and arrays of one atlas. Features, genes and terms are known by their numbers."""

    material: Material
    genes: list[str]
    """Every gene of the data, by gene_id, as tests of genes call it: its symbol, made unique."""
    cells: Cells
    activations: Activations
    leading: pd.DataFrame
    """Of :func:`featurelens.atlas.genes.leading_genes`, with number (of the feature) and gene_id,
    in the order of the features."""
    sizes: pd.DataFrame
    """n_high and n_low of every feature; 0 where it was not tested."""
    carried: pd.DataFrame
    """Of :func:`featurelens.atlas.terms.carried_terms`, with number and term_id."""
    terms: pd.DataFrame
    """term, collection, category and n_genes of every gene set, by term_id."""
    near: tuple[NDArray, NDArray, NDArray]
    """Of :func:`featurelens.atlas.near.nearest`."""
    maps: list[FeatureMap]
    measures: Mapping[str, NDArray]
    """Further numbers of every feature (:mod:`featurelens.atlas.measures`)."""

    @property
    def var(self) -> pd.DataFrame:
        """Statistics of the features."""
        return self.material.features.var

    @property
    def varm(self) -> Mapping[str, NDArray]:
        """Their statistics by type, (n_features, n_types) each."""
        return self.material.features.varm

    @property
    def n_cells(self) -> int:
        """All cells, drawn or not."""
        return self.material.features.n_obs

    @property
    def labels(self) -> list[str] | None:
        """What features are called besides their number, if anything."""
        return list(self.var["component"].astype(str)) if "component" in self.var else None

    @property
    def aliases(self) -> dict[str, list[str]]:
        """Further names of the genes by the column they stand in, where some differ."""
        texts = {"name": self.material.genes.index.to_series().astype(str)}
        texts |= {
            str(name): column.astype(object).where(column.notna(), "").astype(str)
            for name, column in self.material.genes.items()
            if column.dtype.kind in "OSU" or isinstance(column.dtype, pd.CategoricalDtype)
        }
        told = [self.genes]
        found: dict[str, list[str]] = {}
        for name, column in sorted(texts.items(), key=lambda item: item[0] == "name"):
            if column.nunique() > len(column) / 2 and column.tolist() not in told:
                found[name] = column.tolist()
                told.append(found[name])
        return found

    @cached_property
    def fractions(self) -> NDArray[np.float64]:
        """Share of the cells of each type that activate a feature, (n_features, n_types)."""
        types = self.material.features.obs["cell_type"].cat.remove_unused_categories()
        codes = types.cat.codes.to_numpy()
        n_types = len(self.cells.types)
        member = sparse.csr_matrix(
            (np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n_types, len(codes))
        )
        active = (self.material.features.X != 0).astype(np.float64)
        return np.asarray((member @ active).todense()).T / np.array(self.cells.sizes)

    def counts(self, bits: int) -> NDArray[np.int64]:
        """Terms of every feature that some of these filters keep, among those listed."""
        kept = self.carried[self.carried["flags"] & bits > 0]
        return np.bincount(kept["number"], minlength=len(self.var))


def gather(material: Material) -> Gathered:
    """Compute all that the atlas of one source of features shows."""
    features = material.features
    cells = cells_of(material)
    activations = Activations.of(features, cells.rows)
    leading, sizes = leading_genes(material)
    carried = carried_terms(material)
    terms = _all_terms(material, carried)
    live = (features.var["n_active"] > 0).to_numpy()
    genes = unique_symbols(material.genes["symbol"])
    gene_id = pd.Index(genes).get_indexer(pd.Index(leading["gene"]))
    places = terms.set_index(["collection", "term"]).index
    carried_keys = pd.MultiIndex.from_frame(carried[["collection", "term"]].astype(str))
    return Gathered(
        material=material,
        genes=genes,
        cells=cells,
        activations=activations,
        leading=_numbered(leading.assign(gene_id=gene_id), features.var_names),
        sizes=sizes.reindex(features.var_names).fillna(0),
        carried=_numbered(
            carried.assign(term_id=places.get_indexer(carried_keys)), features.var_names
        ),
        terms=terms,
        near=nearest(material.directions, activations.columns),
        maps=feature_maps(material, cells, activations, live),
        measures=measures_of(material),
    )


def _numbered(rows: pd.DataFrame, features: pd.Index) -> pd.DataFrame:
    """Rows with the number of their feature, in the order of the features."""
    number = pd.Index(features.astype(str)).get_indexer(pd.Index(rows["feature"].astype(str)))
    return rows.assign(number=number).sort_values("number", kind="stable", ignore_index=True)


def _all_terms(material: Material, carried: pd.DataFrame) -> pd.DataFrame:
    """Every gene set of every collection, in the order of their files."""
    parts = []
    for name, collection in material.collections.items():
        found = carried[carried["collection"] == name].drop_duplicates("term")
        if collection.terms is None:
            part = found.rename(columns={"n_term": "n_genes"})[["term", "n_genes"]].sort_values(
                "term"
            )
        else:
            part = collection.terms[["term", "n_genes"]].astype({"term": str})
        category = found.set_index("term")["category"].reindex(part["term"]).fillna("")
        parts.append(part.assign(collection=name, category=category.to_numpy(dtype=str)))
    if not parts:
        return pd.DataFrame({"term": [], "n_genes": [], "collection": [], "category": []})
    return pd.concat(parts, ignore_index=True)
