"""Runtime against specification: recorded calls go to Lean, verdicts come back."""

FAMILIES = {  # each with the module of its operations and of its models
    "mamba": "mamba", "mamba2": "mamba2", "resnet": "resnet", "vit": "vit", "rnn": "recurrent", "lstm": "recurrent",
    "gru": "recurrent", "gpt": "gpt", "spectral": "spectral_conv",
}  # fmt: skip
FAMILY = dict.fromkeys(("chargpt", "gpt2", "text_gpt2", "gpt_adder"), "gpt") | {
    "lstm_regression": "lstm"}  # of a model whose name is another
