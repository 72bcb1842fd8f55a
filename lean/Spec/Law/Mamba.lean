module
public import Spec.Model.Mamba
public import Spec.Law.Scan
public import Spec.Law.Exact

/-!
# Laws of Mamba

They hold for every scalar, so for floating-point numbers bit for bit: no law of arithmetic is used but in
`states_entry_exactly`.
-/

@[expose] public noncomputable section
namespace Spec
variable {α : Type} [Scalar α] {D E N R K : Nat}

section Conv
variable (w : Mat E K α) (b : Vector α E)

theorem foldl_push {β : Type} (xs : List β) (acc : Array β) :
    xs.foldl (fun a v => a.push v) acc = acc ++ xs.toArray := by
  induction xs generalizing acc with
  | nil => simp
  | cons x xs ih => simp [ih]

theorem causalConv_eq (xs : List (Vector α E)) :
    causalConv w b xs = List.ofFn fun t : Fin xs.length =>
      convAt w b (build K fun k => delayed xs.toArray t (K - 1 - k)) := by
  simp only [causalConv, foldl_push, entries_eq_ofFn]
  apply List.ext_getElem <;> simp

/-- A causal convolution gives one output for each input. -/
@[simp] theorem length_causalConv (xs : List (Vector α E)) : (causalConv w b xs).length = xs.length := by
  simp [causalConv_eq]

theorem getElem_causalConv (xs : List (Vector α E)) (t : Nat) (ht : t < xs.length) :
    (causalConv w b xs)[t]'(by simpa using ht) =
      convAt w b (build K fun k => delayed xs.toArray t (K - 1 - k)) := by
  simp [causalConv_eq]

theorem delayed_take (xs : List (Vector α E)) (n t d : Nat) (ht : t < n) :
    delayed (xs.take n).toArray t d = delayed xs.toArray t d := by
  unfold delayed
  split
  · simp only [Array.getD_eq_getD_getElem?, List.getElem?_toArray, List.getElem?_take]
    rw [if_pos (by omega)]
  · rfl

/-- The first `t` outputs of a causal convolution need the first `t` inputs alone. -/
theorem take_causalConv (xs : List (Vector α E)) (t : Nat) :
    (causalConv w b xs).take t = causalConv w b (xs.take t) := by
  apply List.ext_getElem
  · simp
  · intro i h1 h2
    simp only [List.length_take, length_causalConv] at h1
    rw [List.getElem_take, getElem_causalConv w b xs i (by omega),
      getElem_causalConv w b (xs.take t) i (by simp; omega)]
    congr 1
    apply Vector.ext
    intro k hk
    simp only [getElem_build]
    rw [delayed_take xs t i _ (by omega)]

/-- The `K - 1` inputs before time `t`, oldest first, zero before the start. -/
def windowAt (K : Nat) (xs : List (Vector α E)) (t : Nat) : Mat (K - 1) E α :=
  build (K - 1) fun k => delayed xs.toArray t (K - 1 - k)

theorem windowAt_zero (xs : List (Vector α E)) : windowAt K xs 0 = build (K - 1) fun _ => zeros E := by
  apply Vector.ext
  intro k hk
  simp only [windowAt, getElem_build, delayed]
  rw [if_neg (by omega)]

theorem extend_windowAt (xs : List (Vector α E)) (t : Nat) (ht : t < xs.length) :
    extend (windowAt K xs t) xs[t] = build K fun k => delayed xs.toArray t (K - 1 - k) := by
  apply Vector.ext
  intro k hk
  simp only [extend, getElem_build, windowAt]
  split
  · exact getElem_build _ k _
  · rw [show K - 1 - k = 0 by omega]
    simp [delayed, ht]

