module
public import Spec.Layer.Recurrent

/-!
# Recurrent language models

An embedding, recurrent layers on top of each other, and a linear head, as the text models of this library have them.
-/

@[expose] public noncomputable section
namespace Spec.Recurrent

/-- The number of parameters of a gate: a term for each field of `Gate`, in the same order. -/
def gateCount (E H : Nat) : Nat := H * E + H * H + H + H

/-- The number of parameters of layers with `gates` gates each: the first has inputs of width `E`, the others of
width `H`. -/
def stackCount (gates : Nat) : (layers E H : Nat) → Nat
  | 0, _, _ => 0
  | layers + 1, E, H => gates * gateCount E H + stackCount gates layers H H

/-- The number of parameters of a language model: an embedding of `vocab` symbols, the layers, and a head with a
bias. -/
def paramCount (gates vocab E H layers : Nat) : Nat :=
  vocab * E + stackCount gates layers E H + (vocab * H + vocab)

end Spec.Recurrent
