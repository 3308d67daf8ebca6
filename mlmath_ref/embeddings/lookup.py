r"""Lookup: a row of a table for each token.

A token is a number without size: token 7 is not more than token 5. A network needs a vector in its
place, and the simplest map from a finite set to vectors is a table with one row for each element.
Written as a matrix product it is linear, a one-hot vector times the table, and so the table is
learned like any weight. It is never computed as a product: to read a row costs :math:`d` numbers,
to multiply costs :math:`V d`.

:map: 6.5 Language models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Labels, Real, checked


@checked
def embedding_lookup(
    e: Real[Array, "V d"], ids: Labels[Array, "*batch", "V"]
) -> Real[Array, "*batch d"]:
    r"""Embedding lookup: the vector that stands for a token, read from a table.

    .. math:: x_j = \sum_{v=1}^{V} \mathbb{1}[v = i + 1] \, E_{v j}

    The product of a one-hot row and the table, which selects row :math:`i`, counted from 0. The
    gradient of a row is the sum of the gradients of all positions that read it, and zero for a
    token that does not occur.

    Args:
        e: :math:`E`, the table, one row for each of the :math:`V` tokens of the vocabulary.
        ids: :math:`i`, the tokens, numbered from 0.

    Returns:
        :math:`x`, one vector of size :math:`d` for each token.

    Also called:
        embedding layer, nn.Embedding, token embedding, word embedding, lookup table, wte,
        one-hot product.

    Role in ML:
        - layer -- gpt-oss: the first operation of the model; the scores at its end come from a
          separate matrix
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 364-387}`.
        - layer -- DeepSeek-V3: the table is cut into blocks of rows, each device reads the tokens
          that it holds and returns zeros for the others, and a sum over the devices puts the
          vectors together :cite:p:`deepseek2024v3{code: inference/model.py, lines 107-128}`.
        - regularizer -- OLMo 2: the table is exempt from weight decay
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, line 50}`.
          Witness: ``transformers.Olmo2Model``, without its padding token, whose row gets no
          gradient.

    Numerics:
        A copy, hence exact. An id outside :math:`0, \dots, V - 1` is an error here; plain NumPy
        indexing lets a negative id count from the end and returns the wrong vector.

    Checked against:
        ``np.eye(len(e))[ids] @ e``
        and ``torch.nn.functional.embedding(ids, e)``

    Examples:
        By hand, row 2, row 0 and row 2 again:

        >>> import numpy as np
        >>> e = np.asarray([[10.0, 11.0], [20.0, 21.0], [30.0, 31.0]])
        >>> embedding_lookup(e, np.asarray([2, 0, 2])).tolist()
        [[30.0, 31.0], [10.0, 11.0], [30.0, 31.0]]

        Two sequences of three tokens, as ``torch.nn.functional.embedding`` reads them; the row
        that is read twice receives both gradients, the row that is not read receives none:

        >>> import torch
        >>> e = torch.tensor([[0.5], [-1.3], [2.7], [0.9]], requires_grad=True)
        >>> x = embedding_lookup(e, torch.tensor([[3, 0, 1], [1, 3, 3]]))
        >>> x.squeeze(-1)
        tensor([[ 0.9000,  0.5000, -1.3000],
                [-1.3000,  0.9000,  0.9000]], grad_fn=<SqueezeBackward1>)
        >>> x.sum().backward()
        >>> e.grad.squeeze(-1)
        tensor([1., 2., 0., 3.])

        A negative id is an error and does not wrap around:

        >>> embedding_lookup(e, torch.tensor([-1]))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: embedding_lookup: ids must hold integers from 0 up to, ... 4, got -1 at [0]
    """
    xp = array_namespace(e, ids)
    index = xp.reshape(xp.astype(ids, xp.int64), (-1, 1))  # PyTorch indexes by no other type
    rows = xp.take_along_axis(e, index, axis=0)
    return xp.reshape(rows, (*ids.shape, e.shape[-1]))
