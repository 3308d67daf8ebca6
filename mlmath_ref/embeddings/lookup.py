r"""Word vectors: a row of a table for each token, and what differences of rows mean.

A token is a number without size: token 7 is not more than token 5. A network needs a vector in its
place, and the simplest map from a finite set to vectors is a table with one row for each element.
Written as a matrix product it is linear, a one-hot vector times the table, and so the table is
learned like any weight. It is never computed as a product: to read a row costs :math:`d` numbers,
to multiply costs :math:`V d`.

Nothing in the lookup says what a direction of the space means; training does. Where many pairs of
words differ in the same way, as *king* and *queen* or *man* and *woman* do, the differences of
their rows tend to be alike, and a word can be moved along one of them. The analogy is the test of
that, and it is a weak one: the words of the question are so near the answer that they have to be
kept out of the search :cite:p:`nissim2020fair`.

:map: 6.9 Embeddings and retrieval
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array
from mlmath_ref.linear_algebra.lengths import unit_vector
from mlmath_ref.sets import ExtendedReal, Labels, Nonzero, Real, checked


@checked
def embedding_lookup(
    e: Real[Array, "V d"], ids: Labels[Array, "*batch", "V"]
) -> Real[Array, "*batch d"]:
    r"""Embedding lookup: the vector that stands for a token id, read from a table.

    .. math:: x_j = \sum_{v=1}^{V} \mathbb{1}[v = i + 1] \, E_{v j}

    The product of a one-hot row and the table, :math:`x = u^\top E` with
    :math:`u_v = \mathbb{1}[v = i + 1]`, which selects row :math:`i`, counted from 0:
    :math:`x = E_{i + 1}`, so that a word or token becomes a vector. The gradient of a row is the
    sum of the gradients of all positions that read it, and zero for a token that does not occur.

    Args:
        e: :math:`E`, the table, one row for each of the :math:`V` tokens of the vocabulary.
        ids: :math:`i`, the tokens, numbered from 0.

    Returns:
        :math:`x`, one vector of size :math:`d` for each token.

    Also called:
        embedding layer, nn.Embedding, token embedding, wte.

    Asked as:
        word embedding; lookup table; one-hot product; embedding table; embedding matrix; index out
        of range in self.

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
        indexing lets a negative id count from the end and returns the wrong vector. PyTorch says
        ``index out of range in self`` for an id beyond the vocabulary.

    Checked against:
        ``np.eye(len(e))[ids] @ e``, ``torch.nn.functional.embedding(ids, e)``

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

        >>> embedding_lookup(e, torch.tensor([-1]))
        Traceback (most recent call last):
        ValueError: embedding_lookup: ids must hold integers from 0 up to, not including, 4, got -1 at [0]
    """
    xp = array_namespace(e, ids)
    index = xp.reshape(xp.astype(ids, xp.int64), (-1, 1))  # PyTorch indexes by no other type
    rows = xp.take_along_axis(e, index, axis=0)
    return xp.reshape(rows, (*ids.shape, e.shape[-1]))


@checked
def word_analogy(
    e: Nonzero[Array, "V d"],
    a: Labels[Array, "*batch", "V"],
    b: Labels[Array, "*batch", "V"],
    c: Labels[Array, "*batch", "V"],
) -> ExtendedReal[Array, "*batch V"]:
    r"""Word analogy: how well each word completes "a is to b as c is to ...".

    .. math::
        \begin{aligned}
        s_v &= \begin{cases}
        \dfrac{E_v \cdot y}{\lVert E_v \rVert_2 \lVert y \rVert_2}
        & v \ne a + 1 \wedge v \ne b + 1 \wedge v \ne c + 1 \\
        -\infty & \text{otherwise}
        \end{cases} \\
        y &= E_{b + 1} - E_{a + 1} + E_{c + 1}
        \end{aligned}

    The answer is the word :math:`v` with the largest score, with words for their vectors
    :math:`\arg\max_v \cos(v, b - a + c)`. The three words of the question do not take part: with
    them the answer is mostly :math:`b` or :math:`c` again. A score of 1 means that the two
    differences are the same up to the length of :math:`y`.

    Args:
        e: :math:`E`, the table, a vector for each of the :math:`V` words.
        a: :math:`a`, the word that is known to belong to :math:`b`, numbered from 0.
        b: :math:`b`, what :math:`a` is turned into.
        c: :math:`c`, the word that is to be turned in the same way.

    Returns:
        :math:`s`, the cosine of each word with the point :math:`y` where the answer is expected,
        and :math:`-\infty` for the three words of the question.

    Raises:
        ValueError: The vectors cancel to :math:`y = 0`, which has no direction.

    Also called:
        vector offset method, 3CosAdd.

    Asked as:
        king - man + woman; vector arithmetic; analogical reasoning; word2vec analogy; most_similar;
        queen.

    Role in ML:
        - analysis -- Llama 2: the same differences, of the unembedding vectors of two words, are
          averaged over the word pairs of a concept to get a direction for it
          :cite:p:`park2024linear{code: linear_rep_geometry.py, lines 48-55}`.
        - metric -- Word vectors of a recurrent language model: the share of questions whose answer
          comes first measures how regular the space is, with rows of unit length
          :cite:p:`mikolov2013linguistic{sec. 4}`.

    Numerics:
        A cosine that is exactly 1 means that the vectors were made for it, as in many tutorials;
        learned vectors leave a residual. Only the direction of :math:`y` counts, but the lengths of
        the three rows weigh in it; the original method scales all rows to unit length first.

    Checked against:
        ``np.where(np.isin(np.arange(len(e)), [a, b, c]), -np.inf,
        1 - scipy.spatial.distance.cdist((e[b] - e[a] + e[c])[None], e, "cosine")[0])``

    Examples:
        By hand, :math:`y = (1, 3) - (1, 0) + (4, 0) = (4, 3)`, against :math:`(3, 4)`,
        :math:`(8, 6)` and :math:`(0, -2)`: 24/25, 1 and -3/5.

        >>> import numpy as np
        >>> e = np.asarray([[1.0, 0], [1, 3], [4, 0], [3, 4], [8, 6], [0, -2]])
        >>> a, b, c = np.asarray(0), np.asarray(1), np.asarray(2)
        >>> word_analogy(e, a, b, c).round(4).tolist()
        [-inf, -inf, -inf, 0.96, 1.0, -0.6]

        King, queen, man and woman in vectors that were constructed: king - man + woman is queen
        itself, cosine 1, while king alone has 0.9004 with queen.

        >>> e = np.asarray([[0.8, 0.2, 0.9, -0.5], [0.7, 0.8, 0.85, -0.4],
        ...                 [0.9, 0.1, 0.5, -0.6], [0.8, 0.7, 0.45, -0.5]])
        >>> man, king, woman = np.asarray(2), np.asarray(0), np.asarray(3)
        >>> word_analogy(e, man, king, woman).round(4).tolist()
        [-inf, 1.0, -inf, -inf]
        >>> float(np.abs(e[king] - e[man] + e[woman] - e[1]).max()) < 1e-15
        True
        >>> from mlmath_ref.linear_algebra.products import cosine_similarity
        >>> round(float(cosine_similarity(e[king], e[1])), 4)
        0.9004

        Two questions at once. The answer to the first is row 4, at a cosine of 0.9285, as
        ``scipy.spatial.distance.cdist`` has it; if the words of the question took part it would be
        row 2, :math:`c` itself:

        >>> import torch
        >>> e = torch.tensor([[0.9, -0.3], [1.1, 0.2], [-0.2, 1.9], [-0.7, 0.6], [0.6, 1.5]])
        >>> a, b, c = torch.tensor([0, 3]), torch.tensor([1, 0]), torch.tensor([2, 1])
        >>> word_analogy(e, a, b, c)
        tensor([[   -inf,    -inf,    -inf,  0.6508,  0.9285],
                [   -inf,    -inf, -0.3509,    -inf,  0.1265]])
        >>> cosine_similarity(e, (e[1] - e[0] + e[2]).expand(5, 2))
        tensor([-0.3162,  0.1789,  0.9945,  0.6508,  0.9285])

        The gradient moves the answer and, equally, the three rows of the question:

        >>> e.requires_grad = True
        >>> word_analogy(e, a[0], b[0], c[0])[4].backward()
        >>> e.grad[:, 0]
        tensor([-0.1547,  0.1547,  0.1547,  0.0000, -0.2134])

        Vectors that cancel have no direction, here row 1 as the sum of the others:

        >>> word_analogy(np.asarray([[1.0, 2.0], [1.5, 3.5], [0.5, 1.5]]), np.asarray(1),
        ...              np.asarray(0), np.asarray(2))
        Traceback (most recent call last):
        ValueError: word_analogy: arguments must keep every step in its set, got unit_vector: x must hold finite real vectors with a length above zero, got [0.0, 0.0]
    """
    xp = array_namespace(e, a, b, c)
    y = embedding_lookup(e, b) - embedding_lookup(e, a) + embedding_lookup(e, c)
    cosine = xp.clip((unit_vector(e)[1] @ unit_vector(y)[1][..., None])[..., 0], -1.0, 1.0)
    word = xp.arange(e.shape[0], device=device(e))
    given = (word == a[..., None]) | (word == b[..., None]) | (word == c[..., None])
    return xp.where(given, -math.inf, cosine)
