r"""Tokenization: which pieces is text cut into?

A model reads a fixed list of pieces. Single bytes can spell everything, but a text is then a very
long sequence; whole words make it short, but no list holds them all. Byte-pair encoding goes from
the one toward the other: it starts with the bytes and keeps joining the pair of neighbors that is
seen most often, so that frequent words become one piece and rare ones stay several. The list of
joins, in their order, is the tokenizer. It is learned once, before the model, and each join makes
the vocabulary longer by one and the text shorter.

:map: 6.5 Language models
"""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from mlmath_ref.sets import Corpus, checked


@checked
def byte_pair_merge(
    words: Corpus[Mapping[tuple[str, ...], int], ""],
) -> tuple[Corpus[dict[tuple[str, ...], int], ""], tuple[str, str]]:
    r"""Byte-pair encoding: joins the pair of neighbors that occurs most often, everywhere.

    .. math::
        (a, b)^{\star} = \arg\max_{a, b \in \mathcal{S}} \sum_{w \in \mathcal{C}} c_w \sum_{i=1}^{|w| - 1}
        \mathbb{1}[w_i = a \wedge w_{i+1} = b]

    In short it is :math:`\arg\max_{(a, b)} \operatorname{count}(a, b)`, over all pairs of
    neighbors. Then every :math:`a` followed by :math:`b` becomes the one symbol :math:`ab`, from
    the left and without overlap. Of pairs that occur equally often the smallest is taken, in the
    order of their strings; repeated until the vocabulary is large enough, this trains a tokenizer.

    Args:
        words: :math:`\mathcal{C}`, the words :math:`w`, each a tuple of symbols :math:`w_i` of
            length :math:`|w|`, with their counts :math:`c_w`.

    Returns:
        :math:`(\cdot, (a, b)^{\star})`, the corpus after the merge and the merged pair.

    Where:
        - :math:`\mathcal{S}`: ``{s for w in words for s in w}``, the symbols.
        - :math:`c_w`: ``words[w]``, the count of a word.

    Raises:
        ValueError: No word has two symbols.

    Also called:
        BPE, byte pair encoding, BPE training.

    Asked as:
        BBPE; byte-level BPE; subword units; subword tokenization; merge rule; BPE tokenizer;
        tokenizer training; how are tokens made; why can a model not spell.

    Role in ML:
        - preprocessing -- Qwen3: the tokenizer is a byte-level byte-pair encoding of 151,669
          entries :cite:p:`qwen2025three{sec. 2}`.
        - preprocessing -- DeepSeek-V3: a byte-level byte-pair encoding of 128K entries, with the
          text first cut into pieces that no merge may cross :cite:p:`deepseek2024v3{sec. 4.1}`.
        - compression -- Neural machine translation: brought the merge from data compression to
          words that a fixed vocabulary lacks :cite:p:`sennrich2016neural{alg. 1}`.

    Numerics:
        Whole numbers only, so the result is exact. The formula alone leaves ties open: Hugging
        Face's trainer takes the pair whose symbols are oldest, which is the rule here while all
        symbols are single letters. In ``aaa`` the pair of two ``a`` is counted twice and merged
        once. Two words that become equal share one count. A step reads the whole corpus; trainers
        keep the counts and update them.

    Checked against:
        ``(lambda t: (t.train_from_iterator(
        ["".join(w) for w, c in words.items() for k in range(c)],
        tokenizers.trainers.BpeTrainer(
        vocab_size=1 + len(set().union(*words)), show_progress=False)),
        ({tuple(t.encode("".join(w)).tokens): c for w, c in words.items()},
        tuple(max(t.get_vocab(), key=len))))[1])(tokenizers.Tokenizer(tokenizers.models.BPE()))``

    Examples:
        By hand: ``e s`` and ``s t`` both occur :math:`6 + 3 = 9` times, all other pairs at most
        8 times; ``e s`` comes first in the alphabet:

        >>> words = {tuple("low"): 5, tuple("lower"): 2, tuple("newest"): 6, tuple("widest"): 3}
        >>> words, pair = byte_pair_merge(words)
        >>> pair
        ('e', 's')
        >>> list(words)[2:]
        [('n', 'e', 'w', 'es', 't'), ('w', 'i', 'd', 'es', 't')]

        The next four merges, and the words after them:

        >>> for _ in range(4):
        ...     words, pair = byte_pair_merge(words)
        ...     print(*pair)
        es t
        l o
        lo w
        e w
        >>> [" ".join(word) for word in words], list(words.values())
        (['low', 'low e r', 'n ew est', 'w i d est'], [5, 2, 6, 3])

        A merge does not overlap, and words that become equal are counted together:

        >>> byte_pair_merge({("a", "a", "a"): 2})
        ({('aa', 'a'): 2}, ('a', 'a'))
        >>> byte_pair_merge({("a", "b"): 1, ("ab",): 4})
        ({('ab',): 5}, ('a', 'b'))

        Where there is no pair there is nothing to merge:

        >>> byte_pair_merge({("low",): 5})
        Traceback (most recent call last):
        ValueError: byte_pair_merge: words must hold a pair of symbols, got {('low',): 5}
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            pairs[pair] += count
    if not pairs:
        raise ValueError(f"byte_pair_merge: words must hold a pair of symbols, got {words}")
    best = min(pairs, key=lambda pair: (-pairs[pair], pair))
    merged: Counter[tuple[str, ...]] = Counter()
    for word, count in words.items():
        merged[_join(word, best)] += count
    return dict(merged), best


def _join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """A word in which every occurrence of a pair is one symbol, from the left."""
    joined: list[str] = []
    for symbol in word:
        if joined and (joined[-1], symbol) == pair:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return tuple(joined)
