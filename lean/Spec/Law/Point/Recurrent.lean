module
public import Spec.Check.GRU
public import Spec.Check.LSTM
public import Spec.Check.RNN
public import Spec.Law.Point
public import Spec.Law.Preserved.Recurrent

/-!
# The spec points of recurrent networks keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check
open Spec.Point
variable {α β : Type} [Recorded α] [Recorded β] {R : α → β → Prop} {E H : Nat}

namespace Recurrent

theorem gate_agree (hr : Reads R) (r : Request) (E H gates k : Nat) :
    Agree (Gate.Alike R) (gate r E H gates k) (gate r E H gates k) :=
  .same fun w => .same fun u => .same fun b => .same fun c =>
    .ok ⟨hr.mat w _ _ _, hr.mat u _ _ _, hr.vec b _ _, hr.vec c _ _⟩

theorem cell_agree (hr : Reads R) (r : Request) {f : Vector α H → Vector α E → Vector α H}
    {g : Vector β H → Vector β E → Vector β H}
    (hf : ∀ h h' x x', Alike R h h' → Alike R x x' → Alike R (f h x) (g h' x')) :
    Agree (Prediction.Alike R) (cell r f) (cell r g) :=
  .same fun x => .same fun h => .ok ⟨rfl, rfl, fun _ => each_vec (hf _ _ _ _ (hr.vec h _ _) (hr.vec x.2 _ _))⟩

theorem layer_agree (hr : Reads R) (r : Request) {f : Vector α H → List (Vector α E) → List (Vector α H)}
    {g : Vector β H → List (Vector β E) → List (Vector β H)}
    (hf : ∀ h h' xs xs', Alike R h h' → Each (Alike R) xs xs' → Each (Alike R) (f h xs) (g h' xs')) :
    Agree (Prediction.Alike R) (layer r f) (layer r g) :=
  .same fun x => .same fun h => .ok ⟨rfl, rfl, fun _ => each_rows (hf _ _ _ _ (hr.vec h _ _) (hr.rows x.2.2 _ _ _))⟩

end Recurrent

namespace RNN

/-- Every spec point of Elman's network. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  refine ⟨linearLayer_parametric, fun hR hr r => ?_, fun hR hr r => ?_, linearLayer_parametric⟩
  · exact .same fun _ => .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hp =>
      Recurrent.cell_agree hr r fun _ _ _ _ hh hx => hR.rnnCell hp hh hx
  · exact .same fun _ => .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hp =>
      Recurrent.layer_agree hr r fun _ _ _ _ hh hx => hR.rnn hp hh hx

end RNN

namespace LSTM

theorem weights_agree (hr : Reads R) (r : Request) (E H : Nat) :
    Agree (LSTM.Alike R) (weights r E H) (weights r E H) :=
  .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hi => .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hf =>
    .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hg => .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ ho =>
      .ok ⟨hi, hf, hg, ho⟩

theorem gates_parametric : Parametric gates := fun hR hr r =>
  .same fun s => .bind (weights_agree hr r _ _) fun _ _ hp => .same fun x => .same fun h => .ok ⟨rfl, rfl, fun i =>
    each_mat (alike_build fun k => alike_build fun j => by
      have g := hR.lstmGatesAt hp (hr.vec x.2 s.1 (i * s.1)) (hr.vec h s.2 (i * s.2)) j
      rw [Fin.getElem_fin, Fin.getElem_fin, getElem_build, getElem_build]
      unfold gate
      split
      · exact g.1
      · split
        · exact g.2.1
        · split
          · exact g.2.2.1
          · exact g.2.2.2)⟩

theorem stepOf_agree [Scalar α] [Scalar β] (hR : Preserved R) (hr : Reads R) (r : Request) (E H : Nat) :
    Agree (fun s s' => s.1 = s'.1 ∧ ∀ i, (s.2 i).Alike R (s'.2 i)) (stepOf (α := α) r E H) (stepOf (α := β) r E H) :=
  .bind (weights_agree hr r _ _) fun _ _ hp => .same fun x => .same fun h => .same fun c =>
    .ok ⟨rfl, fun _ => hR.lstmCell hp ⟨hr.vec h _ _, hr.vec c _ _⟩ (hr.vec x.2 _ _)⟩

theorem cellH_parametric : Parametric cellH := fun hR hr r =>
  .same fun _ => .bind (stepOf_agree hR hr r _ _) fun _ _ ⟨hb, h⟩ => .ok ⟨by rw [hb], rfl, fun i => each_vec (h i).h⟩

theorem cellC_parametric : Parametric cellC := fun hR hr r =>
  .same fun _ => .bind (stepOf_agree hR hr r _ _) fun _ _ ⟨hb, h⟩ => .ok ⟨by rw [hb], rfl, fun i => each_vec (h i).c⟩

theorem layer_parametric : Parametric layer := fun hR hr r =>
  .same fun _ => .bind (weights_agree hr r _ _) fun _ _ hp => .same fun x => .same fun h => .same fun c =>
    .ok ⟨rfl, rfl, fun _ => each_rows (hR.lstm hp ⟨hr.vec h _ _, hr.vec c _ _⟩ (hr.rows x.2.2 _ _ _))⟩

/-- Every spec point of the LSTM. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨linearLayer_parametric, gates_parametric, cellC_parametric, cellH_parametric, layer_parametric,
    linearLayer_parametric⟩

end LSTM

namespace GRU

theorem weights_agree (hr : Reads R) (r : Request) (E H : Nat) :
    Agree (GRU.Alike R) (weights r E H) (weights r E H) :=
  .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hr' => .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hz =>
    .bind (Recurrent.gate_agree hr r _ _ _ _) fun _ _ hn => .ok ⟨hr', hz, hn⟩

theorem gates_parametric : Parametric gates := fun hR hr r =>
  .same fun _ => .bind (weights_agree hr r _ _) fun _ _ hp => .same fun x => .same fun h => .ok ⟨rfl, rfl, fun _ =>
    each_pushVec (alike_build fun j => hR.sigmoid (hR.gateSumAt hp.z (hr.vec x.2 _ _) (hr.vec h _ _) j))
      (each_vec (hR.gruResets hp (hr.vec x.2 _ _) (hr.vec h _ _)))⟩

theorem cell_parametric (reset : Reset) : Parametric (cell reset) := fun hR hr r =>
  .same fun _ => .bind (weights_agree hr r _ _) fun _ _ hp =>
    Recurrent.cell_agree hr r fun _ _ _ _ hh hx => hR.gruCell hp reset hh hx

theorem layer_parametric (reset : Reset) : Parametric (layer reset) := fun hR hr r =>
  .same fun _ => .bind (weights_agree hr r _ _) fun _ _ hp =>
    Recurrent.layer_agree hr r fun _ _ _ _ hh hx => hR.gru hp reset hh hx

/-- Every spec point of the GRU. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨linearLayer_parametric, gates_parametric, cell_parametric _, layer_parametric _, cell_parametric _,
    layer_parametric _, linearLayer_parametric⟩

end GRU
end Spec.Check
