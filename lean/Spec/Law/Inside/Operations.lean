module
public import Spec.Law.Execution
public import Spec.Law.Preserved
public import Spec.Law.Trail

/-!
# Every operation stays inside its reach

Whatever an implementation computes for a number of a specification, if each of its operations meets the rounding model as long as it
does not overflow: where the evaluator has a budget, no operation overflowed, and the number lies in the interval that the evaluation
gives. So it is for every operation but sums.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Rounded Meets Given)
open Reach (unit under)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- If the evaluator has a budget, every value that an execution may compute is a number, and in reach; and the steps of a
recurrence are those that the evaluator followed. -/
def Inside (r : Reach m) (e : Execution m N) : Prop :=
  r.ok = true → ∀ v ss, e.after v ss → ∃ z, v = some z ∧ r.run.Holds z ∧ ∃ bs, Trail.Follows m r.trail ss bs

namespace Inside

theorem computes {r : Reach m} {e : Execution m N} (h : Inside r e) (hok : r.ok = true) {v : Option Rat} (hv : e.Computes v) :
    ∃ z, v = some z ∧ r.run.Holds z := by
  obtain ⟨ss, hs⟩ := hv
  obtain ⟨z, hz, hr, _⟩ := h hok v ss hs
  exact ⟨z, hz, hr⟩

theorem of_enclosed {E R : Interval} {ok : Bool} {p : Option Rat → Prop}
    (h : ok = true → ∀ v, p v → ∃ z, v = some z ∧ R.Holds z) :
    Inside (.enclosed E R ok : Reach m) (Execution.of p : Execution m N) := by
  rintro hok v ss ⟨hv, hs⟩
  obtain ⟨z, rfl, hz⟩ := h hok v hv
  rw [hs.some]
  exact ⟨z, rfl, hz, _, Trail.follows_start hz⟩

/-- An operation whose results are in reach if it does not overflow: where the reach fits, it does not. -/
theorem of_rounded {E R : Interval} {ok : Bool} {p : Option Rat → Prop}
    (h : ok = true → ∀ v, p v → ∃ q, Meets m.largest.toRat q v ∧ ∀ z, q z → R.Holds z) :
    Inside (Reach.rounded m E R ok) (Execution.of p : Execution m N) :=
  of_enclosed fun hok v hv => by
    simp only [Bool.and_eq_true] at hok
    obtain ⟨q, hq, hR⟩ := h hok.1 v hv
    obtain ⟨z, rfl, hz⟩ := hq fun z hz => Reach.bounded_fits hok.2 (hR z hz)
    exact ⟨z, rfl, hR z hz⟩

theorem undefined (e : Execution m N) : Inside (Reach.undefined : Reach m) e := by
  intro hok
  cases hok

/-- A recorded number is what was recorded. -/
theorem recorded (x : Dyadic) : Inside (.recorded x : Reach m) (Execution.recorded x : Execution m N) := by
  rintro _ v ss ⟨rfl, hs⟩
  rw [hs.some]
  exact ⟨_, rfl, Interval.holds_point x, _, Trail.follows_start (Interval.holds_point x)⟩

variable {r s t : Reach m} {a b c : Execution m N}

/-- A rounded operation on two numbers. -/
theorem of_binary {E R : Interval} {p : Rat → Rat → Option Rat → Prop} (hr : Inside r a) (hs : Inside s b)
    (h : ∀ x y v, r.run.Holds x → s.run.Holds y → p x y v → ∃ w, R.Holds w ∧ m.Rounds w v) :
    Inside (Reach.rounded m E (Reach.round m 1 R) (r.ok && s.ok)) (a.binary b p) :=
  of_rounded fun hok v ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    obtain ⟨x, rfl, rx⟩ := hr.computes hok.1 hx
    obtain ⟨y, rfl, ry⟩ := hs.computes hok.2 hy
    obtain ⟨w, hw, hv⟩ := h x y v rx ry hv.some.some
    exact ⟨_, hv, fun z hz => Reach.holds_round hw hz⟩

theorem add (hr : Inside r a) (hs : Inside s b) : Inside (r + s) (a + b) :=
  of_binary hr hs fun _ _ _ hx hy hv => ⟨_, Interval.holds_add hx hy, hv⟩

theorem sub (hr : Inside r a) (hs : Inside s b) : Inside (r - s) (a - b) :=
  of_binary hr hs fun _ _ _ hx hy hv => ⟨_, Interval.holds_sub hx hy, hv⟩

theorem mul (hr : Inside r a) (hs : Inside s b) : Inside (r * s) (a * b) :=
  of_binary hr hs fun _ _ _ hx hy hv => ⟨_, Interval.holds_mul hx hy, hv⟩

