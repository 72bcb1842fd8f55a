module
public import Spec.Layer.Scan
public import Init.Grind.Ring.Basic

/-!
# State-space duality

A recurrence with one decay for all entries of its state, as a matrix and in chunks (Mamba-2: Dao and Gu, arXiv
2405.21060, sections 3 and 6). Sequences are functions of the time `t = 0, 1, ...`; a state has `N` entries. One channel
`x` is followed, since channels do not meet.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
variable {α : Type} [CommRing α]

/-- `f 0 + ... + f (n - 1)`. -/
def sumTo : (n : Nat) → (Nat → α) → α
  | 0, _ => 0
  | n + 1, f => sumTo n f + f n

/-- `a s * ... * a (s + n - 1)`: the decay over `n` steps from time `s` on. -/
def decayOver (a : Nat → α) (s : Nat) : Nat → α
  | 0 => 1
  | n + 1 => decayOver a s n * a (s + n)

/-- The first `n` steps of a recurrence `h ↦ a t * h + b t`. -/
def firstSteps (a b : Nat → α) (n : Nat) : List (AffineStep α) := (List.range n).map fun t => ⟨a t, b t⟩

/-- The state after `n` steps from `h`. -/
def stateAfter (h : α) (a b : Nat → α) (n : Nat) : α := scanFold h (firstSteps a b n)

/-- Decays, input and output projections, and inputs of one channel. -/
structure Ssd (α : Type) where
  /-- The decay at time `t`. -/
  a : Nat → α
  /-- Entry `n` of the input projection at time `t` is `B t n`. -/
  B : Nat → Nat → α
  /-- Entry `n` of the output projection at time `t` is `C t n`. -/
  C : Nat → Nat → α
  /-- The input at time `t`. -/
  x : Nat → α

namespace Ssd
variable (p : Ssd α) (N : Nat)

/-- The output at time `t` by the recurrence `hₜ = aₜ hₜ₋₁ + Bₜ xₜ`, `yₜ = Cₜᵀ hₜ` from `h = 0`. -/
def recurrent (t : Nat) : α :=
  sumTo N fun n => p.C t n * stateAfter 0 p.a (fun r => p.B r n * p.x r) (t + 1)

/-- An entry of the masked matrix `L ∘ C Bᵀ`: `(Cₜᵀ Bₛ) aₛ₊₁ ⋯ aₜ` for `s ≤ t`, and 0 for `s > t`. -/
def matrix (t s : Nat) : α :=
  if s ≤ t then sumTo N (fun n => p.C t n * p.B s n) * decayOver p.a (s + 1) (t - s) else 0

/-- Entry `n` of what a chunk of `Q` steps from time `s` on adds to the state, its own start left out. -/
def chunkState (s Q n : Nat) : α :=
  sumTo Q fun j => decayOver p.a (s + j + 1) (Q - 1 - j) * (p.B (s + j) n * p.x (s + j))

/-- Entry `n` of the state before chunk `k`, passed on from chunk to chunk of `Q` steps. -/
def passed (Q n : Nat) : Nat → α
  | 0 => 0
  | k + 1 => decayOver p.a (k * Q) Q * passed Q n k + p.chunkState (k * Q) Q n

/-- The output at place `i` of chunk `k` of `Q` steps: the matrix within the chunk, and the state passed to it. -/
def chunked (Q k i : Nat) : α :=
  sumTo (i + 1) (fun j => p.matrix N (k * Q + i) (k * Q + j) * p.x (k * Q + j)) +
    sumTo N fun n => p.C (k * Q + i) n * (decayOver p.a (k * Q) (i + 1) * p.passed Q n k)

end Ssd
end Spec
