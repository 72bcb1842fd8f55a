module
public import Spec.Check.Recurrent

/-!
# Spec points of the LSTM
-/

@[expose] public noncomputable section
namespace Spec.Check.LSTM
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- The recorded weights. -/
def weights (r : Request) (E H : Nat) : Except String (Spec.LSTM E H α) := do
  let gate (k : Nat) := Recurrent.gate r E H 4 k
  return ⟨← gate 0, ← gate 1, ← gate 2, ← gate 3⟩

/-- Part `k` of the gates, which lie side by side. -/
def gate {β : Type} (k : Nat) (g : β × β × β × β) : β :=
  if k = 0 then g.1 else if k = 1 then g.2.1 else if k = 2 then g.2.2.1 else g.2.2.2

/-- `lstm.gates`. -/
def gates : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Spec.LSTM E H α ← weights r E H
  let (b, x) ← Recurrent.stepInput r E
  let h ← r.shaped "h" [b, H]
  return ⟨[b, 4 * H], 4 * H, fun i =>
    let units := build H fun j => p.gatesAt (x.vec E (i * E)) (h.vec H (i * H)) j
    flatMat (build 4 fun k => build H fun j => gate k.val units[j])⟩

/-- One step of sequence `i`, the number of sequences and the width of their states. -/
def stepOf (r : Request) (E H : Nat) : Except String (Nat × (Nat → LSTMState H α)) := do
  let p : Spec.LSTM E H α ← weights r E H
  let (b, x) ← Recurrent.stepInput r E
  let h ← r.shaped "h" [b, H]
  let c ← r.shaped "c" [b, H]
  return (b, fun i => p.cell ⟨h.vec H (i * H), c.vec H (i * H)⟩ (x.vec E (i * E)))

/-- `lstm.cell.h`: the hidden state after a step. -/
def cellH : Point := fun _ _ _ r => do
  let (E, H) ← Recurrent.widths r
  let (b, step) ← stepOf r E H
  return ⟨[b, H], H, fun i => flatVec (step i).h⟩

/-- `lstm.cell.c`: the cell after a step. -/
def cellC : Point := fun _ _ _ r => do
  let (E, H) ← Recurrent.widths r
  let (b, step) ← stepOf r E H
  return ⟨[b, H], H, fun i => flatVec (step i).c⟩

/-- `lstm.layer`. -/
def layer : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Spec.LSTM E H α ← weights r E H
  let (b, l, x) ← Recurrent.sequence r E
  let h ← r.shaped "h0" [b, H]
  let c ← r.shaped "c0" [b, H]
  return ⟨[b, l, H], l * H, fun i =>
    flatRows (p.layer ⟨h.vec H (i * H), c.vec H (i * H)⟩ (x.rows l E (i * (l * E))))⟩

/-- The spec points of the LSTM. -/
def points : List (String × Point) :=
  [("lstm.embedding", linearLayer), ("lstm.gates", gates), ("lstm.cell.c", cellC), ("lstm.cell.h", cellH),
   ("lstm.layer", layer), ("lstm.head", linearLayer)]

/-- The structural facts of the LSTM. -/
def facts : List (String × Fact) := [("lstm.parameters", Recurrent.parameters 4)]

end Spec.Check.LSTM
