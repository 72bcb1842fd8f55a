module
public import Spec.Num.Reach
public import Spec.Law.Interval
public import Spec.Law.Overflow

/-!
# A rounded operation never leaves its reach

Roundings, and sums of products in any order: the laws from which `Spec.Law.Inside` makes those of whole layers.
-/

@[expose] public noncomputable section
namespace Spec.Reach
open Rounding (Bounded Rounded Order Meets Given)
open Interval (Holds)
variable {m : Rounding}

/-- The unit roundoff. -/
def unit (m : Rounding) : Rat := (twoPowNeg (Int.ofNat m.precision)).toRat

/-- The absolute error that underflow may leave. -/
def under (m : Rounding) : Rat := m.tiny.toRat

/-- The unit roundoff of the format in which sums are accumulated. -/
def sumUnit (m : Rounding) : Rat := (twoPowNeg (Int.ofNat m.sumPrecision)).toRat

/-- The absolute error that underflow may leave there. -/
def sumUnder (m : Rounding) : Rat := m.tinySum.toRat

/-- `x` is the exact value that `r` stands for, and `y` a value that an implementation may have in its place. -/
structure Sound (r : Reach m) (x y : Rat) : Prop where
  /-- The exact value is enclosed. -/
  exact : r.exact.Holds x
  /-- The implementation's value is in reach. -/
  run : r.run.Holds y

theorem twoPowNeg_nonneg (k : Int) : 0 ≤ (twoPowNeg k).toRat := by
  unfold twoPowNeg
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  exact Rat.mul_nonneg (by decide) (Rat.zpow_nonneg (by decide))

theorem unit_nonneg : 0 ≤ unit m := twoPowNeg_nonneg _

theorem under_nonneg : 0 ≤ under m := twoPowNeg_nonneg _

theorem sumUnit_nonneg : 0 ≤ sumUnit m := twoPowNeg_nonneg _

theorem sumUnder_nonneg : 0 ≤ sumUnder m := twoPowNeg_nonneg _

theorem holds_shorten {I : Interval} {x : Rat} (h : I.Holds x) : (shorten I).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le runBits I.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up runBits I.hi)
  unfold Holds shorten at *
  grind

/-- Widening by `r` holds everything within `r`. -/
theorem holds_widen {I : Interval} {x y : Rat} {r : Dyadic} (h : I.Holds x) (hr : Bounded (y - x) r.toRat) :
    (I.widen r).Holds y := by
  unfold Holds Interval.widen Bounded at *
  simp only [Dyadic.toRat_sub, Dyadic.toRat_add]
  grind

theorem toRat_abs (x : Dyadic) : (Dy.abs x).toRat = Rounding.size x.toRat := by
  unfold Dy.abs Rounding.size
  simp only [← Dyadic.toRat_le_toRat_iff, Dyadic.zero_eq, Dyadic.toRat_zero]
  split <;> split <;> (try rw [Dyadic.toRat_neg]) <;> grind

theorem le_abs (x : Dyadic) : x.toRat ≤ (Dy.abs x).toRat ∧ -x.toRat ≤ (Dy.abs x).toRat := by
  have h := Rounding.bounded_size x.toRat
  rw [toRat_abs]
  unfold Bounded at h
  constructor <;> grind

/-- The magnitude of an interval bounds every number in it. -/
theorem bounded_mag {I : Interval} {x : Rat} (h : I.Holds x) : Bounded x I.mag.toRat := by
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left (Dy.abs I.lo) (Dy.abs I.hi))
  have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right (Dy.abs I.lo) (Dy.abs I.hi))
  have h4 := le_abs I.lo
  have h5 := le_abs I.hi
  unfold Interval.mag Holds Bounded at *
  grind

/-- What fits is not beyond the largest number. -/
theorem bounded_fits {I : Interval} {x : Rat} (hfits : m.fits I = true) (h : I.Holds x) : Bounded x m.largest.toRat := by
  unfold Rounding.fits at hfits
  exact (bounded_mag h).mono (Dyadic.toRat_le_toRat_iff.mpr (of_decide_eq_true hfits))

theorem toRat_nat (n : Nat) : (dyadic (Int.ofNat n)).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]

/-- The size by which an end of an interval may move with the relative error `r`. -/
theorem end_size (I : Interval) (e : Dyadic) (r : Dyadic) :
    r.toRat ≤ 1 ∧ Bounded e.toRat (Dy.up 32 (if r ≤ dyadic (Int.ofNat 1) then Dy.abs e else I.mag)).toRat ∨
      I.mag.toRat ≤ (Dy.up 32 (if r ≤ dyadic (Int.ofNat 1) then Dy.abs e else I.mag)).toRat := by
  split
  · rename_i h
    have h := Dyadic.toRat_le_toRat_iff.mpr h
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 (Dy.abs e))
    have h2 := Rounding.bounded_size e.toRat
    rw [toRat_nat] at h
    rw [toRat_abs] at h1
    exact .inl ⟨h, h2.mono h1⟩
  · exact .inr (Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 I.mag))

