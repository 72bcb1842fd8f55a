module
public import Spec.Check.Mamba
public import Spec.Law.Point
public import Spec.Law.Preserved.SelectiveScan

/-!
# The spec points of Mamba keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.Mamba
open Spec.Point
variable {α β : Type} [Scalar α] [Scalar β] [Recorded α] [Recorded β] {R : α → β → Prop}

theorem norm_parametric : Parametric norm := fun hR hr _ =>
  .same fun x => .same fun w => .same fun eps =>
    .ok ⟨rfl, rfl, fun _ => each_vec (hR.rmsNorm (hr.vec w _ _) (hr.entry eps _) (hr.vec x _ _))⟩

theorem conv_parametric : Parametric conv := fun hR hr _ => by
  refine .same fun x => .same fun w => ?_
  split
  · exact .same fun b => .ite (fun _ => .ok ⟨rfl, rfl, fun _ =>
      each_rows (hR.causalConv (hr.mat w _ _ _) (hr.vec b _ _) (hr.rows x _ _ _))⟩) fun _ => .error _
  · exact .error _

theorem dt_parametric : Parametric dt := fun hR hr _ => by
  refine .same fun x => .same fun w => ?_
  split
  · exact .same fun w => .same fun b => .ok ⟨rfl, rfl, fun _ =>
      each_one (hR.mambaDtAt (hr.vec w _ _) (hr.entry b _) (hr.vec x _ _))⟩
  · exact .error _

theorem decay_parametric : Parametric decay := fun hR hr _ => by
  refine .same fun x => .same fun a => ?_
  split
  · exact .same fun a => .ok ⟨rfl, rfl, fun _ => each_one (hR.mambaDecayAt (hr.entry x _) (hr.entry a _))⟩
  · exact .error _

theorem input_parametric : Parametric input := fun hR hr _ => by
  refine .same fun x => .same fun b => ?_
  split
  · exact .same fun b => .same fun u => .ok ⟨rfl, rfl, fun _ =>
      each_mat (hR.mambaInput (hr.vec x _ _) (hr.vec b _ _) (hr.vec u _ _))⟩
  · exact .error _

theorem states_parametric : Parametric states := fun hR hr _ => by
  refine .same fun d => ?_
  split
  · exact .same fun x => .same fun h => .ok ⟨rfl, rfl, fun _ => each_mats (hR.mambaStates (hr.mat h _ _ _)
      (.entries fun t => ⟨hr.mat d _ _ _, hr.mat x _ _ _⟩))⟩
  · exact .error _

theorem readout_parametric : Parametric readout := fun hR hr _ => by
  refine .same fun h => ?_
  split
  · exact .same fun c => .same fun u => .same fun d => .ok ⟨rfl, rfl, fun _ =>
      each_vec (hR.mambaReadout (hr.mat h _ _ _) (hr.vec c _ _) (hr.vec u _ _) (hr.vec d _ _))⟩
  · exact .error _

theorem gate_parametric : Parametric gate := fun hR hr _ =>
  .same fun y => .same fun z => .ok ⟨rfl, rfl, fun _ => each_vec (hR.mambaGate (hr.vec y _ _) (hr.vec z _ _))⟩

omit [Scalar α] [Scalar β] in
theorem params_agree (hr : Reads R) (r : Request) (D E N R' K : Nat) :
    Agree (Spec.Mamba.Params.Alike R) (params r D E N R' K) (params r D E N R' K) :=
  .same fun inProj => .same fun xProj => .same fun convW => .same fun convB => .same fun dtW => .same fun dtB =>
    .same fun aLog => .same fun d => .same fun outProj => .ok
      ⟨hr.mat inProj _ _ _, hr.mat inProj _ _ _, hr.mat convW _ _ _, hr.vec convB _ _, hr.mat xProj _ _ _,
        hr.mat xProj _ _ _, hr.mat xProj _ _ _, hr.mat dtW _ _ _, hr.vec dtB _ _, hr.mat aLog _ _ _, hr.vec d _ _,
        hr.mat outProj _ _ _⟩

theorem mixer_parametric : Parametric mixer := fun hR hr _ => by
  refine .same fun x => .same fun sizes => .bind (params_agree hr _ _ _ _ _ _) fun p q hp => ?_
  split
  · refine .ite (fun _ => .ok ⟨rfl, rfl, fun _ => each_rows ?_⟩) fun _ => .error _
    split
    · exact hR.mambaFusedMixer hp _ (hr.rows x _ _ _)
    · exact hR.mambaMixer hp (hr.rows x _ _ _)
  · exact .error _

theorem stepOf_agree (hR : Preserved R) (hr : Reads R) (r : Request) (D E N R' K : Nat) :
    Agree (fun s s' => s.1 = s'.1 ∧ ∀ i, (s.2 i).1.Alike R (s'.2 i).1 ∧ Alike R (s.2 i).2 (s'.2 i).2)
      (stepOf (α := α) r D E N R' K) (stepOf (α := β) r D E N R' K) :=
  .bind (params_agree hr _ _ _ _ _ _) fun _ _ hp => .same fun _ => .same fun x => .same fun h => .same fun window =>
    .ok ⟨rfl, fun _ => by
      split
      · exact hR.mambaFusedStep hp ⟨alike_build fun _ => alike_build fun _ => hr.entry window _, hr.mat h _ _ _⟩ (hr.vec x _ _)
      · exact hR.mambaStep hp ⟨alike_build fun _ => alike_build fun _ => hr.entry window _, hr.mat h _ _ _⟩ (hr.vec x _ _)⟩

theorem stepY_parametric : Parametric stepY := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i => each_vec (h i).2⟩

theorem stepH_parametric : Parametric stepH := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i => each_mat (h i).1.h⟩

theorem stepWindow_parametric : Parametric stepWindow := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i =>
      each_mat (alike_build fun e => alike_build fun k => ((h i).1.window.at k).at e)⟩

theorem selectiveScan_parametric : Parametric selectiveScan := fun hR hr _ => by
  refine .same fun u => .same fun b => ?_
  split
  · exact .same fun dt => .same fun z => .same fun b => .same fun c => .same fun a => .same fun d => .same fun bias =>
      .same fun h0 => .ok ⟨rfl, rfl, fun _ => each_rows (hR.mambaChunkedScan _ (hr.mat a _ _ _) (hr.vec d _ _)
        (hr.vec bias _ _) (hr.mat h0 _ _ _) (.entries fun _ => ⟨hr.vec u _ _, hr.vec dt _ _, hr.vec z _ _,
          alike_build fun _ => hr.vec b _ _, alike_build fun _ => hr.vec c _ _⟩))⟩
  · exact .error _

/-- Every spec point of Mamba. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨norm_parametric, linearLayer_parametric, conv_parametric, perEntry_parametric fun hR _ _ h => hR.silu h,
    linearLayer_parametric, dt_parametric, decay_parametric, input_parametric, states_parametric, readout_parametric,
    gate_parametric, linearLayer_parametric, linearLayer_parametric, mixer_parametric, stepY_parametric,
    stepH_parametric, stepWindow_parametric, selectiveScan_parametric⟩

end Spec.Check.Mamba
