module
public import Spec.Check.Mamba2
public import Spec.Law.Point.Mamba
public import Spec.Law.Preserved.Mamba2

/-!
# The spec points of Mamba-2 keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.Mamba2
open Spec.Point
variable {α β : Type} [Scalar α] [Scalar β] [Recorded α] [Recorded β] {R : α → β → Prop}

theorem dt_parametric : Parametric dt := fun hR hr _ =>
  .same fun x => .same fun b => .ok ⟨rfl, rfl, fun _ => each_one (hR.softplus (hR.add (hr.entry x _) (hr.entry b _)))⟩

theorem decays_parametric : Parametric decays := fun hR hr _ =>
  .same fun g => .ok ⟨rfl, rfl, fun _ => each_mat (hR.mamba2Decays (hr.vec g _ _))⟩

omit [Scalar α] [Scalar β] [Recorded α] [Recorded β] in
theorem each_images {c h w : Nat} {xs : List (Image c h w α)} {ys : List (Image c h w β)}
    (hx : Each (Alike (Alike (Alike R))) xs ys) : Each R (flatImages xs).toList (flatImages ys).toList :=
  hx.foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList) (fun _ _ _ _ hs h =>
    (Each.entries fun i => h.at i).foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList)
      (fun _ _ _ _ h hx => each_pushMat hx h) hs) .nil

theorem starts_parametric : Parametric starts := fun hR hr _ => by
  refine .same fun v => .same fun b => ?_
  split
  · refine .same fun g => .same fun b => .ok ⟨rfl, rfl, fun _ => each_images ?_⟩
    simp only [foldl_push, Array.empty_append]
    exact hR.mamba2Starts (.entries fun _ => ⟨alike_build fun _ => hr.entry g _, hr.mat v _ _ _, hr.mat v _ _ _,
      hr.vec b _ _, hr.vec b _ _⟩) _
  · exact .error _

theorem readingAt_alike (hR : Preserved R) (hr : Reads R) (dt a x b c : Tensor) (h p n t : Nat) :
    (readingAt dt a x b c h p n t : Spec.Mamba2.Reading h p n α).Alike R (readingAt dt a x b c h p n t) :=
  hR.mamba2Of (hr.vec dt _ _) (hr.vec a _ _) (hr.mat x _ _ _) (hr.vec b _ _) (hr.vec c _ _)

theorem ssd_parametric : Parametric ssd := fun hR hr _ =>
  .same fun _ => .same fun d => .same fun q => .ok ⟨rfl, rfl, fun _ => each_mats (hR.mamba2Chunked q.2 (hr.vec d _ _)
    (.entries fun _ => readingAt_alike hR hr _ _ _ _ _ _ _ _ _))⟩

theorem ssdStepH_parametric : Parametric ssdStepH := fun hR hr _ =>
  .same fun _ => .ok ⟨rfl, rfl, fun _ => each_image (hR.mamba2Advance (hr.image _ _ _ _ _)
    (readingAt_alike hR hr _ _ _ _ _ _ _ _ _))⟩

theorem ssdStepY_parametric : Parametric ssdStepY := fun hR hr _ =>
  .same fun _ => .ok ⟨rfl, rfl, fun _ =>
    have hs := readingAt_alike hR hr _ _ _ _ _ _ _ _ _
    each_mat (hR.mamba2Readout (hr.vec _ _ _) hs (hR.mamba2Advance (hr.image _ _ _ _ _) hs))⟩

theorem gatedNorm_parametric : Parametric gatedNorm := fun hR hr _ =>
  .same fun y => .same fun z => .same fun w => .same fun eps => .ok ⟨rfl, rfl, fun _ =>
    each_vec (hR.mamba2GatedNorm (hr.vec w _ _) (hr.entry eps _) (hr.vec y _ _) (hr.vec z _ _))⟩

omit [Scalar α] [Scalar β] in
theorem params_agree (hr : Reads R) (r : Request) (D H P N K : Nat) :
    Agree (Spec.Mamba2.Params.Alike R) (params r D H P N K) (params r D H P N K) :=
  .same fun inProj => .same fun convW => .same fun convB => .same fun dtB => .same fun aLog => .same fun d =>
    .same fun normW => .same fun outProj => .ok
      ⟨hr.mat inProj _ _ _, hr.mat inProj _ _ _, hr.mat inProj _ _ _, hr.mat convW _ _ _, hr.vec convB _ _,
        hr.vec dtB _ _, hr.vec aLog _ _, hr.vec d _ _, hr.vec normW _ _, hr.mat outProj _ _ _⟩

theorem mixer_parametric : Parametric mixer := fun hR hr _ => by
  refine .same fun x => .same fun sizes => .bind (params_agree hr _ _ _ _ _ _) fun p p' hp => .same fun eps => .same fun q => ?_
  split
  · exact .ite (fun _ => .ok ⟨rfl, rfl, fun _ => each_rows (hR.mamba2Mixer hp (hr.entry eps _) q.2 (hr.rows x _ _ _))⟩)
      fun _ => .error _
  · exact .error _

theorem stepOf_agree (hR : Preserved R) (hr : Reads R) (r : Request) (D H P N K : Nat) :
    Agree (fun s s' => s.1 = s'.1 ∧ ∀ i, (s.2 i).1.Alike R (s'.2 i).1 ∧ Alike R (s.2 i).2 (s'.2 i).2)
      (stepOf (α := α) r D H P N K) (stepOf (α := β) r D H P N K) :=
  .bind (params_agree hr _ _ _ _ _ _) fun _ _ hp => .same fun eps => .same fun _ => .same fun x => .same fun h =>
    .same fun window => .ok ⟨rfl, fun _ => hR.mamba2Step hp (hr.entry eps _)
      ⟨alike_build fun _ => alike_build fun _ => hr.entry window _, hr.image h _ _ _ _⟩ (hr.vec x _ _)⟩

theorem stepY_parametric : Parametric stepY := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i => each_vec (h i).2⟩

theorem stepH_parametric : Parametric stepH := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i => each_image (h i).1.h⟩

theorem stepWindow_parametric : Parametric stepWindow := fun hR hr _ =>
  .same fun sizes => .bind (stepOf_agree hR hr _ _ _ _ _ _) fun s s' ⟨hb, h⟩ =>
    .ok ⟨by rw [hb], rfl, fun i =>
      each_mat (alike_build fun e => alike_build fun k => ((h i).1.window.at k).at e)⟩

/-- Every spec point of Mamba-2. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨Mamba.norm_parametric, linearLayer_parametric, Mamba.conv_parametric, perEntry_parametric fun hR _ _ h => hR.silu h,
    dt_parametric, decays_parametric, starts_parametric, ssd_parametric, ssdStepY_parametric, ssdStepH_parametric,
    gatedNorm_parametric, linearLayer_parametric, mixer_parametric, stepY_parametric, stepH_parametric,
    stepWindow_parametric, linearLayer_parametric⟩

end Spec.Check.Mamba2
