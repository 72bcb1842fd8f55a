module
public import Spec.Num.Interval
public import Init.Data.Dyadic.Round
public import Init.Data.Dyadic.Inv

/-!
# Intervals hold what they should

An operation on intervals holds the operation's result on any numbers that the intervals hold.
-/

@[expose] public noncomputable section
namespace Spec

namespace Dy

theorem down_le (bits : Nat) (x : Dyadic) : down bits x ≤ x := by
  unfold down
  split
  · exact Dyadic.le_refl x
  · exact Dyadic.roundDown_le

theorem le_up (bits : Nat) (x : Dyadic) : x ≤ up bits x := by
  have h := Dyadic.toRat_le_toRat_iff.mpr (down_le bits (-x))
  rw [Dyadic.toRat_neg] at h
  apply Dyadic.toRat_le_toRat_iff.mp
  unfold up
  rw [Dyadic.toRat_neg]
  grind

theorem le_max_left (x y : Dyadic) : x ≤ max x y := by
  unfold max
  split <;> grind

theorem le_max_right (x y : Dyadic) : y ≤ max x y := by
  unfold max
  split <;> grind

theorem min_le_left (x y : Dyadic) : min x y ≤ x := by
  unfold min
  split <;> grind

theorem min_le_right (x y : Dyadic) : min x y ≤ y := by
  unfold min
  split <;> grind

/-- The lower bound of a square root is one, whatever Newton's iteration gave. -/
theorem sqrtDown_sq_le (bits : Nat) {x : Dyadic} (hx : 0 ≤ x) : sqrtDown bits x * sqrtDown bits x ≤ x := by
  unfold sqrtDown
  simp only
  split
  · assumption
  · simpa using hx

/-- The upper bound of a square root is one, whatever Newton's iteration gave. -/
theorem le_sqrtUp_sq (bits : Nat) {x : Dyadic} (hx : 0 ≤ x) : x ≤ sqrtUp bits x * sqrtUp bits x := by
  unfold sqrtUp
  simp only
  split
  · assumption
  · split
    · assumption
    · have h1 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
      have h2 := Dyadic.toRat_le_toRat_iff.mpr hx
      rw [Dyadic.toRat_zero] at h2
      have h3 := Rat.mul_nonneg h2 h2
      apply Dyadic.toRat_le_toRat_iff.mp
      rw [Dyadic.toRat_mul, Dyadic.toRat_add, h1]
      grind

/-- A dyadic is its mantissa times a power of 2. -/
theorem toRat_eq (x : Dyadic) : x.toRat = mantissa x * (2 : Rat) ^ (-scale x) := by
  cases x with
  | zero =>
    show (0 : Rat) = ((0 : Int) : Rat) * _
    rw [Rat.intCast_zero, Rat.zero_mul]
  | ofOdd n k hn => exact Dyadic.toRat_ofOdd_eq_mul_two_pow

theorem two_zpow_pos (k : Int) : 0 < (2 : Rat) ^ k := Rat.zpow_pos (by decide)

theorem mantissa_pos {x : Dyadic} (h : 0 < x.toRat) : 0 < mantissa x := by
  rw [toRat_eq] at h
  have h1 := two_zpow_pos (-scale x)
  have h2 : ¬ (mantissa x : Rat) ≤ 0 := fun h' => by
    have := Rat.mul_nonneg (a := -(mantissa x : Rat)) (by grind) (Rat.le_of_lt h1)
    grind
  have h3 : ¬ mantissa x ≤ 0 := fun h' => h2 (by exact_mod_cast h')
  omega

/-- The lower bound of a quotient is one: times the divisor it is at most the dividend. -/
theorem divDown_mul_le (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    (divDown bits x y).toRat * y.toRat ≤ x.toRat := by
  have hm := mantissa_pos hy
  unfold divDown
  simp only
  generalize bits + (mantissa y).natAbs.log2 + 1 - (mantissa x).natAbs.log2 = s
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow, toRat_eq x, toRat_eq y]
  generalize mantissa x = n at *
  generalize mantissa y = m at *
  generalize scale x = j
  generalize scale y = k
  have h1 : n <<< s / m * m ≤ n * 2 ^ s := by
    rw [← Int.shiftLeft_eq]
    exact Int.ediv_mul_le _ (by omega)
  have h2 : ((n <<< s / m : Int) : Rat) * m ≤ n * 2 ^ s := by exact_mod_cast h1
  have h3 : (2 : Rat) ^ (-(j - k + Int.ofNat s)) * 2 ^ (-k) = 2 ^ (-j - (s : Int)) := by
    rw [← Rat.zpow_add (by decide)]
    congr 1
    simp only [Int.ofNat_eq_natCast]
    omega
  have h4 : (2 : Rat) ^ s * 2 ^ (-j - (s : Int)) = 2 ^ (-j) := by
    rw [← Rat.zpow_natCast, ← Rat.zpow_add (by decide)]
    congr 1
    omega
  have h5 := Rat.mul_le_mul_of_nonneg_right h2 (Rat.le_of_lt (two_zpow_pos (-j - (s : Int))))
  rw [Rat.mul_assoc (n : Rat), h4, ← h3] at h5
  grind

