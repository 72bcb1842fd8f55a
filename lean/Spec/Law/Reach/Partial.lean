module
public import Spec.Law.Reach

/-!
# The state of a sum of products

What the evaluator keeps of the products so far bounds every sum of the numbers that an implementation has in their place.
-/

@[expose] public noncomputable section
namespace Spec.Reach
open Rounding (Bounded)
open Interval (Holds)
variable {m : Rounding}

/-- Two factors of a sum of products, as an implementation reads them. -/
structure Factors (m : Rounding) where
  /-- The first factor's reach. -/
  r : Reach m
  /-- The second factor's reach. -/
  s : Reach m
  /-- The first factor. -/
  x : Rat
  /-- The second factor. -/
  y : Rat
  /-- The first factor is in reach. -/
  hr : r.run.Holds x
  /-- The second factor is in reach. -/
  hs : s.run.Holds y

/-- `T` is the sum of the products so far, and `M` that of their sizes: no `T - g M` is below what follows from the lower
ends of the products, and no `T + g M` above what follows from their upper ones. -/
structure Partial.Bounds (s : Partial) (g T M : Rat) : Prop where
  /-- From the lower ends. -/
  low : s.known.toRat + s.run.lo.toRat - g * (s.size.toRat + s.lows.toRat) ≤ T - g * M
  /-- From the upper ends. -/
  high : T + g * M ≤ s.known.toRat + s.run.hi.toRat + g * (s.size.toRat + s.highs.toRat)
  /-- The sizes are bounded. -/
  mags : M ≤ s.size.toRat + s.mags.toRat

section Steps
variable {s : Partial} {g T M : Rat}

theorem bounds_record (h : s.Bounds g T M) (p : Dyadic) :
    (s.record p).Bounds g (T + p.toRat) (M + Rounding.size p.toRat) := by
  obtain ⟨h1, h2, h3⟩ := h
  constructor <;> simp only [Partial.record, Dyadic.toRat_add, toRat_abs] <;> grind

theorem bounds_enclose (g0 : 0 ≤ g) (g1 : g ≤ 1) (h : s.Bounds g T M) (E : Interval) {R : Interval} (ok : Bool)
    {p : Rat} (hp : R.Holds p) : (s.enclose E R ok).Bounds g (T + p) (M + Rounding.size p) := by
  obtain ⟨h1, h2, h3⟩ := h
  have a := Rounding.less_size hp.1 g0 g1
  have b := Rounding.more_size hp.2 g0 g1
  have c := Rounding.size_le (bounded_mag hp)
  have d := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le Interval.bits (s.run.lo + R.lo))
  have e := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up Interval.bits (s.run.hi + R.hi))
  rw [Dyadic.toRat_add] at d e
  constructor <;> simp only [Partial.enclose, Interval.add, Interval.trim, Dyadic.toRat_add, toRat_abs] <;> grind

theorem bounds_push (g0 : 0 ≤ g) (g1 : g ≤ 1) (h : s.Bounds g T M) (t : Factors m) :
    (s.push t.r t.s).Bounds g (T + t.x * t.y) (M + Rounding.size (t.x * t.y)) := by
  obtain ⟨r, q, x, y, hr, hs⟩ := t
  have enclosed := bounds_enclose g0 g1 h (Interval.mul r.exact q.exact) (r.ok && q.ok) (Interval.holds_mul hr hs)
  cases r with
  | enclosed => exact enclosed
  | state => exact enclosed
  | recorded a =>
    cases q with
    | enclosed => exact enclosed
    | state => exact enclosed
    | recorded b =>
      have h1 := bounds_record h (a * b)
      rw [Dyadic.toRat_mul, ← holds_recorded hr, ← holds_recorded hs] at h1
      exact h1

theorem terms_push (s : Partial) (r q : Reach m) : (s.push r q).terms = s.terms + 1 := by
  cases r <;> cases q <;> rfl

end Steps