theorem div (hr : Inside r a) (hs : Inside s b) : Inside (r / s) (a / b) := by
  show Inside (Reach.quotient m r s) _
  unfold Reach.quotient
  split
  · rename_i E R he hR
    exact of_binary hr hs fun _ _ _ hx hy hv => by
      obtain ⟨h0, h⟩ := Interval.holds_div hR hx hy
      exact ⟨_, h, hv h0⟩
  · exact undefined _

theorem neg (hr : Inside r a) : Inside (-r) (-a) :=
  of_enclosed fun hok _ ⟨_, hx, hv⟩ => by
    obtain ⟨x, rfl, rx⟩ := hr.computes hok hx
    exact ⟨_, hv.some, Interval.holds_neg rx⟩

theorem max (hr : Inside r a) (hs : Inside s b) : Inside (Max.max r s) (Max.max a b) :=
  of_enclosed fun hok _ ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    obtain ⟨x, rfl, rx⟩ := hr.computes hok.1 hx
    obtain ⟨y, rfl, ry⟩ := hs.computes hok.2 hy
    exact ⟨_, hv.some.some, Interval.holds_max rx ry⟩

theorem either (hr : Inside r a) (hs : Inside s b) : Inside (Scalar.either r s) (Scalar.either a b) :=
  of_enclosed fun hok _ hv => by
    simp only [Bool.and_eq_true] at hok
    rcases hv with hv | hv
    · obtain ⟨x, rfl, rx⟩ := hr.computes hok.1 hv
      exact ⟨x, rfl, Interval.holds_hull_left rx⟩
    · obtain ⟨x, rfl, rx⟩ := hs.computes hok.2 hv
      exact ⟨x, rfl, Interval.holds_hull_right rx⟩

theorem toRat_int (n : Int) : (dyadic n).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show (n : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one]

theorem const (n : Int) (d : Nat) : Inside (Scalar.const n d : Reach m) (Scalar.const n d : Execution m N) := by
  show Inside (Reach.rational m n d) (Execution.of _)
  unfold Reach.rational
  split
  · rename_i h
    split
    · rename_i hfits
      rintro _ v ss ⟨hv, hs⟩
      have hn : (Interval.point (dyadic n)).Holds n := by rw [← toRat_int]; exact Interval.holds_point _
      obtain ⟨z, rfl, rfl⟩ := hv fun z hz => hz ▸ Reach.bounded_fits hfits hn
      rw [hs.some]
      exact ⟨_, rfl, hn, _, Trail.follows_start hn⟩
    · exact undefined _
  · rename_i h
    split
    · rename_i q hq
      exact of_rounded fun _ v hv => by
        have hd : (Interval.int d).Holds d := by
          have := Interval.holds_point (dyadic (Int.ofNat d))
          rwa [Reach.toRat_nat] at this
        have hn := Interval.holds_point (dyadic n)
        rw [toRat_int] at hn
        exact ⟨_, hv, fun z hz => Reach.holds_round (Interval.holds_div hq hn hd).2 hz⟩
    · exact undefined _

/-! ### Functions -/

section Functions
variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]

theorem holds_function {I : Interval} {y : K} {k : Nat} {slack : Rat} {w : Dyadic} {v : Rat} (hy : N.Holds I y)
    (hv : N.Misses ((k : Rat) * unit m) (under m + slack) y v) (hw : slack ≤ w.toRat) :
    ((Reach.round m k I).widen w).Holds v := by
  have hk : (dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision)).toRat = k * unit m := by
    rw [Dyadic.toRat_mul, Reach.toRat_nat]
    rfl
  have lo := Reach.end_size I I.lo (dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision))
  have hi := Reach.end_size I I.hi (dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision))
  rw [hk] at lo hi
  have h := N.holds_misses hy hv lo hi
  generalize e1 : Dy.up 32 (if dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) ≤ dyadic (Int.ofNat 1) then
    Dy.abs I.lo else I.mag) = p at *
  generalize e2 : Dy.up 32 (if dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) ≤ dyadic (Int.ofNat 1) then
    Dy.abs I.hi else I.mag) = q at *
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le Reach.runBits
    (I.lo - (p * (dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision)) + twoPowNeg (Int.ofNat m.smallest))))
  have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up Reach.runBits
    (I.hi + (q * (dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision)) + twoPowNeg (Int.ofNat m.smallest))))
  have tiny : (twoPowNeg (Int.ofNat m.smallest)).toRat = under m := rfl
  unfold Interval.Holds Reach.round Reach.roundTo Reach.shorten Interval.widen Interval.stretch
  simp only [e1, e2]
  rw [Dyadic.toRat_sub, Dyadic.toRat_add, Dyadic.toRat_mul, hk, tiny] at h2
  rw [Dyadic.toRat_add, Dyadic.toRat_add, Dyadic.toRat_mul, hk, tiny] at h3
  rw [Dyadic.toRat_sub, Dyadic.toRat_add]
  constructor <;> grind

