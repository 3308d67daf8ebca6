r"""Dot-product attention: items read from each other in proportion to how well they match.

Every item asks with a query, offers a key to be matched and a value to be read. The inner product
of a query with a key is their score; the softmax of a query's scores says how it shares its
attention; the output is the mean of the values under those shares. With independent components of
mean 0 and variance 1 a score of :math:`d_k` terms has variance :math:`d_k`; dividing by
:math:`\sqrt{d_k}` brings it back to 1, so that the softmax starts neither flat nor saturated.

Several heads do this side by side, each with its own small projections, and a mask says which keys
a query may see. For a text that is written from left to right these are the keys at its own
position or before. A query with no key at all would have no shares to give: every row of a mask
keeps at least one.

:map: 1.1 Linear maps
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.softmax import softmax
from mlmath_ref.arrays import Array
from mlmath_ref.attention.projections import attention_scores
from mlmath_ref.sets import Index, Mask, Real, checked


@checked
def scaled_dot_product_attention(
    q: Real[Array, "*batch n d_k"],
    k: Real[Array, "*batch m d_k"],
    v: Real[Array, "*batch m d_v"],
    mask: Mask[Array, "*#batch n m"] | None = None,
) -> Real[Array, "*batch n d_v"]:
    r"""Scaled dot-product attention: each query gets a mean of the values, weighted by its keys.

    .. math:: \operatorname{Attention}(Q, K, V) =
       \operatorname{softmax}\left( \frac{Q K^\top}{\sqrt{d_k}} + \log M \right) V

    The softmax acts on each row, and :math:`\log M` is 0 where :math:`M` is 1 and :math:`-\infty`
    where it is 0; without a mask the term is missing,
    :math:`\operatorname{softmax}(Q K^\top / \sqrt{d_k}) \, V`. Each output is a convex combination
    of values, :math:`y_i = \sum_j \alpha_{ij} v_j`, with weights that say which tokens or words it
    looks at; without a mask they are :math:`\alpha_{ij} = \frac{\exp(q_i \cdot k_j /
    \sqrt{d_k})}{\sum_l \exp(q_i \cdot k_l / \sqrt{d_k})}`. Putting the keys in another order, with
    their values, changes nothing.

    Args:
        q: :math:`Q`, queries, one a row.
        k: :math:`K`, keys, one a row.
        v: :math:`V`, values, one for each key.
        mask: :math:`M`, true (1) where a query may read a key; all of them if left out.

    Returns:
        :math:`\operatorname{Attention}(Q, K, V)`, one row for each query.

    Also called:
        attention, SDPA, QKV attention, softmax attention, dot-product attention, scaled dot product
        attention.

    Asked as:
        softmax(QK^T/sqrt(d_k))V; self-attention; cross-attention; attention mechanism; attention
        weights; F.scaled_dot_product_attention; flash attention; attention is all you need; which
        tokens does a word look at.

    Role in ML:
        - layer -- Llama 3: in every head of every block; the mask keeps a token from later tokens
          and from other documents of the same sequence
          :cite:p:`grattafiori2024llama3{sec. 3.2 and table 3}`.
          Witness: ``transformers.models.llama.modeling_llama.eager_attention_forward``.
        - layer -- gpt-oss: with a learned extra score in each row of the softmax, which takes a
          share of attention without having a value
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 153}`.
          Witness: ``transformers.models.gpt_oss.modeling_gpt_oss.eager_attention_forward``, with
          its extra score at minus infinity.
        - primitive -- FlashAttention-2: computes exactly this in blocks, without ever storing the
          matrix of scores :cite:p:`dao2023flashattention2{alg. 1}`.
          Witness: ``torch.ops.aten._scaled_dot_product_flash_attention_for_cpu``.

    Numerics:
        A masked key gets a share of exactly 0, not a small one, and no gradient. The products cost
        :math:`2 n m (d_k + d_v)` operations. The divisor is the root of the width of a head, not
        of the model; without it the softmax saturates as :math:`d_k` grows.

    Checked against:
        ``torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)``

    Examples:
        By hand: the scores are :math:`4 \log 3 / \sqrt{4}` and 0, the shares :math:`9 : 1`, the
        output :math:`0.9 \cdot 10 + 0.1 \cdot 20`:

        >>> import numpy as np
        >>> q = np.full((1, 4), np.log(3))
        >>> k, v = np.asarray([[1.0] * 4, [0.0] * 4]), np.asarray([[10.0], [20.0]])
        >>> scaled_dot_product_attention(q, k, v).round(4).tolist()
        [[11.0]]

        Two queries, three keys, as ``torch.nn.functional.scaled_dot_product_attention`` has it:

        >>> q = np.asarray([[0.3, -1.2], [2.5, 0.8]])
        >>> k = np.asarray([[1.7, 0.4], [-0.6, 1.3], [0.9, -2.1]])
        >>> v = np.asarray([[0.2, 0.5, -0.7, 1.1], [-0.3, 0.9, 1.3, -0.4], [0.6, 0.8, -0.5, 0.35]])
        >>> scaled_dot_product_attention(q, k, v).round(4).tolist()
        [[0.521, 0.7674, -0.4622, 0.4143], [0.2086, 0.5268, -0.6367, 1.0199]]

        With a mask: the first query may not read the last key, the second reads only that one:

        >>> mask = np.asarray([[True, True, False], [False, False, True]])
        >>> scaled_dot_product_attention(q, k, v, mask).round(4).tolist()
        [[0.0888, 0.589, -0.2551, 0.7664], [0.6, 0.8, -0.5, 0.35]]

        The derivative of its first output in the values is its shares, 0 where masked:

        >>> import torch
        >>> values = torch.tensor(v, requires_grad=True)
        >>> given = torch.tensor(q), torch.tensor(k), values, torch.tensor(mask)
        >>> scaled_dot_product_attention(*given)[0, 0].backward()
        >>> values.grad[:, 0].float()
        tensor([0.7776, 0.2224, 0.0000])
    """
    xp = array_namespace(q, k, v)
    scores = attention_scores(q, k)
    if mask is not None:
        scores = xp.where(mask, scores, -math.inf)
    return softmax(scores) @ v


@checked
def multi_head_attention(
    x: Real[Array, "*batch n d"],
    y: Real[Array, "*batch m d"],
    w_q: Real[Array, "h d d_k"],
    w_k: Real[Array, "h d d_k"],
    w_v: Real[Array, "h d d_v"],
    w_o: Real[Array, "h*d_v d"],
    mask: Mask[Array, "*#batch n m"] | None = None,
) -> Real[Array, "*batch n d"]:
    r"""Multi-head attention: several attentions side by side, each in its own projection.

    .. math::
       \begin{aligned}
       \operatorname{MultiHead}(X, Y) &= \operatorname{Concat}(\mathrm{head}_1, \dots,
       \mathrm{head}_h) W^O, \\
       \mathrm{head}_r &= \operatorname{softmax}\left( \frac{X W^Q_r (Y W^K_r)^\top}{\sqrt{d_k}}
       + \log M \right) Y W^V_r
       \end{aligned}

    Each head :math:`r = 1, \dots, h` is a scaled dot-product attention, :math:`\mathrm{head}_r =
    \operatorname{Attention}(Q W^Q_r, K W^K_r, V W^V_r)` for
    :math:`\operatorname{MultiHead}(Q, K, V)`, and the features of all heads stand side by side
    before :math:`W^O` mixes them, which is the sum :math:`\sum_r \mathrm{head}_r W^O_r` over its
    blocks of rows. With :math:`Y = X` it is self-attention, otherwise cross-attention. The order of
    the heads is free, if the rows of :math:`W^O` move along.

    Args:
        x: :math:`X`, the items that ask, one a row.
        y: :math:`Y`, the items that are read, one a row.
        w_q: :math:`W^Q`, projections to queries, one matrix :math:`W^Q_r` for each head.
        w_k: :math:`W^K`, projections to keys.
        w_v: :math:`W^V`, projections to values.
        w_o: :math:`W^O`, the projection back, :math:`d_v` rows for each head.
        mask: :math:`M`, true (1) where an item may read another, the same for all heads; all of
            them if left out.

    Returns:
        :math:`\operatorname{MultiHead}(X, Y)`, one row for each item that asks.

    Also called:
        MHA, multihead attention, multi-headed attention, multi-head self-attention, MHSA.

    Asked as:
        self-attention layer; cross-attention layer; attention heads; nn.MultiheadAttention;
        embed_dim must be divisible by num_heads; Concat(head_1, ..., head_h) W^O; why several
        heads.

    Role in ML:
        - layer -- OLMo 2: 32 heads of width 128 in each of the 32 blocks of the 7B model, each with
          keys and values of its own; queries and keys are normalized and turned by their positions
          before they meet
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, n_heads}`.
        - layer -- AlphaFold 3: the diffusion transformer adds a score computed from each pair of
          tokens before the softmax and gates the heads before the projection back
          :cite:p:`abramson2024accurate{code: google-deepmind/alphafold3 at 85c4d20,
          src/alphafold3/model/network/diffusion_transformer.py, lines 164-183}`.
        - layer -- Original transformer: 8 heads of width 64, as self-attention in the encoder and
          the decoder and as cross-attention between them
          :cite:p:`vaswani2017attention{sec. 3.2.2 and 3.2.3}`.
          Witness: ``torch.nn.MultiheadAttention``.

    Numerics:
        One head with identity projections is plain attention. The width of a head is free, and
        :math:`d_k = d/h` only a custom: gpt-oss has 64 heads of width 64 in a model of width 2880.
        Llama 3 shares each key and value among several query heads, which is another formula.
        ``torch.nn.MultiheadAttention`` expects the sequence in the first axis unless told
        ``batch_first=True``, and stores the transposes of these matrices; it wants an ``embed_dim
        divisible by num_heads``.

    Checked against:
        ``torch.einsum("hnv,hvd->nd", torch.nn.functional.scaled_dot_product_attention(
        torch.einsum("nd,hdk->hnk", x, w_q), torch.einsum("md,hdk->hmk", y, w_k),
        torch.einsum("md,hdv->hmv", y, w_v), attn_mask=mask),
        w_o.reshape(len(w_v), -1, x.shape[-1]))``

    Examples:
        By hand: queries of 0 match all keys alike, so each head reads the mean 3 of 2 and 4; one
        head doubles it, the other triples it, and the projection back adds 6 and 10 times 9:

        >>> import numpy as np
        >>> x, y, w = np.asarray([[5.0]]), np.asarray([[2.0], [4.0]]), np.zeros((2, 1, 1))
        >>> w_v, w_o = np.asarray([[[2.0]], [[3.0]]]), np.asarray([[1.0], [10.0]])
        >>> multi_head_attention(x, y, w, w, w_v, w_o).tolist()
        [[96.0]]

        Two heads over two texts of three items, the first output of each:

        >>> x = np.sin(np.arange(24.0)).reshape(2, 3, 4)
        >>> w_q, w_k, w_v = np.cos(np.arange(96.0)).reshape(3, 2, 4, 4)[..., :2]
        >>> w_o = np.sin(2 * np.arange(16.0)).reshape(4, 4)
        >>> multi_head_attention(x, x, w_q, w_k, w_v, w_o)[:, 0].round(4).tolist()
        [[0.095, -0.1562, 0.035, 0.1271], [0.0685, -0.1824, 0.0833, 0.1131]]

        The same from PyTorch's module, which stores the transposes with the heads stacked:

        >>> import torch
        >>> module = torch.nn.MultiheadAttention(4, 2, bias=False, batch_first=True).double()
        >>> stacked = np.concatenate([w.transpose(0, 2, 1).reshape(4, 4) for w in (w_q, w_k, w_v)])
        >>> weights = {"in_proj_weight": stacked, "out_proj.weight": w_o.T}
        >>> _ = module.load_state_dict({name: torch.tensor(w) for name, w in weights.items()})
        >>> w_k, w_v, w_o, x = (torch.tensor(w) for w in (w_k, w_v, w_o, x))
        >>> module(x, x, x)[0][:, 0].detach().numpy().round(4).tolist()
        [[0.095, -0.1562, 0.035, 0.1271], [0.0685, -0.1824, 0.0833, 0.1131]]

        Where the mask lets an item read itself only, as in the first of these texts, there is no
        choice, and the queries get no gradient from it:

        >>> q = torch.tensor(w_q, requires_grad=True)
        >>> mask = torch.stack([torch.eye(3), torch.ones(3, 3)]) == 1
        >>> multi_head_attention(x, x, q, w_k, w_v, w_o, mask)[0].sum().backward()
        >>> bool((q.grad == 0).all())
        True
    """
    if mask is not None:
        mask = mask[..., None, :, :]
    asked, read = x[..., None, :, :], y[..., None, :, :]
    heads = scaled_dot_product_attention(asked @ w_q, read @ w_k, read @ w_v, mask)
    xp = array_namespace(heads)
    last = heads.ndim - 1
    rows = xp.permute_dims(heads, (*range(last - 2), last - 1, last - 2, last))
    return xp.reshape(rows, (*rows.shape[:-2], w_o.shape[0])) @ w_o


@checked
def causal_mask(positions: Index[Array, "*batch n"]) -> Mask[Array, "*batch n n"]:
    r"""Causal mask: an item may read itself and what comes before, nothing that comes later.

    .. math:: M_{ij} = \begin{cases} 1 & p_j \leq p_i \\ 0 & p_j > p_i \end{cases}

    Row :math:`i` is the query, column :math:`j` the key; a decoder cannot look ahead at the future
    tokens that it is trained to predict. The diagonal is 1, so no row is empty. For items in order
    it is the lower triangular matrix of ones, :math:`M_{ij} = \mathbb{1}[j \le i]`, and added to
    the scores as :math:`\log M`, 0 on and below the diagonal and :math:`-\infty` above it.

    Args:
        positions: :math:`p`, the position of each item, from 0.

    Returns:
        :math:`M`, true (1) where a query may read a key.

    Also called:
        autoregressive mask, look-ahead mask, future mask, triangular mask, decoder mask.

    Asked as:
        tril mask; torch.tril; is_causal; causal attention; masked self-attention; attention mask;
        model sees the future; do not attend to later tokens.

    Role in ML:
        - constraint -- Llama 3: applied in every attention, so that all next tokens of a text are
          trained at once; the rows for new tokens reach back over all that is cached
          :cite:p:`grattafiori2024llama3{code: llama-models, models/llama3/model.py, class
          Transformer}`.
          Witness: ``transformers.masking_utils.create_causal_mask``.
        - constraint -- gpt-oss: the same triangle in each layer; every second layer also cuts off
          what lies 128 or more tokens back
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 161 and 188}`.
        - constraint -- DeepSeek-V3: added to the scores as :math:`-\infty` above the diagonal
          :cite:p:`deepseek2024v3{code: inference/model.py, line 789}`.

    Numerics:
        With fewer queries than keys, as when keys are cached, take the last rows: the last query
        then sees every key. ``is_causal=True`` of PyTorch's attention aligns the first query with
        the first key instead, which is another mask unless the two numbers are equal. A mask for
        documents or for a window is combined by ``&``; the diagonal has to stay. For positions in
        order, ``np.tril`` or ``torch.tril`` of ones is this mask.

    Checked against:
        ``np.tri(1 + positions.max())[np.ix_(positions, positions)] == 1``

    Examples:
        By hand, for three items in order:

        >>> import numpy as np
        >>> causal_mask(np.arange(3)).astype(int).tolist()
        [[1, 0, 0], [1, 1, 0], [1, 1, 1]]

        Two new tokens after three cached ones: the last rows, the last query sees all five keys:

        >>> causal_mask(np.arange(5))[-2:].astype(int).tolist()
        [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]

        Positions decide, not the places in the array, in each text by itself; equal positions see
        each other:

        >>> import torch
        >>> causal_mask(torch.tensor([[4, 0, 4], [5, 3, 2]])).int().tolist()
        [[[1, 1, 1], [0, 1, 0], [1, 1, 1]], [[1, 1, 1], [0, 1, 1], [0, 0, 1]]]

        Under it the first item of a text reads itself alone, the second the mean of two:

        >>> same, v = torch.zeros(3, 1), torch.tensor([[6.0], [2.0], [1.0]])
        >>> scaled_dot_product_attention(same, same, v, causal_mask(torch.arange(3)))[:, 0]
        tensor([6., 4., 3.])
    """
    return positions[..., None, :] <= positions[..., :, None]
