r"""Memory: what a model holds while it generates.

A decoder that writes token after token needs the keys and values of all earlier tokens at every
step. Keeping them spares their recomputation: with them a step costs one pass through the weights
and an attention read that grows with the length so far, without them the whole prefix is run
again. The price is memory that grows with length and with batch, while the weights stay as they
are. At long contexts it passes the weights in size.

One entry here is the size, the other the step: it appends a key and a value and reads the whole
cache with one query a head. Every way to shrink the cache takes a factor out of one product: fewer
key and value heads, fewer bytes a number, a window on the length, layers that share, or one
compressed vector in place of the heads.

:map: 6.6 Efficiency and scale
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.attention.dot_product_attention import scaled_dot_product_attention
from mlmath_ref.sets import Natural, Real, checked


@checked
def kv_cache_bytes(
    n_layers: Natural[int, ""],
    n_kv_heads: Natural[int, ""],
    d_head: Natural[int, ""],
    n_tokens: Natural[int, ""],
    *,
    batch: Natural[int, ""] = 1,
    bytes_per_number: Natural[int, ""] = 2,
) -> Natural[int, ""]:
    r"""KV-cache size: the bytes that keys and values of all past tokens take.

    .. math:: M = 2 \, L \, h_{\mathrm{kv}} \, d_h \, n \, B \, c

    The 2 stands for keys and values. The number of query heads does not enter: with grouped-query
    attention several of them read one key and value head. With as many key and value heads as query
    heads it is :math:`2 L d n B c` at the width :math:`d = h_{\mathrm{kv}} d_h`, and one token of
    one sequence takes :math:`2 L h_{\mathrm{kv}} d_h c`.

    Args:
        n_layers: :math:`L`, attention layers that keep their own cache.
        n_kv_heads: :math:`h_{\mathrm{kv}}`, key and value heads of a layer.
        d_head: :math:`d_h`, numbers in one key, and in one value.
        n_tokens: :math:`n`, tokens held, prompt and answer together.
        batch: :math:`B`, sequences held at once.
        bytes_per_number: :math:`c`, in bytes: 2 for float16 and bfloat16, 1 for eight-bit formats.

    Returns:
        :math:`M`, in bytes; :math:`10^9` of them are a GB, :math:`2^{30}` a GiB.

    Also called:
        KV cache memory, KV cache size, key-value cache size, cache footprint.

    Asked as:
        how big is the KV cache; context memory; inference memory; memory per token; out of memory
        at long context; grouped-query attention memory; bytes per token.

    Role in ML:
        - analysis -- Llama 3: 8 key and value heads at every size, against 32, 64 and 128 query
          heads, make the cache 4, 8 and 16 times smaller
          :cite:p:`grattafiori2024llama3{sec. 3.2, table 3}`.
          Witness: ``transformers.DynamicCache``.
        - contrast -- DeepSeek-V3: latent attention keeps one vector of 512 and one rotary key of
          64 for each token and layer, where this count has :math:`2 h_{\mathrm{kv}} d_h`
          :cite:p:`deepseek2024v2{sec. 2.1.4, table 1},deepseek2024v3{code: inference/model.py, line
          76}`.
        - compression -- gpt-oss: every second layer attends to the last 128 tokens only, which
          stops its :math:`n` there
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 24}`.

    Numerics:
        Python integers throughout: exact at any size. Scales of a quantized cache, padding and the
        blocks of a paged allocator come on top. At long contexts or large batches it is what runs a
        GPU out of memory in generation.

    Checked against:
        ``np.zeros((2, n_layers, batch, n_kv_heads, n_tokens, d_head),
        dtype=f"V{bytes_per_number}").nbytes``

    Examples:
        Llama 3 8B at 8192 tokens in bfloat16, by hand:
        :math:`2 \cdot 32 \cdot 8 \cdot 128 \cdot 8192 \cdot 2 = 2^{30}`, one GiB.

        >>> kv_cache_bytes(32, 8, 128, 8192)
        1073741824
        >>> kv_cache_bytes(32, 8, 128, 8192) == 2**30
        True

        Llama 3 405B at its full 131072 tokens: 67.6 GB for a single sequence, and 16 times as much
        had all 128 heads their own keys and values:

        >>> kv_cache_bytes(126, 8, 128, 131072)
        67645734912
        >>> kv_cache_bytes(126, 128, 128, 131072) // kv_cache_bytes(126, 8, 128, 131072)
        16

        Llama 2 70B, 4096 tokens, 32 sequences: 42.9 GB in float16, half of it in eight bits:

        >>> kv_cache_bytes(80, 8, 128, 4096, batch=32)
        42949672960
        >>> kv_cache_bytes(80, 8, 128, 4096, batch=32, bytes_per_number=1)
        21474836480
    """
    return 2 * n_layers * n_kv_heads * d_head * n_tokens * batch * bytes_per_number


@checked
def kv_cache_step(
    q: Real[Array, "*batch h d_k"],
    k: Real[Array, "*batch d_k"],
    v: Real[Array, "*batch d_v"],
    k_cache: Real[Array, "*batch n d_k"],
    v_cache: Real[Array, "*batch n d_v"],
) -> tuple[
    Real[Array, "*batch h d_v"], Real[Array, "*batch n+1 d_k"], Real[Array, "*batch n+1 d_v"]
]:
    r"""KV-cached decoding: one new token reads all earlier ones without computing them again.

    .. math::
        \begin{aligned}
        O_t &= \operatorname{softmax}\left( \frac{Q_t K_t^\top}{\sqrt{d_k}} \right) V_t \\
        (K_t)_i &= \begin{cases} (K_{t-1})_i & i \leq n \\ \mathbf{k}_t & i = n + 1 \end{cases} \\
        (V_t)_i &= \begin{cases} (V_{t-1})_i & i \leq n \\ \mathbf{v}_t & i = n + 1 \end{cases},
        \quad i = 1, \dots, n + 1
        \end{aligned}

    Written with concatenation, :math:`K_t = [K_{t-1}; \mathbf{k}_t]` and
    :math:`V_t = [V_{t-1}; \mathbf{v}_t]`; it gives the last row of causal attention over the whole
    text, because the keys and values of a token never depend on later ones. No mask is needed: row
    :math:`i` of the cache is token :math:`i`, and all of them came before.

    Args:
        q: :math:`Q_t`, queries of the new token, one for each of the :math:`h` heads that share
            this key and value head; 1 where every head has its own.
        k: :math:`\mathbf{k}_t`, the key of the new token, turned by its position already.
        v: :math:`\mathbf{v}_t`, its value.
        k_cache: :math:`K_{t-1}`, keys of the :math:`n` earlier tokens, one a row.
        v_cache: :math:`V_{t-1}`, their values.

    Returns:
        :math:`(O_t, K_t, V_t)`, one output for each query, and the cache for the next token.

    Also called:
        KV caching, incremental decoding, decode step.

    Asked as:
        KV cache; key-value cache; use_cache; past key values; autoregressive decoding; token by
        token generation; why is generation slow; do not recompute keys and values.

    Role in ML:
        - primitive -- Llama 3: the released code reserves the cache for all positions, writes new
          keys and values at theirs and attends to everything up to there
          :cite:p:`grattafiori2024llama3{code: llama-models, models/llama3/model.py, lines
          183-187}`.
          Witness: ``transformers.DynamicCache``.
        - contrast -- DeepSeek-V3: appends one latent vector and one rotary key in the place of
          the keys and values of all heads, and scores the queries against them directly
          :cite:p:`deepseek2024v3{code: inference/model.py, lines 484-494}`.

    Numerics:
        The exact counts, for one head of width :math:`d` with projections of :math:`d \times d` and
        :math:`n` tokens in all: :math:`6 d^2 + 4 n d` operations with the cache,
        :math:`6 n d^2 + 4 n^2 d` if everything is run again, and :math:`2 d^2 + 4 n d^2 + 4 n d` if
        keys and values are recomputed for the last row alone. A cached step is linear in
        :math:`n` only where :math:`n` is large against :math:`d`; recomputing costs
        :math:`n^2` only where the whole prefix is run. Appending copies the cache, which systems
        avoid by reserving room. The cache has to hold a token, so the first one is its own prompt.
        Rounding apart, step by step and all at once are equal; kernels sum in other orders.

    Checked against:
        ``(torch.nn.functional.scaled_dot_product_attention(q, torch.vstack((k_cache, k)),
        torch.vstack((v_cache, v))), torch.vstack((k_cache, k)), torch.vstack((v_cache, v)))``

    Examples:
        By hand: the query matches the cached key with :math:`2 \log 3 / \sqrt{4}` and the new one
        with 0, so the shares are 3 to 1 and the output is :math:`0.75 \cdot 8 + 0.25 \cdot 4`:

        >>> import numpy as np
        >>> q, k = np.full((1, 4), np.log(3)), np.zeros(4)
        >>> k_cache, v_cache = np.full((1, 4), 0.5), np.asarray([[8.0]])
        >>> o, keys, values = kv_cache_step(q, k, np.asarray([4.0]), k_cache, v_cache)
        >>> o.round(4).tolist(), values.tolist(), keys.shape
        ([[7.0]], [[8.0], [4.0]], (2, 4))

        Four tokens one after the other are the rows of causal attention over all of them, as
        ``torch.nn.functional.scaled_dot_product_attention`` has it:

        >>> import torch
        >>> q = torch.tensor([[0.3, -1.2], [2.5, 0.8], [-0.7, 1.9], [1.1, -0.4]])
        >>> k = torch.tensor([[1.7, 0.4], [-0.6, 1.3], [0.9, -2.1], [0.2, 0.5]])
        >>> v = torch.tensor([[0.2, 0.5, -0.7], [-0.3, 0.9, 1.3],
        ...                   [0.6, 0.8, -0.5], [1.4, -1.0, 0.1]])
        >>> cache = k[:1], v[:1]
        >>> for t in range(1, 4):
        ...     o, *cache = kv_cache_step(q[t : t + 1], k[t], v[t], *cache)
        ...     print(o)
        tensor([[ 0.1861,  0.5111, -0.6445]])
        tensor([[-0.2525,  0.8648,  1.1182]])
        tensor([[ 0.4911,  0.4700, -0.4148]])
        >>> torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)[1:]
        tensor([[ 0.1861,  0.5111, -0.6445],
                [-0.2525,  0.8648,  1.1182],
                [ 0.4911,  0.4700, -0.4148]])
        >>> bool((cache[0] == k).all() and (cache[1] == v).all())
        True

        Three heads that share one key and value head, in two texts at once:

        >>> x = torch.sin(torch.arange(40.0))
        >>> o, keys, _ = kv_cache_step(x[:12].reshape(2, 3, 2), x[12:16].reshape(2, 2),
        ...     x[16:18].reshape(2, 1), x[18:30].reshape(2, 3, 2), x[30:36].reshape(2, 3, 1))
        >>> o[..., 0], keys.shape
        (tensor([[-0.3850, -0.2639, -0.1739],
                [ 0.1092, -0.1696,  0.1904]]), torch.Size([2, 4, 2]))

        The gradient of the output in the new value is its share:

        >>> value = v[3].clone().requires_grad_()
        >>> kv_cache_step(q[3:], k[3], value, k[:3], v[:3])[0].sum().backward()
        >>> value.grad
        tensor([0.1201, 0.1201, 0.1201])

        The counts at :math:`n = 1024` and :math:`d = 64`: run again, last row alone, cached. At 16
        tokens the projections are most of the cached step:

        >>> def operations(n, d):
        ...     again, last = 6 * n * d**2 + 4 * n**2 * d, 2 * d**2 + 4 * n * d**2 + 4 * n * d
        ...     return again, last, 6 * d**2 + 4 * n * d
        >>> operations(1024, 64)
        (293601280, 17047552, 286720)
        >>> round(6 * 64**2 / operations(16, 64)[2], 4)
        0.8571
    """
    xp = array_namespace(q, k, v, k_cache, v_cache)
    keys = xp.concat([k_cache, k[..., None, :]], axis=-2)
    values = xp.concat([v_cache, v[..., None, :]], axis=-2)
    return scaled_dot_product_attention(q, keys, values), keys, values
