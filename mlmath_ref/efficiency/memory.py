r"""Memory: what a model holds while it generates.

A decoder that writes token after token needs the keys and values of all earlier tokens at every
step. Keeping them spares their recomputation: with them a step costs one pass through the weights
and an attention read that grows with the length so far, without them the whole prefix is run
again. The price is memory that grows with length and with batch, while the weights stay as they
are. At long contexts it passes the weights in size.

Every way to shrink it takes a factor out of one product: fewer key and value heads, fewer bytes a
number, a window on the length, layers that share, or one compressed vector in place of the heads.

:map: 6.6 Efficiency and scale
"""

from mlmath_ref.sets import Natural, checked


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
    attention several of them read one key and value head.

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
        KV cache memory, key-value cache, cache footprint, context memory, inference memory.

    Role in ML:
        - analysis -- Llama 3: 8 key and value heads at every size, against 32, 64 and 128 query
          heads, make the cache 4, 8 and 16 times smaller
          :cite:p:`grattafiori2024llama3{sec. 3.2, table 3}`.
          Witness: ``transformers.DynamicCache``.
        - compression -- DeepSeek-V3: latent attention keeps one vector of 512 and one rotary key of
          64 for each token and layer, where this count has :math:`2 h_{\mathrm{kv}} d_h`
          :cite:p:`deepseek2024v2{sec. 2.1.4, table 1},deepseek2024v3{code: inference/model.py, line
          76}`.
        - compression -- gpt-oss: every second layer attends to the last 128 tokens only, which
          stops its :math:`n` there
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 24}`.

    Numerics:
        Python integers throughout: exact at any size. Scales of a quantized cache, padding and the
        blocks of a paged allocator come on top.

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
