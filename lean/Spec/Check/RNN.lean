module
public import Spec.Check.Recurrent

/-!
# Spec points of Elman's network
-/

@[expose] public noncomputable section
namespace Spec.Check.RNN
open Spec.Point

/-- `rnn.cell`. -/
def cell : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Gate E H α ← Recurrent.gate r E H 1 0
  Recurrent.cell r (fun h x => rnnCell p h x)

/-- `rnn.layer`. -/
def layer : Point := fun α _ _ r => do
  let (E, H) ← Recurrent.widths r
  let p : Gate E H α ← Recurrent.gate r E H 1 0
  Recurrent.layer r (fun h xs => rnn p h xs)

/-- The spec points of Elman's network. -/
def points : List (String × Point) :=
  [("rnn.embedding", linearLayer), ("rnn.cell", cell), ("rnn.layer", layer), ("rnn.head", linearLayer)]

/-- The structural facts of Elman's network. -/
def facts : List (String × Fact) := [("rnn.parameters", Recurrent.parameters 1)]

end Spec.Check.RNN
