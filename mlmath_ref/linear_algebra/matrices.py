r"""Matrices: how one is turned over, undone, summed up and multiplied entry by entry.

Each entry reads a matrix in its own way. As a linear map it has a transpose, which moves it from
one side of a dot product to the other, :math:`(A x) \cdot y = x \cdot (A^\top y)`; that is why
the backward pass of a layer multiplies by :math:`W^\top`. A square map that loses nothing has an
inverse, and a trace, which is the same in every basis. Both turn products around,
:math:`(A B)^\top = B^\top A^\top` and :math:`(A B)^{-1} = B^{-1} A^{-1}`, while the trace does not
see the order of two factors at all.

As a mere table of numbers a matrix can be multiplied by another of the same shape, entry by entry.
This Hadamard product depends on the basis; it is how masks and gates act. In NumPy and PyTorch it
is what ``*`` means, and ``@`` is the product of the maps.

:map: 1.1 Linear maps
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import Invertible, Real, checked


@checked
def transpose(a: Real[Array, "*batch m n"]) -> Real[Array, "*batch n m"]:
    r"""Transpose: rows become columns, and columns rows.

    .. math:: (A^\top)_{ij} = A_{ji}

    Twice gives the matrix back, :math:`(A^\top)^\top = A`. Of a product it is the product of the
    transposes in the other order, :math:`(A B)^\top = B^\top A^\top`, and singular values, rank and
    trace stay as they are. It moves a matrix from one side of a dot product to the other:
    :math:`(A x) \cdot y = x \cdot (A^\top y)`.

    Args:
        a: :math:`A`, a matrix.

    Returns:
        :math:`A^\top`, with as many rows as :math:`A` has columns.

    Also called:
        matrix transpose, transposed matrix, matrix transposition, A^T, adjoint of a real matrix.

    Asked as:
        mT; T; swap axes; permute; rows to columns.

    Role in ML:
        - optimizer -- Muon: a matrix with more rows than columns is transposed before the
          iteration and back after it, so that the smaller of the two Gram matrices is formed
          :cite:p:`jordan2024muon{code: KellerJordan/Muon, muon.py, lines 18-30}`.
        - layer -- DoRA: layers that store their weight with the inputs first, as in GPT-2, are
          transposed, so that a row belongs to one output
          :cite:p:`liu2024dora{code: huggingface/peft, src/peft/tuners/lora/dora.py, line 88}`.
          Witness: ``peft.utils.other.transpose``.

    Numerics:
        No arithmetic, so no rounding. Libraries return a view, another reading of the same memory,
        so that writing into it changes the original; the result here is a copy. On a stack of
        matrices NumPy's ``.T`` reverses all axes, the batch too; ``.mT`` turns over each matrix.
        The gradient is the transpose of what arrives.

    Checked against:
        ``np.transpose(a)``, ``torch.t(a)``, ``np.einsum("ij->ji", a)``,
        ``np.rot90(np.flipud(a), -1)``

    Examples:
        By hand, two rows of three become three rows of two:

        >>> import numpy as np
        >>> a = np.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        >>> transpose(a).tolist()
        [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]

        It changes sides in a dot product, :math:`(A x) \cdot y = x \cdot (A^\top y)`:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6]])
        >>> x, y = np.asarray([0.5, 1.2, -0.8]), np.asarray([1.1, -0.7])
        >>> round(float((a @ x) @ y), 4), round(float(x @ (transpose(a) @ y)), 4)
        (-4.516, -4.516)

        The gradient of a weighted sum of the result is the transpose of the weights:

        >>> import torch
        >>> a = torch.tensor([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6]], requires_grad=True)
        >>> (transpose(a) * torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum().backward()
        >>> a.grad
        tensor([[1., 3., 5.],
                [2., 4., 6.]])

        In a stack each matrix is turned over by itself, where ``.T`` takes the stack apart:

        >>> stack = np.asarray([[[1.0, 2.0]], [[3.0, 4.0]]])
        >>> transpose(stack).tolist(), stack.T.tolist()
        ([[[1.0], [2.0]], [[3.0], [4.0]]], [[[1.0, 3.0]], [[2.0, 4.0]]])
    """
    return 1 * a.mT  # the product copies what would be a view


@checked
def inverse(a: Invertible[Array, "*batch n n"]) -> Real[Array, "*batch n n"]:
    r"""Matrix inverse: the linear map that undoes another.

    .. math:: A^{-1} A = A A^{-1} = I

    It exists exactly when no vector but zero is mapped to zero, and then it is unique; :math:`I` is
    the identity matrix. Of a product it is the product of the inverses in the other order,
    :math:`(A B)^{-1} = B^{-1} A^{-1}`. Its singular values are one over those of :math:`A`.

    Args:
        a: :math:`A`, a square matrix of full rank.

    Returns:
        :math:`A^{-1}`, of the same shape.

    Also called:
        inverse matrix, reciprocal matrix, matrix inversion, A^-1.

    Asked as:
        inv; precision matrix; nonsingular matrix; invertible matrix; LinAlgError Singular matrix;
        Sherman-Morrison.

    Role in ML:
        - layer -- Kimi Linear: the updates of a chunk of tokens to a head's memory depend on each
          other through a lower triangular matrix with ones on the diagonal; its inverse, by
          forward substitution, gives all of them at once
          :cite:p:`kimi2025linear{code: huggingface/transformers,
          src/transformers/models/kimi_linear/modeling_kimi_linear.py, lines 518-524}`.
        - preprocessing -- CorDA: a weight is multiplied by the covariance of its inputs,
          decomposed, and multiplied by the inverse covariance; damping is doubled until
          covariance times inverse is near :math:`I` :cite:p:`yang2024corda{code:
          huggingface/peft, src/peft/tuners/lora/corda.py, lines 274-294}`.

    Numerics:
        A matrix is refused if its smallest singular value is at most :math:`n` rounding units of
        the largest; ``np.linalg.inv`` (``LinAlgError: Singular matrix``) and ``torch.linalg.inv``
        notice only exact zeros of the elimination and otherwise return large numbers without
        meaning. The relative error is about :math:`\kappa(A)` rounding units, with the condition
        number :math:`\kappa`. The inverse takes about :math:`2 n^3` operations, the check of the
        argument comes on top. For :math:`A^{-1} b` solve the system
        :math:`A x = b` instead, by ``np.linalg.solve`` or ``torch.linalg.solve``: a third of the
        cost, and a smaller residual. The gradient is :math:`-A^{-\top} G A^{-\top}` for the
        gradient :math:`G` that arrives. Two by two, if :math:`a d \neq b c`, :math:`\begin{pmatrix} a & b \\ c & d
        \end{pmatrix}^{-1} = \frac{1}{a d - b c} \begin{pmatrix} d & -b \\ -c & a \end{pmatrix}`.
        After a change of rank one, :math:`(A + u v^\top)^{-1} = A^{-1} - \frac{A^{-1} u v^\top
        A^{-1}}{1 + v^\top A^{-1} u}` if the denominator is not 0 (Sherman-Morrison).

    Checked against:
        ``scipy.linalg.inv(a)``, ``scipy.linalg.solve(a, np.eye(len(a)))``,
        ``(lambda u, s, vh: vh.T @ np.diag(1 / s) @ u.T)(*np.linalg.svd(a))``

    Examples:
        By hand, the determinant of the first is 1: the diagonal changes places, the rest changes
        sign. The second stretches the axes by 2 and 5:

        >>> import numpy as np
        >>> a = np.asarray([[[2.0, 1.0], [3.0, 2.0]], [[2.0, 0.0], [0.0, 5.0]]])
        >>> inverse(a).round(4).tolist()
        [[[2.0, -1.0], [-3.0, 2.0]], [[0.5, 0.0], [0.0, 0.2]]]

        Three by three, with the values of ``scipy.linalg.solve``:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6], [0.3, 2.2, 0.5]])
        >>> inverse(a).round(4).tolist()
        [[0.1374, 0.4765, -0.0054], [-0.1022, -0.0253, 0.3988], [0.3671, -0.1745, 0.2487]]

        The gradient of the first entry, :math:`-(A^{-1})_{1i} (A^{-1})_{j1}`:

        >>> import torch
        >>> a = torch.tensor([[2.0, 1.0], [3.0, 2.0]], requires_grad=True)
        >>> inverse(a)[0, 0].backward()
        >>> a.grad.round(decimals=4)
        tensor([[-4.,  6.],
                [ 2., -3.]])

        The second row is three times the first. NumPy returns an inverse all the same, for 0.3 and
        0.9 are rounded; here the matrix is refused:

        >>> a = np.asarray([[0.1, 0.3], [0.3, 0.9]])
        >>> bool(np.abs(np.linalg.inv(a)).max() > 1e15)
        True
        >>> inverse(a)
        Traceback (most recent call last):
        ValueError: inverse: a must hold finite matrices of full rank, none of whose singular values is lost to rounding, got [[0.1, 0.3], [0.3, 0.9]]

        A small determinant is no sign of that: :math:`10^{-3} I` of size 200 has the determinant
        :math:`10^{-600}`, which is 0 in floating point, and inverts without loss:

        >>> a = 1e-3 * np.eye(200)
        >>> float(np.linalg.det(a)), round(float(inverse(a)[0, 0]), 4)
        (0.0, 1000.0)
    """
    xp = array_namespace(a)
    return xp.linalg.inv(a)


@checked
def trace(a: Real[Array, "*batch n n"]) -> Real[Array, "*batch"]:
    r"""Trace: the sum of the diagonal, which is the sum of the eigenvalues.

    .. math:: \operatorname{tr}(A) = \sum_{i=1}^{n} A_{ii}

    It equals :math:`\sum_i \lambda_i`; it is linear, the same for :math:`A^\top`, and
    :math:`\operatorname{tr}(A B) = \operatorname{tr}(B A)` even where the two products differ in
    size; so it does not depend on the basis. :math:`\operatorname{tr}(A^\top B) = \sum_{i, j}
    A_{ij} B_{ij}` is the dot product of matrices, and :math:`x^\top A x = \operatorname{tr}(A x
    x^\top)`.

    Args:
        a: :math:`A`, a square matrix.

    Returns:
        :math:`\operatorname{tr}(A)`, one number per batch element.

    Also called:
        tr, spur, sum of eigenvalues, sum of the main diagonal, trace of a matrix.

    Asked as:
        total variance; Frobenius inner product; trace trick; cyclic property.

    Role in ML:
        - preprocessing -- CorDA: to the covariance of a layer's inputs a hundredth of its mean
          diagonal, :math:`\operatorname{tr}(A) / n`, is added on the diagonal, so that the damping
          follows the scale of the inputs :cite:p:`yang2024corda{code: huggingface/peft,
          src/peft/tuners/lora/corda.py, lines 274-281}`.
        - analysis -- SOAP: Shampoo with exponent 1/2 turns out to be Adafactor in the eigenbasis
          of its preconditioners once their product is divided by a trace
          :cite:p:`vyas2024soap{claim 1}`.

    Numerics:
        Costs :math:`n - 1` additions; diagonal entries of opposite sign cancel. Of a product,
        :math:`\operatorname{tr}(A B)` needs only the diagonal: the sum of :math:`A \odot B^\top`
        costs :math:`2 n^2` operations, the product :math:`2 n^3`. On a stack ``np.trace`` takes the
        first two axes, and ``torch.trace`` refuses it; here it is the last two. The gradient is the
        identity matrix. Where only products :math:`A z` can be had, :math:`\operatorname{tr}(A) =
        \mathbb{E}[z^\top A z]` for random signs :math:`z` estimates it (Hutchinson).

    Checked against:
        ``torch.trace(a)``, ``np.vdot(np.eye(len(a)), a)``

    Examples:
        By hand, :math:`1 + 5 + 9`:

        >>> import numpy as np
        >>> a = np.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
        >>> float(trace(a))
        15.0

        It is the sum of the eigenvalues, here one real and a pair of complex ones, by
        ``numpy.linalg.eigvals``:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6], [0.3, 2.2, 0.5]])
        >>> round(float(trace(a)), 4), round(float(np.linalg.eigvals(a).sum().real), 4)
        (1.6, 1.6)

        Two by three times three by two has the same trace in the other order, though the product
        is then three by three; and it is a sum over entries:

        >>> b, c = a[:2], a[:, 1:]
        >>> [round(float(t), 4) for t in (trace(b @ c), trace(c @ b), (b * c.T).sum())]
        [6.64, 6.64, 6.64]

        The gradient is the identity:

        >>> import torch
        >>> a = torch.tensor([[0.7, -1.3], [1.9, 0.4]], requires_grad=True)
        >>> trace(a).backward()
        >>> a.grad
        tensor([[1., 0.],
                [0., 1.]])

        One trace for each matrix of a stack, where ``np.trace`` adds across the matrices:

        >>> stack = np.asarray([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, -8.0]]])
        >>> trace(stack).tolist(), np.trace(stack).tolist()
        ([5.0, -3.0], [8.0, -6.0])
    """
    xp = array_namespace(a)
    return total(xp.linalg.diagonal(a))


@checked
def hadamard_product(
    a: Real[Array, "*batch m n"], b: Real[Array, "*batch m n"]
) -> Real[Array, "*batch m n"]:
    r"""Hadamard product: two matrices of one shape, multiplied entry by entry.

    .. math:: (A \odot B)_{ij} = A_{ij} B_{ij}

    Commutative, unlike the matrix product; the matrix of ones changes nothing. The rank of the
    result is at most the product of the two ranks, and it may reach it. If both matrices are
    symmetric positive definite, so is the result (Schur).

    Args:
        a: :math:`A`, a matrix.
        b: :math:`B`, a matrix of the same shape, such as a mask or a gate.

    Returns:
        :math:`A \odot B`, of the same shape.

    Also called:
        element-wise product, elementwise multiplication, Schur product, pointwise product,
        entrywise product, ``A * B``.

    Asked as:
        gating; masking; np.multiply; torch.mul.

    Role in ML:
        - layer -- Mamba-2: within a chunk the layer is an attention without softmax, whose table of
          scores is multiplied entry by entry with a table of decays
          :cite:p:`dao2024transformers{code: state-spaces/mamba, mamba_ssm/modules/ssd_minimal.py,
          lines 54-55}`.
        - compression -- LyCORIS: the adapter LoHa is the product, entry by entry, of two matrices
          of rank :math:`r`, and so has a rank of up to :math:`r^2`
          :cite:p:`yeh2024navigating{code: KohakuBlueleaf/LyCORIS, docs/Demo.md, line 46}`.
          Witness: ``peft.tuners.loha.layer.HadaWeight``.

    Numerics:
        One multiplication per entry, each rounded once. Sizes have to agree: NumPy and PyTorch
        stretch an axis of size 1 without a word, so that a column times a row becomes a table. A
        mask of zeros does not remove what is infinite or not a number, since :math:`0 \cdot \infty`
        is not a number; scores are masked by choosing instead. The gradient in one matrix is the
        other one times what arrives. Of vectors it is :math:`a \odot b = \operatorname{diag}(a) \,
        b`. The operator ``*`` is ``np.multiply`` and ``torch.mul``.

    Checked against:
        ``np.einsum("ij,ij->ij", a, b)``,
        ``np.stack([np.diag(x) @ y for x, y in zip(a, b)])``

    Examples:
        By hand, entry by entry, where the matrix product has rows times columns:

        >>> import numpy as np
        >>> a, b = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([[5.0, 6.0], [7.0, 8.0]])
        >>> hadamard_product(a, b).tolist(), (a @ b).tolist()
        ([[5.0, 12.0], [21.0, 32.0]], [[19.0, 22.0], [43.0, 50.0]])

        Two rows of three, with the values of ``numpy.einsum``:

        >>> a = np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6]])
        >>> b = np.asarray([[1.1, 0.3, -0.8], [-2.0, 1.7, 0.9]])
        >>> hadamard_product(a, b).round(4).tolist()
        [[0.77, -0.39, -1.68], [-3.8, 0.68, -0.54]]

        The gradient in one matrix is the other:

        >>> import torch
        >>> a, b = torch.tensor(a, requires_grad=True), torch.tensor(b)
        >>> hadamard_product(a, b).sum().backward()
        >>> a.grad.float()
        tensor([[ 1.1000,  0.3000, -0.8000],
                [-2.0000,  1.7000,  0.9000]])

        Two matrices of rank 2, whose product has rank 4:

        >>> u = np.asarray([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
        >>> v = np.asarray([[1.0, 0.0, 2.0, 5.0], [0.0, 1.0, 3.0, 1.0]])
        >>> int(np.linalg.matrix_rank(hadamard_product(u.T @ u, v.T @ v)))
        4

        A mask of zeros does not remove infinity, in the bare product:

        >>> torch.tensor([2.0, torch.inf]) * torch.tensor([1.0, 0.0])
        tensor([2., nan])

        A column and a row are not stretched:

        >>> hadamard_product(np.ones((3, 1)), np.ones((1, 3)))
        Traceback (most recent call last):
        ValueError: hadamard_product: b must have shape (*batch, m, n) = (3, 1), got shape (1, 3)
    """
    return a * b
