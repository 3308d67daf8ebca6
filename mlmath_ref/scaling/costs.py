r"""Costs: how many operations and how many bytes does a transformer take?

The size of a transformer follows from a handful of widths. Nearly all of its parameters stand in
matrices, and a matrix with :math:`k` entries costs :math:`2 k` operations for each token, one
multiplication and one addition for each entry; so a forward pass costs about :math:`2 N` for a
token, and a training step three times as much, :math:`6 N`. The products of attention hold no
parameters and come on top. They alone grow with the square of the length.

A count has no meaning without its unit. Operations are counted here as two for each
multiply-accumulate, whatever other sources do; bytes in decimal gigabytes; and a saving by
quantization against a baseline that is named. All counts are of the mathematics: a kernel that
skips masked blocks does less, one that recomputes does more, and what limits a machine is often the
memory that it reads and not the operations.

:map: 6.6 Efficiency and scale
"""

from mlmath_ref.sets import Index, Natural, Positive, checked


@checked
def attention_flops(
    n: Natural[int, ""], d: Natural[int, ""]
) -> tuple[Natural[int, ""], Natural[int, ""]]:
    r"""Attention FLOPs: the operations of one self-attention layer, in a forward pass.

    .. math:: F_{\mathrm{mix}} = 4 n^2 d, \quad F_{\mathrm{proj}} = 8 n d^2

    Together they are :math:`4 n^2 d + 8 n d^2`: scores and weighted sum of values take
    :math:`2 n^2 d` each; the projections to queries, keys, values and output :math:`2 n d^2` each.
    They are equal at :math:`n = 2 d`, and beyond this length the square dominates, so that twice
    the length comes to cost four times as much. The number of heads does not enter.

    Args:
        n: :math:`n`, tokens of the sequence.
        d: :math:`d`, the width of the model, all heads together.

    Returns:
        :math:`(F_{\mathrm{mix}}, F_{\mathrm{proj}})`, operations of the two products between
        tokens, and of the four projections.

    Also called:
        attention complexity, self-attention cost, attention compute.

    Asked as:
        quadratic attention; quadratic complexity; O(n^2 d); MACs; FLOP count; compute of attention;
        model FLOPs utilization; MFU; 12 L H Q T; how long context makes attention slow.

    Role in ML:
        - analysis -- nanochat: to 6 operations for each entry of a matrix it adds, for each token and
          layer, 12 times width times length: the first count here, three times for forward and
          backward; a layer with a window counts the window only
          :cite:p:`karpathy2025nanochat{code: nanochat/gpt.py, lines 331-338}`.
        - analysis -- llm.c: counts 6 where nanochat counts 12, for the utilization that it prints
          :cite:p:`karpathy2024llmc{code: train_gpt2.cu, line 1143}`.
        - analysis -- PyTorch: its counter charges a fused attention with the two products, causal
          or not
          :cite:p:`ansel2024pytorch2{code: torch/utils/flop_counter.py, def sdpa_flop}`.
          Witness: ``torch.utils.flop_counter.sdpa_flop_count``.

    Numerics:
        Python integers, exact at any size. A multiply-accumulate is two operations; in these, the
        products are :math:`2 n^2 d`. A causal mask makes half of them superfluous, and whether a
        source counts that half has to be looked up. The softmax, some :math:`n^2` for each head, is
        left out. With fewer key and value heads the projections shrink, the products do not. As a
        class the whole layer is :math:`O(n^2 d + n d^2)`. With the usual feed-forward layer,
        :math:`16 n d^2`, a whole layer takes :math:`24 n d^2 + 4 n^2 d`. For training :math:`L`
        layers with :math:`N` parameters PaLM counts :math:`6 N + 12 L d n` operations a token
        :cite:p:`chowdhery2022palm{app. B}`. ``torch.utils.flop_counter.FlopCounterMode`` counts in
        the same way.

    Checked against:
        ``tuple((lambda counter: (counter.__enter__(), work(), counter.__exit__(None, None, None),
        counter.get_total_flops())[-1])(__import__("torch.utils.flop_counter")
        .utils.flop_counter.FlopCounterMode(display=False)) for work in (
        lambda: torch.zeros(n, d) @ torch.zeros(d, n) @ torch.zeros(n, d),
        lambda: [torch.zeros(n, d) @ torch.zeros(d, d) for _ in "qkvo"]))``

    Examples:
        By hand, :math:`4 \cdot 3^2 \cdot 2` and :math:`8 \cdot 3 \cdot 2^2`:

        >>> attention_flops(3, 2)
        (72, 96)

        As counted by PyTorch at :math:`n = 256`, :math:`d = 128`, where :math:`n = 2 d`: 33.55
        million each; the scores alone are half of the first, 16.78 million.

        >>> attention_flops(256, 128)
        (33554432, 33554432)
        >>> attention_flops(256, 128)[0] // 2
        16777216

        At the width of GPT-3 a context of 2048 is short: the products are a twelfth of the
        projections. Twice the length makes four times the products and twice the projections:

        >>> mix, projections = attention_flops(2048, 12288)
        >>> mix, projections, projections / mix
        (206158430208, 2473901162496, 12.0)
        >>> longer = attention_flops(4096, 12288)
        >>> longer[0] // mix, longer[1] // projections
        (4, 2)
    """
    return 4 * n**2 * d, 8 * n * d**2


