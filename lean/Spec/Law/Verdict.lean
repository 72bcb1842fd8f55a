module
public import Spec.Law.Contains
public import Spec.Law.Device
public import Spec.Law.Point

/-!
# What a verdict says

A correct implementation never fails: if each of its operations meets the rounding model as long as it does not overflow, the verdict
on what it computed, infinities and NaN included, is not FAIL, whatever the order in which it adds and whichever reading of the text
it takes. And an output that is called EXACT is the exact value.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

namespace Tally
variable {m : Rounding}

/-- An entry that is in reach, or has no bound, is no failure. -/
theorem push_failed {t : Tally} {i : Nat} {r : Reach m} {y : Option Dyadic}
    (h : r.ok = true → ∃ v, y = some v ∧ r.run.Holds v.toRat) : (t.push i r y).failed = t.failed := by
  unfold push
  cases hok : r.ok with
  | false => rfl
  | true =>
    obtain ⟨v, rfl, hlo, hhi⟩ := h hok
    have hw : within r v = true := by
      unfold within
      simp only [Bool.and_eq_true, decide_eq_true_eq]
      exact ⟨Dyadic.toRat_le_toRat_iff.mp hlo, Dyadic.toRat_le_toRat_iff.mp hhi⟩
    simp only [hw, if_true]

/-- The word is FAIL if, and only if, an entry failed. -/
theorem word_eq_fail {t : Tally} (h : t.word = "FAIL") : 0 < t.failed := by
  unfold word at h
  split at h
  · exact absurd h (by decide)
  · split at h
    · assumption
    · split at h
      · exact absurd h (by decide)
      · split at h <;> exact absurd h (by decide)

/-- An entry that is called exact has a budget, and its exact value is known and is the recorded one. -/
theorem push_inexact {t : Tally} {i : Nat} {r : Reach m} {y : Option Dyadic} (h : (t.push i r y).inexact = 0) :
    t.inexact = 0 ∧ ∃ v, y = some v ∧ r.ok = true ∧ r.exact.lo = v ∧ r.exact.hi = v := by
  unfold push at h
  cases hok : r.ok with
  | false => rw [hok] at h; simp at h
  | true =>
    rw [hok] at h
    cases y with
    | none => simp at h
    | some v =>
      simp only at h
      split at h
      · rename_i he; exact ⟨h, v, rfl, rfl, he⟩
      · omega

theorem word_eq_exact {t : Tally} (h : t.word = "EXACT") : t.inexact = 0 := by
  unfold word at h
  split at h
  · exact absurd h (by decide)
  · split at h
    · exact absurd h (by decide)
    · split at h
      · exact absurd h (by decide)
      · split at h
        · assumption
        · exact absurd h (by decide)

end Tally

theorem judgeLoop_failed {m : Rounding} (p : Prediction (Reach m)) (out : Tensor) (indices : List Nat)
    (h : ∀ i ∈ indices, i < out.bits.size → ((p.block (i / p.size)).getD (i % p.size) Reach.undefined).ok = true →
      ∃ v, out.number? i = some v ∧ ((p.block (i / p.size)).getD (i % p.size) Reach.undefined).run.Holds v.toRat)
    (current : Nat) (t : Tally) : (judgeLoop p out current (p.block current) indices t).failed = t.failed := by
  induction indices generalizing current t with
  | nil => rfl
  | cons i rest ih =>
    have ih := ih fun j hj => h j (List.mem_cons_of_mem _ hj)
    unfold judgeLoop
    split
    · rename_i hi
      have hb : (if i / p.size = current then p.block current else p.block (i / p.size)) = p.block (i / p.size) := by
        split
        · rename_i e; rw [e]
        · rfl
      simp only [hb]
      rw [ih, Tally.push_failed (h i (by simp) hi)]
    · exact ih _ _

