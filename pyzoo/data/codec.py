"""How texts become tokens: characters, bytes, or the parts of a byte-level BPE (Sennrich et al., arXiv 1508.07909; GPT-2).

What a codec learned from a text is a string, its vocabulary, which a run keeps in its settings.
"""

import json
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from pyzoo.errors import InputError


class Characters:
    """A token is a character; the vocabulary is the sorted characters of the text."""

    unit = "characters"

    def learn(self, text: str, size: int) -> str:
        """The vocabulary of a text; characters need no size."""
        return "".join(sorted(set(text)))

    def count(self, vocabulary: str) -> int:
        """The number of tokens."""
        return len(vocabulary)

    def encode(self, text: str, vocabulary: str) -> Tensor:
        """The tokens (T) of a text. Raises InputError, naming the first character that is not in the vocabulary."""
        index = {symbol: i for i, symbol in enumerate(vocabulary)}
        for place, symbol in enumerate(text):
            if symbol not in index:
                raise InputError(f"the text has the character {symbol!r} at {place}, which the model has never seen")
        return torch.tensor([index[symbol] for symbol in text], dtype=torch.long)

    def decode(self, tokens: list[int], vocabulary: str) -> str:
        """The text of tokens."""
        return "".join(vocabulary[i] for i in tokens)


class Bytes:
    """A token is a byte of the text in UTF-8."""

    unit = "bytes"

    def learn(self, text: str, size: int) -> str:
        """The vocabulary of bytes is always the same."""
        return "bytes"

    def count(self, vocabulary: str) -> int:
        """The number of tokens."""
        return 256

    def encode(self, text: str, vocabulary: str) -> Tensor:
        """The tokens (T) of a text."""
        return torch.tensor(list(text.encode()), dtype=torch.long)

    def decode(self, tokens: list[int], vocabulary: str) -> str:
        """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
        return bytes(tokens).decode("utf-8", "replace")


class BPE:
    """A token is a run of bytes that are often seen together; the vocabulary is the tokenizer of the package `tokenizers`
    as JSON."""

    unit = "tokens"

    def learn(self, text: str, size: int) -> str:
        """A tokenizer of at most `size` tokens, at least the 256 bytes, trained on a text."""
        tokenizer = _byte_level(models.BPE())
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokenizer.train_from_iterator(
            text.splitlines(keepends=True),
            trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False),
        )
        return tokenizer.to_str()

    def count(self, vocabulary: str) -> int:
        """The number of tokens."""
        return _tokenizer(vocabulary).get_vocab_size()

    def encode(self, text: str, vocabulary: str) -> Tensor:
        """The tokens (T) of a text."""
        return torch.tensor(_tokenizer(vocabulary).encode(text).ids, dtype=torch.long)

    def decode(self, tokens: list[int], vocabulary: str) -> str:
        """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
        return _tokenizer(vocabulary).decode(tokens, skip_special_tokens=False)

    def read(self, vocab: Path, merges: Path) -> str:
        """The vocabulary from GPT-2's `vocab.json` and `merges.txt`. Raises InputError if they can't be read as such."""
        try:
            tokens = json.loads(vocab.read_text(encoding="utf-8"))
            lines = merges.read_text(encoding="utf-8").splitlines()
            pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
            vocabulary = _byte_level(models.BPE(vocab=tokens, merges=pairs)).to_str()
        except OSError as error:
            raise InputError(f"{error.filename} can't be read: {error.strerror}") from None
        except Exception as error:  # tokenizers has no class of its own for what it refuses
            raise InputError(f"{vocab} and {merges} are not a BPE vocabulary and its merges: {error}") from None
        if missing := sorted({*pre_tokenizers.ByteLevel.alphabet()} - {*tokens}):
            raise InputError(f"{vocab} lacks the byte {missing[0]!r}, so there are texts without tokens")
        if sorted(tokens.values()) != [*range(len(tokens))]:
            raise InputError(f"{vocab} must number its {len(tokens)} tokens from 0 to {len(tokens) - 1}")
        return vocabulary


_tokenizer = cache(Tokenizer.from_str)


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


CHARACTERS, BYTES, PARTS = Characters(), Bytes(), BPE()
