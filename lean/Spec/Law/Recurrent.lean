module
public import Spec.Layer.Recurrent
public import Spec.Law.Exact
public import Spec.Law.Scan

/-!
# Laws of recurrent layers

The first section holds for every cell and every arithmetic, floating point included, so bit for bit. The others hold in
exact arithmetic, in any ordered field whose sigmoid and tanh stay in their ranges; the real numbers are an example.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

section AnyArithmetic
variable {σ ι ο : Type} (step : σ → ι → σ) (read : σ → ο) (s : σ)

/-- A recurrent layer has one output for each input. -/
@[simp] theorem length_unroll (xs : List ι) : (unroll step read s xs).length = xs.length := by
  simp [unroll]

/-- The first `t` outputs need the first `t` inputs alone. -/
theorem take_unroll (xs : List ι) (t : Nat) : (unroll step read s xs).take t = unroll step read s (xs.take t) := by
  simp [unroll, ← List.map_take, take_scanWith]

/-- Output `t` is read of the state after `t + 1` steps. -/
theorem getElem_unroll (xs : List ι) (t : Nat) (ht : t < xs.length) :
    (unroll step read s xs)[t]'(by simpa using ht) = read ((xs.take (t + 1)).foldl step s) := by
  simp [unroll, getElem_scanWith step s xs t ht]

/-- The last output is read of the last state, from which a stream goes on. -/
theorem getLast_unroll (xs : List ι) (some : xs ≠ []) :
    (unroll step read s xs).getLast (by simpa [← List.length_eq_zero_iff] using some) = read (xs.foldl step s) := by
  have h : 0 < xs.length := List.length_pos_iff.mpr some
  simp only [List.getLast_eq_getElem, length_unroll]
  rw [getElem_unroll step read s xs (xs.length - 1) (by omega), List.take_of_length_le (by omega)]

/-- A sequence can be cut anywhere: the second part goes on from the last state of the first. -/
theorem unroll_append (xs ys : List ι) :
    unroll step read s (xs ++ ys) = unroll step read s xs ++ unroll step read (xs.foldl step s) ys := by
  simp [unroll, scanWith_append]

/-- Whatever is true of the first state and is kept by every step is true of the state after any steps. -/
theorem foldl_invariant (holds : σ → Prop) (kept : ∀ s x, holds s → holds (step s x)) (first : holds s) (xs : List ι) :
    holds (xs.foldl step s) := by
  induction xs generalizing s with
  | nil => exact first
  | cons x xs ih => exact ih (step s x) (kept s x first)

/-- What is read of states with a property that every step keeps is true of every output. -/
theorem mem_unroll (holds : σ → Prop) (kept : ∀ s x, holds s → holds (step s x)) (first : holds s) (xs : List ι) (y : ο)
    (hy : y ∈ unroll step read s xs) : ∃ s, holds s ∧ read s = y := by
  obtain ⟨t, ht, rfl⟩ := List.getElem_of_mem hy
  rw [length_unroll] at ht
  exact ⟨_, foldl_invariant step s holds kept first _, (getElem_unroll step read s xs t ht).symm⟩

/-- Every output is read of a state that a step made. -/
theorem mem_unroll_step (xs : List ι) (y : ο) (hy : y ∈ unroll step read s xs) : ∃ s x, read (step s x) = y := by
  induction xs generalizing s with
  | nil => simp [unroll, scanWith] at hy
  | cons x xs ih =>
    simp only [unroll, scanWith, List.map_cons, List.mem_cons] at hy
    exact hy.elim (fun h => ⟨s, x, h.symm⟩) (fun h => ih (step s x) h)

end AnyArithmetic

section AnyScalar
variable {α : Type} [Scalar α] {E H : Nat}

/-- The hidden state of an LSTM after a step is `o tanh(c')`. -/
theorem LSTM.getElem_h (p : LSTM E H α) (s : LSTMState H α) (x : Vector α E) (j : Fin H) :
    (p.cell s x).h[j] = Scalar.sigmoid (p.o.sumAt x s.h j) * Scalar.tanh (p.cell s x).c[j] := by
  simp [LSTM.cell, LSTM.gatesAt]

end AnyScalar

section Readings
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) {n E H : Nat}

