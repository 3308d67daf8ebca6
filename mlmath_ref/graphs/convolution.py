r"""Graph convolution: every node averages over its neighbors.

A graph gives each item its own neighborhood, so a layer cannot have one weight for each position as
an image convolution has. What all neighborhoods share is the adjacency matrix: multiplying features
by it adds up those of the neighbors. Repeated, that product lets well-connected nodes outgrow the
others; dividing by the square roots of the degrees of both ends keeps the eigenvalues in
:math:`(-1, 1]` and the layer stable at any depth.

One layer reaches the neighbors, :math:`k` layers reach all nodes within :math:`k` steps, and very
many make connected nodes alike. The weights of this average are fixed by the graph; graph attention
computes them from the features of both ends :cite:p:`velickovic2018graph`.

:map: 1.1 Linear maps
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Adjacency, Real, checked


@checked
def gcn_layer(
    a: Adjacency[Array, "*batch n n"],
    x: Real[Array, "*batch n d_in"],
    w: Real[Array, "d_in d_out"],
) -> Real[Array, "*batch n d_out"]:
    r"""Graph convolutional layer: each node's features averaged with its neighbors', then mixed.

    .. math:: Z = \tilde{D}^{-1/2} \tilde{A} \tilde{D}^{-1/2} X W, \qquad
       \tilde{A} = A + I, \qquad \tilde{D}_{ii} = \sum_{j=1}^{n} \tilde{A}_{ij}

    The identity :math:`I` joins every node to itself, and the diagonal matrix :math:`\tilde{D}`
    holds the degrees :math:`\tilde{D}_{ii}` with that loop counted. The matrix in front of
    :math:`X` is symmetric with eigenvalues in :math:`(-1, 1]`. Renumbering the nodes renumbers the
    rows of :math:`Z` in the same way.

    Args:
        a: :math:`A`, the adjacency matrix, without loops; weights of edges are allowed.
        x: :math:`X`, the features, one node a row.
        w: :math:`W`, the weights, one column for each output feature.

    Returns:
        :math:`Z`, the new features, one node a row, before any activation.

    Also called:
        GCN, graph convolution, graph convolutional network, GCNConv, renormalization trick,
        message passing, normalized adjacency, Kipf-Welling layer.

    Role in ML:
        - layer -- Graph convolutional network: labels the documents of a citation network from few
          examples with two of these layers; a ReLU follows the first, no activation the second
          :cite:p:`kipf2017semi{eq. (2); code: gcn/models.py, class GCN}`.
          Witness: ``torch_geometric.nn.GCNConv``.
        - layer -- Tuned GCN: a stack of these layers with residual connections, normalization and
          dropout is compared with graph transformers on 18 benchmarks of node classification
          :cite:p:`luo2024classic{abstract; code: medium_graph/model.py, lines 38 and 54}`.

    Numerics:
        The loop keeps every degree at 1 or more, so a node without neighbors is no division by
        zero: it gets :math:`x W`. With a dense matrix the cost is
        :math:`2 n^2 d_{\mathrm{in}} + 2 n d_{\mathrm{in}} d_{\mathrm{out}}` operations; libraries
        for large graphs store the edges only. A node whose degree overflows is left out: its
        row is 0.

    Checked against:
        ``np.array([sum((a[i, j] + (i == j)) / math.sqrt((1 + a[i].sum()) * (1 + a[j].sum()))
        * (x[j] @ w) for j in range(len(a))) for i in range(len(a))])``

    Examples:
        By hand: two joined nodes have degree 2 with their loops, so each gets the mean of both,
        :math:`(2 + 6)/2`:

        >>> import numpy as np
        >>> a = np.asarray([[0.0, 1.0], [1.0, 0.0]])
        >>> gcn_layer(a, np.asarray([[2.0], [6.0]]), np.ones((1, 1))).round(4).tolist()
        [[4.0], [4.0]]

        A path of three nodes with weighted edges; the values are those of a loop over neighbors:

        >>> a = np.asarray([[0.0, 0.5, 0.0], [0.5, 0.0, 2.0], [0.0, 2.0, 0.0]])
        >>> x = np.asarray([[0.3, -1.2], [2.5, 0.8], [1.7, 0.4]])
        >>> w = np.asarray([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]])
        >>> gcn_layer(a, x, w).round(4).tolist()
        [[-0.5389, 0.5604, -1.0848], [0.6008, 0.8504, -1.0881], [1.1118, 0.8667, -0.9124]]

        How much the first node takes from each: itself :math:`1/1.5`, its neighbor
        :math:`0.5/\sqrt{1.5 \cdot 3.5}`, nothing from two steps away:

        >>> import torch
        >>> x = torch.ones(3, 1, requires_grad=True)
        >>> gcn_layer(torch.tensor(a).float(), x, torch.ones(1, 1))[0].backward()
        >>> x.grad[:, 0]
        tensor([0.6667, 0.2182, 0.0000])

        Two graphs of three nodes: a node without neighbors keeps its features, and in the second
        all are joined, so each gets the mean:

        >>> edges = np.stack([np.zeros((3, 3)), 1.0 - np.eye(3)])
        >>> x = np.asarray([[0.3], [-1.2], [2.7]])
        >>> gcn_layer(edges, np.stack([x, x]), np.ones((1, 1)))[..., 0].round(4).tolist()
        [[0.3, -1.2, 2.7], [0.6, 0.6, 0.6]]

        Weights whose sum leaves the range of float32 leave nothing:

        >>> a = torch.tensor([[0.0, 2e38, 0.0], [2e38, 0.0, 2e38], [0.0, 2e38, 0.0]])
        >>> gcn_layer(a, torch.ones(3, 1), torch.ones(1, 1))[1]
        tensor([0.])
    """
    xp = array_namespace(a, x, w)
    looped = a + xp.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    scale = 1 / xp.sqrt(xp.sum(looped, axis=-1, keepdims=True))
    return (scale * looped * scale.mT) @ x @ w
