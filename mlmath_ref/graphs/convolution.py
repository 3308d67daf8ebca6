r"""Graph convolution: every node sums its neighbors, weighted by their degrees.

A graph gives each item its own neighborhood, so a layer cannot have one weight for each position as
an image convolution has. What all neighborhoods share is the adjacency matrix: multiplying features
by it adds up those of the neighbors. Repeated, that product lets well-connected nodes outgrow the
others; dividing by the square roots of the degrees of both ends keeps the eigenvalues in
:math:`(-1, 1]`, so the powers of the matrix stay bounded. Its rows do not sum to 1: it is a
weighted sum and not an average, and the weights of a layer may still grow or shrink features.

One layer reaches the neighbors, :math:`k` layers reach all nodes within :math:`k` steps, and very
many leave features in proportion to the square roots of the degrees. A polynomial of the Laplacian reaches :math:`k` steps within one
layer, and may sharpen differences as well as average. In both the weights are fixed by the graph;
graph attention computes them from the features of both ends, and needs no Laplacian.

:map: 1.1 Linear maps
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.softmax import softmax
from mlmath_ref.arrays import Array
from mlmath_ref.graphs.matrices import normalized_adjacency
from mlmath_ref.sets import Adjacency, Decay, Mask, Real, SignedUnit, Simplex, checked


@checked
def gcn_layer(
    a: Adjacency[Array, "*batch n n"],
    x: Real[Array, "*batch n d_in"],
    w: Real[Array, "d_in d_out"],
) -> Real[Array, "*batch n d_out"]:
    r"""Graph convolutional layer: degree-weighted sum over a node and its neighbors, then mixed.

    .. math:: Z = \tilde{D}^{-1/2} \tilde{A} \tilde{D}^{-1/2} X W, \qquad
       \tilde{A} = A + I, \qquad \tilde{D}_{ii} = \sum_{j=1}^{n} \tilde{A}_{ij}

    For one node it is :math:`z_i = \sum_j \frac{\tilde{A}_{ij}}{\sqrt{\tilde{D}_{ii}
    \tilde{D}_{jj}}} \, x_j W`, for layer :math:`l` with an activation :math:`H^{(l+1)} =
    \sigma(\tilde{D}^{-1/2} \tilde{A} \tilde{D}^{-1/2} H^{(l)} W^{(l)})`; the identity :math:`I`
    joins every node to itself, and the diagonal matrix :math:`\tilde{D}` holds the degrees
    :math:`\tilde{D}_{ii}` with that loop counted. The matrix in front of :math:`X` is symmetric
    with eigenvalues in :math:`(-1, 1]`. Renumbering the nodes renumbers the rows of :math:`Z` in
    the same way.

    Args:
        a: :math:`A`, the adjacency matrix, without loops; weights of edges are allowed.
        x: :math:`X`, the features, one node a row.
        w: :math:`W`, the weights, one column for each output feature.

    Returns:
        :math:`Z`, the new features, one node a row, before any activation.

    Also called:
        GCN layer, Kipf-Welling layer, GCNConv.

    Asked as:
        GCN; graph convolution; graph convolutional network; renormalization trick; message passing;
        graph neural network; GNN; neighborhood aggregation; oversmoothing.

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
        for large graphs store the edges only. A degree may overflow. In deep stacks the propagation
        leaves features in proportion to the square roots of the degrees (oversmoothing).

    Checked against:
        ``np.array([sum((a[i, j] + (i == j)) / math.sqrt((1 + a[i].sum()) * (1 + a[j].sum()))
        * (x[j] @ w) for j in range(len(a))) for i in range(len(a))])``

    Examples:
        By hand: two joined nodes have degree 2 with their loops, so each gets
        :math:`(2 + 6)/2`, here the mean of both:

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
    """
    return normalized_adjacency(a) @ x @ w


@checked
def chebyshev_convolution(
    l_tilde: SignedUnit[Array, "*batch n n"],
    x: Real[Array, "*batch n d_in"],
    theta: Real[Array, "K d_in d_out"],
) -> Real[Array, "*batch n d_out"]:
    r"""Chebyshev graph convolution: a learned filter of graph frequencies, without eigenvectors.

    .. math::
        \begin{aligned}
        Y &= \sum_{j=1}^{K} Z_j \Theta_j, \qquad Z_1 = X, \qquad Z_2 = \tilde{L} X, \\
        Z_k &= 2 \tilde{L} Z_{k-1} - Z_{k-2}, \quad k = 3, \dots, K
        \end{aligned}

    In the Chebyshev polynomials, :math:`T_k(x) = 2 x \, T_{k-1}(x) - T_{k-2}(x)`, it is
    :math:`Y = \sum_{k=0}^{K-1} T_k(\tilde{L}) X \Theta_{k+1}`, with
    :math:`Z_k = T_{k-1}(\tilde{L}) X`, so that with
    :math:`\tilde{L} = U \operatorname{diag}(\lambda) U^\top` each frequency :math:`\lambda` gets a
    factor that is a polynomial of it. A node sees those at most :math:`K - 1` steps away.

    Args:
        l_tilde: :math:`\tilde{L}`, the rescaled Laplacian :math:`2 L / \lambda_{\max} - I`, with
            its eigenvalues moved from :math:`[0, \lambda_{\max}]` to :math:`[-1, 1]`; a normalized
            one has at most 2, which leaves :math:`-D^{-1/2} A D^{-1/2}`.
        x: :math:`X`, the features, one node a row.
        theta: :math:`\Theta`, a matrix of weights for each of the :math:`K` polynomials, with one
            column for each output feature.

    Returns:
        :math:`Y`, the new features, one node a row, before any activation.

    Also called:
        ChebConv, Chebyshev polynomial filter, Chebyshev filter on graphs.

    Asked as:
        ChebNet; spectral graph convolution; spectral GNN; graph Fourier transform; localized
        spectral filter.

    Role in ML:
        - layer -- Stable-ChebNet: adds such a filter with antisymmetric weights to the features it
          was given, so that many polynomials and many layers stay stable over long distances
          :cite:p:`hariri2025return{abstract; code: pyg-team/pytorch_geometric, pull request
          10704}`.
        - layer -- ChebNet: replaces the eigenvectors of the Laplacian, which cost the cube of the
          number of nodes, by sparse products, one for each polynomial
          :cite:p:`defferrard2016convolutional{sec. 2.1}`.
          Witness: ``torch_geometric.nn.ChebConv``.

    Numerics:
        On :math:`[-1, 1]` the polynomials stay within :math:`[-1, 1]`, and the recurrence is
        stable; an eigenvalue outside makes them grow exponentially in :math:`K`. That is what
        follows from too small a :math:`\lambda_{\max}`; only entries beyond 1 are refused. Costs
        :math:`K - 1` products, sparse in libraries, and no decomposition. With :math:`K = 1` nodes
        do not see each other.

    Checked against:
        ``sum(sum(c * np.linalg.matrix_power(l_tilde, i) for i, c in enumerate(
        np.polynomial.chebyshev.cheb2poly(np.eye(len(theta))[k]))) @ x @ theta[k]
        for k in range(len(theta)))``

    Examples:
        By hand: two joined nodes have :math:`\tilde{L}` exchange them with a minus sign, which
        gives :math:`2 + 10 \cdot (-6)` and :math:`6 + 10 \cdot (-2)`; squared it is the identity,
        and the third polynomial, :math:`2 \tilde{L}^2 - I`, adds 100 times the features:

        >>> import numpy as np
        >>> l, x = np.asarray([[0.0, -1.0], [-1.0, 0.0]]), np.asarray([[2.0], [6.0]])
        >>> theta = np.asarray([1.0, 10.0, 100.0]).reshape(3, 1, 1)
        >>> [chebyshev_convolution(l, x, theta[:k])[:, 0].tolist() for k in (1, 2, 3)]
        [[2.0, 6.0], [-58.0, -14.0], [142.0, 586.0]]

        Three nodes with weighted edges, two features and four polynomials, with the values of
        ``scipy.special.eval_chebyt`` on the eigenvalues:

        >>> laplacian = np.asarray([[0.5, -0.5, 0.0], [-0.5, 2.5, -2.0], [0.0, -2.0, 2.0]])
        >>> l = 2 / 5.0 * laplacian - np.eye(3)
        >>> x = np.asarray([[0.3, -1.2], [2.5, 0.8], [1.7, 0.4]])
        >>> theta = np.asarray([[[0.2], [1.1]], [[0.5], [-0.3]], [[-0.7], [0.9]], [[0.4], [0.6]]])
        >>> chebyshev_convolution(l, x, theta)[:, 0].round(4).tolist()
        [-4.2509, -0.9405, -1.1086]

        How much the first node takes from each, by the second polynomial and by the third, which
        reaches across the middle:

        >>> import torch
        >>> for only in ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]):
        ...     x = torch.ones(3, 1, requires_grad=True)
        ...     weights = torch.tensor(only).reshape(3, 1, 1)
        ...     chebyshev_convolution(torch.tensor(l).float(), x, weights)[0].backward()
        ...     print(x.grad[:, 0])
        tensor([-0.8000, -0.2000,  0.0000])
        tensor([0.3600, 0.3200, 0.3200])

        Two graphs at once, one without edges; the 20th polynomial of -1 is -1, but of the
        eigenvalue 1.2 it is 68 thousand, half of which an entry gets:

        >>> x, last = np.eye(2), np.zeros((20, 2, 2))
        >>> last[19] = np.eye(2)
        >>> graphs = np.stack([-np.eye(2), np.asarray([[0.0, -1.0], [-1.0, 0.0]])])
        >>> chebyshev_convolution(graphs, np.stack([x, x]), last).round(4).tolist()
        [[[-1.0, 0.0], [0.0, -1.0]], [[0.0, -1.0], [-1.0, 0.0]]]
        >>> wide = np.asarray([[0.2, -1.0], [-1.0, 0.2]])
        >>> f"{chebyshev_convolution(wide, x, last).max():.1e}"
        '3.4e+04'
    """
    y, before, z = x @ theta[0, ...], x, x
    for k in range(1, theta.shape[0]):
        before, z = z, l_tilde @ z if k == 1 else 2 * (l_tilde @ z) - before
        y = y + z @ theta[k, ...]
    return y


@checked
def gat_attention(
    mask: Mask[Array, "*batch n n"],
    x: Real[Array, "*batch n d_in"],
    w: Real[Array, "d_in d_out"],
    a: Real[Array, "d_out"],
    b: Real[Array, "d_out"],
    *,
    negative_slope: Decay[float, ""] = 0.2,
) -> Simplex[Array, "*batch n n"]:
    r"""Graph attention coefficients: how much each node listens to each of its neighbors.

    .. math:: \alpha_{ij} = \frac{M_{ij} \exp(\max(s_{ij}, \gamma s_{ij}))}
       {\sum_{l=1}^{n} M_{il} \exp(\max(s_{il}, \gamma s_{il}))}, \qquad
       s_{ij} = a \cdot Z_i + b \cdot Z_j, \qquad Z = X W

    The paper writes it for columns :math:`h_i` and one vector for both halves, :math:`\alpha_{ij} =
    \operatorname{softmax}_j(\operatorname{LeakyReLU}(a^\top [W h_i \,\|\, W h_j]))`: a softmax over
    neighbors, after a leaky rectifier of :math:`s_{ij}`, which is one number for the node plus one
    for the neighbor. Since the first is common to a row and the rectifier is increasing, every node
    ranks the neighbors it shares with another in the same order. The layer returns
    :math:`\alpha Z`, and several such heads side by side.

    Args:
        mask: :math:`M`, true where node :math:`i` may listen to node :math:`j`; with the diagonal
            true, to itself.
        x: :math:`X`, the features, one node a row.
        w: :math:`W`, the weights, one column for each output feature.
        a: :math:`a`, the first half of the attention vector, for the node that listens.
        b: :math:`b`, its second half, for the neighbor.
        negative_slope: :math:`\gamma`, the slope of the leaky rectifier below 0.

    Returns:
        :math:`\alpha`, one row of weights for each node, 0 where there is no edge.

    Also called:
        GAT attention, GAT coefficients.

    Asked as:
        GAT; GAT layer; GATConv; graph attention; graph attention network; additive attention; masked
        attention; edge attention.

    Role in ML:
        - layer -- G-Retriever: one of three encoders for the subgraph that was retrieved, whose
          summary is put before the question as a soft prompt; four heads, averaged
          :cite:p:`he2024gretriever{code: src/model/gnn.py, lines 63-73 and 92-96;
          src/model/graph_llm.py, lines 108-116 and 144}`.
          Witness: ``torch_geometric.nn.GATConv``.
        - layer -- Graph attention network: labels the nodes of graphs that it has not seen in
          training, because nothing in it depends on the graph as a whole
          :cite:p:`velickovic2018graph{abstract}`.

    Numerics:
        What is common to a row is taken off before the exponential, so large scores do no harm. A
        node that may listen to nobody is refused; libraries add every node to its own neighbors.
        GATv2 moves the vector behind the rectifier, and then the order may differ between nodes
        :cite:p:`brody2022attentive{eq. (7)}`. At :math:`s_{ij} = 0` there is a kink, where the
        slope is taken as :math:`\gamma`, as in ``torch.nn.functional.leaky_relu``.

    Checked against:
        ``scipy.special.softmax(np.array([[(lambda s: (s if s > 0 else negative_slope * s) if
        mask[i, j] else -np.inf)(np.concatenate([a, b]) @ np.concatenate([x[i] @ w, x[j] @ w]))
        for j in range(len(x))] for i in range(len(x))]), axis=-1)``

    Examples:
        By hand: the neighbors' scores are :math:`\log 3` and 0, so the weights are 3/4 and 1/4; the
        third node may not be listened to:

        >>> import numpy as np
        >>> mask = np.asarray([[True, True, False], [True, True, True], [False, False, True]])
        >>> x, one = np.asarray([[np.log(3.0)], [0.0], [5.0]]), np.ones(1)
        >>> gat_attention(mask, x, np.eye(1), 0 * one, one)[0].round(4).tolist()
        [0.75, 0.25, 0.0]

        Three nodes with two features, mapped to three, with the values of
        ``scipy.special.softmax``; of the second node's scores, 1.592, -0.046 and 0.53, one is
        negative:

        >>> x = np.asarray([[0.3, -1.2], [2.5, 0.8], [1.7, 0.4]])
        >>> w = np.asarray([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]])
        >>> a, b = np.asarray([0.6, 1.4, 0.5]), np.asarray([-0.9, 0.8, 1.3])
        >>> gat_attention(mask, x, w, a, b).round(4).tolist()
        [[0.5812, 0.4188, 0.0], [0.6462, 0.1303, 0.2234], [0.0, 0.0, 1.0]]

        With a rectifier of slope 1/2, a node whose own part is -1 has the scores -2, 1 and -1 with
        neighbors at -1, 2 and 0, which become -1, 1 and -1/2:

        >>> line = np.asarray([[-1.0], [2.0], [0.0]])
        >>> everyone = np.ones((3, 3), bool)
        >>> weights = gat_attention(everyone, line, np.eye(1), one, one, negative_slope=0.5)
        >>> weights[0].round(4).tolist()
        [0.0996, 0.7361, 0.1643]

        Without the leak, the first node's scores, both negative, are alike:

        >>> slopes = [gat_attention(mask, x, w, a, b, negative_slope=g)[0] for g in (0.0, 0.9)]
        >>> [weights.round(4).tolist() for weights in slopes]
        [[0.5, 0.5, 0.0], [0.8137, 0.1863, 0.0]]

        The derivative of the first weight in the features of the neighbors:

        >>> import torch
        >>> z = torch.tensor([[1.0986], [0.0], [5.0]], requires_grad=True)
        >>> ones = torch.ones(1)
        >>> gat_attention(torch.tensor(mask), z + 1, torch.eye(1), 0 * ones, ones)[0, 0].backward()
        >>> z.grad[:, 0]
        tensor([ 0.1875, -0.1875,  0.0000])

        All nodes joined: whoever listens, the order of the neighbors is one; and scores in the
        thousands do no harm, for two graphs at once:

        >>> np.argsort(gat_attention(everyone, x, w, a, b), axis=-1).tolist()
        [[1, 2, 0], [1, 2, 0], [1, 2, 0]]
        >>> pair = gat_attention(np.stack([mask, everyone]), 1e4 * np.stack([x, x]), w, a, b)
        >>> pair[:, 1].round(4).tolist()
        [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    xp = array_namespace(mask, x, w, a, b)
    z = x @ w
    own, others = (1 - negative_slope) * (z @ a)[..., :, None], (z @ b)[..., None, :]
    # the rectified sum, less what is common to a row: its own part, scaled where that is negative
    steep = others + xp.where(own > 0, 0.0, own)
    flat = negative_slope * others - xp.where(own > 0, own, 0.0)
    return softmax(xp.where(mask, xp.where(steep > flat, steep, flat), -math.inf))
