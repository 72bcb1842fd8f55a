module
public import Spec.Check.Spectral
public import Spec.Law.Point
public import Spec.Law.Preserved.Spectral

/-!
# The spec point of the spectral convolution keeps what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.Spectral
open Spec.Point

theorem conv_parametric : Parametric conv := @fun α β _ _ _ _ R hR hr r => by
  refine .same fun x => .same fun w => ?_
  split
  · rename_i b c n _ o m _ _ _
    refine .same fun w => .ite (fun _ => .ok ⟨rfl, rfl, fun i => ?_⟩) fun _ => .error _
    have weight : Alike (Alike (Alike (Pair.Alike R))) (weightOf w c o m : Vector (Mat o c (Pair α)) m) (weightOf w c o m) :=
      alike_build fun k => alike_build fun j => alike_build fun i => ⟨hr.entry w _, hr.entry w _⟩
    have modes : Alike (Alike (Alike (Pair.Alike R)))
        (build b fun i => outputModes (roots n : Vector (Pair α) n) (weightOf w c o m) (x.mat c n (i.1 * (c * n))))
        (build b fun i => outputModes (roots n) (weightOf w c o m) (x.mat c n (i.1 * (c * n)))) :=
      alike_build fun i => hR.outputModes (hR.roots n) weight (hr.mat x _ _ _)
    simp only
    split
    · exact each_one (hR.signalAt (hR.roots n) (modes _ _ _ _) _)
    · exact .nil
  · exact .error _

/-- Every spec point of the spectral convolution. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact conv_parametric

end Spec.Check.Spectral
