r"""Low-rank adaptation: change a large matrix through two thin ones.

A matrix of :math:`d \times k` has :math:`d k` entries; a product of two thin ones, of inner size
:math:`r`, has :math:`r (d + k)` and can reach every matrix of rank :math:`r` or less. Fine-tuning
through such a product rests on a hypothesis, tested task by task and not a theorem: that the
change that fine-tuning makes is close to one of low rank.

No matrix is decomposed here. The singular value decomposition gives the best matrix of rank
:math:`r` near a given one; LoRA reaches its two factors by gradient descent and never knows the
full change. What is frozen stays whole, so the merged matrix is as large as before: the saving is
in gradients, optimizer state and the file that is shipped, not in the model.

:map: 1.3 Singular values and rank
"""

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Natural, Positive, Real, checked


@checked
def lora_update(
    w0: Real[Array, "*batch d k"],
    b: Real[Array, "*batch d r"],
    a: Real[Array, "*batch r k"],
    *,
    alpha: Positive[float, ""],
) -> Real[Array, "*batch d k"]:
    r"""LoRA update: a frozen weight matrix plus a scaled product of two trained thin ones.

    .. math:: W = W_0 + \frac{\alpha}{r} B A

    The change, :math:`\Delta W = B A` times :math:`\alpha / r`, has rank at most :math:`r`, so that
    :math:`W = W_0 + B A` at :math:`\alpha = r`, and before merging a layer computes
    :math:`h = W_0 x + \frac{\alpha}{r} B A x`. The paper draws :math:`A` from a Gaussian and sets
    :math:`B = 0`, so that training starts at :math:`W = W_0`.

    Args:
        w0: :math:`W_0`, the pretrained weights, frozen.
        b: :math:`B`, the trained factor of :math:`r` columns; zero at the start.
        a: :math:`A`, the trained factor of :math:`r` rows; random at the start.
        alpha: :math:`\alpha`, a constant that is held while :math:`r` is varied. It has no default,
            because the paper fixes none; :math:`\alpha = r` gives :math:`W_0 + B A`.

    Returns:
        :math:`W`, the merged weights.

    Also called:
        LoRA, low-rank adaptation, merged adapter.

    Asked as:
        PEFT; parameter-efficient fine-tuning; QLoRA; low rank adapter; low-rank adapter; LoRA
        adapter; delta weight; W_0 + BA; lora_alpha; merge_and_unload; fine-tune a large model on
        one GPU.

    Role in ML:
        - layer -- Llama 3.2 quantized: adapters in BF16 on the layers of all transformer blocks
          are trained beside a frozen 4-bit backbone; their scaled product is added to the layer's
          output rather than merged :cite:p:`meta2024llama32{Quantization-Aware Training and LoRA;
          code: models/llama3/quantization/loader.py, line 168}`.
        - layer -- PiSSA: the same sum, started from the largest :math:`r` singular triplets of the
          pretrained matrix, with :math:`W_0` the frozen remainder
          :cite:p:`meng2024pissa{code: huggingface/peft, src/peft/tuners/lora/layer.py, line 429}`.
        - constraint -- rsLoRA: divides :math:`\alpha` by :math:`\sqrt r` in place of :math:`r`
          :cite:p:`kalajdzievski2023rank{code: huggingface/peft, src/peft/tuners/lora/layer.py,
          line 279}`.
          Witness: ``peft.LoraConfig``, with :math:`\alpha / \sqrt r` in the place of
          :math:`\alpha`.
        - constraint -- LoRA: limits the rank of what fine-tuning may add to the matrices of GPT-3
          :cite:p:`hu2022lora{sec. 4.1}`.
          Witness: ``peft.tuners.lora.layer.Linear``.

    Numerics:
        The factors hold :math:`r (d + k)` numbers, the full change :math:`d k`: for a square matrix
        of 4096 and :math:`r = 16` that is 0.78 percent, counted per adapted matrix. The merge costs
        :math:`2 d k r` operations, once. With :math:`B = 0` no gradient reaches :math:`A` in the
        first step. Released code differs from the paper in the draw of :math:`A`: it is
        Kaiming-uniform in ``loralib`` and in ``peft``. It serves to fine-tune a model where memory
        does not suffice to train all of its weights.

    Checked against:
        ``torch.addmm(w0, b, a, alpha=alpha / len(a))``,
        ``w0 + sum(alpha / len(a) * np.outer(column, row) for column, row in zip(b.T, a))``

    Examples:
        By hand, with :math:`r = 1` and :math:`\alpha = 2`: the outer product of (1, 3) and (5, 7),
        doubled, on top of tens.

        >>> import numpy as np
        >>> w0, b, a = np.full((2, 2), 10.0), np.asarray([[1.0], [3.0]]), np.asarray([[5.0, 7.0]])
        >>> lora_update(w0, b, a, alpha=2.0).tolist()
        [[20.0, 24.0], [40.0, 52.0]]

        With :math:`r = 2` and :math:`\alpha = 3` the product is scaled by 1.5, and a change of a
        3 by 3 matrix has rank 2:

        >>> b = np.asarray([[1.0, 2.0], [-1.0, 3.0], [0.5, 4.0]])
        >>> a = np.asarray([[2.0, -2.0, 4.0], [6.0, 8.0, -4.0]])
        >>> change = lora_update(np.zeros((3, 3)), b, a, alpha=3.0)
        >>> change.tolist()
        [[21.0, 21.0, -6.0], [24.0, 39.0, -24.0], [37.5, 46.5, -21.0]]
        >>> int(np.linalg.matrix_rank(change))
        2

        At the start :math:`B = 0`: the weights are the old ones, and only :math:`B` is moved:

        >>> import torch
        >>> b = torch.zeros(2, 1, requires_grad=True)
        >>> a = torch.tensor([[5.0, 7.0]], requires_grad=True)
        >>> w = lora_update(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), b, a, alpha=2.0)
        >>> w.tolist()
        [[1.0, 2.0], [3.0, 4.0]]
        >>> w.sum().backward()
        >>> b.grad.tolist(), a.grad.tolist()
        ([[24.0], [24.0]], [[0.0, 0.0]])
    """
    return w0 + (alpha / a.shape[-2] * b) @ a


