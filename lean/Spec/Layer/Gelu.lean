module
public import Spec.Num.Scalar

/-!
# GELU by the hyperbolic tangent

The approximation of Hendrycks and Gimpel, arXiv 1606.08415, section 2, as the code of GPT-2 has it.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α]

/-- `√(2/π)` to 40 digits. -/
def rootTwoOverPi : α := const (Int.ofNat 7978845608028653558798921198687637369517) (10 ^ 40)

/-- The argument of the hyperbolic tangent, `√(2/π) (x + 0.044715 x³)`. -/
def geluInner (x : α) : α :=
  let c : α := const (Int.ofNat 44715) (10 ^ 6)
  either (rootTwoOverPi * (x + c * (x * x * x))) (rootTwoOverPi * x * (int 1 + c * x * x))

/-- `x (1 + tanh (√(2/π) (x + 0.044715 x³))) / 2`. -/
def geluTanh (x : α) : α := const 1 2 * x * (int 1 + tanh (geluInner x))

end Spec
