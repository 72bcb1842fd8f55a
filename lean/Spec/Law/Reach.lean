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

theorem le_abs (x : Dyadic) : x.toRat ≤ (Dy.abs x).toRat ∧ -x.toRat ≤ (Dy.abs x).toRat := by
  unfold Dy.abs
  split
  · rename_i h
    have h := Dyadic.toRat_le_toRat_iff.mpr h
    rw [Dyadic.zero_eq, Dyadic.toRat_zero] at h
    rw [Dyadic.toRat_neg]
    grind
  · rename_i h
    have h : ¬ x.toRat ≤ 0 := fun h' => h (Dyadic.toRat_le_toRat_iff.mp (by simpa using h'))
    grind

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

theorem holds_roundTo {p q : Nat} {I : Interval} {y z : Rat} (h : I.Holds y)
    (hz : Rounded (twoPowNeg (Int.ofNat p)).toRat (twoPowNeg (Int.ofNat q)).toRat y z) : (roundTo p q 1 I).Holds z := by
  apply holds_shorten
  apply holds_widen h
  have h0 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 I.mag)
  have h1 := hz.error (r := (Dy.up 32 I.mag).toRat) (by have := bounded_mag h; unfold Bounded at *; grind)
  have h2 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  simp only [Dyadic.toRat_add, Dyadic.toRat_mul, h2, Rat.mul_one]
  exact h1

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

/-- One more product: what is known and what is enclosed still add up to the computed sum. -/
theorem push_run {s : Partial} {v a : Rat} (hv : s.run.Holds v) (ha : a ≤ s.mags.toRat) (t : Factors m) :
    ∃ v', (s.push t.r t.s).run.Holds v' ∧
      (s.push t.r t.s).known.toRat + v' = s.known.toRat + v + t.x * t.y ∧
      a + Rounding.size (t.x * t.y) ≤ (s.push t.r t.s).mags.toRat ∧ (s.push t.r t.s).terms = s.terms + 1 := by
  obtain ⟨r, q, x, y, hr, hs⟩ := t
  simp only
  have enclosed (hp : s.push r q = ⟨s.terms + 1, s.known, Interval.add s.exact (Interval.mul r.exact q.exact),
      Interval.add s.run (Interval.mul r.run q.run), s.mags + (Interval.mul r.run q.run).mag,
      s.ok && r.ok && q.ok⟩) : ∃ v', (s.push r q).run.Holds v' ∧
      (s.push r q).known.toRat + v' = s.known.toRat + v + x * y ∧
      a + Rounding.size (x * y) ≤ (s.push r q).mags.toRat ∧ (s.push r q).terms = s.terms + 1 := by
    rw [hp]
    have run := Interval.holds_mul hr hs
    have h := Rounding.size_le (bounded_mag run)
    refine ⟨v + x * y, Interval.holds_add hv run, ?_, ?_, rfl⟩
    · grind
    · simp only [Dyadic.toRat_add]
      grind
  cases r with
  | enclosed => exact enclosed rfl
  | state => exact enclosed rfl
  | recorded p =>
    cases q with
    | enclosed => exact enclosed rfl
    | state => exact enclosed rfl
    | recorded q =>
      have h1 := holds_recorded hr
      have h2 := holds_recorded hs
      have h3 := Rounding.size_le (bounded_abs (p * q))
      simp only [Dyadic.toRat_mul] at h3
      refine ⟨v, hv, ?_, ?_, rfl⟩
      · simp only [Partial.push, Dyadic.toRat_add, Dyadic.toRat_mul]
        grind
      · simp only [Partial.push, Dyadic.toRat_add]
        rw [h1, h2]
        grind

theorem foldl_run (ts : List (Factors m)) (s : Partial) (v a : Rat) (hv : s.run.Holds v) (ha : a ≤ s.mags.toRat) :
    let s' := (ts.map fun t => (t.r, t.s)).foldl (init := s) fun s p => s.push p.1 p.2
    ∃ v', s'.run.Holds v' ∧
      s'.known.toRat + v' = s.known.toRat + v + Rounding.total (fun t => t.x * t.y) ts ∧
      a + Rounding.total (fun t => Rounding.size (t.x * t.y)) ts ≤ s'.mags.toRat ∧
      s'.terms = s.terms + ts.length := by
  induction ts generalizing s v a with
  | nil =>
    simp only [List.map_nil, List.foldl_nil, Rounding.total, Rat.add_zero, List.length_nil, Nat.add_zero]
    exact ⟨v, hv, rfl, ha, trivial⟩
  | cons t ts ih =>
    obtain ⟨v1, h1, h2, h3, h4⟩ := push_run hv ha t
    obtain ⟨v2, g1, g2, g3, g4⟩ := ih (s.push t.r t.s) v1 _ h1 h3
    simp only [List.map_cons, List.foldl_cons, Rounding.total, List.length_cons] at *
    refine ⟨v2, g1, ?_, ?_, ?_⟩
    · rw [g2, h2]; grind
    · rw [← Rat.add_assoc]; exact g3
    · rw [g4, h4]; omega

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