/-- `Σᵢ xᵢ yᵢ` in a field. -/
def product (x y : Vector α n) : α := total (List.ofFn fun i : Fin n => x[i] * y[i])

theorem inner_exactly (x y : Vector α n) : @Scalar.inner α (exactly f pick) n x y = product x y := by
  simp only [Scalar.inner, entries_eq_ofFn]
  exact congrArg total (map_ofFn _ _)

omit [Max α] in
theorem total_append (xs ys : List α) : total (xs ++ ys) = total xs + total ys := by
  induction xs with
  | nil => simp only [total, List.nil_append, List.foldr_nil]; grind
  | cons x xs ih => simp only [total, List.cons_append, List.foldr_cons] at ih ⊢; rw [ih]; grind

theorem int_one : @Scalar.int α (exactly f pick) 1 = 1 := by
  show ((1 : Int) : α) / ((1 : Nat) : α) = 1
  grind

theorem affine_exactly (b : α) (w x : Vector α n) :
    @Scalar.affine α (exactly f pick) n b w x = product w x + b := by
  simp only [Scalar.affine, entries_eq_ofFn]
  have h := congrArg total (map_ofFn (fun i : Fin n => (w[i], x[i])) fun p : α × α => p.1 * p.2)
  show b * @Scalar.int α (exactly f pick) 1 + total _ = total _ + b
  rw [h, int_one]
  grind

omit [Max α] in
theorem product_beside (w : Vector α E) (u : Vector α H) (x : Vector α E) (h : Vector α H) :
    total (List.ofFn fun i : Fin (E + H) => (beside w u)[i] * (beside x h)[i]) = product w x + product u h := by
  rw [List.ofFn_add, total_append]
  congr 2 <;> apply congrArg List.ofFn <;> funext i
  · simp [beside]
  · simp [beside, Nat.not_lt.mpr (Nat.le_add_right E i.val)]

include same

theorem linearReadings_exactly (b : α) (w x : Vector α n) :
    @linearReadings α (exactly f pick) n w b x (product w x) = product w x + b := by
  have h : @linearReadings α (exactly f pick) n w b x (product w x) =
      pick (@Scalar.affine α (exactly f pick) n b w x) (product w x + b) := rfl
  rw [h, affine_exactly, same]

/-- Every way in which kernels add up a gate has one exact value, `W x + b + U h + c`. -/
theorem Gate.sumAt_exactly (p : Gate E H α) (x : Vector α E) (h : Vector α H) (j : Fin H) :
    @Gate.sumAt α (exactly f pick) E H p x h j = product p.w[j] x + p.b[j] + product p.u[j] h + p.c[j] := by
  simp only [Gate.sumAt, inner_exactly, linearReadings_exactly f pick same, entries_eq_ofFn]
  have h1 : total (((p.b[j], @Scalar.int α (exactly f pick) 1) :: (p.c[j], @Scalar.int α (exactly f pick) 1) ::
      List.ofFn fun i : Fin (E + H) => ((beside p.w[j] p.u[j])[i], (beside x h)[i])).map fun q => q.1 * q.2) =
      product p.w[j] x + p.b[j] + product p.u[j] h + p.c[j] := by
    have h2 := product_beside p.w[j] p.u[j] x h
    rw [int_one, List.map_cons, List.map_cons, map_ofFn]
    show p.b[j] * 1 + (p.c[j] * 1 + total _) = _
    rw [h2]
    grind
  have h3 : total [product p.w[j] x, product p.u[j] h, p.b[j], p.c[j]] =
      product p.w[j] x + p.b[j] + product p.u[j] h + p.c[j] := by
    simp only [total, List.foldr_cons, List.foldr_nil]; grind
  show pick (total _) (pick (_ + _ + (_ + _)) (pick (_ + _ + _ + _) (total _))) = _
  rw [h1, h3, same, show product p.w[j] x + p.b[j] + (product p.u[j] h + p.c[j]) =
    product p.w[j] x + p.b[j] + product p.u[j] h + p.c[j] by grind, same, same]

/-- All readings of a GRU's step are `(1 - z) n + z h`. -/
theorem GRU.blend_exactly (z n h : α) : @GRU.blend α (exactly f pick) z n h = (1 - z) * n + z * h := by
  show pick ((@Scalar.int α (exactly f pick) 1 - z) * n + z * h) (n + z * (h - n)) = _
  rw [int_one, show n + z * (h - n) = (1 - z) * n + z * h by grind, same]

