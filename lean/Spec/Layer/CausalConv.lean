module
public import Spec.Layer.Linear

/-!
# Causal depthwise convolution

Every channel is filtered on its own, and an output sees the current input and the `K - 1` before it.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {E K : Nat}

/-- The zero vector. -/
def zeros (n : Nat) : Vector α n := build n fun _ => zero

/-- The input `d` steps before time `t`, zero before the start. -/
def delayed (xs : Array (Vector α E)) (t d : Nat) : Vector α E :=
  if d ≤ t then xs.getD (t - d) (zeros E) else zeros E

/-- One output from the last `K` inputs, oldest first: `y[e] = b[e] + Σₖ w[e][k] x[k][e]`. -/
def convAt (w : Mat E K α) (b : Vector α E) (x : Mat K E α) : Vector α E :=
  build E fun e => affine b[e] w[e] (build K fun k => x[k][e])

/-- `y_t[e] = b[e] + Σₖ w[e][k] x_{t-(K-1)+k}[e]`, with zeros before the start. -/
def causalConv (w : Mat E K α) (b : Vector α E) (xs : List (Vector α E)) : List (Vector α E) :=
  let x := xs.foldl (fun acc v => acc.push v) #[]
  entries x.size fun t => convAt w b (build K fun k => delayed x t (K - 1 - k))

/-- The `K - 1` last inputs followed by the current one. -/
def extend (window : Mat (K - 1) E α) (x : Vector α E) : Mat K E α :=
  build K fun k => if h : k < K - 1 then window[k] else x

/-- One step of a convolution that keeps its `K - 1` last inputs, oldest first: the new window and the
output. -/
def convStep (w : Mat E K α) (b : Vector α E) (window : Mat (K - 1) E α) (x : Vector α E) :
    Mat (K - 1) E α × Vector α E :=
  let full := extend window x
  (build (K - 1) fun k => full[k.1 + 1], convAt w b full)

end Spec