theorem toRat_nat (n : Nat) : (dyadic (Int.ofNat n)).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]

/-- A sum of products: whatever tree of its class an implementation adds them in, fused or not, accumulated in a format of its own
or not, its result is in reach. -/
theorem holds_adds (ts : List (Factors m)) {v : Rat} (hv : Adds m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) :
    (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).run.Holds v := by
  have zero : (Interval.point Dyadic.zero).Holds 0 := Interval.holds_point Dyadic.zero
  obtain ⟨v', h1, hk, h3, h4⟩ := foldl_run ts Partial.empty 0 0 zero Rat.le_refl
  have hz : Partial.empty.known.toRat = 0 := rfl
  rw [hz, Rat.zero_add, Rat.zero_add] at hk
  rw [Rat.zero_add] at h3
  generalize (ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty) (fun s p => s.push p.1 p.2) = s at *
  have h5 : s.terms = ts.length := by rw [h4]; simp [Partial.empty]
  unfold Partial.finish at hok ⊢
  rw [h5] at hok ⊢
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ts.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have k := Interval.holds_add (Interval.holds_point s.known) h1
  rw [hk] at k
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ts.length + 1)
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ts.length + 1) - 1 ≤ g.toRat := hg1
  have sum {a : Rat} (ha : Bounded (a - Rounding.total (fun t : Factors m => t.x * t.y) ts)
      (g.toRat * s.mags.toRat + sumUnder m * (4 * ts.length))) :
      (shorten ((Interval.add (Interval.point s.known) s.run).widen
        (g * s.mags + m.tinySum * dyadic (Int.ofNat (4 * ts.length))))).Holds a := by
    apply holds_shorten
    apply holds_widen k
    have h6 : ((4 * ts.length : Nat) : Rat) = 4 * ts.length := by rw [Rat.natCast_mul]; rfl
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6]
    exact ha
  have finished {a v : Rat} (ha : (shorten ((Interval.add (Interval.point s.known) s.run).widen
      (g * s.mags + m.tinySum * dyadic (Int.ofNat (4 * ts.length))))).Holds a) (hv : Finished m a v) :
      Interval.Holds (if m.accumulatesItself then shorten ((Interval.add (Interval.point s.known) s.run).widen
        (g * s.mags + m.tinySum * dyadic (Int.ofNat (4 * ts.length)))) else round m 1 (shorten
        ((Interval.add (Interval.point s.known) s.run).widen
          (g * s.mags + m.tinySum * dyadic (Int.ofNat (4 * ts.length)))))) v := by
    unfold Finished at hv
    split at hv
    · rename_i h; subst hv; rw [if_pos h]; exact ha
    · rename_i h; rw [if_neg h]; exact holds_round ha hv
  rcases hv with ⟨hnil, rfl⟩ | ⟨o, a, horder, hdepth, hrun, hv⟩
  · have hts : ts = [] := List.map_eq_nil_iff.mp hnil
    subst hts
    refine finished (a := 0) (sum ?_) ?_
    · have h7 := Rat.mul_nonneg (a := g.toRat) (b := s.mags.toRat) (by grind) (by simpa [Rounding.total] using h3)
      simp only [Rounding.total, List.length_nil]
      unfold Bounded
      constructor <;> grind
    · unfold Finished
      split
      · rfl
      · have hu : 0 ≤ unit m := unit_nonneg
        have ht : 0 ≤ under m := under_nonneg
        exact ⟨0, 0, ⟨by grind, by grind⟩, ⟨by grind, by grind⟩, by grind⟩
  rw [List.length_map] at hdepth
  have hterms : o.terms = ts.length := by rw [o.terms_eq, horder.length_eq, List.length_map]
  have hexact : o.exact = Rounding.total (fun t : Factors m => t.x * t.y) ts := by
    rw [o.exact_eq, Rounding.total_perm _ horder, Rounding.total_map]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder, Rounding.total_map] at hsize
  have herror := Order.run_error_depth sumUnit_nonneg sumUnder_nonneg hrun hsize hdepth
  have hmags := hsize.nonneg
  have hn := o.one_le_terms
  rw [hterms] at herror hn
  rw [hexact] at herror
  have hn' : (1 : Rat) ≤ ts.length := by exact_mod_cast hn
  refine finished (sum ?_) hv
  generalize Rounding.growth (sumUnit m) (m.order.depth ts.length + 1) = G at *
  generalize Rounding.total (fun t : Factors m => Rounding.size (t.x * t.y)) ts = M at *
  generalize (ts.length : Rat) = n at *
  have p1 := Rat.mul_nonneg (a := g.toRat - (G - 1)) (b := M) (by grind) hmags
  have p2 := Rat.mul_nonneg (a := g.toRat) (b := s.mags.toRat - M) (by grind) (by grind)
  have p3 := Rat.mul_nonneg (a := 2 * n - 1) (b := (2 - G) * sumUnder m) (by grind)
    (Rat.mul_nonneg (by grind) ht)
  unfold Bounded at *
  constructor <;> grind

