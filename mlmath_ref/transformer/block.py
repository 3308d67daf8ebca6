r"""Block: attention between tokens, then a layer for each token, both added to what came in.

A transformer is a stack of equal blocks around one stream of tokens. Each block reads the stream
twice and adds its findings: attention lets tokens read from each other, the feed-forward layer
works on each one alone. Because everything is added, the stream runs through the whole stack
unchanged but for what the layers add, and so does the gradient on its way back. That made stacks of
tens to more than a hundred blocks trainable: 32 in Llama 3 8B, 61 in DeepSeek-V3, 126 in Llama 3
405B :cite:p:`grattafiori2024llama3{table 3},deepseek2024v3{sec. 4.2}`.

Where the normalization stands decides whether that path is free. In the original transformer it
stood on the stream, after each sum; every block then rescales the gradient, and training needs a
warmup :cite:p:`xiong2020layer{abstract}`. Since GPT-2 it stands on the branch, before each layer:
the stream itself is never normalized but once, at the end of the stack.

:map: 6.4 Transformers
"""

from collections.abc import Callable

from mlmath_ref.arrays import Array, Tensor
from mlmath_ref.attention.dot_product_attention import multi_head_attention
from mlmath_ref.layers.normalization import rms_norm
from mlmath_ref.sets import Mask, Positive, Real, checked
from mlmath_ref.transformer.feed_forward import swiglu


@checked
def residual_connection(
    f: Callable[[Real[Tensor, "n d"]], Real[Tensor, "n d"]], x: Real[Tensor, "n d"]
) -> Real[Tensor, "n d"]:
    r"""Residual connection: a layer says what to add to its input, not what to replace it by.

    .. math:: y = x + f(x)

    A layer that gives 0 changes nothing, and over layers the stream is a sum,
    :math:`x_L = x_l + \sum_{i=l}^{L-1} f_i(x_i)`. The Jacobian is
    :math:`\frac{\partial y}{\partial x} = I + J`, with :math:`J` that of :math:`f`: through any
    number of layers one path of the gradient is the identity. If :math:`J` is small, no direction
    of the gradient is lost, so that gradients do not vanish and deep networks can be trained.

    Args:
        f: :math:`f`, the layer on the branch, made of PyTorch operations; it keeps the shape.
        x: :math:`x`, the stream, such as the tokens of a text, one a row.

    Returns:
        :math:`y`, the stream after the layer.

    Also called:
        skip connection, shortcut connection.

    Asked as:
        identity mapping; ResNet; residual block; add and norm; residual learning; residual stream;
        x + f(x); train very deep networks; vanishing gradients in deep networks.

    Role in ML:
        - layer -- Llama 3: two in each of the 126 blocks of the 405B model, so that 252 layers add
          to one stream :cite:p:`grattafiori2024llama3{table 3; code: llama-models,
          models/llama3/model.py, class TransformerBlock}`.
          Witness: ``transformers.models.llama.modeling_llama.LlamaDecoderLayer``.
        - layer -- mHC: several streams side by side that each block mixes; the mixing is
          constrained so that the identity path of the plain sum is not lost
          :cite:p:`xie2025mhc{abstract}`.
        - layer -- ResNet: made image classifiers of 152 layers trainable, where plain stacks had
          become worse with depth :cite:p:`he2016deep{abstract, sec. 1}`.

    Numerics:
        Once the stream is more than :math:`2^9` times an update in bfloat16, or :math:`2^{25}`
        times in float32, the update is rounded away; from half of that on it can be. Where the layers are independent the variance
        of the stream grows with every sum. Shapes have to be equal; ResNet puts a projection on the
        stream where they are not. With a normalization it is
        :math:`\operatorname{LayerNorm}(x + f(x))`, of the sum (post-norm), or
        :math:`x + f(\operatorname{LayerNorm}(x))`, on the branch (pre-norm).

    Checked against:
        ``torch.func.grad(lambda v: (v * v).sum() / 2 + (v * f(x)).sum())(x)``

    Examples:
        By hand, a layer that takes a tenth of its input:

        >>> import torch
        >>> residual_connection(lambda x: 0.1 * x, torch.tensor([[10.0, -20.0]]))
        tensor([[ 11., -22.]])

        Three features through a layer :math:`\tanh(x A)`:

        >>> a = torch.tensor([[0.5, -0.7, 0.2], [0.4, 1.1, -0.3], [-0.9, 0.6, 0.8]])
        >>> x = torch.tensor([[0.9, -0.4, 1.8], [0.3, 2.5, -1.2]])
        >>> residual_connection(lambda x: torch.tanh(x @ a), x)
        tensor([[ 0.0308, -0.3900,  2.7402],
                [ 1.2771,  3.4488, -2.1289]])

        The Jacobian is the identity plus that of the layer:

        >>> layer = lambda x: torch.tanh(x @ a)
        >>> jacobian = torch.func.jacrev(lambda x: residual_connection(layer, x))(x[:1])
        >>> jacobian.squeeze()
        tensor([[ 1.1222,  0.0978, -0.2200],
                [-0.6999,  2.0999,  0.5999],
                [ 0.0232, -0.0348,  1.0928]])
        >>> torch.eye(3) + torch.func.jacrev(layer)(x[:1]).squeeze()
        tensor([[ 1.1222,  0.0978, -0.2200],
                [-0.6999,  2.0999,  0.5999],
                [ 0.0232, -0.0348,  1.0928]])

        Through 126 layers of slope 0.01 nothing is left of a gradient; with the identity beside
        each it is :math:`1.01^{126} = 3.5034`:

        >>> layer = lambda x: 0.01 * x
        >>> plain = residual = x = torch.ones(1, 1, requires_grad=True)
        >>> for _ in range(126):
        ...     plain, residual = layer(plain), residual_connection(layer, residual)
        >>> [round(torch.autograd.grad(y, x)[0].item(), 4) for y in (plain, residual)]
        [0.0, 3.5034]

        In bfloat16 an update of 1 is lost on a stream of 256:

        >>> stream = torch.tensor([[128.0, 256.0]], dtype=torch.bfloat16)
        >>> residual_connection(torch.ones_like, stream).float()
        tensor([[129., 256.]])
    """
    return x + f(x)