theorem apply {f : Interval → Option Interval} {g : K → K} (hf : N.Enclosed f g) (k : Nat) {slack : Rat} {w : Dyadic}
    (hw : slack ≤ w.toRat) (hr : Inside r a) : Inside (Reach.apply m f k w r) (Execution.apply g k slack a) := by
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ => by
        obtain ⟨x, rfl, rx⟩ := hr.computes hok hx
        exact ⟨_, hv.some, fun z hz => holds_function (hf hR ((N.holds_ofRat).mpr rx)) hz hw⟩
    · exact undefined _
  · exact undefined _

theorem sqrt (hr : Inside r a) : Inside (Scalar.sqrt r) (Scalar.sqrt a) := by
  show Inside (Reach.apply m Interval.sqrt m.sqrtUlp Dyadic.zero r) _
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ => by
        obtain ⟨x, rfl, rx⟩ := hr.computes hok hx
        have h0 := (Interval.sqrt_sq hR ⟨Rat.le_refl, Rat.le_trans rx.1 rx.2⟩)
        have h1 := Rat.mul_nonneg h0.1 h0.1
        refine ⟨_, hv.some (by have := rx.1; grind), fun z hz => ?_⟩
        exact holds_function (slack := 0) (N.enclosed_sqrt hR ((N.holds_ofRat).mpr rx)) (by rwa [Rat.add_zero]) Rat.le_refl
    · exact undefined _
  · exact undefined _

theorem gelu (hN : N.Enclosing) (hr : Inside r a) : Inside (Scalar.gelu r) (Scalar.gelu a) := by
  show Inside (Reach.apply m Interval.gelu 1
    (r.run.mag * dyadic (Int.ofNat (2 * m.geluUlp)) * twoPowNeg (Int.ofNat m.precision)) r) _
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ => by
        obtain ⟨x, rfl, rx⟩ := hr.computes hok hx
        refine ⟨_, hv.some, fun z hz => holds_function (k := 2) (hN.gelu hR ((N.holds_ofRat).mpr rx)) hz ?_⟩
        have h1 := Rounding.size_le (Reach.bounded_mag rx)
        have h2 : 0 ≤ ((2 * m.geluUlp : Nat) : Rat) * unit m :=
          Rat.mul_nonneg (by exact_mod_cast Nat.zero_le _) Reach.unit_nonneg
        have h3 := Rat.mul_le_mul_of_nonneg_right h1 h2
        simp only [Dyadic.toRat_mul, Reach.toRat_nat]
        show _ ≤ r.run.mag.toRat * _ * unit m
        grind
    · exact undefined _
  · exact undefined _

end Functions

/-! ### A step of a recurrence -/

theorem step (hr : Inside r a) (hs : Inside s b) (ht : Inside t c) : Inside (Scalar.step r s t) (Scalar.step a b c) := by
  show Inside (Reach.step r s t) (Execution.step a b c)
  unfold Execution.step
  split
  · rename_i horder
    unfold Reach.step
    rw [if_pos horder]
    exact of_rounded fun hok v ⟨_, _, _, _, hx, hy, hz, hp, hv⟩ => by
      simp only [Bool.and_eq_true] at hok
      obtain ⟨x, rfl, rx⟩ := hr.computes hok.1.1.1 hx
      obtain ⟨y, rfl, ry⟩ := hs.computes hok.1.1.2 hy
      obtain ⟨z, rfl, rz⟩ := ht.computes hok.1.2 hz
      have product {w : Rat} (hw : Rounded (unit m) (under m) (x * y) w) := Reach.holds_round (Interval.holds_mul rx ry) hw
      obtain ⟨p, rfl, rp⟩ := hp.some.some fun w hw => Reach.bounded_fits hok.2 (product hw)
      exact ⟨_, hv.some.some, fun w hw => Reach.holds_round (Interval.holds_add (product rp) rz) hw⟩
  · rename_i horder
    rintro hok v ss ⟨_, _, _, past, hx, hy, hz, h⟩
    have hoks : r.ok = true ∧ s.ok = true ∧ t.ok = true := by
      unfold Reach.step at hok
      rw [if_neg horder] at hok
      simp only at hok
      split at hok
      · cases hok
      · simp only [Reach.ok, Bool.and_eq_true] at hok
        exact ⟨hok.1.1.1, hok.1.1.2, hok.1.2⟩
    obtain ⟨x, rfl, rx⟩ := hr.computes hoks.1 hx
    obtain ⟨y, rfl, _, bs, hbs⟩ := hs hoks.2.1 _ past hy
    obtain ⟨z, rfl, rz⟩ := ht.computes hoks.2.2 hz
    obtain ⟨rfl, tree, htree, hd, hv⟩ := h.some.some.some
    exact Trail.holds_step horder hbs rx rz htree hv (by rw [htree]; exact hd) hok

end Inside
end Spec
