module
public import Spec.Law.Preserved
public import Spec.Law.Mamba
public import Spec.Layer.Recurrent

/-!
# Layers over sequences keep what every operation keeps

The causal convolution, Mamba's parts and its mixer, and the recurrent cells and layers.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}

theorem Each.scanWith {σ τ ι κ : Type} {S : σ → τ → Prop} {Q : ι → κ → Prop} {f : σ → ι → σ} {g : τ → κ → τ}
    (h : ∀ s t x y, S s t → Q x y → S (f s x) (g t y)) {xs : List ι} {ys : List κ} (hs : Each Q xs ys) {s : σ} {t : τ}
    (h0 : S s t) : Each S (scanWith f s xs) (scanWith g t ys) := by
  induction hs generalizing s t with
  | nil => exact .nil
  | cons h' _ ih => exact .cons (h _ _ _ _ h0 h') (ih (h _ _ _ _ h0 h'))

namespace Preserved
variable (hR : Preserved R) {E H K : Nat}
include hR

/-! ### Causal convolution -/

theorem zeros (n : Nat) : Alike R (zeros n) (zeros n) := alike_build fun _ => hR.zero

theorem convAt {w : Mat E K α} {w' : Mat E K β} {b : Vector α E} {b' : Vector β E} {x : Mat K E α} {x' : Mat K E β}
    (hw : Alike (Alike R) w w') (hb : Alike R b b') (hx : Alike (Alike R) x x') :
    Alike R (convAt w b x) (convAt w' b' x') :=
  alike_build fun e => hR.affine (hb.at e) (hw.at e) (alike_build fun k => (hx.at k).at e)

theorem delayed {xs : List (Vector α E)} {xs' : List (Vector β E)} (hx : Each (Alike R) xs xs') (t d : Nat) :
    Alike R (delayed xs.toArray t d) (delayed xs'.toArray t d) := by
  unfold Spec.delayed
  split
  · exact hx.getD (hR.zeros E) _
  · exact hR.zeros E

theorem causalConv {w : Mat E K α} {w' : Mat E K β} {b : Vector α E} {b' : Vector β E} {xs : List (Vector α E)}
    {xs' : List (Vector β E)} (hw : Alike (Alike R) w w') (hb : Alike R b b') (hx : Each (Alike R) xs xs') :
    Each (Alike R) (causalConv w b xs) (causalConv w' b' xs') := by
  refine .of_getElem (by simpa using hx.length_eq) fun t h1 h2 => ?_
  rw [getElem_causalConv _ _ _ t (by simpa using h1), getElem_causalConv _ _ _ t (by simpa using h2)]
  exact hR.convAt hw hb (alike_build fun k => hR.delayed hx t _)

theorem convStep {w : Mat E K α} {w' : Mat E K β} {b : Vector α E} {b' : Vector β E} {window : Mat (K - 1) E α}
    {window' : Mat (K - 1) E β} {x : Vector α E} {x' : Vector β E} (hw : Alike (Alike R) w w') (hb : Alike R b b')
    (hwin : Alike (Alike R) window window') (hx : Alike R x x') :
    Alike (Alike R) (convStep w b window x).1 (convStep w' b' window' x').1 ∧
      Alike R (convStep w b window x).2 (convStep w' b' window' x').2 := by
  have full : Alike (Alike R) (extend window x : Mat K E α) (extend window' x') := alike_build fun k => by
    split
    · exact hwin _ _
    · exact hx
  exact ⟨alike_build fun k => full _ (by omega), hR.convAt hw hb full⟩

end Preserved

/-! ### Mamba -/

namespace Mamba
variable {D E N R' K : Nat}

/-- Mixers whose weights are related. -/
structure Params.Alike (R : α → β → Prop) (p : Params D E N R' K α) (p' : Params D E N R' K β) : Prop where
  /-- Those of the input projection of the state space's branch are. -/
  inX : Spec.Alike (Spec.Alike R) p.inX p'.inX
  /-- Those of the gate's are. -/
  inZ : Spec.Alike (Spec.Alike R) p.inZ p'.inZ
  /-- The taps of the convolution are. -/
  convW : Spec.Alike (Spec.Alike R) p.convW p'.convW
  /-- Its biases are. -/
  convB : Spec.Alike R p.convB p'.convB
  /-- The projections to the step sizes are. -/
  projDt : Spec.Alike (Spec.Alike R) p.projDt p'.projDt
  /-- Those to the input matrix are. -/
  projB : Spec.Alike (Spec.Alike R) p.projB p'.projB
  /-- Those to the output matrix are. -/
  projC : Spec.Alike (Spec.Alike R) p.projC p'.projC
  /-- Those from the rank to the step sizes are. -/
  dtW : Spec.Alike (Spec.Alike R) p.dtW p'.dtW
  /-- Their biases are. -/
  dtB : Spec.Alike R p.dtB p'.dtB
  /-- The logarithms of the transition are. -/
  aLog : Spec.Alike (Spec.Alike R) p.aLog p'.aLog
  /-- The skip connections are. -/
  d : Spec.Alike R p.d p'.d
  /-- The output projections are. -/
  outProj : Spec.Alike (Spec.Alike R) p.outProj p'.outProj

/-- Memories of streaming mixers that are related. -/
structure State.Alike (R : α → β → Prop) (s : State E N K α) (s' : State E N K β) : Prop where
  /-- The windows are. -/
  window : Spec.Alike (Spec.Alike R) s.window s'.window
  /-- The states are. -/
  h : Spec.Alike (Spec.Alike R) s.h s'.h

end Mamba

namespace Preserved
variable (hR : Preserved R) {D E N R' K : Nat}
include hR

theorem mambaDtAt {w x : Vector α K} {w' x' : Vector β K} {b : α} {b' : β} (hw : Alike R w w') (hb : R b b')
    (hx : Alike R x x') : R (Mamba.dtAt w b x) (Mamba.dtAt w' b' x') :=
  hR.softplus (hR.affine hb hw hx)

theorem mambaDecayAt {dt a : α} {dt' a' : β} (hdt : R dt dt') (ha : R a a') :
    R (Mamba.decayAt dt a) (Mamba.decayAt dt' a') :=
  hR.exp (hR.mul hdt ha)

theorem mambaInput {dt u : Vector α E} {dt' u' : Vector β E} {b : Vector α N} {b' : Vector β N} (hdt : Alike R dt dt')
    (hb : Alike R b b') (hu : Alike R u u') : Alike (Alike R) (Mamba.input dt b u) (Mamba.input dt' b' u') :=
  alike_build fun e => alike_build fun n => hR.mul (hR.mul (hdt.at e) (hb.at n)) (hu.at e)

theorem mambaStateStep {h a b : Mat E N α} {h' a' b' : Mat E N β} (hh : Alike (Alike R) h h') (ha : Alike (Alike R) a a')
    (hb : Alike (Alike R) b b') : Alike (Alike R) (Mamba.stateStep h a b) (Mamba.stateStep h' a' b') :=
  alike_build fun e => alike_build fun n => hR.step ((ha.at e).at n) ((hh.at e).at n) ((hb.at e).at n)

theorem mambaStates {h : Mat E N α} {h' : Mat E N β} {steps : List (Mat E N α × Mat E N α)}
    {steps' : List (Mat E N β × Mat E N β)} (hh : Alike (Alike R) h h')
    (hs : Each (fun s s' => Alike (Alike R) s.1 s'.1 ∧ Alike (Alike R) s.2 s'.2) steps steps') :
    Each (Alike (Alike R)) (Mamba.states h steps) (Mamba.states h' steps') :=
  hs.scanWith (fun _ _ _ _ hh hs => hR.mambaStateStep hh hs.1 hs.2) hh

theorem mambaReadout {h : Mat E N α} {h' : Mat E N β} {c : Vector α N} {c' : Vector β N} {u d : Vector α E}
    {u' d' : Vector β E} (hh : Alike (Alike R) h h') (hc : Alike R c c') (hu : Alike R u u') (hd : Alike R d d') :
    Alike R (Mamba.readout h c u d) (Mamba.readout h' c' u' d') :=
  alike_build fun e => hR.dot (.cons ⟨hd.at e, hu.at e⟩ (.entries fun n => ⟨hc.at n, (hh.at e).at n⟩))

theorem mambaGate {y z : Vector α E} {y' z' : Vector β E} (hy : Alike R y y') (hz : Alike R z z') :
    Alike R (Mamba.gate y z) (Mamba.gate y' z') :=
  alike_build fun e => hR.mul (hy.at e) (hR.silu (hz.at e))

variable {p : Mamba.Params D E N R' K α} {p' : Mamba.Params D E N R' K β} (hp : p.Alike R p')
include hp

theorem mambaTransition : Alike (Alike R) (Mamba.transition p.aLog) (Mamba.transition p'.aLog) :=
  alike_build fun e => alike_build fun n => hR.neg (hR.exp ((hp.aLog.at e).at n))

theorem mambaSelect {u : Vector α E} {u' : Vector β E} (hu : Alike R u u') :
    Alike (Alike R) (Mamba.select p (Mamba.transition p.aLog) u).1 (Mamba.select p' (Mamba.transition p'.aLog) u').1 ∧
      Alike (Alike R) (Mamba.select p (Mamba.transition p.aLog) u).2
        (Mamba.select p' (Mamba.transition p'.aLog) u').2 := by
  have dt : Alike R (Mamba.dt p.dtW p.dtB (Spec.linear p.projDt u))
      (Mamba.dt p'.dtW p'.dtB (Spec.linear p'.projDt u')) :=
    alike_build fun e => hR.mambaDtAt (hp.dtW.at e) (hp.dtB.at e) (hR.linear hp.projDt hu)
  have a := hR.mambaTransition hp
  exact ⟨alike_build fun e => alike_build fun n => hR.mambaDecayAt (dt.at e) ((a.at e).at n),
    hR.mambaInput dt (hR.linear hp.projB hu) hu⟩

theorem mambaOutput {x : Vector α D} {x' : Vector β D} {u : Vector α E} {u' : Vector β E} {h : Mat E N α} {h' : Mat E N β}
    (hx : Alike R x x') (hu : Alike R u u') (hh : Alike (Alike R) h h') :
    Alike R (Mamba.output p x u h) (Mamba.output p' x' u' h') :=
  hR.linear hp.outProj (hR.mambaGate (hR.mambaReadout hh (hR.linear hp.projC hu) hu hp.d) (hR.linear hp.inZ hx))

theorem mambaOutputs {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    ∀ {us : List (Vector α E)} {us' : List (Vector β E)} {hs : List (Mat E N α)} {hs' : List (Mat E N β)},
      Each (Alike R) us us' → Each (Alike (Alike R)) hs hs' →
      Each (Alike R) (Mamba.outputs p xs us hs) (Mamba.outputs p' xs' us' hs') := by
  induction hx with
  | nil => intros; exact .nil
  | cons hx _ ih =>
    intro us us' hs hs' hu hh
    cases hu with
    | nil => exact .nil
    | cons hu hus =>
      cases hh with
      | nil => exact .nil
      | cons hh hhs => exact .cons (hR.mambaOutput hp hx hu hh) (ih hus hhs)

theorem mambaActivations {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    Each (Alike R) (Mamba.activations p xs) (Mamba.activations p' xs') :=
  (hR.causalConv hp.convW hp.convB (hx.map fun _ _ h => hR.linear hp.inX h)).map fun _ _ h =>
    h.mapVec fun _ _ h => hR.silu h

/-- The mixer of a sequence. -/
theorem mambaMixer {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    Each (Alike R) (Mamba.mixer p xs) (Mamba.mixer p' xs') := by
  have hu := hR.mambaActivations hp hx
  have hs : Each (fun s s' : Mat E N _ × Mat E N _ => Alike (Alike R) s.1 s'.1 ∧ Alike (Alike R) s.2 s'.2)
      ((Mamba.activations p xs).map (Mamba.select p (Mamba.transition p.aLog)))
      ((Mamba.activations p' xs').map (Mamba.select p' (Mamba.transition p'.aLog))) := by
    refine Each.map (fun _ _ h => ?_) hu
    exact hR.mambaSelect hp h
  exact hR.mambaOutputs hp hx hu (hR.mambaStates (alike_build fun _ => hR.zeros N) hs)

/-- A step of the mixer that reads one input at a time. -/
theorem mambaStep {s : Mamba.State E N K α} {s' : Mamba.State E N K β} {x : Vector α D} {x' : Vector β D}
    (hs : s.Alike R s') (hx : Alike R x x') :
    (Mamba.step p s x).1.Alike R (Mamba.step p' s' x').1 ∧ Alike R (Mamba.step p s x).2 (Mamba.step p' s' x').2 := by
  obtain ⟨hw, hc⟩ := hR.convStep hp.convW hp.convB hs.window (hR.linear hp.inX hx)
  have hu := hc.mapVec (Q := R) (f := fun v => Scalar.silu v) (g := fun v => Scalar.silu v) fun _ _ h => hR.silu h
  obtain ⟨ha, hb⟩ := hR.mambaSelect hp hu
  have hh := hR.mambaStateStep hs.h ha hb
  exact ⟨⟨hw, hh⟩, hR.mambaOutput hp hx hu hh⟩

end Preserved
end Spec
