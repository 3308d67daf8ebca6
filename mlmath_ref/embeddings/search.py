r"""Nearest neighbors: the vectors that are closest to a query, found by looking at few of them.

A retrieval system turns texts, images or products into vectors and answers a question with those
nearest to it. The exact answer compares the query with all :math:`n` vectors. An inverted file
looks only into the cells around the query; a graph is walked from neighbor to neighbor toward it.
Both choose which vectors are compared. How long a comparison takes is another matter, and codes
make it shorter; large systems combine the two :cite:p:`douze2024faiss`.

Such a search is approximate, and the quality of the answer is its recall: the share of the true
neighbors that are among those found. Each method has a number that buys recall with work, the cells
that are probed or the width :math:`\mathrm{ef}` of the walk. How centroids and links are made, by
k-means and by inserting one vector after the other, is not part of the search: they are arguments.

The distance is Euclidean. For vectors of length 1 the order is the same as by cosine, since
:math:`\lVert q - x \rVert_2^2 = 2 - 2 \cos(q, x)`. The order by inner product is another one as
soon as lengths differ.

:map: 6.9 Embeddings and retrieval
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array
from mlmath_ref.embeddings.codes import product_quantization
from mlmath_ref.sets import Index, Integer, Labels, Natural, Real, checked


@checked
def nearest_neighbors(
    q: Real[Array, "*batch d"], x: Real[Array, "n d"], k: Natural[int, "", "n"]
) -> Labels[Array, "*batch k", "n"]:
    r"""Nearest neighbors: the vectors of a set that are most similar to a query, the closest first.

    .. math::
        \begin{aligned}
        i_r &= \sum_{j=1}^{n} j \, \mathbb{1}[R_j = r] - 1, \quad r = 1, \dots, k, \\
        R_j &= \sum_{l=1}^{n} \mathbb{1}[\delta_l < \delta_j]
        + \sum_{l=1}^{j} \mathbb{1}[\delta_l = \delta_j], \\
        \delta_j &= \lVert q - x_j \rVert_2
        \end{aligned}

    Here :math:`\delta_j` is the distance of the query to vector :math:`j` and :math:`R_j` its rank
    among all; of equally near ones the first in the set comes first. The nearest one is
    :math:`\arg\min_j \lVert q - x_j \rVert_2`, and for vectors of length 1 the order is that of the
    cosines, :math:`\lVert q - x \rVert_2^2 = 2 - 2 \, q^\top x`. Moving, turning or stretching all
    vectors and the query together changes nothing.

    Args:
        q: :math:`q`, the query.
        x: :math:`x`, the vectors that are searched, a row for each.
        k: :math:`k`, how many neighbors are wanted.

    Returns:
        :math:`i`, the rows of the neighbors, numbered from 0.

    Also called:
        kNN, k-NN, k nearest neighbors, exact search, brute-force search, IndexFlatL2.

    Asked as:
        nearest neighbor search; flat index; similarity search; vector search; top-k retrieval;
        semantic search; closest vectors.

    Role in ML:
        - similarity -- Faiss: the flat index compares a query with every stored vector; it is what
          the recall of the other indexes is measured against
          :cite:p:`douze2024faiss{code: facebookresearch/faiss, faiss/IndexFlat.cpp, lines 29-45}`.
        - similarity -- HippoRAG: phrases of the knowledge graph are joined by synonymy edges to
          their nearest neighbors among all phrases, by vectors of length 1
          :cite:p:`gutierrez2024hipporag{code: src/hipporag/HippoRAG.py, lines 981-992;
          src/hipporag/utils/embed_utils.py, lines 23-56}`.
        - compression -- Moshi: the audio codec is the case :math:`k = 1`; a frame is replaced by
          the number of the nearest of a codebook's vectors
          :cite:p:`defossez2024moshi{code: huggingface/transformers,
          models/mimi/modeling_mimi.py, lines 942-947}`.
          Witness: ``transformers.models.mimi.modeling_mimi.MimiEuclideanCodebook``.

    Numerics:
        The differences are squared and added, :math:`n d` operations for a query. Queries are taken
        :math:`d` at a time and features one at a time, so that memory is a few times that of the
        vectors, for any number of queries. The expansion
        :math:`\lVert q \rVert_2^2 - 2 q^\top x + \lVert x \rVert_2^2`, which libraries use because
        it is a matrix product, loses all digits where vectors are long and close together. Distances
        are compared in double precision also for single: rounded, near ones would become equal.
        Squares overflow for differences above :math:`10^{154}`; such vectors count as equally far.

    Checked against:
        ``sklearn.neighbors.NearestNeighbors(n_neighbors=k).fit(x).kneighbors(q[None],
        return_distance=False)[0]``,
        ``scipy.spatial.KDTree(x).query(q, [*range(1, k + 1)])[1]``,
        ``scipy.spatial.distance.cdist(q[None], x)[0].argsort(kind="stable")[:k]``

    Examples:
        By hand, the distances of :math:`(1, 1)` to the four points are :math:`\sqrt 2`, 2, 0 and 5:

        >>> import numpy as np
        >>> x = np.asarray([[0.0, 0.0], [3.0, 1.0], [1.0, 1.0], [4.0, 5.0]])
        >>> nearest_neighbors(np.asarray([1.0, 1.0]), x, 3).tolist()
        [2, 0, 1]

        Two queries to five vectors, as ``scipy.spatial.cKDTree`` answers them:

        >>> x = np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6], [-0.8, 0.3, -1.7],
        ...                 [0.2, 0.9, 1.4], [-1.1, -0.5, 0.6]])
        >>> q = np.asarray([[0.5, 0.1, 0.3], [-2.0, 1.0, -0.4]])
        >>> nearest_neighbors(q, x, 2).tolist()
        [[3, 1], [2, 4]]

        Of two that are equally near, the first of the set comes first:

        >>> nearest_neighbors(np.asarray([0.0]), np.asarray([[2.0], [-1.0], [1.0]]), 3).tolist()
        [1, 2, 0]

        Far from the origin the expanded square has no digits left in float32; differences have:

        >>> q, x = np.float32([4097.0]), np.float32([[4099.0], [4098.0]])
        >>> (np.square(q) - 2 * x @ q + np.square(x[:, 0])).tolist()
        [0.0, 0.0]
        >>> nearest_neighbors(q, x, 1).tolist()
        [1]
    """
    xp = array_namespace(q, x)
    found = []
    for some in _blocks(q):
        order = xp.argsort(_squared_distances(some, x), axis=-1, stable=True)
        found.append(xp.astype(order[:, :k], xp.int64))  # a copy, not a view of the whole order
    return xp.reshape(xp.concat(found, axis=0), (*q.shape[:-1], k))


def _blocks(q: Array) -> list[Array]:
    """The queries, d at a time: their distances are as many as the vectors have numbers."""
    xp = array_namespace(q)
    m, d = math.prod(q.shape[:-1]), q.shape[-1]
    rows = xp.reshape(q, (m, d))
    return [rows[i : min(i + d, m), :] for i in range(0, max(m, 1), d)]


def _squared_distances(q: Array, x: Array) -> Array:
    """In double precision: rounded to single, distances that nearly agree would be equal."""
    xp = array_namespace(q, x)
    q, x = xp.astype(q, xp.float64)[..., None], xp.astype(x, xp.float64)
    squares = (q[..., 0, :] - x[:, 0]) ** 2
    for i in range(1, x.shape[-1]):  # a feature at a time, without a table of all differences
        squares = squares + (q[..., i, :] - x[:, i]) ** 2
    return squares


@checked
def ivf_search(
    q: Real[Array, "*batch d"],
    x: Real[Array, "n d"],
    mu: Real[Array, "m d"],
    k: Natural[int, "", "n"],
    n_probe: Natural[int, "", "m"],
) -> Integer[Array, "*batch k"]:
    r"""Inverted file search: nearest neighbors among the vectors of the clusters around the query.

    .. math::
        \begin{aligned}
        i_r &= \sum_{j=1}^{n} j \, \mathbb{1}[P_{c_j} \le p \wedge R_j = r] - 1,
        \quad r = 1, \dots, k, \\
        c_j &= \arg\min_a \lVert x_j - \mu_a \rVert_2, \\
        P_a &= \sum_{b} \mathbb{1}[\lVert q - \mu_b \rVert_2 < \lVert q - \mu_a \rVert_2]
        + \sum_{b=1}^{a} \mathbb{1}[\lVert q - \mu_b \rVert_2 = \lVert q - \mu_a \rVert_2], \\
        R_j &= \sum_{l=1}^{n} \mathbb{1}[P_{c_l} \le p \wedge \delta_l < \delta_j]
        + \sum_{l=1}^{j} \mathbb{1}[P_{c_l} \le p \wedge \delta_l = \delta_j], \\
        \delta_j &= \lVert q - x_j \rVert_2
        \end{aligned}

    Vector :math:`j` lies in the cell :math:`c_j` of its nearest centroid, :math:`P_a` is the rank
    of centroid :math:`a` from the query, and :math:`R_j` ranks the distances :math:`\delta_j` among
    the vectors of the :math:`p` nearest cells. When all cells are probed the answer is exact. A
    neighbor just across the border of a cell that is not probed is missed.

    Args:
        q: :math:`q`, the query.
        x: :math:`x`, the vectors that are searched, a row for each.
        mu: :math:`\mu`, the centroids of the cells, most often by k-means from the vectors.
        k: :math:`k`, how many neighbors are wanted.
        n_probe: :math:`p`, how many cells are looked into.

    Returns:
        :math:`i`, the rows of the neighbors, numbered from 0; -1 where the cells hold fewer than
        :math:`k` vectors.

    Also called:
        IVF, IVFFlat, IndexIVFFlat, inverted file index.

    Asked as:
        coarse quantizer; nprobe; cell-probe method; approximate nearest neighbors; ANN; approximate
        nearest neighbor search.

    Role in ML:
        - similarity -- Faiss: a search first asks the coarse quantizer for the nearest ``nprobe``
          centroids and then scans their lists
          :cite:p:`douze2024faiss{code: facebookresearch/faiss, faiss/IndexIVF.cpp,
          lines 321-346}`.
        - similarity -- Product quantization: codes make a comparison cheap and the inverted file
          makes comparisons few; together they are the method's most efficient form
          :cite:p:`jegou2011product{abstract}`.

    Numerics:
        An index keeps a list of rows for each cell; here the cells are found again at each call.
        With lists of equal size a query costs :math:`(c + p n / c) d` operations, least near
        :math:`c = \sqrt{p n}` for :math:`c` centroids. Ties go to the first, as in exact search.
        More probes find more of the true neighbors (recall) and take longer.

    Checked against:
        ``(lambda cells, near, away: np.asarray(([int(j) for j in np.argsort(away, kind="stable")
        if cells[j] in near] + [-1] * k)[:k]))(
        scipy.spatial.distance.cdist(x, mu).argmin(1),
        np.argsort(scipy.spatial.distance.cdist(q[None], mu)[0], kind="stable")[:n_probe],
        scipy.spatial.distance.cdist(q[None], x)[0])``

    Examples:
        By hand, on a line with centroids at 0 and 10, the points 1 and 4 lie in the first cell, 6
        and 9 in the second. The query 4.9 is nearer to 0, so that 6 is not seen before 1, unless
        both cells are probed:

        >>> import numpy as np
        >>> x, mu = np.asarray([[9.0], [4.0], [1.0], [6.0]]), np.asarray([[0.0], [10.0]])
        >>> ivf_search(np.asarray([4.9]), x, mu, 2, 1).tolist()
        [1, 2]
        >>> ivf_search(np.asarray([4.9]), x, mu, 2, 2).tolist()
        [1, 3]

        Three cells in the plane and two queries; more cells find more of the true neighbors:

        >>> mu = np.asarray([[0.3, 0.2], [-1.4, 1.1], [1.6, -0.9]])
        >>> x = np.asarray([[0.1, 0.6], [-0.9, 0.5], [1.1, -0.2], [-1.7, 1.9], [0.8, -0.7],
        ...                 [2.1, -1.3], [0.4, -0.4]])
        >>> q = np.asarray([[0.9, -0.3], [-0.5, 0.7]])
        >>> ivf_search(q, x, mu, 3, 1).tolist()
        [[6, 0, -1], [0, 6, -1]]
        >>> ivf_search(q, x, mu, 3, 2).tolist()
        [[2, 4, 6], [1, 0, 6]]
        >>> nearest_neighbors(q, x, 3).tolist()
        [[2, 4, 6], [1, 0, 6]]

        A cell with fewer than :math:`k` vectors leaves places empty:

        >>> ivf_search(np.asarray([-2.0, 2.0]), x, mu, 3, 1).tolist()
        [3, 1, -1]
    """
    xp = array_namespace(q, x, mu)
    cell = product_quantization(mu[None, ...], x)[..., 0]
    found = []
    for some in _blocks(q):
        probed, seen = nearest_neighbors(some, mu, n_probe), cell < 0
        for i in range(n_probe):
            seen = seen | (cell == probed[:, i, None])
        distance = xp.where(seen, _squared_distances(some, x), math.inf)
        nearest = xp.argsort(distance, axis=-1, stable=True)[:, :k]
        found.append(xp.where(xp.take_along_axis(seen, nearest, axis=-1), nearest, -1))
    return xp.reshape(xp.concat(found, axis=0), (*q.shape[:-1], k))


@checked
def hnsw_search(
    q: Real[Array, "d"],
    x: Real[Array, "n d"],
    links: Labels[Array, "n M", "n"],
    s: Index[int, "", "n - 1"],
    ef: Natural[int, "", "n"],
    k: Natural[int, "", "ef"],
) -> Integer[Array, "k"]:
    r"""HNSW search: a walk over a graph of neighbors that always goes on from the nearest node.

    .. math::
        \begin{aligned}
        i_r &= \sum_{j=1}^{n} j \, \mathbb{1}[v_{n, j} = 1 \wedge R_{n, j} = r] - 1,
        \quad r = 1, \dots, k, \\
        u_a &= \arg\min_{j : v_{a-1, j} = 1 \wedge R_{a-1, j} \le \mathrm{ef}}
        \left( \delta_j + \Delta \sum_{b=1}^{a-1} \mathbb{1}[u_b = j] \right), \\
        v_{a, j} &= \min\left( 1, \mathbb{1}[j = s + 1]
        + \sum_{b=1}^{a} \sum_{m=1}^{M} \mathbb{1}[G_{u_b, m} + 1 = j] \right),
        \quad j = 1, \dots, n, \\
        R_{a, j} &= \sum_{l=1}^{n} v_{a, l} \, \mathbb{1}[\delta_l < \delta_j]
        + \sum_{l=1}^{j} v_{a, l} \, \mathbb{1}[\delta_l = \delta_j], \\
        \delta_j &= \lVert q - x_j \rVert_2, \quad \Delta = 1 + \sum_{j=1}^{n} \delta_j
        \end{aligned}

    Step :math:`a` expands :math:`u_a`, the nearest of the :math:`\mathrm{ef}` best nodes seen so
    far that was not expanded before: :math:`\Delta` is more than any distance :math:`\delta_j`, and
    :math:`v_{a, j}` is 1 for the nodes seen, :math:`R_{a, j}` their rank. The walk ends when all
    :math:`\mathrm{ef}` best are expanded. This is one layer; the upper layers are walked first,
    with :math:`\mathrm{ef} = 1`, and the node that each ends at is the start in the next one down.

    Args:
        q: :math:`q`, the query.
        x: :math:`x`, the vectors that are searched, a node for each row.
        links: :math:`G`, the neighbors of each node in this layer; a node with fewer than
            :math:`M` is filled up with links to itself.
        s: :math:`s`, the node where the walk starts.
        ef: :math:`\mathrm{ef}`, how many of the best nodes are kept and expanded.
        k: :math:`k`, how many neighbors are wanted.

    Returns:
        :math:`i`, the nodes found, the nearest first, numbered from 0; -1 where fewer than
        :math:`k` can be reached.

    Also called:
        HNSW, hierarchical navigable small world, SEARCH-LAYER, IndexHNSWFlat.

    Asked as:
        efSearch; ef_search; graph index; hnswlib; best-first search; beam search on a graph; vector
        database; navigable small world graph; approximate nearest neighbor search.

    Role in ML:
        - similarity -- Faiss: descends greedily from the entry point to level 1, then searches
          level 0 with the width ``efSearch``, or :math:`k` if that is more
          :cite:p:`douze2024faiss{code: facebookresearch/faiss, faiss/impl/HNSW.cpp,
          lines 1482-1505}`.
        - similarity -- hnswlib: the reference code of the method; the level of a new node is drawn
          as :math:`\lfloor -\ln U / \ln M \rfloor`, with :math:`U` uniform in :math:`(0, 1)`, so
          that a layer has one node for :math:`M` of the layer below
          :cite:p:`malkov2020efficient{code: nmslib/hnswlib, hnswlib/hnswalg.h, lines 207-211,
          1271-1316}`.

    Numerics:
        The answer may be wrong, and nothing in it tells: a walk of width 1 stops at the first node
        that is nearer than all of its neighbors. With :math:`\mathrm{ef} = n` all nodes that can be
        reached are seen, and the answer is exact if that is all. A real index computes only the
        distances of the nodes that it meets and stops; here all are ranked at the start, and
        :math:`n` steps of :math:`O(n M)` operations are taken, the last of which change nothing. A
        larger
        :math:`\mathrm{ef}` finds more of the true neighbors (recall) and takes longer.

    Checked against:
        ``(lambda away: np.asarray(([j for _, j in functools.reduce(lambda t, _: t if not t[0] or
        t[0][0] > t[1][-1] else (lambda new: (sorted(t[0][1:] + new), sorted(t[1] + new)[:ef],
        t[2] | {j for _, j in new}))([(away[j], j) for j in {*links[t[0][0][1]].tolist()} - t[2]]),
        range(len(x)), ([(away[s], s)], [(away[s], s)], {s}))[1]] + [-1] * k)[:k]))(
        scipy.spatial.distance.cdist(q[None], x)[0].tolist())``

    Examples:
        By hand, points on a line, each linked to the next ones. From 0 the walk to 5.2 passes 2, 4
        and 6 and ends at 5, with 6 as the second nearest:

        >>> import numpy as np
        >>> x = np.asarray([[0.0], [2.0], [4.0], [6.0], [5.0]])
        >>> links = np.asarray([[0, 1], [0, 2], [1, 3], [2, 4], [3, 4]])
        >>> hnsw_search(np.asarray([5.2]), x, links, 0, 2, 2).tolist()
        [4, 3]

        In the plane, a walk of width 1 stops at node 1, whose neighbors are all farther from the
        query; width 2 finds the nearest node, width 3 all three:

        >>> x = np.asarray([[0.0, 0.0], [1.0, 0.4], [2.1, -0.3], [0.2, 1.9], [1.7, 2.2],
        ...                 [3.4, 2.0], [3.1, 0.6]])
        >>> links = np.asarray([[1, 3, 0], [0, 2, 1], [1, 6, 2], [0, 4, 3], [3, 5, 4], [4, 6, 5],
        ...                     [2, 5, 6]])
        >>> q = np.asarray([1.9, 1.6])
        >>> [hnsw_search(q, x, links, 0, ef, ef).tolist() for ef in (1, 2, 3)]
        [[1], [4, 1], [4, 1, 5]]
        >>> nearest_neighbors(q, x, 3).tolist()
        [4, 1, 5]

        With a layer above, in which nodes 0 and 3 are linked and the others have no part, the start
        is better, and width 1 is enough:

        >>> above = np.asarray([[3], [1], [2], [0], [4], [5], [6]])
        >>> start = int(hnsw_search(q, x, above, 0, 1, 1)[0])
        >>> start, hnsw_search(q, x, links, start, 1, 1).tolist()
        (3, [4])

        What cannot be reached is not found, however wide the walk:

        >>> import torch
        >>> q, x, above = torch.as_tensor(q), torch.as_tensor(x), torch.as_tensor(above)
        >>> hnsw_search(q, x, above, 0, 7, 3)
        tensor([ 3,  0, -1])
    """
    xp = array_namespace(q, x, links)
    order = nearest_neighbors(q, x, x.shape[0])
    place = xp.argsort(order)
    rows = xp.take_along_axis(xp.astype(links, xp.int64), order[:, None], axis=0)
    met = _walk(xp.take_along_axis(place[:, None], rows, axis=0), place[s], ef)
    found = xp.argsort(xp.astype(~met, xp.int64), stable=True)[:k]
    return xp.where(met[found], order[found], -1)


def _walk(links: Array, start: Array, ef: int) -> Array:
    """Whether a walk of width ef meets each node; nodes are numbered by their distance."""
    xp = array_namespace(links)
    node = xp.arange(links.shape[0], device=device(links))
    met, expanded = node == start, node < 0
    for _ in range(links.shape[0]):  # once all of the best are expanded, a step changes nothing
        best = met & (xp.cumulative_sum(xp.astype(met, xp.int64), axis=-1) <= ef)
        first = node == xp.min(xp.where(best & ~expanded, node, links.shape[0]))
        linked = xp.max(xp.where(first[:, None], links, -1), axis=0)
        expanded = expanded | first
        met = met | xp.any(linked[:, None] == node, axis=0)
    return met