theorem judgeLoop_exact {m : Rounding} (p : Prediction (Reach m)) (out : Tensor) (indices : List Nat) (current : Nat)
    (t : Tally) (h : (judgeLoop p out current (p.block current) indices t).inexact = 0) :
    t.inexact = 0 ∧ ∀ i ∈ indices, i < out.bits.size → ∃ v, out.number? i = some v ∧
      ((p.block (i / p.size)).getD (i % p.size) Reach.undefined).ok = true ∧
      ((p.block (i / p.size)).getD (i % p.size) Reach.undefined).exact.lo = v ∧
      ((p.block (i / p.size)).getD (i % p.size) Reach.undefined).exact.hi = v := by
  induction indices generalizing current t with
  | nil => exact ⟨h, by simp⟩
  | cons i rest ih =>
    unfold judgeLoop at h
    split at h
    · rename_i hi
      have hb : (if i / p.size = current then p.block current else p.block (i / p.size)) = p.block (i / p.size) := by
        split
        · rename_i e; rw [e]
        · rfl
      simp only [hb] at h
      obtain ⟨h1, h2⟩ := ih _ _ h
      obtain ⟨h3, h4⟩ := Tally.push_inexact h1
      refine ⟨h3, fun j hj hsize => ?_⟩
      rcases List.mem_cons.mp hj with rfl | hj
      · exact h4
      · exact h2 j hj hsize
    · rename_i hi
      obtain ⟨h1, h2⟩ := ih _ _ h
      refine ⟨h1, fun j hj hsize => ?_⟩
      rcases List.mem_cons.mp hj with rfl | hj
      · exact absurd hsize hi
      · exact h2 j hj hsize

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- A recorded number is what an execution starts from. -/
instance : Recorded (Execution m N) := ⟨fun _ _ x => .recorded x⟩

theorem Request.mem_of_lookup {β : Type 1} {name : String} {points : List (String × β)} {point : β}
    (h : Request.lookup name points = some point) : ∃ k, (k, point) ∈ points := by
  induction points with
  | nil => cases h
  | cons p ps ih =>
    obtain ⟨k, q⟩ := p
    unfold Request.lookup at h
    split at h
    · cases h; exact ⟨k, by simp⟩
    · obtain ⟨k, hk⟩ := ih h; exact ⟨k, List.mem_cons_of_mem _ hk⟩

/-- The number that an entry stands for; `none` where it is infinite or NaN. -/
def Tensor.value? (out : Tensor) (i : Nat) : Option Rat := (out.number? i).map Dyadic.toRat

/-- A correct implementation never fails: if the recorded output has the shape that the specification's text gives, and each judged
entry of it is a value that an execution of the text may compute from the recorded inputs, then the verdict is not FAIL. Nothing is
assumed of overflow: an entry may be infinite or NaN where an operation on the way can overflow. -/
theorem verdict_ne_fail [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing)
    {points : List (String × Point)} (hpoints : ∀ p ∈ points, Parametric p.2) {r : Request} {point : Point}
    (hpoint : Request.lookup r.point points = some point) {q : Prediction (Execution m N)}
    (hq : point (Execution m N) r = .ok q) {out : Tensor} (hshape : q.shape = out.shape) {indices : List Nat}
    (hout : ∀ i ∈ indices, ∀ e, (q.block (i / q.size))[i % q.size]? = some e → e.Computes (out.value? i)) :
    verdict points m r out indices ≠ "FAIL" := by
  obtain ⟨k, hk⟩ := Request.mem_of_lookup hpoint
  have agree := hpoints _ hk (inside_preserved (m := m) hN) (fun _ _ x => Inside.recorded x) r
  simp only at agree
  unfold verdict
  rw [hpoint]
  rw [hq] at agree
  simp only
  generalize point (Reach m) r = a at agree
  cases agree with
  | @ok p _ h =>
    have hs : (p.shape == out.shape) = true := by rw [h.shape, hshape]; exact beq_self_eq_true _
    simp only [hs, if_true]
    rw [← h.size] at hout
    intro hfail
    have hf := Tally.word_eq_fail hfail
    unfold tally at hf
    rw [judgeLoop_failed] at hf
    · exact absurd hf (by decide)
    intro i hi _ hok
    rw [Array.getD_eq_getD_getElem?] at hok ⊢
    rcases h.entry (i / p.size) (i % p.size) with ⟨hx, _⟩ | ⟨x, y, hx, hy, hin⟩
    · rw [hx] at hok; cases hok
    · rw [hx] at hok ⊢
      obtain ⟨z, hz, hr⟩ := hin.computes hok (hout i hi y hy)
      obtain ⟨v, hv, rfl⟩ := Option.map_eq_some_iff.mp hz
      exact ⟨v, hv, hr⟩