/-- The candidate with the reset gate after the product is `tanh(W x + b + r (U h + c))`. -/
theorem GRU.candidateAt_after (p : GRU E H α) (r : Vector α H) (x : Vector α E) (h : Vector α H) (j : Fin H) :
    @GRU.candidateAt α (exactly f pick) E H p .after r x h j =
      f.tanh (product p.n.w[j] x + p.n.b[j] + r[j] * (product p.n.u[j] h + p.n.c[j])) := by
  simp only [GRU.candidateAt, inner_exactly, linearReadings_exactly f pick same]
  have h1 (v : α) : total [product p.n.w[j] x, p.n.b[j], v] = product p.n.w[j] x + p.n.b[j] + v := by
    simp only [total, List.foldr_cons, List.foldr_nil]; grind
  show f.tanh (pick _ (total _)) = _
  rw [h1]
  exact congrArg f.tanh (same _)

/-- The candidate with the reset gate before the product is `tanh(W x + b + U (r h) + c)`. -/
theorem GRU.candidateAt_before (p : GRU E H α) (r : Vector α H) (x : Vector α E) (h : Vector α H) (j : Fin H) :
    @GRU.candidateAt α (exactly f pick) E H p .before r x h j =
      f.tanh (product p.n.w[j] x + p.n.b[j] + total (List.ofFn fun k : Fin H => p.n.u[j][k] * (r[k] * h[k])) +
        p.n.c[j]) := by
  simp only [GRU.candidateAt]
  show f.tanh (@Gate.sumAt α (exactly f pick) E H p.n x _ j) = _
  rw [Gate.sumAt_exactly f pick same]
  simp only [product, Fin.getElem_fin, getElem_build]

/-- The two places of the reset gate agree for unit `j` if its gate is that of every unit that it reads, and leaves its
bias as it is. -/
theorem GRU.candidateAt_agree (p : GRU E H α) (r : Vector α H) (x : Vector α E) (h : Vector α H) (j : Fin H)
    (read : ∀ k : Fin H, p.n.u[j][k] * r[k] = p.n.u[j][k] * r[j]) (bias : r[j] * p.n.c[j] = p.n.c[j]) :
    @GRU.candidateAt α (exactly f pick) E H p .after r x h j =
      @GRU.candidateAt α (exactly f pick) E H p .before r x h j := by
  rw [GRU.candidateAt_after f pick same, GRU.candidateAt_before f pick same]
  have h1 : (fun k : Fin H => p.n.u[j][k] * (r[k] * h[k])) = fun k => p.n.u[j][k] * h[k] * r[j] := by
    funext k
    have := read k
    grind
  rw [h1, total_ofFn_mul]
  show f.tanh (_ + _ + r[j] * (product p.n.u[j] h + p.n.c[j])) = f.tanh (_ + _ + product p.n.u[j] h * r[j] + _)
  congr 1
  grind

/-- Where every reset gate is 1, the two conventions of the GRU are one. -/
theorem GRU.cell_agree_of_ones (p : GRU E H α) (h : Vector α H) (x : Vector α E)
    (ones : ∀ j : Fin H, (@GRU.resets α (exactly f pick) E H p x h)[j] = 1) :
    @GRU.cell α (exactly f pick) E H p .after h x = @GRU.cell α (exactly f pick) E H p .before h x := by
  simp only [GRU.cell]
  congr 1
  funext j
  rw [GRU.candidateAt_agree f pick same p _ x h j (fun k => by rw [ones, ones]) (by rw [ones]; grind)]

/-- Where a unit reads no other unit's state and has no bias beside it, the two conventions of the GRU are one. -/
theorem GRU.cell_agree_of_diagonal (p : GRU E H α) (h : Vector α H) (x : Vector α E)
    (diagonal : ∀ j k : Fin H, j ≠ k → p.n.u[j][k] = 0) (bias : ∀ j : Fin H, p.n.c[j] = 0) :
    @GRU.cell α (exactly f pick) E H p .after h x = @GRU.cell α (exactly f pick) E H p .before h x := by
  simp only [GRU.cell]
  congr 1
  funext j
  rw [GRU.candidateAt_agree f pick same p _ x h j (fun k => ?_) (by rw [bias]; grind)]
  by_cases e : j = k
  · rw [e]
  · rw [diagonal j k e]; grind