@checked
def feed_forward_flops(
    n: Natural[int, ""],
    d: Natural[int, ""],
    d_ff: Natural[int, ""],
    *,
    n_matrices: Natural[int, ""] = 2,
) -> Natural[int, ""]:
    r"""Feed-forward FLOPs: the operations of one feed-forward layer, in a forward pass.

    .. math:: F = 2 \, m \, n \, d \, d_{\mathrm{ff}}

    With the usual :math:`d_{\mathrm{ff}} = 4 d` and two matrices this is :math:`16 n d^2`. It
    exceeds the products of attention, :math:`4 n^2 d`, exactly for :math:`n < 4 d`, and the whole
    attention layer, :math:`4 n^2 d + 8 n d^2`, exactly for :math:`n < 2 d`. A gate adds a third
    matrix, :math:`6 n d \, d_{\mathrm{ff}}` in all.

    Args:
        n: :math:`n`, tokens of the sequence.
        d: :math:`d`, the width of the model.
        d_ff: :math:`d_{\mathrm{ff}}`, the width inside the layer.
        n_matrices: :math:`m`, 2 for a plain layer, 3 for a gated one.

    Returns:
        :math:`F`, operations, two for each multiply-accumulate.

    Also called:
        FFN FLOPs, MLP FLOPs, compute of the MLP.

    Asked as:
        16nd^2; SwiGLU FLOPs; FFN crossover; 2 FLOPs per parameter; cost of the feed-forward layer.

    Role in ML:
        - analysis -- nanochat: the two matrices of its layer, four times as wide inside, are in the
          sum over all linear layers that a decoding step is charged with, at 2 for each entry
          :cite:p:`karpathy2025nanochat{code: nanochat/gpt.py, lines 134-135, 348 and 359}`.
        - analysis -- Llama 3: the gated layer of the 8B model has 14,336 units at a width of 4,096,
          which makes :math:`21 n d^2` of the :math:`16 n d^2`
          :cite:p:`grattafiori2024llama3{v3, table 3}`.

    Numerics:
        Python integers, exact at any size. Biases, the activation and the product with the gate
        are left out, some :math:`n d_{\mathrm{ff}}` each. In a mixture of experts the count is
        that of one expert, times the experts that a token is sent to.
        ``torch.utils.flop_counter.FlopCounterMode`` counts in the same way.

    Checked against:
        ``(lambda counter: (counter.__enter__(), [torch.nn.functional.linear(torch.zeros(n, d),
        torch.zeros(d_ff, d)) for _ in range(n_matrices)], counter.__exit__(None, None, None),
        counter.get_total_flops())[-1])(__import__("torch.utils.flop_counter")
        .utils.flop_counter.FlopCounterMode(display=False))``

    Examples:
        By hand, :math:`2 \cdot 2 \cdot 3 \cdot 2 \cdot 5`, and with a gate half as much again:

        >>> feed_forward_flops(3, 2, 5), feed_forward_flops(3, 2, 5, n_matrices=3)
        (120, 180)

        As counted by PyTorch at :math:`n = 256`, :math:`d = 128`, :math:`d_{\mathrm{ff}} = 4 d`:
        67.11 million, as much as the whole attention layer, since :math:`n = 2 d`:

        >>> feed_forward_flops(256, 128, 512), sum(attention_flops(256, 128))
        (67108864, 67108864)

        At the width of GPT-3 the layer outweighs the attention layer below 24,576 tokens, and the
        products of attention alone below 49,152:

        >>> d = 12288
        >>> [feed_forward_flops(n, d, 4 * d) - sum(attention_flops(n, d)) for n in (24575, 24576)]
        [1207910400, 0]
        >>> [feed_forward_flops(n, d, 4 * d) - attention_flops(n, d)[0] for n in (49151, 49152)]
        [2415869952, 0]

        The gated layer of Llama 3 8B, in units of :math:`n d^2`:

        >>> feed_forward_flops(8192, 4096, 14336, n_matrices=3) / (8192 * 4096**2)
        21.0
    """
    return 2 * n_matrices * n * d * d_ff


