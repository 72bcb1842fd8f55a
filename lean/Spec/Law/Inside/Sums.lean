module
public import Spec.Law.Inside.Operations

/-!
# Sums stay inside their reach

Every value that an execution may compute for a sum is a number in reach: of products, of squares, and of numbers.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

namespace Inside
variable {r : Reach m} {a : Execution m N}

theorem cast_ok {r : Reach m} (h : (Reach.cast r).ok = true) : r.ok = true := by
  unfold Reach.cast at h
  split at h
  · exact h
  · simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at h
    exact h.1

theorem push_ok {s : Reach.Partial} {x y : Reach m} (h : (s.push x y).ok = true) :
    s.ok = true ∧ x.ok = true ∧ y.ok = true := by
  cases x with
  | recorded x => cases y <;> simp_all [Reach.Partial.push, Reach.Partial.record, Reach.Partial.enclose, Reach.ok]
  | enclosed => simp_all [Reach.Partial.push, Reach.Partial.enclose, Reach.ok]
  | state => simp_all [Reach.Partial.push, Reach.Partial.enclose, Reach.ok]

theorem square_ok {s : Reach.Partial} {x : Reach m} (h : (s.square x).ok = true) : s.ok = true ∧ x.ok = true := by
  cases x <;> simp_all [Reach.Partial.square, Reach.Partial.record, Reach.Partial.enclose, Reach.ok]

/-- The two factors of a product, and what they may be read as: numbers in reach, if they are defined. -/
def Reads (p : Reach m × Reach m) (q : Option Rat × Option Rat) : Prop :=
  p.1.ok = true → p.2.ok = true → ∃ x y, q = (some x, some y) ∧ p.1.run.Holds x ∧ p.2.run.Holds y

/-- Products whose factors are defined and in reach. -/
theorem factors {ps : List (Reach m × Reach m)} {qs : List (Option Rat × Option Rat)}
    (h : Each Reads ps qs) {s : Reach.Partial} (hok : (ps.foldl (init := s) fun s p => s.push p.1 p.2).ok = true) :
    s.ok = true ∧ ∃ ts : List (Reach.Factors m), ts.map (fun t => (t.r, t.s)) = ps ∧
      qs = (ts.map fun t => (t.x, t.y)).map fun q => (some q.1, some q.2) := by
  induction h generalizing s with
  | nil => exact ⟨hok, [], rfl, rfl⟩
  | @cons p q ps qs h hs ih =>
    obtain ⟨h1, ts, h2, h3⟩ := ih hok
    obtain ⟨h4, h5, h6⟩ := push_ok h1
    obtain ⟨x, y, h7, h8, h9⟩ := h h5 h6
    exact ⟨h4, ⟨p.1, p.2, x, y, h8, h9⟩ :: ts, by simp [h2], by simp [h3, h7]⟩

/-- Numbers that are defined and in reach. -/
theorem reached {rs : List (Reach m)} {xs : List (Option Rat)}
    (h : Each (fun r x => r.ok = true → ∃ z, x = some z ∧ r.run.Holds z) rs xs) {s : Reach.Partial}
    (hok : (rs.foldl (init := s) fun s x => s.square x).ok = true) :
    s.ok = true ∧ ∃ ts : List (Reach.Reached m), ts.map (fun t => t.r) = rs ∧ xs = (ts.map fun t => t.x).map some := by
  induction h generalizing s with
  | nil => exact ⟨hok, [], rfl, rfl⟩
  | @cons r x rs xs h hs ih =>
    obtain ⟨h1, ts, h2, h3⟩ := ih hok
    obtain ⟨h4, h5⟩ := square_ok h1
    obtain ⟨z, h6, h7⟩ := h h5
    exact ⟨h4, ⟨r, z, h7⟩ :: ts, by simp [h2], by simp [h3, h6]⟩

theorem finish_ok {s : Reach.Partial} (h : (Reach.Partial.finish m s).ok = true) : s.ok = true := by
  unfold Reach.Partial.finish at h
  split at h
  · cases h
  · simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at h
    exact h.1.1

theorem finish_trail (s : Reach.Partial) :
    (Reach.Partial.finish m s).trail = Trail.start m (Reach.Partial.finish m s).run := by
  unfold Reach.Partial.finish
  split <;> rfl

theorem finish {ps : List (Reach m × Reach m)} {p : Option Rat → Prop} (h : ∀ v, p v → ∃ xs, Each Reads ps xs ∧
    ∀ qs : List (Rat × Rat), xs = qs.map (fun q => (some q.1, some q.2)) → Reach.Sums m qs v) :
    Inside (Reach.Partial.finish m (ps.foldl (init := Reach.Partial.empty) fun s p => s.push p.1 p.2))
      (Execution.of p : Execution m N) := by
  rintro hok v ss ⟨hv, hs⟩
  obtain ⟨xs, hxs, hv⟩ := h v hv
  obtain ⟨_, ts, rfl, hts⟩ := factors hxs (finish_ok hok)
  obtain ⟨z, rfl, hz⟩ := Reach.sums_finite ts (hv _ hts) hok
  have hrun := Reach.holds_adds ts hz hok
  rw [finish_trail, hs.some]
  exact ⟨z, rfl, hrun, _, Trail.follows_start hrun⟩

theorem read (hr : Inside r a) {x : Option Rat} (hx : a.Read x) (hok : (Reach.cast r).ok = true) :
    ∃ z, x = some z ∧ (Reach.cast r).run.Holds z := by
  obtain ⟨_, hy, hx⟩ := hx
  obtain ⟨y, rfl, ry⟩ := hr.computes (cast_ok hok) hy
  exact Reach.casts_finite ry hok hx.some

