module
public import Spec.Num.Vec

/-!
# Scalars

The numbers that a specification computes with. One text of a specification serves every scalar:
intervals with a rounding budget judge a run, a ring or an ordered field carries the theorems.
-/

@[expose] public noncomputable section
namespace Spec

/-- The operations of neural networks on numbers.

A method with a list leaves the order of additions to the implementation, as real kernels do, and so do the steps of a recurrence:
a scalar that follows rounding errors must cover every order, with or without fused multiply-add. -/
class Scalar (α : Type) extends Add α, Sub α, Mul α, Div α, Neg α, Max α where
  /-- A rational constant, exactly: numerator, and denominator above 0. -/
  const : Int → Nat → α
  /-- `Σ xᵢ`, added in any order. -/
  sum : List α → α
  /-- `Σ xᵢ yᵢ`, added in any order. -/
  dot : List (α × α) → α
  /-- `Σ xᵢ²`, added in any order: both factors of a product are one number. -/
  squares : List α → α
  /-- `a h + b`, one step of a recurrence: an implementation may run its steps one after the other or compose them in a tree. -/
  step : (a h b : α) → α
  /-- `exp x`. -/
  exp : α → α
  /-- `√x`, for `x ≥ 0`. -/
  sqrt : α → α
  /-- `1 / (1 + exp (-x))`. -/
  sigmoid : α → α
  /-- `tanh x`. -/
  tanh : α → α
  /-- `log (1 + exp x)`. -/
  softplus : α → α
  /-- `x / (1 + exp (-x))`, also called swish. -/
  silu : α → α
  /-- `x (1 + erf (x / √2)) / 2`. -/
  gelu : α → α
  /-- One value written in two ways that are equal in exact arithmetic: an implementation may compute
  either. The specification's own reading is the first. -/
  either : α → α → α

namespace Scalar
variable {α : Type} [Scalar α]

/-- The integer `n`. -/
@[inline] def int (n : Int) : α := const n 1

/-- `0`. -/
@[inline] def zero : α := const 0 1

/-- `Σᵢ xᵢ yᵢ` of two vectors, added in any order. -/
@[inline] def inner {n : Nat} (x y : Vector α n) : α :=
  dot (entries n fun i => (x[i], y[i]))

/-- `Σᵢ xᵢ²` of a vector, added in any order. -/
@[inline] def normSq {n : Nat} (x : Vector α n) : α := squares (entries n fun i => x[i])

/-- `b + Σᵢ xᵢ yᵢ`, where `b` may take any place in the order of additions. -/
@[inline] def affine {n : Nat} (b : α) (x y : Vector α n) : α :=
  dot ((b, int 1) :: entries n fun i => (x[i], y[i]))

/-- `max x 0`. -/
@[inline] def relu (x : α) : α := max x zero

end Scalar
end Spec
