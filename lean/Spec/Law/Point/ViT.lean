module
public import Spec.Check.ViT
public import Spec.Law.Point
public import Spec.Law.Preserved.Networks

/-!
# The spec points of the vision transformer keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.ViT
open Spec.Point

theorem patchify_parametric : Parametric patchify := fun _ hr _ => by
  refine .same fun x => .same fun p => ?_
  split
  · exact .ite (fun _ => .ok ⟨rfl, rfl, fun _ => each_mat (hr.image x _ _ _ _).patchify⟩) fun _ => .error _
  · exact .error _

theorem tokens_parametric : Parametric tokens := fun hR hr _ => by
  refine .same fun x => ?_
  split
  · exact .same fun cls => .same fun pos => .ok ⟨rfl, rfl, fun _ =>
      each_mat (hR.vitTokens (hr.vec cls _ _) (hr.mat pos _ _ _) (hr.mat x _ _ _))⟩
  · exact .error _

theorem norm_parametric : Parametric norm := fun hR hr _ =>
  .same fun x => .same fun w => .same fun b => .same fun eps => .ok ⟨rfl, rfl, fun _ =>
    each_vec (hR.layerNorm (hr.vec w _ _) (hr.vec b _ _) (hr.entry eps _) (hr.vec x _ _))⟩

theorem scores_parametric : Parametric scores := fun hR hr _ => by
  refine .same fun q => .same fun k => ?_
  split
  · exact .same fun k => .ok ⟨rfl, rfl, fun _ => each_vec (hR.scoreRow (hr.vec q _ _) (hr.mat k _ _ _))⟩
  · exact .error _

theorem weights_parametric : Parametric weights := fun hR hr _ =>
  .same fun x => .ok ⟨rfl, rfl, fun _ => each_vec (hR.softmax (hr.vec x _ _))⟩

theorem mix_parametric : Parametric mix := fun hR hr _ => by
  refine .same fun w => .same fun v => ?_
  split
  · exact .same fun v => .ok ⟨rfl, rfl, fun _ => each_vec (hR.mixRow (hr.vec w _ _) (hr.mat v _ _ _))⟩
  · exact .error _

/-- Every spec point of the vision transformer. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨patchify_parametric, linearLayer_parametric, tokens_parametric, norm_parametric, linearLayer_parametric,
    scores_parametric, weights_parametric, mix_parametric, linearLayer_parametric, linearLayer_parametric,
    perEntry_parametric fun hR _ _ h => hR.gelu h, linearLayer_parametric,
    perPair_parametric fun hR _ _ _ _ h h' => hR.add h h', linearLayer_parametric⟩

end Spec.Check.ViT
