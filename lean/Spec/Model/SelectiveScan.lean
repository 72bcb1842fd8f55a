module
public import Spec.Model.Mamba

/-!
# The selective scan as one kernel

Step sizes, recurrence, readout, skip connection and gate of a Mamba mixer in one pass, as kernels compute it: with
exponentials in base 2, products in another order, and the gate's product taken apart. Channel `e` has rows `b[e]` and `c[e]`
of its own here; channels of one group share theirs.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Scalar
variable {α : Type} [Scalar α] {E N : Nat}

/-- `x`, or `x` as the argument of an exponential in base 2: multiplied by fp32's `log₂ e`, which the power of 2 undoes. -/
def rescaled (x : α) : α := either x (x * const 12102203 8388608 * const 8388608 12102203)

/-- What a selective scan reads at one step. -/
structure ScanInput (E N : Nat) (α : Type) where
  /-- The activation. -/
  u : Vector α E
  /-- The step size before its bias and softplus. -/
  dt : Vector α E
  /-- The gate. -/
  z : Vector α E
  /-- The input matrix. -/
  b : Mat E N α
  /-- The output matrix. -/
  c : Mat E N α

/-- `exp(Δ a)`, where `a` may have been multiplied by `log₂ e` beforehand. -/
def scanDecayAt (dt a : α) : α :=
  exp (either (dt * a) (dt * (a * const 12102203 8388608) * const 8388608 12102203))

/-- The decay and the input of one step, from the transition `a` and the bias of the step sizes. -/
def scanStep (a : Mat E N α) (bias : Vector α E) (x : ScanInput E N α) : Mat E N α × Mat E N α :=
  let dt : Vector α E := build E fun e => softplus (rescaled (x.dt[e] + bias[e]))
  (build E fun e => build N fun n => scanDecayAt dt[e] a[e][n],
    build E fun e => build N fun n => either (dt[e] * x.b[e][n] * x.u[e]) (dt[e] * x.u[e] * x.b[e][n]))

/-- `y silu(z)`. -/
def scanGate (y z : α) : α := either (y * silu z) (y * z * sigmoid (rescaled z))

/-- The output of one step, from its state. -/
def scanOutput (d : Vector α E) (x : ScanInput E N α) (h : Mat E N α) : Vector α E :=
  build E fun e => scanGate (dot ((d[e], x.u[e]) :: entries N fun n => (x.c[e][n], h[e][n]))) x.z[e]

/-- `scanOutput` at every step. -/
def scanOutputs (d : Vector α E) : List (ScanInput E N α) → List (Mat E N α) → List (Vector α E)
  | x :: xs, h :: hs => scanOutput d x h :: scanOutputs d xs hs
  | _, _ => []

/-- The outputs of a selective scan that starts at `h0`. -/
def selectiveScan (a : Mat E N α) (d bias : Vector α E) (h0 : Mat E N α) (xs : List (ScanInput E N α)) : List (Vector α E) :=
  scanOutputs d xs (states h0 (xs.map (scanStep a bias)))

end Spec.Mamba
