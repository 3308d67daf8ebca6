r"""Queries, keys and scores: what an item asks for, what it offers, and how well the two match.

Attention compares items, and what is compared are not the items themselves but two projections of
them. The query is what an item asks with, the key what it is found by, the value what it hands
over: three matrices, learned together, of which the first two only ever act through their product
:math:`W^Q (W^K)^\top`. The score of a query and a key is their inner product over
:math:`\sqrt{d_k}`. Scores are not yet attention: the softmax of each row turns them into shares.

The divisor keeps the scores at the size of 1 whatever the width of a head, on condition: queries
and keys have independent components of mean 0 and variance 1. Projections see to the variance if
the weights have variance :math:`1/d` for an input of :math:`d` features; with weights of variance 1
the scores are :math:`d` times as large, and the softmax puts all weight on one key. During training
nothing holds the scores there, and large models normalize queries and keys or watch the largest
score.

:map: 1.1 Linear maps
"""

import math

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, checked


@checked
def qkv_projection(
    x: Real[Array, "*batch n d"],
    w_q: Real[Array, "d d_k"],
    w_k: Real[Array, "d d_k"],
    w_v: Real[Array, "d d_v"],
) -> tuple[Real[Array, "*batch n d_k"], Real[Array, "*batch n d_k"], Real[Array, "*batch n d_v"]]:
    r"""Query, key and value projections: three linear views of the same items.

    .. math:: Q = X W^Q, \qquad K = X W^K, \qquad V = X W^V

    Each row is projected by itself, :math:`q_i = x_i W^Q`, so the order of the items does not
    enter. Scores depend on :math:`W^Q (W^K)^\top` only, :math:`Q K^\top = X W^Q (W^K)^\top X^\top`:
    multiplying :math:`W^Q` by an invertible matrix and :math:`W^K` by its inverse transpose changes
    no attention.

    Args:
        x: :math:`X`, the items, one a row.
        w_q: :math:`W^Q`, the projection to queries, one column for each feature of a query.
        w_k: :math:`W^K`, the projection to keys.
        w_v: :math:`W^V`, the projection to values.

    Returns:
        :math:`(Q, K, V)`, queries, keys and values, one row for each item.

    Also called:
        QKV, attention projections, query key value projection.

    Asked as:
        query key value; W_q W_k W_v; in_proj; c_attn; q_proj k_proj v_proj; fused QKV; what are
        queries, keys and values; Q = XW^Q.

    Role in ML:
        - layer -- gpt-oss: one matrix with an offset makes 64 queries of width 64 from each token,
          but 8 keys and 8 values, and its result is cut in three
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 193-227}`.
        - layer -- Qwen3: these projections lose the offset that Qwen2 gave them, and queries and
          keys are normalized instead :cite:p:`qwen2025three{sec. 2}`.
        - layer -- GPT-2: one matrix of three times the model's width, cut in three
          :cite:p:`radford2019language{code: src/model.py, line 102}`.
          Witness: ``transformers.models.gpt2.modeling_gpt2.GPT2Attention``.

    Numerics:
        With inputs of variance 1, weights of variance :math:`1/d` keep queries and keys at variance
        1. Weights of variance 1 give them variance :math:`d`, and the scores a standard deviation
        of about :math:`d`: the softmax is then as good as a maximum, and its gradient nearly 0. The
        three products cost :math:`2 d (2 d_k + d_v)` operations for an item. ``torch.nn.Linear``
        stores the transposes.

    Checked against:
        ``torch.nn.functional.linear(x, torch.cat([w_q, w_k, w_v], 1).T).split(
        [w_q.shape[1], w_k.shape[1], w_v.shape[1]], -1)``

    Examples:
        By hand, two items of two features, queries and keys of one, values of two:

        >>> import numpy as np
        >>> x, w_q, w_k = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.eye(2)[:, :1], np.eye(2)[:, 1:]
        >>> [a.tolist() for a in qkv_projection(x, w_q, w_k, np.asarray([[1.0, 10.0], [1.0, 0.0]]))]
        [[[1.0], [3.0]], [[2.0], [4.0]], [[3.0, 10.0], [7.0, 30.0]]]

        Two items of three features, as ``torch.nn.functional.linear`` has it with the transposes:

        >>> x = np.asarray([[0.3, -1.2, 2.5], [1.7, 0.4, -0.6]])
        >>> w_q = np.asarray([[0.2, 0.5], [-0.7, 1.1], [-0.3, 0.9]])
        >>> w_k = np.asarray([[1.3, -0.4], [0.6, 0.8], [-0.5, 0.35]])
        >>> w_v = np.asarray([[0.4], [-0.9], [1.6]])
        >>> q, k, v = qkv_projection(x, w_q, w_k, w_v)
        >>> q.round(4).tolist(), k.round(4).tolist(), v.round(4).tolist()
        ([[0.15, 1.08], [0.24, 0.75]], [[-1.58, -0.205], [2.75, -0.57]], [[5.2], [-0.64]])
        >>> import torch
        >>> torch.nn.functional.linear(torch.tensor(x), torch.tensor(w_q.T))
        tensor([[0.1500, 1.0800],
                [0.2400, 0.7500]], dtype=torch.float64)

        Another basis for queries and keys leaves the scores as they are:

        >>> turn = np.asarray([[2.0, 1.0], [0.5, -1.0]])
        >>> q_2, k_2, v_2 = qkv_projection(x, w_q @ turn, w_k @ np.linalg.inv(turn).T, w_v)
        >>> (q @ k.T).round(4).tolist(), (q_2 @ k_2.T).round(4).tolist()
        ([[-0.4584, -0.2031], [-0.533, 0.2325]], [[-0.4584, -0.2031], [-0.533, 0.2325]])

        Two texts of ten tokens with 64 features. Random weights of variance 1 make scores of a
        standard deviation near 64, and a query gives nearly all of its attention to one of ten
        keys; with variance :math:`1/64` the deviation is near 1:

        >>> def spread(w_q, w_k, w_v):
        ...     q, k, v = qkv_projection(x, w_q, w_k, w_v)
        ...     s = attention_scores(q, k)
        ...     shares = np.exp(s - s.max(axis=-1, keepdims=True))
        ...     largest = shares.max(axis=-1) / shares.sum(axis=-1)
        ...     return round(float(s.std()), 4), round(float(largest.mean()), 4)
        >>> rng = np.random.default_rng(0)
        >>> x, weights = rng.normal(size=(2, 10, 64)), rng.normal(size=(3, 64, 64))
        >>> spread(*weights), spread(*(weights / 8))
        ((64.2222, 0.9664), (1.0035, 0.2925))

        The derivative of one query in its weights is the item:

        >>> w_q = torch.zeros(3, 2, requires_grad=True)
        >>> x = torch.tensor([[0.3, -1.2, 2.5]])
        >>> qkv_projection(x, w_q, w_q, w_q)[0][0, 1].backward()
        >>> w_q.grad[:, 1]
        tensor([ 0.3000, -1.2000,  2.5000])
    """
    return x @ w_q, x @ w_k, x @ w_v