/-- The upper bound of a quotient is one: times the divisor it is at least the dividend. -/
theorem le_divUp_mul (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    x.toRat ≤ (divUp bits x y).toRat * y.toRat := by
  have h := divDown_mul_le bits (-x) hy
  unfold divUp
  rw [Dyadic.toRat_neg] at *
  grind

/-- `divDown` is at most the quotient. -/
theorem divDown_le_div (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    (divDown bits x y).toRat ≤ x.toRat / y.toRat := by
  have h := divDown_mul_le bits x hy
  have h1 := Rat.div_lt_iff (a := x.toRat) (c := (divDown bits x y).toRat) hy
  grind

/-- `divUp` is at least the quotient. -/
theorem div_le_divUp (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    x.toRat / y.toRat ≤ (divUp bits x y).toRat := by
  have h := le_divUp_mul bits x hy
  have h1 := Rat.lt_div_iff (a := (divUp bits x y).toRat) (b := x.toRat) hy
  grind

theorem ofIntWithPrec_nonneg {n : Int} (hn : 0 ≤ n) (k : Int) : 0 ≤ (Dyadic.ofIntWithPrec n k).toRat := by
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  exact Rat.mul_nonneg (by exact_mod_cast hn) (Rat.le_of_lt (two_zpow_pos _))

theorem sqrtDown_nonneg (bits : Nat) (x : Dyadic) : 0 ≤ (sqrtDown bits x).toRat := by
  unfold sqrtDown
  simp only
  split
  · exact ofIntWithPrec_nonneg (Int.natCast_nonneg _) _
  · exact Rat.le_refl

theorem sqrtUp_nonneg (bits : Nat) {x : Dyadic} (hx : 0 ≤ x.toRat) : 0 ≤ (sqrtUp bits x).toRat := by
  have h1 := sqrtDown_nonneg bits x
  have h2 : 0 ≤ (twoPowNeg (Int.ofNat bits)).toRat := ofIntWithPrec_nonneg (by decide) _
  have h3 := Rat.mul_nonneg h1 h2
  have h4 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  unfold sqrtUp
  simp only
  split
  · exact h1
  · split
    · rw [Dyadic.toRat_add, Dyadic.toRat_mul]
      grind
    · rw [Dyadic.toRat_add, h4]
      grind

end Dy

namespace Interval

/-- The number `x` lies in the interval. -/
def Holds (I : Interval) (x : Rat) : Prop := I.lo.toRat ≤ x ∧ x ≤ I.hi.toRat

theorem holds_point (x : Dyadic) : (point x).Holds x.toRat := ⟨Rat.le_refl, Rat.le_refl⟩

/-- Rounding outward loses nothing. -/
theorem holds_trim {I : Interval} {x : Rat} (h : I.Holds x) : I.trim.Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le bits I.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up bits I.hi)
  unfold Holds trim at *
  grind

theorem holds_neg {I : Interval} {x : Rat} (h : I.Holds x) : (neg I).Holds (-x) := by
  unfold Holds neg at *
  simp only [Dyadic.toRat_neg]
  grind

/-- A sum of intervals holds every sum. -/
theorem holds_add {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (add I J).Holds (x + y) := by
  apply holds_trim
  unfold Holds at *
  simp only [Dyadic.toRat_add]
  grind

theorem holds_sub {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (sub I J).Holds (x - y) := by
  rw [Rat.sub_eq_add_neg]
  exact holds_add hx (holds_neg hy)

theorem holds_hull_left {I J : Interval} {x : Rat} (h : I.Holds x) : (hull I J).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left I.lo J.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left I.hi J.hi)
  unfold Holds hull at *
  grind

theorem holds_hull_right {I J : Interval} {x : Rat} (h : J.Holds x) : (hull I J).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right I.lo J.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right I.hi J.hi)
  unfold Holds hull at *
  grind

/-- A product with one factor fixed lies between the products with the other's bounds. -/
theorem mul_between {a b x c : Rat} (h1 : a ≤ x) (h2 : x ≤ b) :
    (a * c ≤ x * c ∧ x * c ≤ b * c) ∨ (b * c ≤ x * c ∧ x * c ≤ a * c) := by
  rcases Rat.le_total (a := 0) (b := c) with h | h
  · exact .inl ⟨Rat.mul_le_mul_of_nonneg_right h1 h, Rat.mul_le_mul_of_nonneg_right h2 h⟩
  · have h' : 0 ≤ -c := by grind
    have h3 := Rat.mul_le_mul_of_nonneg_right h1 h'
    have h4 := Rat.mul_le_mul_of_nonneg_right h2 h'
    exact .inr ⟨by grind, by grind⟩

/-- A product of intervals holds every product. -/
theorem holds_mul {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (mul I J).Holds (x * y) := by
  unfold mul
  split
  · rename_i h
    apply holds_trim
    unfold Holds at *
    rw [← h.1] at hx
    rw [← h.2] at hy
    have h1 : x = I.lo.toRat := by grind
    have h2 : y = J.lo.toRat := by grind
    rw [h1, h2, ← Dyadic.toRat_mul]
    exact holds_point _
  apply holds_trim
  obtain ⟨hx1, hx2⟩ := hx
  obtain ⟨hy1, hy2⟩ := hy
  have lo (a b c d : Dyadic) : (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ a.toRat ∧
      (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ b.toRat ∧ (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ c.toRat ∧
      (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ d.toRat := by
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left (Dy.min a b) (Dy.min c d))
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right (Dy.min a b) (Dy.min c d))
    have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left a b)
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right a b)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left c d)
    have h6 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right c d)
    grind
  have hi (a b c d : Dyadic) : a.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      b.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧ c.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      d.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat := by
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left (Dy.max a b) (Dy.max c d))
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right (Dy.max a b) (Dy.max c d))
    have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left a b)
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right a b)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left c d)
    have h6 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right c d)
    grind
  have l := lo (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  have h := hi (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  simp only [Dyadic.toRat_mul] at l h
  have p := mul_between (c := y) hx1 hx2
  have q := mul_between (c := I.lo.toRat) hy1 hy2
  have r := mul_between (c := I.hi.toRat) hy1 hy2
  simp only [Rat.mul_comm _ I.lo.toRat, Rat.mul_comm _ I.hi.toRat] at q r
  unfold Holds
  simp only
  rw [Rat.mul_comm I.lo.toRat y, Rat.mul_comm I.hi.toRat y] at *
  grind

/-- The larger of two intervals holds the larger of two numbers. -/
theorem holds_max {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) :
    (max I J).Holds (Max.max x y) := by
  have h0 : Max.max x y = if x ≤ y then y else x := rfl
  rw [h0]
  unfold Holds max Dy.max at *
  simp only [← Dyadic.toRat_le_toRat_iff]
  grind

theorem lt_toRat {x : Dyadic} (h : Dyadic.zero < x) : 0 < x.toRat := by
  have h := Dyadic.toRat_lt_toRat_iff.mpr h
  rwa [Dyadic.zero_eq, Dyadic.toRat_zero] at h

/-- A reciprocal of a positive interval holds the reciprocals of its numbers. -/
theorem holds_invPos {J : Interval} {y : Rat} (hJ : 0 < J.lo.toRat) (hy : J.Holds y) : (invPos J).Holds (1 / y) := by
  obtain ⟨hy1, hy2⟩ := hy
  have h1 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  have h2 := Dy.divDown_mul_le bits (dyadic (Int.ofNat 1)) (y := J.hi) (by grind)
  have h3 := Dy.le_divUp_mul bits (dyadic (Int.ofNat 1)) (y := J.lo) hJ
  have hy0 : 0 < y := by grind
  rw [h1] at h2 h3
  unfold Holds invPos
  simp only
  generalize (Dy.divDown bits (dyadic (Int.ofNat 1)) J.hi).toRat = d at *
  generalize (Dy.divUp bits (dyadic (Int.ofNat 1)) J.lo).toRat = e at *
  constructor
  · have h4 : d * y ≤ 1 := by
      rcases Rat.le_total (a := 0) (b := d) with h | h
      · have := Rat.mul_nonneg h (b := J.hi.toRat - y) (by grind)
        grind
      · have := Rat.mul_nonneg (a := -d) (by grind) (Rat.le_of_lt hy0)
        grind
    have h5 := Rat.div_lt_iff (a := 1) (c := d) hy0
    grind
  · have h4 : 1 ≤ e * y := by
      rcases Rat.le_total (a := 0) (b := e) with h | h
      · have := Rat.mul_nonneg h (b := y - J.lo.toRat) (by grind)
        grind
      · have := Rat.mul_nonneg (a := -e) (by grind) (Rat.le_of_lt hJ)
        grind
    have h5 := Rat.lt_div_iff (a := e) (b := 1) hy0
    grind

/-- A quotient that is defined holds every quotient, and no divisor is 0. -/
theorem holds_div {I J K : Interval} {x y : Rat} (h : div I J = some K) (hx : I.Holds x) (hy : J.Holds y) :
    y ≠ 0 ∧ K.Holds (x / y) := by
  unfold div at h
  split at h
  · rename_i h0
    have h0 := lt_toRat h0
    have hy0 : y ≠ 0 := by unfold Holds at hy; grind
    refine ⟨hy0, ?_⟩
    split at h
    · rename_i hp
      cases h
      have hx1 : x = I.lo.toRat := by unfold Holds at hx; rw [← hp.1] at hx; grind
      have hy1 : y = J.lo.toRat := by unfold Holds at hy; rw [← hp.2] at hy; grind
      rw [hx1, hy1]
      exact ⟨Dy.divDown_le_div bits I.lo h0, Dy.div_le_divUp bits I.lo h0⟩
    · cases h
      have hq : x / y = x * (1 / y) := by grind
      rw [hq]
      exact holds_mul hx (holds_invPos h0 hy)
  · split at h
    · rename_i h0
      cases h
      have h0 := Dyadic.toRat_lt_toRat_iff.mpr h0
      rw [Dyadic.zero_eq, Dyadic.toRat_zero] at h0
      have hy0 : y ≠ 0 := by unfold Holds at hy; grind
      refine ⟨hy0, ?_⟩
      have hq : x / y = -x * (1 / -y) := by grind
      rw [hq]
      refine holds_mul (holds_neg hx) (holds_invPos ?_ (holds_neg hy))
      show 0 < (-J.hi).toRat
      rw [Dyadic.toRat_neg]
      grind
    · cases h

/-- Of two numbers that are at least 0, the one with the smaller square is the smaller. -/
theorem le_of_sq_le {a b : Rat} (hb : 0 ≤ b) (h : a * a ≤ b * b) : a ≤ b := by
  rcases Rat.le_total (a := a) (b := b) with h1 | h1
  · exact h1
  · have h2 := Rat.mul_nonneg (a := a - b) (b := a - b) (by grind) (by grind)
    have h3 := Rat.mul_nonneg hb (b := a - b) (by grind)
    have h4 : (a - b) * (a - b) = 0 := by grind
    rcases Rat.mul_eq_zero.mp h4 with h5 | h5 <;> grind

/-- A square root that is defined has ends that are at least 0, and whose squares enclose every number of the
interval, so it holds the root even where that is irrational. -/
theorem sqrt_sq {I K : Interval} {x : Rat} (h : sqrt I = some K) (hx : I.Holds x) :
    0 ≤ K.lo.toRat ∧ 0 ≤ K.hi.toRat ∧ K.lo.toRat * K.lo.toRat ≤ x ∧ x ≤ K.hi.toRat * K.hi.toRat := by
  unfold sqrt at h
  split at h
  · rename_i h0
    cases h
    rw [Dyadic.zero_eq] at h0
    have h1 := Dyadic.toRat_le_toRat_iff.mpr h0
    rw [Dyadic.toRat_zero] at h1
    unfold Holds at hx
    have h2 : 0 ≤ I.hi.toRat := by grind
    have h3 : 0 ≤ I.hi := Dyadic.toRat_le_toRat_iff.mp (by rwa [Dyadic.toRat_zero])
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.sqrtDown_sq_le bits h0)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_sqrtUp_sq bits h3)
    rw [Dyadic.toRat_mul] at h4 h5
    refine ⟨Dy.sqrtDown_nonneg bits I.lo, Dy.sqrtUp_nonneg bits h2, ?_, ?_⟩ <;> grind
  · cases h

/-- A square root that is defined holds the root of every number of the interval that has a rational one. -/
theorem holds_sqrt {I K : Interval} {x s : Rat} (h : sqrt I = some K) (hx : I.Holds x) (hs : 0 ≤ s)
    (hsx : s * s = x) : K.Holds s := by
  obtain ⟨_, h2, h3, h4⟩ := sqrt_sq h hx
  rw [← hsx] at h3 h4
  exact ⟨le_of_sq_le hs h3, le_of_sq_le h2 h4⟩

/-- Intervals that don't overlap order all their numbers. -/
theorem lt_of_holds {I J : Interval} {x y : Rat} (h : I.hi < J.lo) (hx : I.Holds x) (hy : J.Holds y) : x < y := by
  have h := Dyadic.toRat_lt_toRat_iff.mpr h
  unfold Holds at *
  grind

end Interval
end Spec
