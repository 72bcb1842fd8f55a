module
public import Spec.Layer.Patch
public import Spec.Layer.RmsNorm
public import Spec.Layer.SsdChunks

/-!
# Mamba-2

The mixer of Dao and Gu, arXiv 2405.21060, section 7, with one group. Sizes: `D` width, `H` heads of `P` channels, `N` state,
`K` taps of the convolution.
-/

@[expose] public noncomputable section
namespace Spec.Mamba2
open Scalar
variable {α : Type} [Scalar α] {D H P N K : Nat}

/-- The channels of the convolution: `x`, then `B`, then `C`. -/
abbrev channels (H P N : Nat) : Nat := H * P + (N + N)

/-- The weights of one mixer. -/
structure Params (D H P N K : Nat) (α : Type) where
  /-- Input projection of the gate `z`. -/
  inZ : Mat (H * P) D α
  /-- Input projection of `x`, `B` and `C`. -/
  inConv : Mat (channels H P N) D α
  /-- Input projection of the step sizes. -/
  inDt : Mat H D α
  /-- Taps of the convolution over `x`, `B` and `C`; the last one multiplies the current step. -/
  convW : Mat (channels H P N) K α
  /-- Bias of the convolution. -/
  convB : Vector α (channels H P N)
  /-- Bias of the step sizes. -/
  dtB : Vector α H
  /-- `log(-A)`. -/
  aLog : Vector α H
  /-- The skip connection `D`. -/
  d : Vector α H
  /-- Weight of the gated norm. -/
  normW : Vector α (H * P)
  /-- Output projection. -/
  outProj : Mat D (H * P) α

/-- The number of parameters of a mixer: a term for each field of `Params`, in the same order. -/
def Params.count (D H P N K : Nat) : Nat :=
  H * P * D + channels H P N * D + H * D + channels H P N * K + channels H P N + H + H + H + H * P + D * (H * P)

/-- The number of parameters of a language model of `layers` mixers: an embedding of `vocab` symbols that is also the head, a
norm before each mixer, and a last norm. -/
def paramCount (vocab layers D H P N K : Nat) : Nat := vocab * D + layers * (D + Params.count D H P N K) + D

/-- The step size of one head, `softplus(x + b)`. -/
def dtAt (x bias : α) : α := softplus (x + bias)

/-- `A = -exp(aLog)`. -/
def transition (aLog : Vector α H) : Vector α H := build H fun k => -exp aLog[k]

/-- `norm(y silu(z))`: the gate comes before the norm. -/
def gatedNorm {n : Nat} (w : Vector α n) (eps : α) (y z : Vector α n) : Vector α n :=
  rmsNorm w eps (build n fun i => y[i] * silu z[i])

/-- The activations `silu(conv(x, B, C))` of a sequence. -/
def activations (p : Params D H P N K α) (xs : List (Vector α D)) : List (Vector α (channels H P N)) :=
  (causalConv p.convW p.convB (xs.map (linear p.inConv))).map (mapVec fun v => silu v)

/-- What the heads read at one step, from its input, its activations and the transition `a`. -/
def reading (p : Params D H P N K α) (a : Vector α H) (x : Vector α D) (u : Vector α (channels H P N)) : Reading H P N α :=
  let raw := linear p.inDt x
  .of (build H fun k => dtAt raw[k] p.dtB[k]) a
    (build H fun k => build P fun q => u[(join k q).1]'(by have := (join k q).2; unfold channels; omega))
    (build N fun n => u[H * P + n.1]'(by have := n.2; unfold channels; omega))
    (build N fun n => u[H * P + (N + n.1)]'(by have := n.2; unfold channels; omega))

/-- `reading` at every step. -/
def readings (p : Params D H P N K α) (a : Vector α H) :
    List (Vector α D) → List (Vector α (channels H P N)) → List (Reading H P N α)
  | x :: xs, u :: us => reading p a x u :: readings p a xs us
  | _, _ => []

/-- The output of one step, from its input and what its heads gave. -/
def output (p : Params D H P N K α) (eps : α) (x : Vector α D) (y : Mat H P α) : Vector α D :=
  linear p.outProj (gatedNorm p.normW eps (build (H * P) fun k => y[rowOf k][colOf k]) (linear p.inZ x))

/-- `output` at every step. -/
def outputs (p : Params D H P N K α) (eps : α) : List (Vector α D) → List (Mat H P α) → List (Vector α D)
  | x :: xs, y :: ys => output p eps x y :: outputs p eps xs ys
  | _, _ => []

/-- The mixer on a whole sequence, from the zero state, in chunks of `Q` steps. -/
def mixer {Q : Nat} (hQ : 0 < Q) (p : Params D H P N K α) (eps : α) (xs : List (Vector α D)) : List (Vector α D) :=
  outputs p eps xs (chunked hQ p.d (readings p (transition p.aLog) xs (activations p xs)))

/-- The mixer on a whole sequence, from the zero state, as a recurrence. -/
def recurrentMixer (p : Params D H P N K α) (eps : α) (xs : List (Vector α D)) : List (Vector α D) :=
  outputs p eps xs (recurrent p.d noState (readings p (transition p.aLog) xs (activations p xs)))

/-- What a mixer that reads one input at a time remembers. -/
structure State (H P N K : Nat) (α : Type) where
  /-- The last `K - 1` inputs of the convolution, oldest first. -/
  window : Mat (K - 1) (channels H P N) α
  /-- The state of the recurrence. -/
  h : Image H P N α

/-- The memory before the first input. -/
def State.zero : State H P N K α := ⟨build (K - 1) fun _ => zeros (channels H P N), noState⟩

/-- One input at a time: the new memory and the output. -/
def step (p : Params D H P N K α) (eps : α) (s : State H P N K α) (x : Vector α D) : State H P N K α × Vector α D :=
  let c := convStep p.convW p.convB s.window (linear p.inConv x)
  let r := reading p (transition p.aLog) x (mapVec (fun v => silu v) c.2)
  let h := advance s.h r
  (⟨c.1, h⟩, output p eps x (readout p.d r h))

/-- The outputs of `step` along a sequence. -/
def run (p : Params D H P N K α) (eps : α) : State H P N K α → List (Vector α D) → List (Vector α D)
  | _, [] => []
  | s, x :: xs => let r := step p eps s x; r.2 :: run p eps r.1 xs

end Spec.Mamba2