@checked
def attention_scores(
    q: Real[Array, "*batch n d_k"], k: Real[Array, "*batch m d_k"]
) -> Real[Array, "*batch n m"]:
    r"""Scaled attention scores: how well each query matches each key, at the size of one.

    .. math:: S = \frac{Q K^\top}{\sqrt{d_k}}

    One score is :math:`S_{ij} = q_i \cdot k_j / \sqrt{d_k}`; if all components of a query and a key
    are independent with mean 0 and variance 1, their inner product has variance :math:`d_k`,
    :math:`\operatorname{Var}(q \cdot k) = d_k`, and the score variance 1: without the divisor the
    softmax saturates and its gradient vanishes. With a common mean :math:`\mu` and variance 1 the
    score has variance :math:`1 + 2 \mu^2`. The divisor is the root of the width of one head, not of
    the model.

    Args:
        q: :math:`Q`, queries of one head, one a row.
        k: :math:`K`, keys of that head, one a row.

    Returns:
        :math:`S`, a row for each query and a column for each key, before mask and softmax.

    Also called:
        attention logits, scaled dot product, pre-softmax attention, compatibility function, scaled
        dot-product score, attention score.

    Asked as:
        QK^T/sqrt(d_k); similarity scores; attention matrix before softmax; why divide by sqrt(d_k);
        softmax saturates; logits too large; QK-norm; QK-clip.

    Role in ML:
        - analysis -- Kimi K2: training watches the largest score of each head; where it passes a
          threshold, the weights of that head's queries and keys are scaled down after the step
          :cite:p:`kimi2025k2{sec. 2.1}`.
        - primitive -- Gemma 2: the 27B model divides by the root of 144, its width over its number
          of heads, although a head is 128 wide; then a tanh caps the scores
          :cite:p:`gemma2024two{code: gemma_pytorch, gemma/config.py, line 173; gemma/model.py,
          lines 236 and 324}`.
          Witness: ``transformers.models.gemma2.modeling_gemma2.eager_attention_forward``.
        - primitive -- Original transformer: divided so that the softmax of wide heads does not end
          up where its gradient is small :cite:p:`vaswani2017attention{sec. 3.2.1}`.

    Numerics:
        Scores are not shares: they have either sign and no sum; the softmax of each row gives the
        attention. The queries are divided before the product, which keeps the products
        smaller. For one head :math:`d_k` is the width of the model, else it is not: 8 heads in a
        model of width 64 divide by :math:`\sqrt 8 = 2.83`, not by 8. The product costs
        :math:`2 n m d_k` operations.

    Checked against:
        ``torch.einsum("nk,mk->nm", q, k) * q.shape[-1] ** -0.5`` and
        ``np.array([[np.vdot(a, b) for b in k] for a in q / len(q.T) ** 0.5])``

    Examples:
        By hand, :math:`(5 + 10 + 15 + 20) / \sqrt 4` and :math:`(1 - 3 + 8) / \sqrt 4`:

        >>> import numpy as np
        >>> q = np.asarray([[1.0, 2.0, 3.0, 4.0]])
        >>> k = np.asarray([[5.0, 5.0, 5.0, 5.0], [1.0, 0.0, -1.0, 2.0]])
        >>> attention_scores(q, k).tolist()
        [[25.0, 3.0]]

        The product alone is twice as large, and neither is attention: that is the softmax of the
        scores, whose rows sum to one:

        >>> (q @ k.T).tolist()
        [[50.0, 6.0]]
        >>> shares = np.exp(attention_scores(q / 10, k))
        >>> shares /= shares.sum()
        >>> shares.round(4).tolist()
        [[0.9002, 0.0998]]

        Two queries, three keys, as ``torch.einsum`` has it:

        >>> q = np.asarray([[0.3, -1.2], [2.5, 0.8]])
        >>> k = np.asarray([[1.7, 0.4], [-0.6, 1.3], [0.9, -2.1]])
        >>> attention_scores(q, k).round(4).tolist()
        [[0.0212, -1.2304, 1.9728], [3.2315, -0.3253, 0.4031]]

        Each of 8 heads of width 8 divides by 2.83; one head of the whole width 64 by 8:

        >>> ones = np.ones((8, 1, 8))
        >>> attention_scores(ones, ones)[:2].round(4).tolist()
        [[[2.8284]], [[2.8284]]]
        >>> attention_scores(np.ones((1, 64)), np.ones((1, 64))).tolist()
        [[8.0]]

        All queries and keys of three components :math:`\mu - 1` or :math:`\mu + 1`: the variance of
        the score is 1 for mean 0, and 1.5 and 3 for the means 0.5 and 1 (a product of 64 components
        would have 64, 96 and 192). A query that is its own key always scores :math:`\sqrt 3`:

        >>> import itertools
        >>> signs = np.asarray(list(itertools.product([-1.0, 1.0], repeat=3)))
        >>> for mu in (0.0, 0.5, 1.0):
        ...     print(attention_scores(signs + mu, signs + mu).var().round(4))
        1.0
        1.5
        3.0
        >>> np.diagonal(attention_scores(signs, signs)).round(4).tolist()
        [1.7321, 1.7321, 1.7321, 1.7321, 1.7321, 1.7321, 1.7321, 1.7321]

        Random queries and keys of width 64, from a seed, so that everyone sees the same numbers:

        >>> q, k = np.random.default_rng(0).normal(size=(2, 100, 64))
        >>> round(float((q @ k.T).var()), 4), round(float(attention_scores(q, k).var()), 4)
        (64.1927, 1.003)

        The derivative of a score in its query is the key over :math:`\sqrt{d_k}`:

        >>> import torch
        >>> q = torch.zeros(1, 4, requires_grad=True)
        >>> attention_scores(q, torch.tensor([[6.0, -2.0, 0.0, 1.0]])).backward()
        >>> q.grad
        tensor([[ 3.0000, -1.0000,  0.0000,  0.5000]])
    """
    return (q / math.sqrt(q.shape[-1])) @ k.mT
