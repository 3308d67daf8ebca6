"""The curriculum is in an order of prerequisites, as its page says."""

import concept_map

from mlmath_ref.catalog import domains, entries, entry


def test_no_entry_calls_one_of_a_later_chapter() -> None:
    order = [concept_map.domain_name(module) for module in concept_map.curriculum()]
    assert sorted(order) == sorted(map(concept_map.domain_name, domains()))
    late = [
        (e.name, name)
        for e in entries()
        for name in e.calls
        if order.index(entry(name).domain) > order.index(e.domain)
    ]
    assert not late, f"these call an entry of a later chapter: {late}"


def test_rows_are_in_that_order() -> None:
    text = concept_map.by_chapter()
    found = [text.index(concept_map.domain_link(m)) for m in concept_map.curriculum()]
    assert found == sorted(found)