/-- A sum of products for which the evaluator has a budget does not overflow, in whatever tree of its class it is added. -/
theorem sums_finite (ts : List (Factors m)) {v : Option Rat} (hv : Sums m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) : ∃ z, v = some z ∧ Adds m (ts.map fun t => (t.x, t.y)) z := by
  have holds (z : Rat) (hz : Adds m (ts.map fun t => (t.x, t.y)) z) := holds_adds ts hz hok
  obtain ⟨_, _, _, h3, h4⟩ := foldl_run ts Partial.empty 0 0 (Interval.holds_point Dyadic.zero) Rat.le_refl
  rw [Rat.zero_add] at h3
  generalize (ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty) (fun s p => s.push p.1 p.2) = s at *
  have h5 : s.terms = ts.length := by rw [h4]; simp [Partial.empty]
  rcases hv with ⟨hnil, rfl⟩ | ⟨o, a, horder, hdepth, ha, hv⟩
  · exact ⟨0, rfl, .inl ⟨hnil, rfl⟩⟩
  unfold Partial.finish at hok holds
  rw [h5] at hok holds
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ts.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  rw [hg] at hok holds
  simp only [rounded, ok, Bool.and_eq_true] at hok holds
  obtain ⟨⟨_, hsum⟩, hrun⟩ := hok
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ts.length + 1) - 1 ≤ g.toRat := hg1
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ts.length + 1)
  have hL := (bounded_fits hsum (Interval.holds_point _)).2
  have h6 : ((4 * ts.length : Nat) : Rat) = 4 * ts.length := by rw [Rat.natCast_mul]; rfl
  simp only [Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6] at hL
  have hL : s.mags.toRat + (g.toRat * s.mags.toRat + sumUnder m * (4 * ts.length)) ≤ m.largest.toRat := hL
  have hterms : o.terms = ts.length := by rw [o.terms_eq, horder.length_eq, List.length_map]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder, Rounding.total_map] at hsize
  have hmags := hsize.nonneg
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hn : (0 : Rat) ≤ ts.length := by exact_mod_cast Nat.zero_le _
  have hnt := Rat.mul_nonneg hn ht
  rw [List.length_map] at hdepth
  obtain ⟨z, rfl, hz⟩ := Order.finite sumUnit_nonneg ht ha hsize hdepth (by
    rw [hterms]
    generalize Rounding.growth (sumUnit m) (m.order.depth ts.length + 1) = G at *
    generalize Rounding.total (fun t : Factors m => Rounding.size (t.x * t.y)) ts = M at *
    have p1 := Rat.mul_nonneg (a := 1 + g.toRat - G) (b := M) (by grind) hmags
    have p2 := Rat.mul_nonneg (a := 1 + g.toRat) (b := s.mags.toRat - M) (by grind) (by grind)
    have p3 := Rat.mul_nonneg (a := 2 - G) (b := ts.length * sumUnder m) (by grind) hnt
    grind)
  have adds {v : Rat} (hv : Finished m z v) : Adds m (ts.map fun t => (t.x, t.y)) v :=
    .inr ⟨o, z, horder, by rwa [List.length_map], hz, hv⟩
  have hv := hv.some
  split at hv
  · rename_i h; exact ⟨z, hv, adds (by unfold Finished; rw [if_pos h])⟩
  · obtain ⟨v, rfl, hv'⟩ := hv fun v hv => bounded_fits hrun (holds v (adds hv))
    exact ⟨v, rfl, adds hv'⟩

end Spec.Reach
