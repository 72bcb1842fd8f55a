module
public import Spec.Num.Scalar

/-!
# Linear layers
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {m n : Nat}

/-- Entry `i` of `W x`. -/
def linearAt (w : Mat m n α) (x : Vector α n) (i : Fin m) : α := inner w[i] x

/-- `W x`. -/
def linear (w : Mat m n α) (x : Vector α n) : Vector α m :=
  build m fun i => linearAt w x i

/-- Entry `i` of `W x + b`. -/
def linearBiasAt (w : Mat m n α) (b : Vector α m) (x : Vector α n) (i : Fin m) : α := affine b[i] w[i] x

/-- `W x + b`. -/
def linearBias (w : Mat m n α) (b : Vector α m) (x : Vector α n) : Vector α m :=
  build m fun i => linearBiasAt w b x i

/-- Entrywise sum. -/
def add (x y : Vector α n) : Vector α n :=
  build n fun i => x[i] + y[i]

/-- Entrywise application of a function. -/
def mapVec {β γ : Type} (f : β → γ) (x : Vector β n) : Vector γ n :=
  build n fun i => f x[i]

end Spec
