module
public import Spec.Num.Scalar

/-!
# Linear layers
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {m n : Nat}

/-- One entry of `W x`, from a row of `W`. -/
def linearAt (w x : Vector α n) : α := inner w x

/-- `W x`. -/
def linear (w : Mat m n α) (x : Vector α n) : Vector α m :=
  build m fun i => linearAt w[i] x

/-- One entry of `W x + b`, from a row of `W` and an entry of `b`. -/
def linearBiasAt (w : Vector α n) (b : α) (x : Vector α n) : α := affine b w x

/-- `W x + b`. -/
def linearBias (w : Mat m n α) (b : Vector α m) (x : Vector α n) : Vector α m :=
  build m fun i => linearBiasAt w[i] b[i] x

/-- Entrywise sum. -/
def add (x y : Vector α n) : Vector α n :=
  build n fun i => x[i] + y[i]

/-- Entrywise application of a function. -/
def mapVec {β γ : Type} (f : β → γ) (x : Vector β n) : Vector γ n :=
  build n fun i => f x[i]

end Spec
