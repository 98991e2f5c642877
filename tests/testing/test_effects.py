"""What tasks note for invariants goes to the notes that were begun last."""

from __future__ import annotations

from selinon_core.testing.effects import EffectNotes, effect


def test_inner_notes_do_not_end_outer_ones() -> None:
    with EffectNotes() as outer:
        with EffectNotes() as inner:
            pass
        effect("charge", order=7)
    effect("charge", order=8)
    assert [(one.kind, one.about) for one in outer] == [("charge", {"order": 7})]
    assert inner == []