theorem holds_roundTo {p q : Nat} {I : Interval} {y z : Rat} (h : I.Holds y)
    (hz : Rounded (twoPowNeg (Int.ofNat p)).toRat (twoPowNeg (Int.ofNat q)).toRat y z) : (roundTo p q 1 I).Holds z := by
  apply holds_shorten
  have hm := bounded_mag h
  have one : (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p)).toRat = (twoPowNeg (Int.ofNat p)).toRat := by
    rw [Dyadic.toRat_mul, toRat_nat]; exact Rat.one_mul _
  have lo := end_size I I.lo (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p))
  have hi := end_size I I.hi (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p))
  have h1 := hz.above h.1 (r := _) (lo.imp (fun h => ⟨one ▸ h.1, h.2⟩) hm.mono)
  have h2 := hz.below h.2 (r := _) (hi.imp (fun h => ⟨one ▸ h.1, h.2⟩) hm.mono)
  unfold Holds Interval.stretch
  simp only [Dyadic.toRat_sub, Dyadic.toRat_add, Dyadic.toRat_mul (Dy.up _ _), one]
  exact ⟨h1, h2⟩

/-- Every rounding of a number in reach is in reach. -/
theorem holds_round {I : Interval} {y z : Rat} (h : I.Holds y) (hz : Rounded (unit m) (under m) y z) :
    (round m 1 I).Holds z := holds_roundTo h hz

/-- `z` is `y` as a sum of products reads it. -/
def Cast (m : Rounding) (y z : Rat) : Prop :=
  if m.castPrecision = 0 then z = y else Rounded (twoPowNeg (Int.ofNat m.castPrecision)).toRat (sumUnder m) y z

/-- What a sum of products reads of a number in reach, rounded to TF32 for example, is in reach. -/
theorem holds_cast {r : Reach m} {x y : Rat} (h : r.run.Holds x) (hy : Cast m x y) : (cast r).run.Holds y := by
  unfold cast
  unfold Cast at hy
  split at hy
  · rename_i h0; rw [if_pos h0, hy]; exact h
  · rename_i h0; rw [if_neg h0]; exact holds_roundTo h hy

/-- What a sum of products reads in the place of `y`: a number, where none of those that it may read overflows. -/
def Casts (m : Rounding) (y : Rat) (v : Option Rat) : Prop :=
  if m.castPrecision = 0 then v = some y else Meets m.largest.toRat (Cast m y) v

theorem casts_finite {r : Reach m} {x : Rat} {v : Option Rat} (h : r.run.Holds x) (hok : (cast r).ok = true)
    (hv : Casts m x v) : ∃ z, v = some z ∧ (cast r).run.Holds z := by
  unfold Casts at hv
  split at hv
  · rename_i h0
    exact ⟨x, hv, holds_cast h (by unfold Cast; rw [if_pos h0])⟩
  · rename_i h0
    have fits : m.fits (cast r).run = true := by
      unfold cast at hok ⊢
      rw [if_neg h0] at hok ⊢
      simp only [rounded, ok, Bool.and_eq_true] at hok
      exact hok.2
    obtain ⟨z, rfl, hz⟩ := hv fun z hz => bounded_fits fits (holds_cast h hz)
    exact ⟨z, rfl, holds_cast h hz⟩

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

theorem bounded_abs (x : Dyadic) : Bounded x.toRat (Dy.abs x).toRat := by
  have h := le_abs x
  unfold Bounded
  grind

theorem holds_recorded {x : Dyadic} {y : Rat} (h : (Interval.point x).Holds y) : y = x.toRat := by
  unfold Holds Interval.point at h
  grind

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

theorem growth_le_gamma {p n : Nat} {g : Dyadic} (h : Rounding.gamma p n = some g) :
    Rounding.growth (twoPowNeg (Int.ofNat p)).toRat n - 1 ≤ g.toRat ∧ g.toRat ≤ 1 := by
  have hp := twoPowNeg_nonneg (Int.ofNat p)
  unfold Rounding.gamma at h
  simp only at h
  split at h
  · rename_i hn
    cases h
    have hn := Dyadic.toRat_le_toRat_iff.mpr hn
    have h1 : (dyadic (Int.ofNat n)).toRat = n := by
      unfold dyadic
      rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
      show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
      rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]
    have h2 : (twoPowNeg (Int.ofNat 1)).toRat = 1 / 2 := by decide +kernel
    have h3 : (dyadic (Int.ofNat 2)).toRat = 2 := rfl
    rw [Dyadic.toRat_mul, h1, h2] at hn
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, h1, h3]
    have h5 := Rounding.growth_le hp n hn
    have h6 : (0 : Rat) ≤ n * (twoPowNeg (Int.ofNat p)).toRat := Rat.mul_nonneg (by exact_mod_cast Nat.zero_le n) hp
    generalize (n : Rat) * (twoPowNeg (Int.ofNat p)).toRat = w at *
    have h7 := Rat.mul_nonneg (a := 1 / 2 - w) (b := w) (by grind) h6
    constructor <;> grind
  · cases h

