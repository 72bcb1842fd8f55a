module
public import Spec.Num.Scalar

/-!
# Layer normalization

Ba, Kiros and Hinton, arXiv 1607.06450, with the customary `eps` inside the square root.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {n : Nat}

/-- The sum `s` of `n` numbers made their mean: divided by `n`, or multiplied with `1 / n`. -/
def average (n : Nat) (s : α) : α := either (s / int (Int.ofNat n)) (s * const 1 n)

/-- `x / s`; kernels multiply by the reciprocal instead. -/
def ratio (x s : α) : α := either (x / s) (x * (int 1 / s))

/-- The mean of the entries. -/
def mean (x : Vector α n) : α := average n (sum (entries n fun i => x[i]))

/-- The entries less their mean. -/
def centred (x : Vector α n) : Vector α n :=
  let mu := mean x
  build n fun i => x[i] - mu

/-- `√(var + eps)`, from centred entries; `var` is the mean of their squares, without Bessel's correction. -/
def deviation (eps : α) (c : Vector α n) : α := sqrt (average n (normSq c) + eps)

/-- `(xᵢ - mean) / √(var + eps) · wᵢ + bᵢ` (equation 4). -/
def layerNorm (w b : Vector α n) (eps : α) (x : Vector α n) : Vector α n :=
  let c := centred x
  let s := deviation eps c
  build n fun i => ratio c[i] s * w[i] + b[i]

end Spec
