module
public import Spec.Law.Preserved
public import Spec.Layer.Spectral

/-!
# The spectral convolution keeps what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop} {n M C O : Nat}

/-- Complex numbers whose parts are related. -/
structure Pair.Alike (R : α → β → Prop) (x : Pair α) (y : Pair β) : Prop where
  /-- The real parts are. -/
  re : R x.re y.re
  /-- The imaginary parts are. -/
  im : R x.im y.im

namespace Preserved
variable (hR : Preserved R)
include hR

theorem knownWith {size x : α} {size' x' : β} (hs : R size size') (hx : R x x') : R (knownWith size x) (knownWith size' x') :=
  hR.either hx (hR.sub (hR.add hx hs) hs)

theorem knownTo (k : Nat) {x : α} {x' : β} (hx : R x x') : R (knownTo k x) (knownTo k x') :=
  hR.knownWith (hR.int _) hx

theorem ofFixed (k : Int) : R (ofFixed k) (ofFixed k) := by
  unfold Spec.ofFixed
  split
  · exact hR.int _
  · exact hR.const _ _

theorem roots (n : Nat) : Alike (Pair.Alike R) (roots n) (roots n) :=
  alike_build fun _ => ⟨hR.knownTo _ (hR.ofFixed _), hR.knownTo _ (hR.ofFixed _)⟩

variable {w : Vector (Pair α) n} {w' : Vector (Pair β) n} (hw : Alike (Pair.Alike R) w w')

theorem mixed {w x : Vector (Pair α) C} {w' x' : Vector (Pair β) C} (hw : Alike (Pair.Alike R) w w')
    (hx : Alike (Pair.Alike R) x x') : Pair.Alike R (mixed w x) (mixed w' x') := by
  constructor
  · refine hR.dot (.entries fun i => ?_)
    split
    · exact ⟨(hw _ _).re, (hx _ _).re⟩
    · exact ⟨hR.neg (hw _ _).im, (hx _ _).im⟩
  · refine hR.dot (.entries fun i => ?_)
    split
    · exact ⟨(hw _ _).re, (hx _ _).im⟩
    · exact ⟨(hw _ _).im, (hx _ _).re⟩

include hw

theorem mode {x : Vector α n} {x' : Vector β n} (hx : Alike R x x') (k : Nat) :
    Pair.Alike R (mode w x k) (mode w' x' k) :=
  ⟨hR.dot (.entries fun t => ⟨hx.at t, (hw _ _).re⟩), hR.dot (.entries fun t => ⟨hx.at t, hR.neg (hw _ _).im⟩)⟩

theorem signalAt {y : Vector (Pair α) M} {y' : Vector (Pair β) M} (hy : Alike (Pair.Alike R) y y') (t : Fin n) :
    R (signalAt w y t) (signalAt w' y' t) := by
  refine hR.dot (.entries fun i => ?_)
  split
  · exact ⟨(hy _ _).re, hR.mul (hR.const _ _) (hw _ _).re⟩
  · exact ⟨(hy _ _).im, hR.neg (hR.mul (hR.const _ _) (hw _ _).im)⟩

theorem outputModes {weight : Vector (Mat O C (Pair α)) M} {weight' : Vector (Mat O C (Pair β)) M} {x : Mat C n α}
    {x' : Mat C n β} (hweight : Alike (Alike (Alike (Pair.Alike R))) weight weight') (hx : Alike (Alike R) x x') :
    Alike (Alike (Pair.Alike R)) (outputModes w weight x) (outputModes w' weight' x') := by
  have spectrum : Alike (Alike (Pair.Alike R)) (build M fun k => build C fun c => Spec.mode w x[c] k.1)
      (build M fun k => build C fun c => Spec.mode w' x'[c] k.1) :=
    alike_build fun k => alike_build fun c => hR.mode hw (hx.at c) k.1
  exact alike_build fun o => alike_build fun k => hR.mixed ((hweight.at k).at o) (spectrum.at k)

/-- The spectral convolution. -/
theorem spectralConv {weight : Vector (Mat O C (Pair α)) M} {weight' : Vector (Mat O C (Pair β)) M} {x : Mat C n α}
    {x' : Mat C n β} (hweight : Alike (Alike (Alike (Pair.Alike R))) weight weight') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (spectralConv w weight x) (spectralConv w' weight' x') :=
  (hR.outputModes hw hweight hx).mapVec fun _ _ hy => alike_build fun t => hR.signalAt hw hy t

end Preserved
end Spec