@checked
def transformer_block(
    x: Real[Array, "*batch n d"],
    w_q: Real[Array, "h d d_k"],
    w_k: Real[Array, "h d d_k"],
    w_v: Real[Array, "h d d_v"],
    w_o: Real[Array, "h*d_v d"],
    w: Real[Array, "d d_ff"],
    v: Real[Array, "d d_ff"],
    w_2: Real[Array, "d_ff d"],
    gamma_1: Real[Array, "d"],
    gamma_2: Real[Array, "d"],
    mask: Mask[Array, "*#batch n n"] | None = None,
    *,
    eps: Positive[float, ""] = 1e-6,
) -> Real[Array, "*batch n d"]:
    r"""Transformer block: tokens read from each other, then each is worked on; both are added.

    .. math::
       \begin{aligned}
       Y &= H + \left( \operatorname{SiLU}(B W) \odot B V \right) W_2, \\
       H &= X + \operatorname{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h) \, W^O, \\
       \mathrm{head}_r &= \operatorname{softmax}\left( \frac{A W^Q_r (A W^K_r)^\top}{\sqrt{d_k}}
       + \log M \right) A W^V_r, \\
       A_{ij} &= \gamma_j \frac{X_{ij}}{\sqrt{\frac{1}{d} \sum_{l=1}^{d} X_{il}^2 + \epsilon}},
       \qquad
       B_{ij} = \gamma'_j \frac{H_{ij}}{\sqrt{\frac{1}{d} \sum_{l=1}^{d} H_{il}^2 + \epsilon}}
       \end{aligned}

    The four steps are root-mean-square normalization of each token :math:`i` over its features
    :math:`j` to :math:`A`, multi-head attention with the sum :math:`H`, normalization to :math:`B`,
    and a SwiGLU layer with the sum :math:`Y`: in short
    :math:`H = X + \operatorname{Attention}(\operatorname{RMSNorm}(X))` and
    :math:`Y = H + \operatorname{FFN}(\operatorname{RMSNorm}(H))` (pre-norm). The heads are
    :math:`r = 1, \dots, h`. With :math:`W^O = 0` and :math:`W_2 = 0` the block changes nothing.

    Args:
        x: :math:`X`, the stream, one token a row.
        w_q: :math:`W^Q`, projections to queries, one matrix :math:`W^Q_r` for each head.
        w_k: :math:`W^K`, projections to keys.
        w_v: :math:`W^V`, projections to values.
        w_o: :math:`W^O`, the projection back to the stream, :math:`d_v` rows for each head.
        w: :math:`W`, weights of the gate of the feed-forward layer.
        v: :math:`V`, weights of what is gated.
        w_2: :math:`W_2`, weights back to the stream.
        gamma_1: :math:`\gamma`, the learned scale before attention.
        gamma_2: :math:`\gamma'`, the learned scale before the feed-forward layer.
        mask: :math:`M`, true (1) where a token may read another, the same for all heads; all of
            them if left out.
        eps: :math:`\epsilon`, added to the mean squares.

    Returns:
        :math:`Y`, the stream after the block, one token a row.

    Also called:
        transformer layer, decoder layer, pre-norm block, pre-norm transformer, decoder-only block.

    Asked as:
        encoder layer; pre-LN; residual block; LlamaDecoderLayer; nn.TransformerEncoderLayer;
        transformer architecture; pre-norm or post-norm; where does the normalization go.

    Role in ML:
        - layer -- Llama 3: 32 to 126 of these, with rotations of queries and keys by their
          positions and with keys and values that several heads share
          :cite:p:`grattafiori2024llama3{sec. 3.2 and table 3}`. Witness:
          ``transformers.models.llama.modeling_llama.LlamaDecoderLayer``, with all tokens at
          position 0, which turns nothing.
        - layer -- gpt-oss: the same two steps 36 times, with a mixture of experts in the place of
          the one feed-forward layer :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines
          14 and 339-354}`.
        - analysis -- Pre-norm and post-norm: with the normalization on the branch the gradients are
          of even size at the start, so that training can do without a warmup
          :cite:p:`xiong2020layer{abstract}`.

    Numerics:
        Nothing bounds the stream, which grows from block to block; a last normalization stands
        after the stack. No position enters: without a mask, permuting the tokens permutes the
        result. A token costs :math:`4 d h (d_k + d_v)` operations in projections,
        :math:`2 n h (d_k + d_v)` in attention and :math:`6 d d_{\mathrm{ff}}` in the feed-forward
        layer. ``torch.nn.TransformerEncoderLayer`` has LayerNorm, two matrices with a ReLU, and the
        normalization after the sums unless told ``norm_first=True``.

    Checked against:
        ``(lambda f, a: (lambda h: h + (f.silu((b := f.rms_norm(h, h.shape[1:], gamma_2, eps)) @ w)
        * (b @ v)) @ w_2)(x + torch.einsum("hnv,hvd->nd", f.scaled_dot_product_attention(
        a @ w_q, a @ w_k, a @ w_v, attn_mask=mask), w_o.reshape(len(w_v), -1, x.shape[-1]))))(
        torch.nn.functional, torch.nn.functional.rms_norm(x, x.shape[1:], gamma_1, eps))``

    Examples:
        By hand, one token of width 1: 3 is normalized to 1, its value is 2, and attention adds
        :math:`5 \cdot 2`; 13 is normalized to 1, a gate of :math:`\log 3` passes
        :math:`\tfrac34 \log 3`, times 4, times :math:`2 / \log 3`, which adds 6:

        >>> import numpy as np
        >>> one, log = np.ones((1, 1)), np.log(3)
        >>> attention, scales = (one[None], one[None], 2 * one[None], 5 * one), (one[0], one[0])
        >>> ffn = log * one, 4 * one, 2 / log * one
        >>> transformer_block(3 * one, *attention, *ffn, *scales).round(4).tolist()
        [[19.0]]

        Two heads over three tokens, where no token reads a later one:

        >>> x = np.sin(np.arange(12.0)).reshape(3, 4)
        >>> w_q, w_k, w_v = np.cos(np.arange(96.0)).reshape(3, 2, 4, 4)[..., :2]
        >>> w_o = np.sin(2 * np.arange(16.0)).reshape(4, 4)
        >>> w_2 = np.cos(3 * np.arange(20.0)).reshape(5, 4)
        >>> w, v = np.sin(3 * np.arange(40.0)).reshape(2, 4, 5)
        >>> gamma_1, gamma_2 = np.asarray([1.5, -0.4, 0.7, 2.2]), np.asarray([0.6, 0.8, -0.5, 1.3])
        >>> given = w_q, w_k, w_v, w_o, w, v, w_2, gamma_1, gamma_2
        >>> mask = np.tri(3) == 1
        >>> transformer_block(x, *given, mask)[1:].round(4).tolist()
        [[1.9505, 0.1864, -4.2646, 3.1415], [-2.2634, 0.9731, 1.0045, -1.8209]]

        PyTorch's layer, with the normalization in front, its two norms exchanged and the gate as
        its activation, gives the same:

        >>> import torch
        >>> layer = torch.nn.TransformerEncoderLayer(
        ...     4, 2, 5, 0.0, lambda z: torch.nn.functional.silu(z[..., :5]) * z[..., 5:],
        ...     batch_first=True, norm_first=True, bias=False).double()
        >>> layer.norm1, layer.norm2 = torch.nn.RMSNorm(4, 1e-6), torch.nn.RMSNorm(4, 1e-6)
        >>> layer.linear1 = torch.nn.Linear(4, 10, bias=False)
        >>> stacked = np.concatenate([a.transpose(0, 2, 1).reshape(4, 4) for a in (w_q, w_k, w_v)])
        >>> weights = {"self_attn.in_proj_weight": stacked, "self_attn.out_proj.weight": w_o.T,
        ...            "linear1.weight": np.concatenate([w, v], axis=1).T, "linear2.weight": w_2.T,
        ...            "norm1.weight": gamma_1, "norm2.weight": gamma_2}
        >>> weights = {name: torch.tensor(a) for name, a in weights.items()}
        >>> y = torch.func.functional_call(layer, weights, torch.tensor(x)[None], {
        ...     "src_mask": torch.tensor(~mask)})
        >>> y[0, 1:].detach().numpy().round(4).tolist()
        [[1.9505, 0.1864, -4.2646, 3.1415], [-2.2634, 0.9731, 1.0045, -1.8209]]

        Where the mean square is as small as :math:`\epsilon`, :math:`1/\sqrt 2` is left of 1:

        >>> block = one[None], one[None], one[None], one, one, one, 0 * one, one[0], one[0]
        >>> round(float(transformer_block(1e-3 * one, *block)[0, 0] - 1e-3), 4)
        0.7071

        A large :math:`\epsilon` turns the branches down; in a batch each text stays by itself:

        >>> y = transformer_block(np.stack([x, 2 * x]), *given, mask, eps=0.5)
        >>> y[:, 2].round(4).tolist()
        [[-1.549, 1.2693, -0.0658, -1.2012], [-1.7752, 2.0407, -0.2656, -2.4611]]

        With the two projections back at zero the block is the identity, for values and gradients:

        >>> given = [torch.tensor(a) for a in given]
        >>> given[3], given[6] = torch.zeros(4, 4).double(), torch.zeros(5, 4).double()
        >>> x = torch.tensor(x, requires_grad=True)
        >>> y = transformer_block(x, *given)
        >>> y.sum().backward()
        >>> bool((y == x).all()), x.grad[0].tolist()
        (True, [1.0, 1.0, 1.0, 1.0])

        Without a mask the order of the tokens does not enter:

        >>> given = [torch.tensor(a) for a in (w_q, w_k, w_v, w_o, w, v, w_2, gamma_1, gamma_2)]
        >>> y, turned = transformer_block(x, *given), transformer_block(x.flip(0), *given)
        >>> torch.allclose(y.flip(0), turned)
        True
    """
    a = rms_norm(x, gamma_1, eps=eps)
    stream = x + multi_head_attention(a, a, w_q, w_k, w_v, w_o, mask)
    return stream + swiglu(rms_norm(stream, gamma_2, eps=eps), w, v, w_2)
