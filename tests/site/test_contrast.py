"""What the pages say of an entry's contrasts and of the phrases that it is asked by."""

import concept_map
import export
import pages
from specimen import specimen

from mlmath_ref.records import record


def test_phrases_are_on_no_page() -> None:
    for text in (pages.about(specimen()), export.entry_text(record(specimen()))):
        assert "one, two" in text
        assert "infinite" not in text


def test_a_contrast_is_in_no_table() -> None:
    e = specimen()
    assert "- does not use it, **B**: it keeps another" in export.entry_text(record(e))
    assert [row[1] for row in concept_map.section_rows(e)] == ["A"]