@checked
def transformer_parameter_count(
    n_layers: Natural[int, ""],
    d: Natural[int, ""],
    n_heads: Natural[int, ""],
    n_kv_heads: Natural[int, ""],
    d_head: Natural[int, ""],
    d_ff: Natural[int, ""],
    n_vocab: Natural[int, ""],
    *,
    n_ff_matrices: Natural[int, ""] = 3,
    n_embeddings: Natural[int, ""] = 2,
) -> Natural[int, ""]:
    r"""Parameter count: how many numbers a decoder-only transformer learns.

    .. math:: N = k V d + L \left( 2 d \, d_h (h + h_{\mathrm{kv}})
       + m \, d \, d_{\mathrm{ff}} + 2 d \right) + d

    In each layer stand projections of queries and output, of keys and values, the feed-forward
    matrices and two normalizations. With :math:`h_{\mathrm{kv}} = h`, :math:`d_h h = d` and two
    matrices of width :math:`4 d` a layer has :math:`4 d^2 + 8 d^2 = 12 d^2`, the usual estimate,
    and the model :math:`N \approx 12 L d^2` without embeddings.

    Args:
        n_layers: :math:`L`, layers, each of attention and feed-forward.
        d: :math:`d`, the width of the model.
        n_heads: :math:`h`, query heads.
        n_kv_heads: :math:`h_{\mathrm{kv}}`, key and value heads.
        d_head: :math:`d_h`, the width of a head.
        d_ff: :math:`d_{\mathrm{ff}}`, the width inside the feed-forward layer.
        n_vocab: :math:`V`, the size of the vocabulary.
        n_ff_matrices: :math:`m`, 3 for a gated feed-forward layer, 2 for a plain one.
        n_embeddings: :math:`k`, 2 where input and output have their own embeddings, 1 where they
            share one. The defaults are those of Llama.

    Returns:
        :math:`N`, parameters.

    Also called:
        model size, number of parameters, parameter count of a transformer.

    Asked as:
        12 L d^2; 12 n_layer d_model^2; 7B; 8B; 70B; num_params; numel; how many parameters; model
        parameters; non-embedding parameters; size of Llama.

    Role in ML:
        - analysis -- Llama 3: one table gives layers, widths, heads and a vocabulary of 128,000 for
          the three sizes, which makes 8.03, 70.5 and 405.8 billion; with the 128,256 tokens of the
          released models it is 8.03, 70.6 and 405.9
          :cite:p:`grattafiori2024llama3{v3, sec. 3.2, table 3}`.
          Witness: ``transformers.LlamaForCausalLM``.
        - analysis -- nanochat: counts embedding, output layer and matrices apart, because scaling
          laws have been fitted with and without the embedding
          :cite:p:`karpathy2025nanochat{code: nanochat/gpt.py, lines 390-417}`.
        - analysis -- GPT-3: 96 layers of width 12,288 with 96 heads are the model called 175B
          :cite:p:`brown2020language{table 2.1}`.

    Numerics:
        Python integers, exact at any size. Position embeddings, biases and normalizations of
        queries and keys come on top where a model has them; rotary positions have no parameters. In
        a mixture of experts the feed-forward part is taken once for each expert, with a router
        beside it, and the count of active parameters is another number. Whether embeddings are
        counted moves small models by a large share. Training on :math:`D` tokens takes about
        :math:`C = 6 N D` operations. Of a model in PyTorch it is
        ``sum(p.numel() for p in model.parameters())``.

    Checked against:
        ``sum(p.numel() for p in torch.nn.ModuleList(
        [torch.nn.Embedding(n_vocab, d) for _ in range(n_embeddings)] + [torch.nn.RMSNorm(d)]
        + [torch.nn.ModuleList(
        [torch.nn.Linear(d, h * d_head, bias=False) for h in (n_heads, n_kv_heads, n_kv_heads)]
        + [torch.nn.Linear(n_heads * d_head, d, bias=False)]
        + [torch.nn.Linear(d_ff, d, bias=False) for _ in range(n_ff_matrices)]
        + [torch.nn.RMSNorm(d) for _ in range(2)]) for _ in range(n_layers)]).parameters())``

    Examples:
        By hand, one layer of width 4 with two heads, one key and value head of width 2, 8 units and
        10 tokens: :math:`80 + (16 + 8 + 8 + 16) + 96 + 8 + 4`:

        >>> transformer_parameter_count(1, 4, 2, 1, 2, 8, 10)
        236

        Llama 3 8B and 405B with the vocabulary of the released models, and Llama 2 70B, whose width inside is 28,672, with 8 key and value
        heads and 32,000 tokens:

        >>> transformer_parameter_count(32, 4096, 32, 8, 128, 14336, 128256)
        8030261248
        >>> transformer_parameter_count(126, 16384, 128, 8, 128, 53248, 128256)
        405853388800
        >>> transformer_parameter_count(80, 8192, 64, 8, 128, 28672, 32000)
        68976648192

        GPT-3, with one embedding and no gate; 2048 positions, biases and the shifts of its layer
        norms come on top and make 174.6 billion, of which :math:`12 L d^2` is 173.9:

        >>> layers, d = 96, 12288
        >>> matrices = transformer_parameter_count(
        ...     layers, d, 96, 96, 128, 4 * d, 50257, n_ff_matrices=2, n_embeddings=1
        ... )
        >>> matrices + 2048 * d + layers * (4 + 5 + 2) * d + d
        174604259328
        >>> 12 * layers * d**2
        173946175488

        Sharing the embedding takes a sixth off a small model and hardly anything off a large one:

        >>> small = [transformer_parameter_count(16, 2048, 32, 8, 64, 8192, 128256, n_embeddings=k)
        ...          for k in (1, 2)]
        >>> small, small[1] - small[0] == 128256 * 2048
        ([1235814400, 1498482688], True)
    """
    attention = 2 * d * d_head * (n_heads + n_kv_heads)
    feed_forward = n_ff_matrices * d * d_ff
    return n_embeddings * n_vocab * d + n_layers * (attention + feed_forward + 2 * d) + d