/-- `v` is the accumulated sum `s` in the format of the result: a last rounding, unless it is the format of the accumulator. -/
def Finished (m : Rounding) (s v : Rat) : Prop :=
  if m.accumulatesItself then v = s else Rounded (unit m) (under m) s v

/-- The sum `v` of the products can come out: in some tree of the order class, fused or not, with the accumulator's roundings and
a last one to the format of the result. -/
def Adds (m : Rounding) (ps : List (Rat × Rat)) (v : Rat) : Prop :=
  (ps = [] ∧ v = 0) ∨ ∃ o a, o.leaves.Perm ps ∧ o.depth ≤ m.order.depth ps.length ∧
    Order.Run (sumUnit m) (sumUnder m) o a ∧ Finished m a v

/-- As `Adds`, where any rounding may overflow. -/
def Sums (m : Rounding) (ps : List (Rat × Rat)) (v : Option Rat) : Prop :=
  (ps = [] ∧ v = some 0) ∨ ∃ o a, o.leaves.Perm ps ∧ o.depth ≤ m.order.depth ps.length ∧
    Order.Computes m.largest.toRat (sumUnit m) (sumUnder m) o a ∧
    Given a fun a => if m.accumulatesItself then v = some a else Meets m.largest.toRat (Finished m a) v

/-- A sum of products: whatever tree of its class an implementation adds them in, fused or not, accumulated in a format of its own
or not, its result is in reach. -/
theorem holds_finish {s : Partial} {ps : List (Rat × Rat)} (hs : s.Sums ps) {v : Rat} (hv : Adds m ps v)
    (hok : (Partial.finish m s).ok = true) : (Partial.finish m s).run.Holds v := by
  obtain ⟨h5, hb⟩ := hs
  unfold Partial.finish at hok ⊢
  rw [h5] at hok ⊢
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ps.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ps.length + 1)
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) - 1 ≤ g.toRat := hg1
  obtain ⟨low, high, _⟩ := hb g.toRat (by grind) hg2
  have h6 : ((4 * ps.length : Nat) : Rat) = 4 * ps.length := by rw [Rat.natCast_mul]; rfl
  have sum {a : Rat} (ha : Bounded (a - Rounding.total (fun p => p.1 * p.2) ps)
      (g.toRat * Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps + sumUnder m * (4 * ps.length))) :
      (shorten ((Interval.add (Interval.point s.known) s.run).stretch
        (g * (s.size + s.lows) + m.tinySum * dyadic (Int.ofNat (4 * ps.length)))
        (g * (s.size + s.highs) + m.tinySum * dyadic (Int.ofNat (4 * ps.length))))).Holds a := by
    apply holds_shorten
    have d := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le Interval.bits (s.known + s.run.lo))
    have e := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up Interval.bits (s.known + s.run.hi))
    rw [Dyadic.toRat_add] at d e
    unfold Holds Interval.stretch Interval.add Interval.trim Interval.point Bounded at *
    simp only [Dyadic.toRat_sub, Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6]
    have tiny : m.tinySum.toRat = sumUnder m := rfl
    rw [tiny]
    constructor <;> grind
  have finished {a v : Rat} {I : Interval} (ha : I.Holds a) (hv : Finished m a v) :
      Interval.Holds (if m.accumulatesItself then I else round m 1 I) v := by
    unfold Finished at hv
    split at hv
    · rename_i h; subst hv; rw [if_pos h]; exact ha
    · rename_i h; rw [if_neg h]; exact holds_round ha hv
  rcases hv with ⟨rfl, rfl⟩ | ⟨o, a, horder, hdepth, hrun, hv⟩
  · refine finished (a := 0) (sum ?_) ?_
    · simp only [Rounding.total, List.length_nil]
      unfold Bounded
      constructor <;> grind
    · unfold Finished
      split
      · rfl
      · have hu : 0 ≤ unit m := unit_nonneg
        have ht : 0 ≤ under m := under_nonneg
        exact ⟨0, 0, ⟨by grind, by grind⟩, ⟨by grind, by grind⟩, by grind⟩
  have hterms : o.terms = ps.length := by rw [o.terms_eq, horder.length_eq]
  have hexact : o.exact = Rounding.total (fun p => p.1 * p.2) ps := by rw [o.exact_eq, Rounding.total_perm _ horder]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder] at hsize
  have herror := Order.run_error_depth sumUnit_nonneg sumUnder_nonneg hrun hsize hdepth
  have hmags := hsize.nonneg
  have hn := o.one_le_terms
  rw [hterms] at herror hn
  rw [hexact] at herror
  have hn' : (1 : Rat) ≤ ps.length := by exact_mod_cast hn
  refine finished (sum ?_) hv
  clear sum finished low high hb
  generalize Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) = G at *
  generalize Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps = M at *
  generalize (ps.length : Rat) = n at *
  have p1 := Rat.mul_nonneg (a := g.toRat - (G - 1)) (b := M) (by grind) hmags
  have p3 := Rat.mul_nonneg (a := 2 * n - 1) (b := (2 - G) * sumUnder m) (by grind)
    (Rat.mul_nonneg (by grind) ht)
  unfold Bounded at *
  constructor <;> grind

