r"""Graph matrices: what the adjacency matrix becomes before anything is learned.

An adjacency matrix :math:`A` adds up what neighbors hold, and well-connected nodes get the most.
The degrees :math:`D_{ii} = \sum_j A_{ij}` set that right. The Laplacian :math:`D - A` measures how
values differ across edges; its eigenvectors are the oscillations of the graph, from the slowest on.
The random walk :math:`D^{-1} A` averages over neighbors, and its powers tell how far a walker gets.
The symmetric :math:`D^{-1/2} A D^{-1/2}` has the same eigenvalues as the walk and orthogonal
eigenvectors.

The signs tell what was added: a tilde, :math:`\tilde{A} = A + I`, for the graph with a loop at
every node, a hat, :math:`\hat{A}`, for what is normalized after that. Literature that writes
:math:`\hat{A} = A + I` means the first.

A walk that remembers where it came from is no longer one matrix: its next step depends on the last
two nodes, and so node2vec can prefer to stay near or to leave.

:map: 1.2 Eigenvalues and spectra
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import (
    PSD,
    Adjacency,
    Labels,
    Mask,
    Masses,
    Nonneg,
    Positive,
    Simplex,
    checked,
)


@checked
def graph_laplacian(a: Adjacency[Array, "*batch n n"]) -> PSD[Array, "*batch n n"]:
    r"""Graph Laplacian: how much each node differs from its neighbors, as a matrix.

    .. math:: L = D - A, \qquad D_{ii} = \sum_{j=1}^{n} A_{ij}

    For values :math:`x` at the nodes of an undirected graph,
    :math:`(L x)_i = \sum_j A_{ij} (x_i - x_j)`, and
    :math:`x^\top L x = \frac12 \sum_{i, j} A_{ij} (x_i - x_j)^2`, the sum over the edges that says
    how smooth they are, so no eigenvalue is negative. Constant values give 0, and 0 is an
    eigenvalue as often as the graph has separate parts.

    Args:
        a: :math:`A`, the adjacency matrix, without loops; weights of edges are allowed.

    Returns:
        :math:`L`, with the degrees :math:`D_{ii}` on its diagonal.

    Also called:
        combinatorial Laplacian, Laplacian matrix, unnormalized Laplacian, Kirchhoff matrix,
        admittance matrix.

    Asked as:
        discrete Laplace operator; graph Fourier basis; spectral clustering; Fiedler vector.

    Role in ML:
        - preprocessing -- LLaGA: eigenvectors of the Laplacian of a fixed sampling tree, where each
          node but the root has one parent, tell a language model where a node of the neighborhood
          stands :cite:p:`chen2024llaga{code: utils/data_process.py, lines 198-216}`.
        - primitive -- PyG: built from a list of edges, for Chebyshev filters and for positional
          encodings by eigenvectors
          :cite:p:`fey2025pyg{code: torch_geometric/utils/laplacian.py}`.
          Witness: ``torch_geometric.utils.get_laplacian``.

    Numerics:
        The rows sum to 0 up to rounding of the degrees. Eigenvalues grow with the degrees, up to
        twice the largest; divided by the degrees,
        :math:`D^{-1/2} L D^{-1/2} = I - D^{-1/2} A D^{-1/2}` (the normalized Laplacian,
        ``normed=True`` in ``scipy.sparse.csgraph.laplacian``), they are at most 2, but a node
        without neighbors has to be left out. A degree that overflows is infinite, and the other
        entries stay. The eigenvalue 0 is computed as some :math:`10^{-16}`
        of either sign.

    Checked against:
        ``scipy.sparse.csgraph.laplacian(a)``

    Examples:
        By hand, a path of three nodes; the ends have one neighbor, the middle two:

        >>> import numpy as np
        >>> path = np.asarray([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> graph_laplacian(path).tolist()
        [[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]]

        Weighted edges, as in ``scipy.sparse.csgraph.laplacian``, and what it measures:
        :math:`0.5 \cdot 3^2 + 2 \cdot 1^2`:

        >>> a = np.asarray([[0.0, 0.5, 0.0], [0.5, 0.0, 2.0], [0.0, 2.0, 0.0]])
        >>> graph_laplacian(a).tolist()
        [[0.5, -0.5, 0.0], [-0.5, 2.5, -2.0], [0.0, -2.0, 2.0]]
        >>> x = np.asarray([4.0, 1.0, 2.0])
        >>> float(x @ graph_laplacian(a) @ x)
        6.5

        Two graphs of four nodes, a ring and two separate pairs: 0 is an eigenvalue once and twice:

        >>> ring = np.roll(np.eye(4), 1, axis=0) + np.roll(np.eye(4), -1, axis=0)
        >>> pairs = np.kron(np.eye(2), np.asarray([[0.0, 1.0], [1.0, 0.0]]))
        >>> laplacians = graph_laplacian(np.stack([ring, pairs])[:, None])[:, 0]
        >>> abs(np.linalg.eigvalsh(laplacians)).round(4).tolist()
        [[0.0, 2.0, 2.0, 4.0], [0.0, 0.0, 2.0, 2.0]]

        The gradient of :math:`x^\top L x` in an edge is :math:`(x_i - x_j)^2`, shared by the two
        entries that name it:

        >>> import torch
        >>> edges, x = torch.tensor(a).requires_grad_(), torch.tensor(x)
        >>> (x @ graph_laplacian(edges) @ x).backward()
        >>> (edges.grad + edges.grad.T)
        tensor([[0., 9., 4.],
                [9., 0., 1.],
                [4., 1., 0.]], dtype=torch.float64)
    """
    xp = array_namespace(a)
    is_diagonal = xp.eye(a.shape[-1], dtype=xp.bool, device=device(a))
    return xp.where(is_diagonal, total(a)[..., None], 0.0) - a


@checked
def normalized_adjacency(a: Adjacency[Array, "*batch n n"]) -> Nonneg[Array, "*batch n n"]:
    r"""Normalized adjacency: degree-weighted sum over a node and its neighbors, with bounded powers.

    .. math:: \hat{A} = \tilde{D}^{-1/2} \tilde{A} \tilde{D}^{-1/2}, \qquad
       \tilde{A} = A + I, \qquad \tilde{D}_{ii} = \sum_{j=1}^{n} \tilde{A}_{ij}

    In numbers :math:`\hat{A}_{ij} = \tilde{A}_{ij} / \sqrt{\tilde{D}_{ii} \tilde{D}_{jj}}`:
    symmetric, with eigenvalues in :math:`(-1, 1]`, so powers of it do not grow; those of
    :math:`\tilde{A}`, the graph with the loops :math:`I`, are larger. The eigenvalue 1 belongs to
    the roots of the degrees :math:`\tilde{D}_{ii}`, and in a connected graph high powers leave
    nothing else: in deep stacks the features of all nodes tend to be proportional to these roots
    (oversmoothing). The rows do not sum to 1 in general.

    Args:
        a: :math:`A`, the adjacency matrix, without loops; weights of edges are allowed.

    Returns:
        :math:`\hat{A}`, by which a layer multiplies the features of the nodes.

    Also called:
        A hat, gcn_norm, symmetrically normalized adjacency matrix with self-loops.

    Asked as:
        renormalization trick; symmetric normalization; self-loops; degree normalization;
        propagation matrix; graph convolution operator; oversmoothing.

    Role in ML:
        - preprocessing -- LLaGA: applied once for each step away from a node, it makes the sequence
          of sums that stands for the neighborhood in a prompt; there is nothing to learn in it
          :cite:p:`chen2024llaga{code: eval/eval_pretrain.py, lines 237-249}`.
        - primitive -- Graph convolutional network: the first-order filter with its eigenvalues
          brought back into range, computed once before training
          :cite:p:`kipf2017semi{sec. 2.2 and 3.1}`.
          Witness: ``torch_geometric.nn.conv.gcn_conv.gcn_norm``.

    Numerics:
        With the loop every degree is at least 1, so no node without neighbors divides by zero: its
        row is that of the identity. Without loops two joined nodes would have the eigenvalue -1,
        and their features would change places forever. Each row is divided by a
        power of two near its largest entry before the sum, so no degree overflows.

    Checked against:
        ``scipy.linalg.fractional_matrix_power(np.diag(1 + a.sum(-1)), -0.5) @ (a + np.eye(len(a)))
        @ scipy.linalg.fractional_matrix_power(np.diag(1 + a.sum(-1)), -0.5)``

    Examples:
        By hand: two joined nodes have degree 2 with their loops, and three in a row 2, 3 and 2:

        >>> import numpy as np
        >>> normalized_adjacency(np.asarray([[0.0, 1.0], [1.0, 0.0]])).round(4).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        >>> path = np.asarray([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> normalized_adjacency(path)[1].round(4).tolist()
        [0.4082, 0.3333, 0.4082]

        The rows do not sum to 1, and high powers tend to the outer product of the roots of the
        degrees, over their sum, :math:`\sqrt{2 \cdot 3} / 7` and :math:`3 / 7` in the middle row:

        >>> normalized_adjacency(path).sum(axis=1).round(4).tolist()
        [0.9082, 1.1498, 0.9082]
        >>> np.linalg.matrix_power(normalized_adjacency(path), 50)[1].round(4).tolist()
        [0.3499, 0.4286, 0.3499]

        Weighted edges, with the values of ``scipy.linalg.fractional_matrix_power``:

        >>> a = np.asarray([[0.0, 0.5, 0.0], [0.5, 0.0, 2.0], [0.0, 2.0, 0.0]])
        >>> normalized_adjacency(a).round(4).tolist()
        [[0.6667, 0.2182, 0.0], [0.2182, 0.2857, 0.6172], [0.0, 0.6172, 0.3333]]

        The eigenvalues of :math:`\tilde{A}` and of :math:`\hat{A}`, for four nodes of which one
        stands alone: what grows by 2.4142 a layer is held at 1:

        >>> four = np.zeros((4, 4))
        >>> four[:3, :3] = path
        >>> np.linalg.eigvalsh(four + np.eye(4)).round(4).tolist()
        [-0.4142, 1.0, 1.0, 2.4142]
        >>> np.linalg.eigvalsh(normalized_adjacency(four)).round(4).tolist()
        [-0.1667, 0.5, 1.0, 1.0]

        Two graphs at once; in one all are joined, in the other none:

        >>> pair = np.stack([1.0 - np.eye(4), np.zeros((4, 4))])
        >>> normalized_adjacency(pair[:, None])[:, 0, 0].round(4).tolist()
        [[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]]

        A heavier edge takes from the loop what it gives:

        >>> import torch
        >>> edges = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
        >>> normalized_adjacency(edges)[0, 0].backward()
        >>> edges.grad
        tensor([[ 0.2500, -0.2500],
                [ 0.0000,  0.0000]])
    """
    xp = array_namespace(a)
    looped = a + xp.eye(a.shape[-1], dtype=a.dtype, device=device(a))
    top = scale(looped)  # so that no degree overflows
    root = xp.sqrt(top) * xp.sqrt(total(looped / top))[..., None]
    return looped / root / root.mT


@checked
def random_walk_matrix(a: Masses[Array, "*batch n n"]) -> Simplex[Array, "*batch n n"]:
    r"""Random-walk matrix: where a walker steps next, in proportion to the weights of the edges.

    .. math:: P_{ij} = \frac{A_{ij}}{\sum_{k=1}^{n} A_{ik}}

    A row is a distribution over the neighbors, :math:`P = D^{-1} A`, and row :math:`i` of
    :math:`P^k` is where the walker is after :math:`k` steps from :math:`i`. Where :math:`A` is
    symmetric and connected, the share of time at each node tends to its share of all degrees,
    :math:`\pi_i = D_{ii} / \sum_j D_{jj}`, the stationary distribution
    :math:`\pi^\top P = \pi^\top`. As an operator on values, :math:`P x` is the mean over neighbors.

    Args:
        a: :math:`A`, the weights of the edges, from the node of the row to that of the column;
            edges may be directed, and loops are allowed.

    Returns:
        :math:`P`, one distribution a row.

    Raises:
        ValueError: From some node no edge leads away.

    Also called:
        transition matrix of the random walk on a graph, row-normalized adjacency matrix.

    Asked as:
        transition matrix; Markov matrix; row-stochastic matrix; row normalization; mean aggregation;
        diffusion operator; PageRank; personalized PageRank; RWPE.

    Role in ML:
        - layer -- GraphAny: features are averaged over neighbors by it once and twice, and what it
          leaves, :math:`x - P x`, is kept beside them; these are the inputs of its linear models
          :cite:p:`zhao2024fully{code: graphany/data.py, lines 479-487}`.
        - primitive -- HippoRAG: passages are ranked by a walk on a graph of facts that returns to
          the concepts of the question with probability one half at each step
          :cite:p:`gutierrez2024hipporag{code: src/hipporag/HippoRAG.py, lines 1711-1743}`.
        - preprocessing -- Graph diffusion convolution: a sum of its powers replaces the adjacency
          matrix :cite:p:`gasteiger2019diffusion{code: torch_geometric/transforms/gdc.py, line
          163}`.
          Witness: ``torch_geometric.transforms.GDC.transition_matrix``.

    Numerics:
        A node without an edge has no next step and is refused; libraries leave its row at 0 or
        spread it over all nodes. Eigenvalues have size at most 1. On a bipartite graph -1 is one of
        them, and the walk alternates without settling. Rows are distributions up to rounding.
        PageRank jumps to any of the :math:`n` nodes now and then, with the damping factor
        :math:`\alpha`: :math:`r = \alpha P^\top r + \frac{1 - \alpha}{n} \mathbf{1}`.

    Checked against:
        ``sklearn.preprocessing.normalize(a, norm="l1")``,
        ``np.linalg.solve(np.diag(a.sum(-1)), a)``

    Examples:
        By hand, from the middle of a path either way is as likely:

        >>> import numpy as np
        >>> path = np.asarray([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> random_walk_matrix(path).tolist()
        [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]

        Directed edges with weights and a loop, with the values of ``numpy.linalg.solve``:

        >>> a = np.asarray([[0.4, 0.5, 0.0], [0.6, 0.0, 2.4], [1.2, 3.0, 0.0]])
        >>> random_walk_matrix(a).round(4).tolist()
        [[0.4444, 0.5556, 0.0], [0.2, 0.0, 0.8], [0.2857, 0.7143, 0.0]]

        With symmetric weights and no bipartition, after many steps each node has its share of the
        degrees, 3, 5 and 4 of 12, wherever the walk began:

        >>> b = np.asarray([[0.0, 2.0, 1.0], [2.0, 0.0, 3.0], [1.0, 3.0, 0.0]])
        >>> np.linalg.matrix_power(random_walk_matrix(b), 99)[::2].round(4).tolist()
        [[0.25, 0.4167, 0.3333], [0.25, 0.4167, 0.3333]]

        On the path the walk alternates; the batch has both graphs:

        >>> walks = np.linalg.matrix_power(random_walk_matrix(np.stack([path, b])), 100)
        >>> walks[:, 0].round(4).tolist()
        [[0.5, 0.0, 0.5], [0.25, 0.4167, 0.3333]]

        A heavier edge takes from the others of its row, and of its row only:

        >>> import torch
        >>> edges = torch.tensor([[1.0, 3.0], [2.0, 2.0]], requires_grad=True)
        >>> random_walk_matrix(edges)[0, 1].backward()
        >>> edges.grad
        tensor([[-0.1875,  0.0625],
                [ 0.0000,  0.0000]])

        A dead end is refused:

        >>> random_walk_matrix(np.asarray([[0.0, 1.0], [0.0, 0.0]]))
        Traceback (most recent call last):
        ValueError: random_walk_matrix: a must hold finite non-negative vectors with an entry above zero, got [0.0, 0.0] at [1]
    """
    weights = a / scale(a)  # so that no sum overflows
    return weights / total(weights)[..., None]


@checked
def node2vec_transition(
    e: Mask[Array, "*batch n n"],
    w: Positive[Array, "*batch n n"],
    u: Labels[int, "", "n"],
    v: Labels[int, "", "n"],
    *,
    p: Positive[float, ""] = 1.0,
    q: Positive[float, ""] = 1.0,
) -> Simplex[Array, "*batch n"]:
    r"""node2vec transition: the next step of a walk that knows where it came from.

    .. math::
        P_x = \frac{\alpha_x E_{v+1, x} W_{v+1, x}}{\sum_{y=1}^{n} \alpha_y E_{v+1, y} W_{v+1, y}},
        \qquad \alpha_x = \begin{cases} 1 / p & x = u + 1 \\
        1 & x \neq u + 1 \wedge E_{u+1, x} = 1 \\
        1 / q & \text{otherwise} \end{cases}

    The walk came from node :math:`u` and stands at :math:`v`, and :math:`\alpha_x` favors the next
    node :math:`x`, with the weight :math:`\alpha_{pq}(u, x) \, w_{vx}` before normalization:
    :math:`1/p` at the distance :math:`d_{ux} = 0` from :math:`u`, 1 at 1 and :math:`1/q` at 2. A
    small :math:`p` sends it back, a small :math:`q` on to nodes that :math:`u` has no edge to; at
    :math:`p = q = 1` it forgets :math:`u` and is a random walk.

    Args:
        e: :math:`E`, true where an edge leads from the node of the row to that of the column.
        w: :math:`W`, the weights of the edges, all 1 where there are none; only those at edges
          count.
        u: :math:`u`, the node before the last step, counted from 0.
        v: :math:`v`, the node where the walk stands, counted from 0.
        p: :math:`p`, the return parameter.
        q: :math:`q`, the in-out parameter.

    Returns:
        :math:`P`, the probability of each node to be next.

    Also called:
        node2vec walk, second-order biased random walk.

    Asked as:
        second-order random walk; biased random walk; return parameter; in-out parameter; DeepWalk;
        graph embedding; skip-gram on graphs; node embedding.

    Role in ML:
        - primitive -- GraphRAG: before version 3, which removed it, ten walks over at most 40
          entities, from each one of the knowledge graph, could be turned into embeddings, with
          :math:`p = q = 1`, so that the walk forgets
          :cite:p:`edge2024local{code: microsoft/graphrag at e5d6bc5,
          graphrag/index/operations/embed_graph/embed_node2vec.py, lines 20-43}`.
        - preprocessing -- node2vec: walks biased between breadth and depth are read as sentences,
          and a word embedding is trained on them :cite:p:`grover2016node2vec{sec. 3.2}`.

    Numerics:
        Every node needs an edge; :math:`u` need not have one to :math:`v`, since a walk is not
        checked here. The distance is that from :math:`u` to :math:`x`; common code asks for an edge
        from :math:`x` to :math:`u`, which differs where edges are directed. Libraries tabulate the
        distribution for every edge, which takes memory of the order of edges times degree.

    Checked against:
        ``(lambda b: b / b.sum())(np.array([0.0 if not e[v, x] else w[v, x] / p if x == u else
        w[v, x] if e[u, x] else w[v, x] / q for x in range(len(w))]))``

    Examples:
        By hand: the walk came from 0 to 1. Back costs a factor 1/4, node 2 is a neighbor of 0, node
        3 is not and gets 1/0.5, so the weights are 1/4, 1 and 2 of 13/4:

        >>> import numpy as np
        >>> e = np.asarray([[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 0]]) == 1
        >>> node2vec_transition(e, np.ones((4, 4)), 0, 1, p=4.0, q=0.5).round(4).tolist()
        [0.0769, 0.0, 0.3077, 0.6154]

        With weights, by a loop over the nodes; from the other side, and for two graphs at once, the
        second with twice the weights:

        >>> w = np.full((4, 4), 9.0)
        >>> w[1] = np.asarray([0.5, 9.0, 2.0, 3.0])
        >>> node2vec_transition(e, w, 0, 1, p=4.0, q=0.5).round(4).tolist()
        [0.0154, 0.0, 0.2462, 0.7385]
        >>> twice = np.stack([e, e]), np.stack([w, 2 * w])
        >>> node2vec_transition(*twice, 3, 1, p=4.0, q=0.5).round(4).tolist()
        [[0.1739, 0.0, 0.6957, 0.1304], [0.1739, 0.0, 0.6957, 0.1304]]

        By default it is the random walk, in proportion to the weights 0.5, 2 and 3:

        >>> node2vec_transition(e, w, 0, 1).round(4).tolist()
        [0.0909, 0.0, 0.3636, 0.5455]

        The gradient of the last probability in the weights of the edges from 1:

        >>> import torch
        >>> weights = torch.ones(4, 4, requires_grad=True)
        >>> node2vec_transition(torch.tensor(e), weights, 0, 1, p=4.0, q=0.5)[3].backward()
        >>> weights.grad[1]
        tensor([-0.0473,  0.0000, -0.1893,  0.2367])

        On a directed edge the distance counts from :math:`u` on: 0 leads to 2, and not back:

        >>> one_way = np.asarray([[0, 1, 1], [1, 0, 1], [0, 1, 0]]) == 1
        >>> node2vec_transition(one_way, np.ones((3, 3)), 0, 1, q=0.25).tolist()
        [0.5, 0.0, 0.5]
        >>> node2vec_transition(one_way, np.ones((3, 3)), 2, 1, q=0.25).tolist()
        [0.8, 0.0, 0.2]
    """
    xp = array_namespace(e, w)
    edges = xp.where(e[..., v, :], w[..., v, :], 0.0)
    edges, least = edges / scale(edges), min(1.0, p, q)  # so that nothing overflows
    biased = xp.where(e[..., u, :], edges * least, edges * (least / q))
    is_back = xp.arange(w.shape[-1], device=device(w)) == u
    biased = xp.where(is_back, edges * (least / p), biased)
    return biased / total(biased)[..., None]
