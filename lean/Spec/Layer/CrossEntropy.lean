module
public import Spec.Num.Scalar

/-!
# Cross-entropy

The loss of a classifier and of a language model.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {n : Nat}

/-- The cross-entropy of the logits `x` and the label `i`, `log Σⱼ exp xⱼ - xᵢ`, with the reference `m` subtracted from the logits
first. -/
def crossEntropy (log : α → α) (m : α) (x : Vector α n) (i : Fin n) : α :=
  m + log (sum (entries n fun j => exp (x[j] - m))) - x[i]

end Spec
