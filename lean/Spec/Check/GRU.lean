module
public import Spec.Check.Recurrent

/-!
# Spec points of the GRU

`gru.cell` and `gru.layer` have the reset gate after the product with the hidden state, as in PyTorch;
`gru.original_cell` and `gru.original_layer` have it before, as in the paper.
-/

@[expose] public noncomputable section
namespace Spec.Check.GRU
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- The recorded weights. -/
def weights (r : Request) (E H : Nat) : Except String (Spec.GRU E H α) := do
  return ⟨← Recurrent.gate r E H 3 0, ← Recurrent.gate r E H 3 1, ← Recurrent.gate r E H 3 2⟩

/-- `gru.gates`: the reset gates and the update gates, side by side. -/
def gates : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Spec.GRU E H α ← weights r E H
  let (b, x) ← Recurrent.stepInput r E
  let h ← r.shaped "h" [b, H]
  return ⟨[b, 2 * H], 2 * H, fun i =>
    let x : Vector α E := x.vec E (i * E)
    let h : Vector α H := h.vec H (i * H)
    pushVec (flatVec (p.resets x h)) (build H fun j => p.updateAt x h j)⟩

/-- `gru.cell` and `gru.original_cell`. -/
def cell (reset : Reset) : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Spec.GRU E H α ← weights r E H
  Recurrent.cell r (fun h x => p.cell reset h x)

/-- `gru.layer` and `gru.original_layer`. -/
def layer (reset : Reset) : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Spec.GRU E H α ← weights r E H
  Recurrent.layer r (fun h xs => p.layer reset h xs)

/-- The spec points of the GRU. -/
def points : List (String × Point) :=
  [("gru.embedding", linearLayer), ("gru.gates", gates), ("gru.cell", cell .after), ("gru.layer", layer .after),
   ("gru.original_cell", cell .before), ("gru.original_layer", layer .before), ("gru.head", linearLayer)]

/-- The structural facts of the GRU. -/
def facts : List (String × Fact) := [("gru.parameters", Recurrent.parameters 3)]

end Spec.Check.GRU
