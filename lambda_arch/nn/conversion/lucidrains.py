"""github.com/lucidrains/lambda-networks: the lambda layer alone."""

from lambda_arch.nn.conversion.layout import EMBEDDINGS, Layout, by_table

LAYER = {
    "to_q": "queries",
    "to_k": "keys",
    "to_v": "values",
    "norm_q": "query_norm",
    "norm_v": "value_norm",
    "pos_conv": "position",
    "rel_pos_emb": EMBEDDINGS,
}
"""Names within a layer; a global one's embeddings are (2n-1, 2n-1, k, u)."""

LUCIDRAINS = Layout(
    name="lucidrains",
    source="github.com/lucidrains/lambda-networks",
    example="to_q.weight",
    rename=lambda name: by_table(name, LAYER),
)
