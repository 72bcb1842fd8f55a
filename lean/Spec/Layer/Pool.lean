module
public import Spec.Layer.Conv2d

/-!
# Pooling
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {c h w : Nat}

/-- The sum of a channel, added in any order. -/
def channelSum (x : Mat h w α) : α :=
  sum ((pairs (entries h fun i => i) (entries w fun j => j)).map fun p => x[p.1][p.2])

/-- The mean of each channel; the sum is divided by the number of entries or multiplied by its reciprocal. -/
def globalMean (x : Image c h w α) : Vector α c :=
  build c fun ch =>
    let total := channelSum x[ch]
    let n := int (Int.ofNat (h * w))
    either (total / n) (total * (int 1 / n))

end Spec
