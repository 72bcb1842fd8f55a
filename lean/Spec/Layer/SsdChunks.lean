module
public import Spec.Layer.CausalConv
public import Spec.Layer.Scan

/-!
# State-space duality, as it is computed

A state space with one decay for all entries of a head's state (Mamba-2: Dao and Gu, arXiv 2405.21060, sections 3 and 6): as a
recurrence, and in chunks of `Q` steps, each a masked matrix and a state that is passed to the next one. `H` heads of `P`
channels share input and output projections of `N` entries. `Spec.Layer.Ssd` has one channel of the same over a ring.
-/

@[expose] public noncomputable section
namespace Spec.Mamba2
open Scalar
variable {α : Type} [Scalar α] {H P N Q : Nat}

/-- What the heads of a state space read at one step. -/
structure Reading (H P N : Nat) (α : Type) where
  /-- The logarithm `Δ A` of each head's decay. -/
  g : Vector α H
  /-- The input times the step size, `Δ x`. -/
  v : Mat H P α
  /-- The input `x`. -/
  x : Mat H P α
  /-- The input projection `B`. -/
  b : Vector α N
  /-- The output projection `C`. -/
  c : Vector α N

namespace Reading

/-- From the step sizes and the transition `A` of each head. -/
def of (dt a : Vector α H) (x : Mat H P α) (b c : Vector α N) : Reading H P N α :=
  ⟨build H fun k => dt[k] * a[k], build H fun k => build P fun p => x[k][p] * dt[k], x, b, c⟩

/-- A step that keeps the state and adds nothing. -/
def nothing : Reading H P N α := ⟨zeros H, build H fun _ => zeros P, build H fun _ => zeros P, zeros N, zeros N⟩

end Reading

/-- The state before the first step: `P` rows of `N` entries for each head. -/
def noState : Image H P N α := build H fun _ => build P fun _ => zeros N

/-! ### The recurrence -/

/-- One step `h ↦ exp(Δ A) h + (Δ x) Bᵀ` of each head. -/
def advance (h : Image H P N α) (s : Reading H P N α) : Image H P N α :=
  build H fun k =>
    let a := exp s.g[k]
    build P fun p => build N fun n => step a h[k][p][n] (s.v[k][p] * s.b[n])

/-- `y = h C + D x`, added in any order. -/
def readout (d : Vector α H) (s : Reading H P N α) (h : Image H P N α) : Mat H P α :=
  build H fun k => build P fun p => dot ((d[k], s.x[k][p]) :: entries N fun n => (s.c[n], h[k][p][n]))

/-- The outputs of the recurrence from the state `h` on. -/
def recurrent (d : Vector α H) : Image H P N α → List (Reading H P N α) → List (Mat H P α)
  | _, [] => []
  | h, s :: ss => let next := advance h s; readout d s next :: recurrent d next ss

/-! ### Chunks -/

/-- The steps of chunk `k`; beyond the last step nothing happens. -/
def chunk (Q : Nat) (xs : Array (Reading H P N α)) (k : Nat) : Vector (Reading H P N α) Q :=
  build Q fun i => xs.getD (k * Q + i) Reading.nothing

/-- The logarithms of a head's decays in a chunk. -/
def logs (s : Vector (Reading H P N α) Q) (k : Fin H) : Vector α Q := build Q fun i => s[i].g[k]

/-- `g₀ + ... + gᵢ`. -/
def upTo (g : Vector α Q) (i : Fin Q) : α := sum (entries (i.1 + 1) fun r => g[r.1]'(by have := r.2; have := i.2; omega))

/-- The decay from place `j` of a chunk to place `i`, `exp(gⱼ₊₁ + ... + gᵢ)`; kernels subtract two sums from the chunk's start. -/
def between (g : Vector α Q) (i j : Fin Q) : α :=
  exp (either (sum (entries (i.1 - j.1) fun r => g[j.1 + 1 + r.1]'(by have := r.2; have := i.2; omega))) (upTo g i - upTo g j))

/-- The decays between all places of a chunk, 0 above the diagonal. -/
def decays (g : Vector α Q) : Mat Q Q α :=
  build Q fun i => build Q fun j => if j.1 ≤ i.1 then between g i j else zero

/-- The decay of each place of a chunk to its end. -/
def toEnd (g : Vector α Q) : Vector α Q := build Q fun j => between g ⟨Q - 1, by have := j.2; omega⟩ j

/-- The state after a chunk: the state before it, decayed, and what each step adds, decayed since. -/
def absorb (s : Vector (Reading H P N α) Q) (h : Image H P N α) : Image H P N α :=
  build H fun k =>
    let g := logs s k
    let whole := exp (sum (entries Q fun i => g[i]))
    let w := toEnd g
    build P fun p => build N fun n => step whole h[k][p][n] (dot (entries Q fun j => (s[j].b[n] * w[j], s[j].v[k][p])))

/-- The output at place `i` of a chunk that starts at the state `h`: the masked matrix `L ∘ C Bᵀ` on the chunk's inputs, what is
left of the state, and `D x`, added in any order. -/
def emit (d : Vector α H) (s : Vector (Reading H P N α) Q) (h : Image H P N α) (i : Fin Q) : Mat H P α :=
  build H fun k =>
    let g := logs s k
    let left := exp (upTo g i)
    let w : Vector α (i.1 + 1) := build (i.1 + 1) fun j =>
      let j : Fin Q := ⟨j.1, by have := j.2; have := i.2; omega⟩
      inner s[i].c s[j].b * between g i j
    build P fun p => dot ((d[k], s[i].x[k][p]) :: (inner s[i].c h[k][p] * left, int 1) ::
      entries (i.1 + 1) fun j => (w[j], (s[j.1]'(by have := j.2; have := i.2; omega)).v[k][p]))

/-- The states before the first `n + 1` chunks. -/
def starts (Q n : Nat) (xs : Array (Reading H P N α)) : List (Image H P N α) :=
  noState :: scanWith (fun h k => absorb (chunk Q xs k) h) noState (entries n fun k => k.1)

/-- The outputs in chunks of `Q` steps. -/
def chunked (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) : List (Mat H P α) :=
  let xs := ss.foldl (fun acc s => acc.push s) #[]
  let hs := (starts Q (xs.size / Q) xs).foldl (fun acc h => acc.push h) #[]
  entries xs.size fun t => emit d (chunk Q xs (t.1 / Q)) (hs.getD (t.1 / Q) noState) ⟨t.1 % Q, Nat.mod_lt _ hQ⟩

end Spec.Mamba2