@checked
def lora_parameter_count(
    d: Natural[int, ""], k: Natural[int, ""], r: Natural[int, ""]
) -> tuple[Natural[int, ""], Positive[float, ""]]:
    r"""LoRA parameter count: how many numbers are trained in the place of one weight matrix.

    .. math:: N = r \, (d + k), \qquad s = \frac{N}{d k}

    For a square matrix :math:`N = 2 d r`, for :math:`L` of them :math:`2 L d r`, and
    :math:`s = 2 r / d`. The share is that of one adapted matrix; matrices without adapters, and
    embeddings, train nothing, so the share of the model is smaller. It reaches 1 at
    :math:`r = d k / (d + k)`, half the width of a square matrix.

    Args:
        d: :math:`d`, rows of the matrix, its outputs.
        k: :math:`k`, columns of the matrix, its inputs.
        r: :math:`r`, the inner size of the two factors.

    Returns:
        :math:`(N, s)`, trained numbers and their share of the numbers in the matrix.

    Also called:
        number of LoRA parameters, adapter size.

    Asked as:
        trainable parameters; LoRA rank; adapter memory; print_trainable_parameters; r (d + k);
        which rank to choose; trainable%.

    Role in ML:
        - compression -- Apple Intelligence: the features of the on-device model of about 3B
          parameters are adapters, loaded and swapped while the model stays; one of rank 16 in 16
          bits takes tens of megabytes :cite:p:`gunter2024apple{Powering Apple Intelligence
          features}`.
        - compression -- LoRA: with :math:`r = 4` on the query and value projections of GPT-3 a
          checkpoint falls from 350 GB to 35 MB :cite:p:`hu2022lora{sec. 4.2}`.
          Witness: ``peft.PeftModel.get_nb_trainable_parameters``, with the share taken of the
          frozen parameters alone.

    Numerics:
        Integers are exact at any size; the share is one division. PEFT divides by all parameters,
        the trained ones included, and prints :math:`s / (1 + s)`. With AdamW the optimizer holds
        two more numbers for each that is trained, and none for the frozen ones.

    Checked against:
        ``(lambda n: (n, n / np.zeros((d, k), "V1").nbytes))(
        np.zeros((d, r), "V1").nbytes + np.zeros((r, k), "V1").nbytes)``

    Examples:
        By hand, a square matrix of 4096 and :math:`r = 16`: :math:`2 \cdot 4096 \cdot 16`, and
        99.21875 percent fewer than its 16777216 numbers:

        >>> lora_parameter_count(4096, 4096, 16)
        (131072, 0.0078125)
        >>> 100 * (1 - lora_parameter_count(4096, 4096, 16)[1])
        99.21875

        A matrix of 768 by 768, the width of the small GPT-2: 24576 of 589824, or 4.17 percent:

        >>> count, share = lora_parameter_count(768, 768, 16)
        >>> count, round(share, 4)
        (24576, 0.0417)

        A fused projection to queries, keys and values, three times as many outputs as inputs, and
        the layers back from there:

        >>> for d, k, r in ((2304, 768, 16), (768, 3072, 4)):
        ...     count, share = lora_parameter_count(d, k, r)
        ...     print(count, round(share, 4))
        49152 0.0278
        15360 0.0065

        GPT-3 as in the paper: two matrices of width 12288 in each of 96 layers at :math:`r = 4`,
        two bytes a number, are 36 times :math:`2^{20}` bytes:

        >>> 96 * 2 * 2 * lora_parameter_count(12288, 12288, 4)[0] / 2**20
        36.0

        At half the width nothing is saved, above it more is trained than the matrix holds; the
        share that PEFT prints stays below 1:

        >>> lora_parameter_count(8, 8, 4), lora_parameter_count(8, 8, 6)
        ((64, 1.0), (96, 1.5))
        >>> share = lora_parameter_count(8, 8, 6)[1]
        >>> share / (1 + share)
        0.6
    """
    count = r * (d + k)
    return count, count / (d * k)
