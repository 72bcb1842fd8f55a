"""The text of the plays, and texts of one's own."""

import pytest

from pyzoo.data import shakespeare
from pyzoo.data.codec import CHARACTERS
from pyzoo.errors import InputError


def test_the_plays_are_plain_text():
    text = shakespeare.plays()
    assert len(text) > 4_000_000
    assert "DUKE ORSINO:\nIf music be the food of love, play on;\n" in text
    assert "**" not in text and "_" not in text and "  \n" not in text


def test_train_and_validation_are_the_whole_text():
    text = shakespeare.load(None, 64)
    assert len(text.train) + len(text.validation) == len(shakespeare.plays())
    decoded = CHARACTERS.decode(text.validation[-40:].tolist(), text.vocabulary)
    assert shakespeare.plays().endswith(decoded)


def test_a_short_text_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("to be or not to be")
    with pytest.raises(InputError, match="18 characters"):
        shakespeare.load(tmp_path / "a.txt", 64)


def test_a_text_that_is_not_utf8_is_refused_by_its_byte(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"abc\xff")
    with pytest.raises(InputError, match="byte 3 is 0xff"):
        shakespeare.load(tmp_path / "a.txt", 1)


def test_an_unseen_character_is_named():
    with pytest.raises(InputError, match="'é' at 1"):
        CHARACTERS.encode("aé", "ab")