theorem reads_dot {ps : List (Reach m × Reach m)} {es : List (Execution m N × Execution m N)}
    (h : Each (fun p e => Inside p.1 e.1 ∧ Inside p.2 e.2) ps es) : ∀ {xs : List (Option Rat × Option Rat)},
    Each (fun e x => e.1.Read x.1 ∧ e.2.Read x.2) es xs →
    Each Reads (ps.map fun p => (Reach.cast p.1, Reach.cast p.2)) xs := by
  induction h with
  | nil => intro xs hxs; cases hxs; exact .nil
  | cons h _ ih =>
    intro xs hxs
    cases hxs with
    | @cons _ x _ _ hx hxs =>
      refine .cons (fun h1 h2 => ?_) (ih hxs)
      obtain ⟨y, hy, hy'⟩ := h.1.read hx.1 h1
      obtain ⟨z, hz, hz'⟩ := h.2.read hx.2 h2
      exact ⟨y, z, by rw [← hy, ← hz], hy', hz'⟩

theorem dot {ps : List (Reach m × Reach m)} {es : List (Execution m N × Execution m N)}
    (h : Each (fun p e => Inside p.1 e.1 ∧ Inside p.2 e.2) ps es) : Inside (Scalar.dot ps) (Scalar.dot es) := by
  have h' := finish (N := N) (ps := ps.map fun p => (Reach.cast p.1, Reach.cast p.2))
    (p := fun v => ∃ xs, Each (fun e x => e.1.Read x.1 ∧ e.2.Read x.2) es xs ∧
      ∀ qs : List (Rat × Rat), xs = qs.map (fun q => (some q.1, some q.2)) → Reach.Sums m qs v)
    fun v ⟨xs, hxs, hv⟩ => ⟨xs, reads_dot h hxs, hv⟩
  rwa [List.foldl_map] at h'

theorem reads_squares {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) :
    ∀ {xs : List (Option Rat)}, Each Execution.Read es xs →
    Each (fun r x => r.ok = true → ∃ z, x = some z ∧ r.run.Holds z) (ps.map Reach.cast) xs := by
  induction h with
  | nil => intro xs hxs; cases hxs; exact .nil
  | cons h _ ih =>
    intro xs hxs
    cases hxs with
    | cons hx hxs => exact .cons (fun hok => h.read hx hok) (ih hxs)

theorem squares {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) :
    Inside (Scalar.squares ps) (Scalar.squares es) := by
  show Inside (Reach.Partial.finish m (ps.foldl (init := Reach.Partial.empty) fun s x => s.square (Reach.cast x))) _
  rw [← List.foldl_map (f := Reach.cast) (g := fun (s : Reach.Partial) x => s.square x)]
  rintro hok v ss ⟨⟨xs, hxs, hv⟩, hs⟩
  obtain ⟨_, ts, hts, rfl⟩ := reached (reads_squares h hxs) (finish_ok hok)
  rw [← hts] at hok ⊢
  have hv := hv _ rfl
  rw [List.map_map] at hv
  have sums := Reach.sums_square ts
  obtain ⟨z, rfl, hz⟩ := Reach.finite_finish sums hv hok
  have hrun := Reach.holds_finish sums hz hok
  rw [finish_trail, hs.some]
  exact ⟨z, rfl, hrun, _, Trail.follows_start hrun⟩

theorem reads_sum {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) : ∀ {xs : List (Option Rat)},
    Each Execution.Read es xs →
    Each Reads (ps.map fun x => (Reach.cast x, .recorded (dyadic (Int.ofNat 1)))) (xs.map fun x => (x, some 1)) := by
  induction h with
  | nil => intro xs hxs; cases hxs; exact .nil
  | cons h _ ih =>
    intro xs hxs
    cases hxs with
    | cons hx hxs =>
      refine .cons (fun h1 _ => ?_) (ih hxs)
      obtain ⟨y, rfl, ry⟩ := h.read hx h1
      exact ⟨y, 1, rfl, ry, Interval.holds_point (dyadic (Int.ofNat 1))⟩

theorem terms_of_pairs {xs : List (Option Rat)} : ∀ {qs : List (Rat × Rat)},
    xs.map (fun x => (x, some 1)) = qs.map (fun q => (some q.1, some q.2)) →
    ∃ ys : List Rat, xs = ys.map some ∧ qs = ys.map fun y => (y, 1) := by
  induction xs with
  | nil =>
    intro qs h
    cases qs with
    | nil => exact ⟨[], rfl, rfl⟩
    | cons => cases h
  | cons x xs ih =>
    intro qs h
    cases qs with
    | nil => cases h
    | cons q qs =>
      obtain ⟨q1, q2⟩ := q
      simp only [List.map_cons, List.cons.injEq, Prod.mk.injEq, Option.some.injEq] at h
      obtain ⟨⟨rfl, rfl⟩, h⟩ := h
      obtain ⟨ys, rfl, rfl⟩ := ih h
      exact ⟨q1 :: ys, rfl, rfl⟩

theorem sum {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) :
    Inside (Scalar.sum ps) (Scalar.sum es) := by
  have h' := finish (N := N) (ps := ps.map fun x => (Reach.cast x, .recorded (dyadic (Int.ofNat 1))))
    (p := fun v => ∃ xs, Each Execution.Read es xs ∧
      ∀ ys : List Rat, xs = ys.map some → Reach.Sums m (ys.map fun y => (y, 1)) v)
    fun v ⟨xs, hxs, hv⟩ => ⟨_, reads_sum h hxs, fun qs hqs => by
      obtain ⟨ys, hxs, rfl⟩ := terms_of_pairs hqs
      exact hv ys hxs⟩
  rwa [List.foldl_map] at h'

end Inside

end Spec