@checked
def parameter_memory_bytes(
    n_params: Natural[int, ""],
    bits: Natural[int, ""],
    *,
    scale_bits: Index[int, ""] = 0,
    group_size: Natural[int, ""] = 128,
) -> Positive[float, ""]:
    r"""Parameter memory: the bytes that the weights take, with the scales of a quantization.

    .. math:: M = \frac{N}{8} \left( b + \frac{s}{g} \right)

    Without scales it is :math:`N b / 8`, 2 bytes a parameter in 16 bits; it is proportional to the
    bits of a number, so that 8 bits are a quarter of 32 and a half of 16. The scales add
    :math:`s / g` bits to each weight, and the finer the groups the more.

    Args:
        n_params: :math:`N`, parameters.
        bits: :math:`b`, the bits of a stored weight: 32, 16, 8 or 4.
        scale_bits: :math:`s`, the bits of what a group has in common, scale and zero point; 0
            without quantization.
        group_size: :math:`g`, the weights of a group.

    Returns:
        :math:`M`, in bytes; :math:`10^9` of them are a GB, :math:`2^{30}` a GiB.

    Also called:
        weight memory, model memory, model footprint, checkpoint size.

    Asked as:
        VRAM; GPU memory; memory footprint; bytes per parameter; bits per weight; bpw; bits per
        parameter; quantization memory reduction; how much memory; does a 70B model fit; CUDA out of
        memory.

    Role in ML:
        - compression -- gpt-oss: expert weights are kept as four-bit floats, 32 to a block, with
          one exponent of eight bits for the block: 4.25 bits a weight
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/weights.py, lines 8-9 and 84-86}`.
        - compression -- Llama 3.2 quantized: with a scale for every 32 four-bit weights, a scale of
          16 bits would make 4.5 bits of the 4
          :cite:p:`meta2024llama32{Quantization Scheme}`.

    Numerics:
        One division of floats, exact to 16 digits; a last group that is not full is counted by its
        share. The count is of weights alone: a cache, activations and, in training, gradients,
        moments and a copy in 32 bits come on top, some :math:`2 + 2 + 4 + 4 + 4 = 16` bytes a
        parameter with Adam in mixed precision: a model that fits for inference may run out of
        memory (CUDA out of memory) in training or fine-tuning. Layers that stay in 16 bits have to
        be counted apart. A model of 7 billion parameters takes 14 GB in float16 and 3.5 GB in int4,
        before scales. A tensor ``p`` of PyTorch takes ``p.numel() * p.element_size()`` bytes.

    Checked against:
        ``np.dtype(f"V{group_size * bits + scale_bits}").itemsize * n_params / (8 * group_size)``

    Examples:
        By hand: 70 billion parameters take 140 GB in 16 bits, a half of it in 8 and a quarter in 4;
        against 32 bits, that is a quarter and an eighth:

        >>> parameter_memory_bytes(70 * 10**9, 16) / 1e9
        140.0
        >>> [parameter_memory_bytes(70 * 10**9, b) / 1e9 for b in (32, 8, 4)]
        [280.0, 70.0, 35.0]

        In GiB the 140 are 130.4. The model called 70B has 68,976,648,192 parameters and takes
        137.95 GB:

        >>> round(parameter_memory_bytes(70 * 10**9, 16) / 2**30, 4)
        130.3852
        >>> round(parameter_memory_bytes(68_976_648_192, 16) / 1e9, 4)
        137.9533

        Four bits with a scale of 16 for each 128 are 36.1 GB, not 35; blocks of 32 with eight bits
        make 4.25 bits:

        >>> parameter_memory_bytes(70 * 10**9, 4, scale_bits=16) / 1e9
        36.09375
        >>> 8 * parameter_memory_bytes(1000, 4, scale_bits=8, group_size=32) / 1000
        4.25
    """
    return n_params / 8 * (bits + scale_bits / group_size)
