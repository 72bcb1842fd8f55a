module
public import Spec.Num.Scalar

/-!
# Root mean square normalization

Zhang and Sennrich, arXiv 1910.07467, with the customary `eps` inside the square root.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {n : Nat}

/-- `√(mean(x²) + eps)`; kernels multiply by the reciprocal of `n` instead. -/
def rms (eps : α) (x : Vector α n) : α :=
  sqrt (either (normSq x / int (Int.ofNat n)) (normSq x * const (Int.ofNat 1) n) + eps)

/-- `xᵢ / √(mean(x²) + eps) · wᵢ`; kernels multiply by the reciprocal root instead. -/
def rmsNorm (w : Vector α n) (eps : α) (x : Vector α n) : Vector α n :=
  let s := rms eps x
  build n fun i => either (x[i] / s * w[i]) (x[i] * (int 1 / s) * w[i])

end Spec