/-- A sum of products for which the evaluator has a budget does not overflow, in whatever tree of its class it is added. -/
theorem finite_finish {s : Partial} {ps : List (Rat × Rat)} (hs : s.Sums ps) {v : Option Rat} (hv : Sums m ps v)
    (hok : (Partial.finish m s).ok = true) : ∃ z, v = some z ∧ Adds m ps z := by
  have holds (z : Rat) (hz : Adds m ps z) := holds_finish hs hz hok
  obtain ⟨h5, hb⟩ := hs
  have h3 := (hb 0 Rat.le_refl (by decide)).mags
  rcases hv with ⟨rfl, rfl⟩ | ⟨o, a, horder, hdepth, ha, hv⟩
  · exact ⟨0, rfl, .inl ⟨rfl, rfl⟩⟩
  unfold Partial.finish at hok holds
  rw [h5] at hok holds
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ps.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  rw [hg] at hok holds
  simp only [rounded, ok, Bool.and_eq_true] at hok holds
  obtain ⟨⟨_, hsum⟩, hrun⟩ := hok
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) - 1 ≤ g.toRat := hg1
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ps.length + 1)
  have hL := (bounded_fits hsum (Interval.holds_point _)).2
  have h6 : ((4 * ps.length : Nat) : Rat) = 4 * ps.length := by rw [Rat.natCast_mul]; rfl
  simp only [Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6] at hL
  have hL : s.size.toRat + s.mags.toRat + (g.toRat * (s.size.toRat + s.mags.toRat) + sumUnder m * (4 * ps.length))
    ≤ m.largest.toRat := hL
  have hterms : o.terms = ps.length := by rw [o.terms_eq, horder.length_eq]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder] at hsize
  have hmags := hsize.nonneg
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hn : (0 : Rat) ≤ ps.length := by exact_mod_cast Nat.zero_le _
  have hnt := Rat.mul_nonneg hn ht
  obtain ⟨z, rfl, hz⟩ := Order.finite sumUnit_nonneg ht ha hsize hdepth (by
    rw [hterms]
    clear hb
    generalize Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) = G at *
    generalize Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps = M at *
    generalize s.size.toRat + s.mags.toRat = S at *
    have p1 := Rat.mul_nonneg (a := 1 + g.toRat - G) (b := M) (by grind) hmags
    have p2 := Rat.mul_nonneg (a := 1 + g.toRat) (b := S - M) (by grind) (by grind)
    have p3 := Rat.mul_nonneg (a := 2 - G) (b := ps.length * sumUnder m) (by grind) hnt
    grind)
  have adds {v : Rat} (hv : Finished m z v) : Adds m ps v := .inr ⟨o, z, horder, hdepth, hz, hv⟩
  have hv := hv.some
  split at hv
  · rename_i h; exact ⟨z, hv, adds (by unfold Finished; rw [if_pos h])⟩
  · obtain ⟨v, rfl, hv'⟩ := hv fun v hv => bounded_fits hrun (holds v (adds hv))
    exact ⟨v, rfl, adds hv'⟩

/-- So it is of the products that the evaluator has followed. -/
theorem holds_adds (ts : List (Factors m)) {v : Rat} (hv : Adds m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) :
    (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).run.Holds v := holds_finish (sums_push ts) hv hok

/-- None of them overflows. -/
theorem sums_finite (ts : List (Factors m)) {v : Option Rat} (hv : Sums m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) : ∃ z, v = some z ∧ Adds m (ts.map fun t => (t.x, t.y)) z :=
  finite_finish (sums_push ts) hv hok

end Spec.Reach
