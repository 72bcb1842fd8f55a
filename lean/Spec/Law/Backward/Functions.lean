module
public import Spec.Law.Backward.Slope

/-!
# Derivatives of the functions in a backward pass

The local derivatives of softplus, SiLU, GELU and their like, as a backward pass computes them, are in their enclosures.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Bounded size)
open Reach (unit under)
open Track

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

namespace Tangent
open Backward (Has Slopes Chosen)

section Functions
variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]
open Rationals

/-- Both parts of a derivative are right: the derivative `g`, and the size `z` in relation to which it may be off. -/
def Parts (N : Numbers K) (f : Interval → Option (Interval × Interval)) (g z : K → K) : Prop :=
  ∀ {I J S : Interval} {x : K}, f I = some (J, S) → N.Holds I x →
    N.Holds J (g x) ∧ -N.ofRat S.mag.toRat ≤ z x ∧ z x ≤ N.ofRat S.mag.toRat

theorem holds_mag {I : Interval} {x : K} (h : N.Holds I x) : -N.ofRat I.mag.toRat ≤ x ∧ x ≤ N.ofRat I.mag.toRat := by
  have hlo := Reach.bounded_mag (I := I) (x := I.lo.toRat) ⟨Rat.le_refl, h.le⟩
  have hhi := Reach.bounded_mag (I := I) (x := I.hi.toRat) ⟨h.le, Rat.le_refl⟩
  have h1 := N.ofRat_le.mpr hlo.1
  have h2 := N.ofRat_le.mpr hhi.2
  rw [N.ofRat_neg] at h1
  obtain ⟨h3, h4⟩ := h
  constructor <;> grind

theorem size_bounded {x c : K} (h : -c ≤ x ∧ x ≤ c) : 0 ≤ N.size x ∧ N.size x ≤ c := by
  unfold Numbers.size
  split <;> constructor <;> grind

theorem allows_derivative {f : Interval → Option (Interval × Interval)} {g z : K → K} (hf : Parts N f g z) (ulps : Nat)
    {r : Reach m} {e : Execution m N} (h : Inside r e) : Allows (derivative m f ulps r) (Slopes g z ulps e) 2 := by
  intro l hl
  unfold derivative at hl
  split at hl
  · rename_i _ _ J S hok _ hR
    cases hl
    refine ⟨Nat.le_refl _, ?_⟩
    rintro w ⟨a, ha, d, hd, hw⟩
    obtain ⟨hy, hz⟩ := hf hR ((N.holds_ofRat).mpr (Has.holds h hok ha))
    rw [N.ofRat_neg] at hd
    have hp := mul_bounded hd hz
    rw [← N.ofRat_mul] at hp
    have h0 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 S.mag)
    have hk : 0 ≤ ((2 * ulps : Nat) : Rat) * unit m := Rat.mul_nonneg (by exact_mod_cast Nat.zero_le _) Reach.unit_nonneg
    have hW : ((2 * ulps : Nat) : Rat) * unit m * S.mag.toRat ≤
        (Dy.up 32 S.mag * dyadic (Int.ofNat (2 * ulps)) * twoPowNeg (Int.ofNat m.precision)).toRat := by
      have := Rat.mul_le_mul_of_nonneg_right h0 hk
      simp only [Dyadic.toRat_mul, Reach.toRat_nat]
      show _ ≤ (Dy.up 32 S.mag).toRat * _ * unit m
      grind
    generalize Dy.up 32 S.mag * dyadic (Int.ofNat (2 * ulps)) * twoPowNeg (Int.ofNat m.precision) = W at *
    have hW := N.ofRat_le.mpr hW
    obtain ⟨hy1, hy2⟩ := hy
    have h6 := N.ofRat_add J.hi.toRat W.toRat
    have h7 := N.ofRat_add J.lo.toRat (-W.toRat)
    rw [N.ofRat_neg] at h7
    show (J.widen W).Holds w
    unfold Interval.Holds Interval.widen
    simp only [Dyadic.toRat_sub, Dyadic.toRat_add]
    rw [Rat.sub_eq_add_neg]
    constructor <;> apply N.ofRat_le.mp
    · rw [h7]; grind
    · rw [h6]; grind
  · cases hl

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_ofRat_one : N.Holds (Interval.int 1) (N.ofRat 1) := N.holds_point (dyadic (Int.ofNat 1))

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem ofRat_one_add (x : Dyadic) : N.ofRat (dyadic (Int.ofNat 1) + x).toRat = N.ofRat 1 + N.ofRat x.toRat := by
  rw [Dyadic.toRat_add, N.ofRat_add]
  rfl

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem le_ofRat_mag_point (c : Dyadic) : N.ofRat c.toRat ≤ N.ofRat (Interval.point c).mag.toRat :=
  N.ofRat_le.mpr (Reach.bounded_mag (Interval.holds_point c)).2

theorem parts_softplus (hN : N.Enclosing) : Parts N (relative Interval.sigmoid) N.sigmoid N.sigmoid := by
  intro I J S x h hx
  unfold relative at h
  cases hs : Interval.sigmoid I with
  | none => rw [hs] at h; cases h
  | some s =>
    rw [hs] at h
    cases h
    have := hN.sigmoid hs hx
    exact ⟨this, holds_mag this⟩

theorem parts_silu (hN : N.Enclosing) : Parts N siluParts (Backward.siluSlope N) (Backward.siluSize N) := by
  intro I J S x h hx
  unfold siluParts at h
  cases hs : Interval.sigmoid I with
  | none => rw [hs] at h; cases h
  | some s =>
    rw [hs] at h
    cases h
    have hσ := hN.sigmoid hs hx
    refine ⟨holds_mul hσ (holds_add holds_ofRat_one (holds_mul hx (holds_sub holds_ofRat_one hσ))), ?_⟩
    have h1 := holds_mag hσ
    have h2 := size_bounded (N := N) (holds_mag hx)
    have h3 := N.ofRat_one
    have h0 := N.ofRat_nonneg (show (0 : Rat) ≤ 1 by decide)
    have hp := mul_bounded h1 (y := N.ofRat 1 + N.size x) (s := N.ofRat 1 + N.ofRat I.mag.toRat)
      ⟨by grind, by grind⟩
    have h4 := le_ofRat_mag_point (N := N) (s.mag * (dyadic (Int.ofNat 1) + I.mag))
    rw [Dyadic.toRat_mul, N.ofRat_mul, ofRat_one_add] at h4
    unfold Backward.siluSize
    constructor <;> grind

theorem parts_gelu (G : Normal N) : Parts N geluParts (Backward.geluSlope G) (Backward.geluSize G) := by
  intro I J S x h hx
  unfold geluParts at h
  cases hc : Interval.normalCdf I with
  | none => rw [hc] at h; cases h
  | some c =>
    cases hd : Interval.density I with
    | none => rw [hc, hd] at h; cases h
    | some d =>
      rw [hc, hd] at h
      cases h
      have hy := holds_mul hx (G.density_enclosed hd hx)
      refine ⟨holds_add (G.cdf_enclosed hc hx) hy, ?_⟩
      have h2 := size_bounded (N := N) (holds_mag hy)
      have h0 := N.ofRat_nonneg (show (0 : Rat) ≤ 1 by decide)
      have h4 := le_ofRat_mag_point (N := N) (dyadic (Int.ofNat 1) + (Interval.mul I d).mag)
      rw [ofRat_one_add] at h4
      unfold Backward.geluSize
      constructor <;> grind

end Functions
end Tangent

end Spec