/-- A device never fails: if each of its operations meets the rounding model as long as it does not overflow, and the recorded output
is what it computes from the recorded inputs, running the specification's text, then the verdict is not FAIL. -/
theorem device_ne_fail [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) {δ : Type}
    [Scalar δ] [Recorded δ] {value : δ → Option Rat} (hd : Device m N value) (order : m.order = .sequential ∨ m.order = .any)
    (hread : ∀ name i x, value (Recorded.read name i x) = some x.toRat) {points : List (String × Point)}
    (hpoints : ∀ p ∈ points, Parametric p.2) {r : Request} {point : Point}
    (hpoint : Request.lookup r.point points = some point) {q : Prediction δ} (hq : point δ r = .ok q) {out : Tensor}
    (hshape : q.shape = out.shape) {indices : List Nat} (hout : ∀ i ∈ indices, ∀ x,
      (q.block (i / q.size))[i % q.size]? = some x → value x = out.value? i) :
    verdict points m r out indices ≠ "FAIL" := by
  obtain ⟨k, hk⟩ := Request.mem_of_lookup hpoint
  have agree := hpoints _ hk (computed_preserved hd order) (fun name i x => Computed.of (hread name i x)) r
  simp only at agree
  rw [hq] at agree
  generalize he : point (Execution m N) r = e at agree
  cases agree with
  | @ok _ e h =>
    refine verdict_ne_fail hN hpoints hpoint he (h.shape ▸ hshape) fun i hi y hy => ?_
    rw [← h.size] at hy
    rcases h.entry (i / q.size) (i % q.size) with ⟨_, hn⟩ | ⟨x, _, hx, hs, hin⟩
    · rw [hn] at hy; cases hy
    · rw [hs] at hy
      cases hy
      exact hout i hi x hx ▸ hin.computes

/-- Recorded numbers are numbers of the field. -/
@[reducible] def Numbers.recorded (N : Numbers K) : Recorded K := ⟨fun _ _ x => N.ofRat x.toRat⟩

/-- An output that is called EXACT is the exact value: what the specification's text gives in exact arithmetic. -/
theorem eq_of_verdict_exact [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] [Max K] [LawfulOrderMax K]
    (hN : N.Enclosing) {points : List (String × Point)} (hpoints : ∀ p ∈ points, Parametric p.2) {r : Request}
    {point : Point} (hpoint : Request.lookup r.point points = some point) {q : Prediction K}
    (hq : @point K N.scalar N.recorded r = .ok q) {out : Tensor} {indices : List Nat}
    (hword : verdict points m r out indices = "EXACT") {i : Nat} (hi : i ∈ indices) (hsize : i < out.bits.size) {x : K}
    (hx : (q.block (i / q.size))[i % q.size]? = some x) : ∃ v, out.number? i = some v ∧ x = N.ofRat v.toRat := by
  letI := N.scalar
  letI := N.recorded
  obtain ⟨k, hk⟩ := Request.mem_of_lookup hpoint
  have agree := hpoints _ hk (contains_preserved (m := m) hN) (fun _ _ x => Contains.recorded x) r
  simp only at agree
  unfold verdict at hword
  rw [hpoint] at hword
  rw [hq] at agree
  simp only at hword
  generalize point (Reach m) r = a at agree hword
  cases agree with
  | @ok p _ h =>
    simp only at hword
    split at hword
    · obtain ⟨_, hall⟩ := judgeLoop_exact _ _ _ _ _ (Tally.word_eq_exact hword)
      obtain ⟨v, hv, hok, hlo, hhi⟩ := hall i hi hsize
      rw [← h.size] at hx
      rcases h.entry (i / p.size) (i % p.size) with ⟨_, hn⟩ | ⟨y, _, hy, hs, hin⟩
      · rw [hn] at hx; cases hx
      · rw [hs] at hx
        cases hx
        rw [Array.getD_eq_getD_getElem?, hy, Option.getD_some] at hok hlo hhi
        have hin := hin hok
        unfold Rationals.Holds at hin
        rw [hlo, hhi] at hin
        exact ⟨v, hv, IsPartialOrder.le_antisymm _ _ hin.2 hin.1⟩
    · exact absurd hword (by decide)

end Spec