end Readings

/-- Functions that are quick to evaluate, in the place of sigmoid, tanh and the others. -/
def identities : Functions Rat := ⟨id, id, id, id, id, id, id⟩

/-- A GRU of two units whose candidate reads the other unit's state, with the reset gates 1 and 1/2. -/
def crossing : GRU 1 2 Rat :=
  let none : Gate 1 2 Rat := ⟨#v[#v[0], #v[0]], #v[#v[0, 0], #v[0, 0]], #v[0, 0], #v[0, 0]⟩
  ⟨{ none with b := #v[1, 1 / 2] }, none, { none with u := #v[#v[0, 1], #v[1, 0]] }⟩

/-- The conventions of the GRU differ: after the product the reset gates scale `(4, 2)` to `(4, 1)`; before it they make
`(2, 4)` to `(2, 2)`, of which the product is `(2, 2)`. -/
theorem GRU.conventions_differ :
    let _ : Max Rat := maxOfLe
    let cell (reset : Reset) := @GRU.cell Rat (exactly identities fun y _ => y) 1 2 crossing reset #v[2, 4] #v[0]
    (cell .after).toList = [4, 1] ∧ (cell .before).toList = [2, 2] := by
  decide +kernel

section Ordered
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) {E H : Nat}

/-- What is asked of sigmoid and tanh: their ranges. -/
structure Ranges (f : Functions α) : Prop where
  /-- The sigmoid is not negative. -/
  sigmoid_nonneg : ∀ x, 0 ≤ f.sigmoid x
  /-- The sigmoid is at most 1. -/
  sigmoid_le : ∀ x, f.sigmoid x ≤ 1
  /-- The hyperbolic tangent is between -1 and 1. -/
  tanh : ∀ x, Within (f.tanh x) 1

omit [Max α] in
theorem within_one_mul {x y : α} (hx : Within x 1) (hy : Within y 1) : Within (x * y) 1 := by
  have h := hx.mul hy
  rw [show (1 : α) * 1 = 1 by grind] at h
  exact h

omit [Max α] in
theorem between {z n h lo hi : α} (z0 : 0 ≤ z) (z1 : z ≤ 1) (hn : lo ≤ n ∧ n ≤ hi) (hh : lo ≤ h ∧ h ≤ hi) :
    lo ≤ (1 - z) * n + z * h ∧ (1 - z) * n + z * h ≤ hi := by
  have a : 0 ≤ (1 - z) * (n - lo) := OrderedRing.mul_nonneg (by grind) (by grind)
  have b : 0 ≤ z * (h - lo) := OrderedRing.mul_nonneg (by grind) (by grind)
  have c : 0 ≤ (1 - z) * (hi - n) := OrderedRing.mul_nonneg (by grind) (by grind)
  have d : 0 ≤ z * (hi - h) := OrderedRing.mul_nonneg (by grind) (by grind)
  constructor <;> grind

variable (R : Ranges f)
include R

omit [Max α] in
theorem Ranges.sigmoid (x : α) : Within (f.sigmoid x) 1 := by
  have h1 := R.sigmoid_nonneg x
  have h2 := R.sigmoid_le x
  unfold Within
  constructor <;> grind