/-- A convolution that keeps its last `K - 1` inputs computes the full sequence's output, and keeps the right
inputs for the step after. -/
theorem convStep_windowAt (xs : List (Vector α E)) (t : Nat) (ht : t < xs.length) :
    convStep w b (windowAt K xs t) xs[t] =
      (windowAt K xs (t + 1), (causalConv w b xs)[t]'(by simpa using ht)) := by
  simp only [convStep, extend_windowAt xs t ht, getElem_causalConv w b xs t ht]
  congr 1
  apply Vector.ext
  intro k hk
  simp only [windowAt, getElem_build, delayed]
  rw [show t - (K - 1 - (k + 1)) = t + 1 - (K - 1 - k) by omega]
  simp only [show (K - 1 - (k + 1) ≤ t) = (K - 1 - k ≤ t + 1) from propext (by omega)]

/-- The outputs of `convStep` along a sequence. -/
def convRun : Mat (K - 1) E α → List (Vector α E) → List (Vector α E)
  | _, [] => []
  | window, x :: xs => let r := convStep w b window x; r.2 :: convRun r.1 xs

theorem convRun_drop (xs rest : List (Vector α E)) (t : Nat) (h : xs.drop t = rest) :
    convRun w b (windowAt K xs t) rest = (causalConv w b xs).drop t := by
  induction rest generalizing t with
  | nil =>
    rw [convRun, List.drop_eq_nil_of_le]
    simpa using h
  | cons x rest ih =>
    have ht : t < xs.length := by
      apply Classical.byContradiction
      intro hn
      rw [List.drop_eq_nil_of_le (by omega)] at h
      cases h
    rw [List.drop_eq_getElem_cons ht, List.cons.injEq] at h
    rw [List.drop_eq_getElem_cons (by simpa using ht), convRun, ← h.1, convStep_windowAt w b xs t ht]
    simp only
    rw [ih (t + 1) h.2]

/-- One input at a time from a window of zeros, a convolution gives exactly the full sequence's outputs. -/
theorem convRun_eq_causalConv (xs : List (Vector α E)) :
    convRun w b (build (K - 1) fun _ => zeros E) xs = causalConv w b xs := by
  rw [← windowAt_zero xs, convRun_drop w b xs xs 0 rfl]
  rfl

end Conv

namespace Mamba
variable (p : Params D E N R K α)

/-- Every entry of the state follows its own scalar recurrence, so a kernel may spread them over threads. -/
theorem states_entry (h : Mat E N α) (steps : List (Mat E N α × Mat E N α)) (e n : Nat) (he : e < E)
    (hn : n < N) : (states h steps).map (fun h => h[e][n]) =
      scanWith (fun h s => Scalar.step s.1 h s.2) h[e][n] (steps.map fun s => (s.1[e][n], s.2[e][n])) := by
  unfold states
  induction steps generalizing h with
  | nil => rfl
  | cons s ss ih =>
    simp only [List.map_cons, scanWith, ih]
    simp [stateStep]

/-- In exact arithmetic every entry of the state is a linear scan, so every law of scans holds for it, and a kernel may compose its
steps in any tree. -/
theorem states_entry_exactly {β : Type} [Lean.Grind.Field β] [Max β] (f : Functions β) (pick : β → β → β)
    (h : Mat E N β) (steps : List (Mat E N β × Mat E N β)) (e n : Nat) (he : e < E) (hn : n < N) :
    (@states β (exactly f pick) E N h steps).map (fun h => h[e][n]) =
      scan h[e][n] (steps.map fun s => ⟨s.1[e][n], s.2[e][n]⟩) := by
  rw [@states_entry β (exactly f pick) E N h steps e n he hn]
  unfold scan
  generalize h[e][n] = x
  induction steps generalizing x with
  | nil => rfl
  | cons s ss ih =>
    simp only [List.map_cons, scanWith]
    exact congrArg _ (ih _)

@[simp] theorem length_activations (xs : List (Vector α D)) : (activations p xs).length = xs.length := by
  simp [activations]

theorem take_activations (xs : List (Vector α D)) (t : Nat) :
    (activations p xs).take t = activations p (xs.take t) := by
  simp only [activations, ← List.map_take, take_causalConv]

theorem take_outputs (xs : List (Vector α D)) (us : List (Vector α E)) (hs : List (Mat E N α)) (t : Nat) :
    (outputs p xs us hs).take t = outputs p (xs.take t) (us.take t) (hs.take t) := by
  fun_induction outputs p xs us hs generalizing t with
  | case1 x xs u us h hs ih => cases t <;> simp [outputs, ih]
  | case2 xs us hs no =>
    cases t with
    | zero => simp [outputs]
    | succ t =>
      cases xs <;> cases us <;> cases hs <;>
        first | exact (no _ _ _ _ _ _ rfl rfl rfl).elim | simp [outputs]

theorem length_outputs (xs : List (Vector α D)) (us : List (Vector α E)) (hs : List (Mat E N α))
    (hu : us.length = xs.length) (hh : hs.length = xs.length) : (outputs p xs us hs).length = xs.length := by
  fun_induction outputs p xs us hs with
  | case1 x xs u us h hs ih => simp_all
  | case2 xs us hs no =>
    cases xs <;> cases us <;> cases hs <;>
      first | exact (no _ _ _ _ _ _ rfl rfl rfl).elim | simp_all

/-- The mixer gives one output for each input. -/
theorem length_mixer (xs : List (Vector α D)) : (mixer p xs).length = xs.length := by
  apply length_outputs <;> simp [states]

/-- The recurrence may be cut into chunks, each started at the state that the chunk before reached, bit for
bit. -/
theorem states_append (h : Mat E N α) (xs ys : List (Mat E N α × Mat E N α)) :
    states h (xs ++ ys) = states h xs ++ states (xs.foldl (fun h s => stateStep h s.1 s.2) h) ys :=
  scanWith_append _ h xs ys

/-- The first `t` outputs on a sequence are the outputs on its first `t` inputs: a prompt may be cut or padded
at its end. -/
theorem take_mixer (xs : List (Vector α D)) (t : Nat) : (mixer p xs).take t = mixer p (xs.take t) := by
  simp only [mixer, take_outputs, states, take_scanWith, ← List.map_take, take_activations]

/-- The mixer is causal: inputs that agree up to `t` have outputs that agree up to `t`. -/
theorem mixer_causal (xs ys : List (Vector α D)) (t : Nat) (agree : xs.take t = ys.take t) :
    (mixer p xs).take t = (mixer p ys).take t := by
  rw [take_mixer, take_mixer, agree]

theorem getElem_activations (xs : List (Vector α D)) (t : Nat) (ht : t < xs.length) :
    (activations p xs)[t]'(by simpa using ht) = mapVec (fun v => Scalar.silu v)
      ((causalConv p.convW p.convB (xs.map (linear p.inX)))[t]'(by simpa using ht)) := by
  simp [activations]

theorem run_drop (xs rest : List (Vector α D)) (t : Nat) (h : Mat E N α) (hr : xs.drop t = rest) :
    run p ⟨windowAt K (xs.map (linear p.inX)) t, h⟩ rest =
      outputs p rest ((activations p xs).drop t) (states h (((activations p xs).drop t).map (select p (transition p.aLog)))) := by
  induction rest generalizing t h with
  | nil => simp [run, outputs]
  | cons x rest ih =>
    have ht : t < xs.length := by
      apply Classical.byContradiction
      intro hn
      rw [List.drop_eq_nil_of_le (by omega)] at hr
      cases hr
    rw [List.drop_eq_getElem_cons ht, List.cons.injEq] at hr
    have conv := convStep_windowAt p.convW p.convB (xs.map (linear p.inX)) t (by simpa using ht)
    rw [List.getElem_map, hr.1] at conv
    rw [List.drop_eq_getElem_cons (by simpa using ht), getElem_activations p xs t ht]
    simp only [run, step, conv, List.map_cons, states, scanWith, outputs]
    rw [ih (t + 1) _ hr.2]
    rfl

/-- One input at a time from the zero state, the mixer gives exactly its outputs on the whole sequence: a
decoder with a cache and a prefill kernel have one specification. -/
theorem run_eq_mixer (xs : List (Vector α D)) : run p State.zero xs = mixer p xs := by
  have := run_drop p xs xs 0 (build E fun _ => zeros N) rfl
  rw [windowAt_zero] at this
  exact this

end Mamba
end Spec
