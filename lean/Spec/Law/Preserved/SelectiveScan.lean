module
public import Spec.Model.SelectiveScan
public import Spec.Law.Preserved.Sequences

/-!
# The selective scan keeps what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}

namespace Mamba
variable {E N : Nat}

/-- What a selective scan reads at one step is related. -/
structure ScanInput.Alike (R : α → β → Prop) (x : ScanInput E N α) (x' : ScanInput E N β) : Prop where
  /-- The activations are. -/
  u : Spec.Alike R x.u x'.u
  /-- The step sizes are. -/
  dt : Spec.Alike R x.dt x'.dt
  /-- The gates are. -/
  z : Spec.Alike R x.z x'.z
  /-- The input matrices are. -/
  b : Spec.Alike (Spec.Alike R) x.b x'.b
  /-- The output matrices are. -/
  c : Spec.Alike (Spec.Alike R) x.c x'.c

end Mamba

namespace Preserved
variable (hR : Preserved R) {E N : Nat}
include hR

theorem mambaRescaled {x : α} {x' : β} (hx : R x x') : R (Mamba.rescaled x) (Mamba.rescaled x') :=
  hR.either hx (hR.mul (hR.mul hx (hR.const _ _)) (hR.const _ _))

theorem mambaScanStep {a : Mat E N α} {a' : Mat E N β} {bias : Vector α E} {bias' : Vector β E} {x : Mamba.ScanInput E N α}
    {x' : Mamba.ScanInput E N β} (ha : Alike (Alike R) a a') (hbias : Alike R bias bias') (hx : x.Alike R x') :
    Alike (Alike R) (Mamba.scanStep a bias x).1 (Mamba.scanStep a' bias' x').1 ∧
      Alike (Alike R) (Mamba.scanStep a bias x).2 (Mamba.scanStep a' bias' x').2 := by
  have dt : Alike R (build E fun e => Scalar.softplus (Mamba.rescaled (x.dt[e] + bias[e])))
      (build E fun e => Scalar.softplus (Mamba.rescaled (x'.dt[e] + bias'[e]))) :=
    alike_build fun e => hR.softplus (hR.mambaRescaled (hR.add (hx.dt.at e) (hbias.at e)))
  exact ⟨alike_build fun e => alike_build fun n => hR.exp (hR.either (hR.mul (dt.at e) ((ha.at e).at n))
      (hR.mul (hR.mul (dt.at e) (hR.mul ((ha.at e).at n) (hR.const _ _))) (hR.const _ _))),
    alike_build fun e => alike_build fun n => hR.either (hR.mul (hR.mul (dt.at e) ((hx.b.at e).at n)) (hx.u.at e))
      (hR.mul (hR.mul (dt.at e) (hx.u.at e)) ((hx.b.at e).at n))⟩

theorem mambaScanOutput {d : Vector α E} {d' : Vector β E} {x : Mamba.ScanInput E N α} {x' : Mamba.ScanInput E N β}
    {h : Mat E N α} {h' : Mat E N β} (hd : Alike R d d') (hx : x.Alike R x') (hh : Alike (Alike R) h h') :
    Alike R (Mamba.scanOutput d x h) (Mamba.scanOutput d' x' h') :=
  alike_build fun e =>
    have y := hR.dot (.cons ⟨hd.at e, hx.u.at e⟩ (.entries fun n => ⟨(hx.c.at e).at n, (hh.at e).at n⟩))
    hR.either (hR.mul y (hR.silu (hx.z.at e)))
      (hR.mul (hR.mul y (hx.z.at e)) (hR.sigmoid (hR.mambaRescaled (hx.z.at e))))

theorem mambaScanOutputs {d : Vector α E} {d' : Vector β E} (hd : Alike R d d') {xs : List (Mamba.ScanInput E N α)}
    {xs' : List (Mamba.ScanInput E N β)} (hx : Each (Mamba.ScanInput.Alike R) xs xs') :
    ∀ {hs : List (Mat E N α)} {hs' : List (Mat E N β)}, Each (Alike (Alike R)) hs hs' →
      Each (Alike R) (Mamba.scanOutputs d xs hs) (Mamba.scanOutputs d' xs' hs') := by
  induction hx with
  | nil => intros; exact .nil
  | cons hx _ ih =>
    intro hs hs' hh
    cases hh with
    | nil => exact .nil
    | cons hh hs => exact .cons (hR.mambaScanOutput hd hx hh) (ih hs)

/-- The outputs of a selective scan. -/
theorem mambaSelectiveScan {a h : Mat E N α} {a' h' : Mat E N β} {d bias : Vector α E} {d' bias' : Vector β E}
    {xs : List (Mamba.ScanInput E N α)} {xs' : List (Mamba.ScanInput E N β)} (ha : Alike (Alike R) a a') (hd : Alike R d d')
    (hbias : Alike R bias bias') (hh : Alike (Alike R) h h') (hx : Each (Mamba.ScanInput.Alike R) xs xs') :
    Each (Alike R) (Mamba.selectiveScan a d bias h xs) (Mamba.selectiveScan a' d' bias' h' xs') := by
  have steps : Each (fun s s' : Mat E N _ × Mat E N _ => Alike (Alike R) s.1 s'.1 ∧ Alike (Alike R) s.2 s'.2)
      (xs.map (Mamba.scanStep a bias)) (xs'.map (Mamba.scanStep a' bias')) := by
    refine Each.map (fun _ _ h => ?_) hx
    exact hR.mambaScanStep ha hbias h
  exact hR.mambaScanOutputs hd hx (hR.mambaStates hh steps)

end Preserved
end Spec