omit [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
/-- Every entry of an Elman network's outputs is between -1 and 1, whatever its first state. -/
theorem rnn_within (p : Gate E H α) (h : Vector α H) (xs : List (Vector α E)) :
    ∀ y ∈ @rnn α (exactly f pick) E H p h xs, ∀ j : Fin H, Within y[j] 1 := by
  intro y hy j
  obtain ⟨s, x, rfl⟩ := mem_unroll_step _ _ _ xs y hy
  simp only [rnnCell, Fin.getElem_fin, getElem_build]
  exact R.tanh _

theorem within_gated (x y : α) :
    Within (@HMul.hMul α α α (@instHMul α (exactly f pick).toMul) (@Scalar.sigmoid α (exactly f pick) x)
      (@Scalar.tanh α (exactly f pick) y)) 1 :=
  within_one_mul (R.sigmoid f x) (R.tanh y)

/-- Every entry of an LSTM's outputs is between -1 and 1, whatever its first state. -/
theorem LSTM.layer_within (p : LSTM E H α) (s : LSTMState H α) (xs : List (Vector α E)) :
    ∀ y ∈ @LSTM.layer α (exactly f pick) E H p s xs, ∀ j : Fin H, Within y[j] 1 := by
  intro y hy j
  obtain ⟨s, x, rfl⟩ := mem_unroll_step _ _ _ xs y hy
  rw [@LSTM.getElem_h α (exactly f pick)]
  exact within_gated f pick R _ _

/-- An entry of an LSTM's cell grows by at most 1 with each step: `|c_t| ≤ |c_0| + t`. -/
theorem LSTM.cell_within (p : LSTM E H α) (s : LSTMState H α) (xs : List (Vector α E)) (j : Fin H) (r : α)
    (first : Within s.c[j] r) :
    Within (xs.foldl (@LSTM.cell α (exactly f pick) E H p) s).c[j] (r + (xs.length : α)) := by
  induction xs generalizing s r with
  | nil =>
    have h : ((0 : Nat) : α) = 0 := Semiring.natCast_zero
    simp only [List.foldl_nil, List.length_nil]
    rw [h]; unfold Within at *; constructor <;> grind
  | cons x xs ih =>
    have next : Within (@LSTM.cell α (exactly f pick) E H p s x).c[j] (r + 1) := by
      simp only [LSTM.cell, LSTM.gatesAt, Fin.getElem_fin, getElem_build]
      have h1 := Within.mul (R.sigmoid f (@Gate.sumAt α (exactly f pick) E H p.f x s.h j)) first
      have h2 := Within.mul (R.sigmoid f (@Gate.sumAt α (exactly f pick) E H p.i x s.h j))
        (R.tanh (@Gate.sumAt α (exactly f pick) E H p.g x s.h j))
      show Within (f.sigmoid _ * s.c[j] + f.sigmoid _ * f.tanh _) _
      simp only [Within] at *
      constructor <;> grind
    have h : ((xs.length + 1 : Nat) : α) = (xs.length : α) + 1 := Semiring.natCast_succ _
    have := ih (@LSTM.cell α (exactly f pick) E H p s x) (r + 1) next
    simp only [List.foldl_cons, List.length_cons]
    rw [h, show r + ((xs.length : α) + 1) = r + 1 + (xs.length : α) by grind]
    exact this

variable (same : ∀ x, pick x x = x)
include same

/-- A GRU's step is between its candidate and its state: no bound on both is left. -/
theorem GRU.cell_between (p : GRU E H α) (reset : Reset) (h : Vector α H) (x : Vector α E) (j : Fin H) (lo hi : α)
    (candidate : lo ≤ @GRU.candidateAt α (exactly f pick) E H p reset (@GRU.resets α (exactly f pick) E H p x h) x h j ∧
      @GRU.candidateAt α (exactly f pick) E H p reset (@GRU.resets α (exactly f pick) E H p x h) x h j ≤ hi)
    (state : lo ≤ h[j] ∧ h[j] ≤ hi) :
    lo ≤ (@GRU.cell α (exactly f pick) E H p reset h x)[j] ∧
      (@GRU.cell α (exactly f pick) E H p reset h x)[j] ≤ hi := by
  simp only [GRU.cell, Fin.getElem_fin, getElem_build, GRU.blend_exactly f pick same]
  exact between (R.sigmoid_nonneg _) (R.sigmoid_le _) candidate state

/-- Every entry of a GRU's outputs is between -1 and 1 if its first state is, in both conventions. -/
theorem GRU.layer_within (p : GRU E H α) (reset : Reset) (h : Vector α H) (xs : List (Vector α E))
    (first : ∀ j : Fin H, Within h[j] 1) :
    ∀ y ∈ @GRU.layer α (exactly f pick) E H p reset h xs, ∀ j : Fin H, Within y[j] 1 := by
  intro y hy
  obtain ⟨s, hs, rfl⟩ := mem_unroll _ _ _ (fun s : Vector α H => ∀ j : Fin H, Within s[j] 1) (fun s x hs j =>
    GRU.cell_between f pick R same p reset s x j (-1) 1 (by cases reset <;> exact R.tanh _) (hs j)) first xs y hy
  exact hs

end Ordered
end Spec
