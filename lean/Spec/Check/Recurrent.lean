module
public import Spec.Check.Point
public import Spec.Model.Recurrent

/-!
# Recorded calls of recurrent cells and layers

Axes: `B` sequences, `L` steps, `E` input width, `H` hidden width. The weights of a cell's gates lie below each other.
-/

@[expose] public noncomputable section
namespace Spec.Check.Recurrent
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- The widths `E` and `H`, from the recorded weights. -/
def widths (r : Request) : Except String (Nat × Nat) := do
  match (← r.tensor "weight_ih").shape, (← r.tensor "weight_hh").shape with
  | [_, E], [_, H] => return (E, H)
  | s, t => throw s!"{r.point}: 'weight_ih' has shape {Request.showShape s} and 'weight_hh' {Request.showShape t}"

/-- The weights of gate `k` of `gates`. -/
def gate (r : Request) (E H gates k : Nat) : Except String (Gate E H α) := do
  let w ← r.shaped "weight_ih" [gates * H, E]
  let u ← r.shaped "weight_hh" [gates * H, H]
  let b ← r.shaped "bias_ih" [gates * H]
  let c ← r.shaped "bias_hh" [gates * H]
  return ⟨w.mat H E (k * (H * E)), u.mat H H (k * (H * H)), b.vec H (k * H), c.vec H (k * H)⟩

/-- The input of one step, and the number of sequences. -/
def stepInput (r : Request) (E : Nat) : Except String (Nat × Tensor) := do
  let b := (lastAxis (← r.tensor "x").shape).1
  return (b, ← r.shaped "x" [b, E])

/-- A sequence of inputs, the number of sequences and their length. -/
def sequence (r : Request) (E : Nat) : Except String (Nat × Nat × Tensor) := do
  match (← r.tensor "x").shape with
  | [b, l, _] => return (b, l, ← r.shaped "x" [b, l, E])
  | s => throw s!"{r.point}: 'x' has shape {Request.showShape s}"

/-- A cell whose state is its output: one step of each sequence, from the inputs `x` and the states `h`. -/
def cell (r : Request) {E H : Nat} (step : Vector α H → Vector α E → Vector α H) : Except String (Prediction α) := do
  let (b, x) ← stepInput r E
  let h ← r.shaped "h" [b, H]
  return ⟨[b, H], H, fun i => flatVec (step (h.vec H (i * H)) (x.vec E (i * E)))⟩

/-- A layer whose state is its output, from the states `h0`. -/
def layer (r : Request) {E H : Nat} (run : Vector α H → List (Vector α E) → List (Vector α H)) :
    Except String (Prediction α) := do
  let (b, l, x) ← sequence r E
  let h ← r.shaped "h0" [b, H]
  return ⟨[b, l, H], l * H, fun i => flatRows (run (h.vec H (i * H)) (x.rows l E (i * (l * E))))⟩

/-- The number of parameters of a text model of cells with so many gates, from the sizes vocabulary, `E`, `H` and
layers. -/
def parameters (gates : Nat) : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [vocab, E, H, layers] => return [Spec.Recurrent.paramCount gates vocab E H layers]
  | _ => throw "a recurrent model has four sizes"

end Spec.Check.Recurrent