/-- A number and its reach. -/
structure Reached (m : Rounding) where
  /-- The reach. -/
  r : Reach m
  /-- The number. -/
  x : Rat
  /-- It is in reach. -/
  hr : r.run.Holds x

theorem bounds_square {s : Partial} {g T M : Rat} (g0 : 0 ≤ g) (g1 : g ≤ 1) (h : s.Bounds g T M) (t : Reached m) :
    (s.square t.r).Bounds g (T + t.x * t.x) (M + Rounding.size (t.x * t.x)) := by
  obtain ⟨r, x, hr⟩ := t
  have enclosed := bounds_enclose g0 g1 h (Interval.square r.exact) r.ok (Interval.holds_square hr)
  cases r with
  | enclosed => exact enclosed
  | state => exact enclosed
  | recorded a =>
    have h1 := bounds_record h (a * a)
    rw [Dyadic.toRat_mul, ← holds_recorded hr] at h1
    exact h1

theorem terms_square (s : Partial) (r : Reach m) : (s.square r).terms = s.terms + 1 := by
  cases r <;> rfl

/-- The state after these products. -/
def Partial.Sums (s : Partial) (ps : List (Rat × Rat)) : Prop :=
  s.terms = ps.length ∧ ∀ g, 0 ≤ g → g ≤ 1 →
    s.Bounds g (Rounding.total (fun p => p.1 * p.2) ps) (Rounding.total (fun p => Rounding.size (p.1 * p.2)) ps)

theorem sums_foldl {ι : Type} (step : Partial → ι → Partial) (p : ι → Rat × Rat)
    (terms : ∀ s i, (step s i).terms = s.terms + 1)
    (bounds : ∀ {s g T M}, 0 ≤ g → g ≤ 1 → s.Bounds g T M → ∀ i,
      (step s i).Bounds g (T + (p i).1 * (p i).2) (M + Rounding.size ((p i).1 * (p i).2))) (ts : List ι) :
    (ts.foldl step Partial.empty).Sums (ts.map p) := by
  have count (ts : List ι) (s : Partial) : (ts.foldl step s).terms = s.terms + ts.length := by
    induction ts generalizing s with
    | nil => rfl
    | cons t ts ih => rw [List.foldl_cons, ih, terms, List.length_cons]; omega
  refine ⟨by rw [count, List.length_map]; exact Nat.zero_add _, fun g g0 g1 => ?_⟩
  have all (ts : List ι) (s : Partial) (T M : Rat) (h : s.Bounds g T M) :
      (ts.foldl step s).Bounds g (T + Rounding.total (fun p => p.1 * p.2) (ts.map p))
        (M + Rounding.total (fun p => Rounding.size (p.1 * p.2)) (ts.map p)) := by
    induction ts generalizing s T M with
    | nil => simpa only [List.foldl_nil, List.map_nil, Rounding.total, Rat.add_zero] using h
    | cons t ts ih =>
      simp only [List.foldl_cons, List.map_cons, Rounding.total]
      rw [← Rat.add_assoc, ← Rat.add_assoc]
      exact ih _ _ _ (bounds g0 g1 h t)
  have h := all ts Partial.empty 0 0 (by
    have z : Dyadic.zero.toRat = 0 := rfl
    constructor <;> simp only [Partial.empty, Interval.point, z] <;> grind)
  rwa [Rat.zero_add, Rat.zero_add] at h

theorem sums_push (ts : List (Factors m)) :
    ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty) fun s p => s.push p.1 p.2).Sums
      (ts.map fun t => (t.x, t.y)) := by
  rw [List.foldl_map]
  exact sums_foldl _ (fun t : Factors m => (t.x, t.y)) (fun s t => terms_push s t.r t.s) bounds_push ts

theorem sums_square (ts : List (Reached m)) :
    ((ts.map fun t => t.r).foldl (init := Partial.empty) fun s x => s.square x).Sums (ts.map fun t => (t.x, t.x)) := by
  rw [List.foldl_map]
  exact sums_foldl _ (fun t => (t.x, t.x)) (fun s t => terms_square s t.r) bounds_square ts

end Spec.Reach
