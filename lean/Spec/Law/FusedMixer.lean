module
public import Spec.Law.SelectiveScan
public import Spec.Law.Recurrent

/-!
# Mixers whose scan is one kernel

In exact arithmetic they are the mixers of the text, in whichever forms the kernel computes exponentials, products and the gate.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) (silu : ∀ x, f.silu x = x * f.sigmoid x)
variable {D E N R K : Nat} (p : Params D E N R K α)
local notation "ℰ" => exactly f pick
include same

theorem scanSizes_exactly (x : Vector α D) (u : Vector α E) :
    @scanSizes α ℰ E N p.dtB (@scanInput α ℰ E N D R K p x u) = @dt α ℰ E R p.dtW p.dtB (@linear α ℰ R E p.projDt u) := by
  apply Vector.ext
  intro e he
  simp only [scanSizes, dt, dtAt, scanInput, linear, linearAt, linearBiasAt, getElem_build, Fin.getElem_fin, affine_exactly,
    inner_exactly, rescaled_exactly f pick same]

theorem scanStep_exactly (a : Mat E N α) (δ : Vector α E) (x : Vector α D) (u : Vector α E) :
    @scanStep α ℰ E N a δ (@scanInput α ℰ E N D R K p x u) =
      (@decay α ℰ E N δ a, @input α ℰ E N δ (@linear α ℰ N E p.projB u) u) := by
  refine Prod.ext (Vector.ext fun e he => Vector.ext fun n hn => ?_) (Vector.ext fun e he => Vector.ext fun n hn => ?_)
  · simp only [scanStep, decay, decayAt, getElem_build, Fin.getElem_fin, scanDecayAt_exactly f pick same]
    rfl
  · simp only [scanStep, scanInput, input, getElem_build, Fin.getElem_fin]
    generalize (@linear α ℰ N E p.projB u)[n] = b
    show pick (δ[e] * b * u[e]) (δ[e] * u[e] * b) = δ[e] * b * u[e]
    rw [show δ[e] * u[e] * b = δ[e] * b * u[e] by grind, same]

include silu in
theorem scanOutput_exactly (x : Vector α D) (u : Vector α E) (h : Mat E N α) :
    @scanOutput α ℰ E N p.d (@scanInput α ℰ E N D R K p x u) h =
      @gate α ℰ E (@readout α ℰ E N h (@linear α ℰ N E p.projC u) u p.d) (@linear α ℰ E D p.inZ x) := by
  refine Vector.ext fun e he => ?_
  simp only [scanOutput, scanInput, scanGate, gate, readout, getElem_build, Fin.getElem_fin, rescaled_exactly f pick same]
  generalize @Scalar.dot α ℰ _ = y
  generalize (@linear α ℰ E D p.inZ x)[e] = z
  show pick (y * f.silu z) (y * z * f.sigmoid z) = y * f.silu z
  rw [Semiring.mul_assoc, ← silu, same]

include silu in
/-- One step is that of the text. -/
theorem scanNext_exactly (s : Mat E N α × Vector α E) (x : Vector α D) (u : Vector α E) :
    @scanNext α ℰ E N (@transition α ℰ E N p.aLog) p.d p.dtB s (@scanInput α ℰ E N D R K p x u) =
      let m := @select α ℰ D E N R K p (@transition α ℰ E N p.aLog) u
      let h := @stateStep α ℰ E N s.1 m.1 m.2
      (h, @gate α ℰ E (@readout α ℰ E N h (@linear α ℰ N E p.projC u) u p.d) (@linear α ℰ E D p.inZ x)) := by
  simp only [scanNext, scanSizes_exactly f pick same, scanStep_exactly f pick same, scanOutput_exactly f pick same silu, select]

include silu in
/-- In exact arithmetic a mixer whose scan is one kernel has the outputs of the mixer, for every length of its chunks. -/
theorem fusedMixer_eq_mixer (exponential : Exponential f.exp) (lengths : List Nat) (xs : List (Vector α D)) :
    @fusedMixer α ℰ E N D R K lengths p xs = @mixer α ℰ D E N R K p xs := by
  have all (us : List (Vector α E)) (xs : List (Vector α D)) (s : Mat E N α × Vector α E) :
      ((scanWith (@scanNext α ℰ E N (@transition α ℰ E N p.aLog) p.d p.dtB) s
        (List.zipWith (@scanInput α ℰ E N D R K p) xs us)).map Prod.snd).map (@linear α ℰ D E p.outProj) =
        @outputs α ℰ D E N R K p xs us
          (@states α ℰ E N s.1 (us.map (@select α ℰ D E N R K p (@transition α ℰ E N p.aLog)))) := by
    induction us generalizing xs s with
    | nil => cases xs <;> rfl
    | cons u us ih =>
      cases xs with
      | nil => rfl
      | cons x xs =>
        have next := scanNext_exactly f pick same silu p s x u
        simp only [List.zipWith_cons_cons, scanWith, List.map_cons, states, outputs, ih xs, next]
        rfl
  simp only [fusedMixer, mixer, chunkedScan_eq f pick same exponential, selectiveScan]
  exact all _ _ _

include silu in
/-- In exact arithmetic a step whose scan is one kernel is that of the mixer. -/
theorem fusedStep_eq_step (s : State E N K α) (x : Vector α D) :
    @fusedStep α ℰ E N D R K p s x = @step α ℰ D E N R K p s x := by
  simp only [fusedStep, step, scanNext_exactly f pick same silu, output]

end Spec.Mamba
