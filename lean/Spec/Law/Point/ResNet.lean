module
public import Spec.Check.ResNet
public import Spec.Law.Point
public import Spec.Law.Preserved.Networks

/-!
# The spec points of residual networks keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.ResNet
open Spec.Point
variable {α β : Type} [Scalar α] [Scalar β] [Recorded α] [Recorded β] {R : α → β → Prop}

theorem conv_parametric : Parametric conv := fun hR hr _ => by
  refine .same fun x => .same fun weight => .same fun stride => .same fun padding => ?_
  split
  · refine .ite (fun _ => .ok ⟨rfl, rfl, fun n => ?_⟩) fun _ => .error _
    simp only
    split
    · split
      · exact each_one (hR.conv2dAt (hr.kernels weight _ _ _ _)
          ((alike_build fun _ => hr.image x _ _ _ _ : Alike (Alike (Alike (Alike _))) _ _) _ _) _ _ _ _ _)
      · exact .nil
    · exact .nil
  · exact .error _

theorem batchNorm_parametric : Parametric batchNorm := fun hR hr _ => by
  refine .same fun x => ?_
  split
  · exact .same fun mean => .same fun var => .same fun weight => .same fun bias => .same fun eps =>
      .ok ⟨rfl, rfl, fun _ => each_one (hR.batchNormAt (hr.entry eps _) (hr.entry mean _) (hr.entry var _)
        (hr.entry weight _) (hr.entry bias _) (hr.entry x _))⟩
  · exact .error _

theorem pool_parametric : Parametric pool := fun hR hr _ => by
  refine .same fun x => ?_
  split
  · exact .ok ⟨rfl, rfl, fun _ => each_vec (hR.globalMean (hr.image x _ _ _ _))⟩
  · exact .error _

omit [Scalar α] [Scalar β] in
theorem normOf_agree (hr : Reads R) (r : Request) (i : String) (k : Nat) :
    Agree (BatchNorm.Alike R) (normOf r i k) (normOf r i k) :=
  .same fun mean => .same fun var => .same fun weight => .same fun bias =>
    .ok ⟨hr.vec mean _ _, hr.vec var _ _, hr.vec weight _ _, hr.vec bias _ _⟩

omit [Scalar α] [Scalar β] [Recorded α] [Recorded β] in
theorem ofEq_alike {c h w k h' w' : Nat} (channels : c = k) (rows : h = h') (cols : w = w') :
    Spec.ResNet.Shortcut.Alike R (.ofEq channels rows cols) (.ofEq channels rows cols) := by
  subst channels rows cols
  exact .identity

omit [Scalar α] [Scalar β] in
theorem shortcutOf_agree (hr : Reads R) (r : Request) (c h w k stride : Nat) :
    Agree (Spec.ResNet.Shortcut.Alike R) (shortcutOf r c h w k stride) (shortcutOf r c h w k stride) := by
  refine .ite (fun _ => .same fun conv3 => .bind (normOf_agree hr r "3" k) fun _ _ hn =>
    .ok (.projection (hr.kernels conv3 _ _ _ _) hn)) fun _ => ?_
  split
  · exact .ok (ofEq_alike _ _ _)
  · exact .error _

theorem block_parametric : Parametric block := fun hR hr r => by
  refine .same fun x => .same fun conv1 => .same fun stride => .same fun eps => ?_
  split
  · refine .same fun conv1 => .same fun conv2 => .bind (normOf_agree hr r "1" _) fun _ _ h1 =>
      .bind (normOf_agree hr r "2" _) fun _ _ h2 => .bind (shortcutOf_agree hr r _ _ _ _ _) fun _ _ hs => ?_
    refine .ok ⟨rfl, rfl, fun n => each_image (hR.residualBlock ?_ (hr.entry eps 0) (hr.image x _ _ _ _))⟩
    exact ⟨rfl, hr.kernels conv1 _ _ _ _, h1, hr.kernels conv2 _ _ _ _, h2, hs⟩
  · exact .error _

/-- Every spec point of residual networks. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨conv_parametric, batchNorm_parametric, perEntry_parametric fun hR _ _ h => hR.max h hR.zero,
    perPair_parametric fun hR _ _ _ _ h h' => hR.add h h', pool_parametric, linearLayer_parametric, block_parametric⟩

end Spec.Check.ResNet
