module
public import Spec.Model.Mamba2
public import Spec.Law.SsdChunks

/-!
# Laws of Mamba-2

They hold for every scalar, so for floating-point numbers bit for bit.
-/

@[expose] public noncomputable section
namespace Spec.Mamba2
variable {α : Type} [Scalar α] {D H P N K : Nat} (p : Params D H P N K α) (eps : α)

@[simp] theorem length_activations (xs : List (Vector α D)) : (activations p xs).length = xs.length := by
  simp [activations]

theorem getElem_activations (xs : List (Vector α D)) (t : Nat) (ht : t < xs.length) :
    (activations p xs)[t]'(by simpa using ht) = mapVec (fun v => Scalar.silu v)
      ((causalConv p.convW p.convB (xs.map (linear p.inConv)))[t]'(by simpa using ht)) := by
  simp [activations]

theorem run_drop (xs rest : List (Vector α D)) (t : Nat) (h : Image H P N α) (hr : xs.drop t = rest) :
    run p eps ⟨windowAt K (xs.map (linear p.inConv)) t, h⟩ rest = outputs p eps rest
      (recurrent p.d h (readings p (transition p.aLog) rest ((activations p xs).drop t))) := by
  induction rest generalizing t h with
  | nil => simp [run, outputs]
  | cons x rest ih =>
    have ht : t < xs.length := by
      apply Classical.byContradiction
      intro hn
      rw [List.drop_eq_nil_of_le (by omega)] at hr
      cases hr
    rw [List.drop_eq_getElem_cons ht, List.cons.injEq] at hr
    have conv := convStep_windowAt p.convW p.convB (xs.map (linear p.inConv)) t (by simpa using ht)
    rw [List.getElem_map, hr.1] at conv
    rw [List.drop_eq_getElem_cons (by simpa using ht), getElem_activations p xs t ht]
    simp only [run, step, conv, readings, recurrent, outputs]
    rw [ih (t + 1) _ hr.2]

/-- One input at a time from the zero state, the mixer gives exactly the outputs of its recurrence on the whole sequence. -/
theorem run_eq_recurrentMixer (xs : List (Vector α D)) : run p eps State.zero xs = recurrentMixer p eps xs := by
  have := run_drop p eps xs xs 0 noState rfl
  rw [windowAt_zero] at this
  exact this

theorem take_activations (xs : List (Vector α D)) (t : Nat) : (activations p xs).take t = activations p (xs.take t) := by
  simp only [activations, ← List.map_take, take_causalConv]

theorem take_readings (a : Vector α H) (xs : List (Vector α D)) (us : List (Vector α (channels H P N))) (t : Nat) :
    (readings p a xs us).take t = readings p a (xs.take t) (us.take t) := by
  induction xs generalizing us t with
  | nil => simp [readings]
  | cons x xs ih => cases us <;> cases t <;> simp [readings, ih]

theorem take_outputs (xs : List (Vector α D)) (ys : List (Mat H P α)) (t : Nat) :
    (outputs p eps xs ys).take t = outputs p eps (xs.take t) (ys.take t) := by
  induction xs generalizing ys t with
  | nil => simp [outputs]
  | cons x xs ih => cases ys <;> cases t <;> simp [outputs, ih]

/-- The first `t` outputs on a sequence are the outputs on its first `t` inputs, whatever the chunks. -/
theorem take_mixer {Q : Nat} (hQ : 0 < Q) (xs : List (Vector α D)) (t : Nat) :
    (mixer hQ p eps xs).take t = mixer hQ p eps (xs.take t) := by
  simp only [mixer, take_outputs, take_chunked, take_readings, take_activations]

/-- The mixer is causal: inputs that agree up to `t` have outputs that agree up to `t`. -/
theorem mixer_causal {Q : Nat} (hQ : 0 < Q) (xs ys : List (Vector α D)) (t : Nat) (agree : xs.take t = ys.take t) :
    (mixer hQ p eps xs).take t = (mixer hQ p eps ys).take t := by
  rw [take_mixer, take_mixer, agree]

end Spec.Mamba2
