module
public import Spec.Check.Gradient
public import Spec.Law.Verdict
public import Spec.Law.Tangent

/-!
# What a backward pass may compute

A backward pass of a specification's text takes, at each operation, the local derivatives with respect to its operands, at values that
an execution may have there; the products of them along each path from an input to an output; and the sum of the paths. Each number of
the text becomes the values that it may have and the paths that may lead to it, so the text itself, run on them, says what a backward
pass of it may compute.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Bounded size)
open Reach (unit under)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- A path before it is rounded. -/
structure Track where
  /-- The product of its local derivatives as they were computed. -/
  product : Rat
  /-- The product of those above 1 in size. -/
  wide : Rat
  /-- The most roundings that products along it meet. -/
  rounds : Nat

namespace Track

/-- Through one more operation, whose local derivative `w` is computed and multiplied with `k` roundings. -/
def times (w : Rat) (k : Nat) (t : Track) : Track := ⟨w * t.product, Max.max 1 (size w) * t.wide, t.rounds + k⟩

/-- The seed's own path. -/
def seed : Track := ⟨1, 1, 0⟩

/-- Every local derivative that `D` allows, along every path. -/
def Through (D : Rat → Prop) (k : Nat) (T : List Track → Prop) (ts : List Track) : Prop :=
  ∃ w us, D w ∧ T us ∧ ts = us.map (times w k)

/-- Paths through the one operand and paths through the other. -/
def Both (S T : List Track → Prop) (ts : List Track) : Prop := ∃ us vs, S us ∧ T vs ∧ ts = us ++ vs

end Track
open Track

/-- A number of a specification in a backward pass. -/
structure Backward (m : Rounding) (N : Numbers K) where
  /-- The values that it may have. -/
  value : Execution m N
  /-- The paths from the seed that may lead to it. -/
  tracks : List Track → Prop

/-- The functions of a field that the derivative of GELU is made of. -/
structure Normal (N : Numbers K) where
  /-- The distribution function of the standard normal distribution. -/
  cdf : K → K
  /-- Its density. -/
  density : K → K
  /-- The enclosure of the one is right. -/
  cdf_enclosed : N.Enclosed Interval.normalCdf cdf
  /-- So is that of the other. -/
  density_enclosed : N.Enclosed Interval.density density

open Classical in
/-- The absolute value. -/
def Numbers.size (_ : Numbers K) (x : K) : K := if 0 ≤ x then x else -x

/-- `w` is off `y` by at most `r z`. -/
def Numbers.Off (N : Numbers K) (r : Rat) (z y : K) (w : Rat) : Prop :=
  ∃ e : K, (N.ofRat (-r) ≤ e ∧ e ≤ N.ofRat r) ∧ N.ofRat w = y + e * z

namespace Backward

/-- A computed value, which is a number. -/
def Has (e : Execution m N) (w : Rat) : Prop := e.Computes (some w)

/-- The local derivative `g` of a function, at a value as it was computed, off by so many units in the last place of `z`. -/
def Slopes (g z : K → K) (ulps : Nat) (x : Execution m N) (w : Rat) : Prop :=
  ∃ a, Has x a ∧ N.Off ((2 * ulps : Nat) * unit m) (z (N.ofRat a)) (g (N.ofRat a)) w

/-- 1 if the one number is larger than the other, 0 if it is smaller, and anything between if they are equal. -/
def Chosen (x y : Execution m N) (w : Rat) : Prop :=
  ∃ a b, Has x a ∧ Has y b ∧ (b < a → w = 1) ∧ (a < b → w = 0) ∧ 0 ≤ w ∧ w ≤ 1

/-- The paths through a product: the local derivative is the other factor. -/
def product (x y : Backward m N) : List Track → Prop :=
  Both (Through (Has y.value) 1 x.tracks) (Through (Has x.value) 1 y.tracks)

/-- The loop of a sum of products. -/
def dotLoop : List (Backward m N × Backward m N) → (List Track → Prop) → List Track → Prop
  | [], T => T
  | p :: rest, T => dotLoop rest (Both T (product p.1 p.2))

/-- The loop of a sum. -/
def sumLoop : List (Backward m N) → (List Track → Prop) → List Track → Prop
  | [], T => T
  | x :: rest, T => sumLoop rest (Both T x.tracks)

/-- The derivative of SiLU. -/
def siluSlope (N : Numbers K) (x : K) : K := N.sigmoid x * (N.ofRat 1 + x * (N.ofRat 1 - N.sigmoid x))

/-- `σ(x) (1 + |x|)`. -/
def siluSize (N : Numbers K) (x : K) : K := N.sigmoid x * (N.ofRat 1 + N.size x)

/-- The derivative of GELU, `Φ(x) + x φ(x)`. -/
def geluSlope (G : Normal N) (x : K) : K := G.cdf x + x * G.density x

/-- `1 + |x φ(x)|`. -/
def geluSize (G : Normal N) (x : K) : K := N.ofRat 1 + N.size (x * G.density x)

/-- Each operation of a network, and the local derivatives along the paths through it: those that the chain rule names, at the values
that were computed, with the roundings that computing them and multiplying by them takes. The derivative of the hyperbolic tangent
keeps the rounding of `t²`. -/
@[reducible] def scalar (G : Normal N) : Scalar (Backward m N) where
  add x y := ⟨x.value + y.value, Both x.tracks y.tracks⟩
  sub x y := ⟨x.value - y.value, Both x.tracks (Through (· = -1) 0 y.tracks)⟩
  mul x y := ⟨x.value * y.value, product x y⟩
  div x y := ⟨x.value / y.value, Both (Through (fun w => ∃ b, Has y.value b ∧ w = 1 / b) 2 x.tracks)
    (Through (fun w => ∃ a b, Has x.value a ∧ Has y.value b ∧ w = -(a * (1 / b) * (1 / b))) 4 y.tracks)⟩
  neg x := ⟨-x.value, Through (· = -1) 0 x.tracks⟩
  max x y := ⟨Max.max x.value y.value,
    Both (Through (Chosen x.value y.value) 0 x.tracks) (Through (Chosen y.value x.value) 0 y.tracks)⟩
  const n d := ⟨Scalar.const n d, (· = [])⟩
  sum xs := ⟨Scalar.sum (xs.map fun x => x.value), sumLoop xs (· = [])⟩
  dot xs := ⟨Scalar.dot (xs.map fun p => (p.1.value, p.2.value)), dotLoop xs (· = [])⟩
  step a h b := ⟨Scalar.step a.value h.value b.value, Both (product a h) b.tracks⟩
  exp x := ⟨Scalar.exp x.value, Through (Has (Scalar.exp x.value)) 1 x.tracks⟩
  sqrt x := ⟨Scalar.sqrt x.value,
    Through (fun w => ∃ b, Has (Scalar.const (Int.ofNat 2) 1 * Scalar.sqrt x.value) b ∧ w = 1 / b) 2 x.tracks⟩
  sigmoid x := ⟨Scalar.sigmoid x.value,
    Through (fun w => ∃ s, Has (Scalar.sigmoid x.value) s ∧ w = s * (1 - s)) 3 x.tracks⟩
  tanh x := ⟨Scalar.tanh x.value, Through (fun w => ∃ t, Has (Scalar.tanh x.value) t ∧
    Bounded (w - (1 - t * t)) (twoPowNeg (Int.ofNat m.precision - Int.ofNat 1)).toRat) 2 x.tracks⟩
  softplus x := ⟨Scalar.softplus x.value, Through (Slopes N.sigmoid N.sigmoid m.softplusUlp x.value) 2 x.tracks⟩
  silu x := ⟨Scalar.silu x.value, Through (Slopes (siluSlope N) (siluSize N) m.siluUlp x.value) 2 x.tracks⟩
  gelu x := ⟨Scalar.gelu x.value, Through (Slopes (geluSlope G) (geluSize G) m.geluUlp x.value) 2 x.tracks⟩
  either x y := ⟨Scalar.either x.value y.value, fun ts => x.tracks ts ∨ y.tracks ts⟩

/-- Recorded numbers; the entry `i` of the input called `name` is the seed. -/
@[reducible] def seeded (name : String) (i : Nat) : Recorded (Backward m N) :=
  ⟨fun n j x => ⟨.recorded x, if j = i && n == name then (· = [Track.seed]) else (· = [])⟩⟩

/-- The paths through one output, weighted. -/
def weigh (g : Tensor) (j : Nat) (y : Backward m N) (T : List Track → Prop) : List Track → Prop :=
  Both T (Through (· = (g.format.decode (g.bits.getD j 0)).toRat) 1 y.tracks)

/-- A number with no path. -/
def nothing : Backward m N := ⟨.of fun _ => False, fun _ => False⟩

/-- The loop over the entries of a block whose first one has the flat index `first`. -/
def blockLoop (g : Tensor) (block : Array (Backward m N)) (first i fuel : Nat) (T : List Track → Prop) : List Track → Prop :=
  match fuel with
  | 0 => T
  | fuel + 1 => blockLoop g block first (i + 1) fuel (weigh g (first + i) (block.getD i nothing) T)

/-- The loop over the blocks of a prediction. -/
def loop (p : Prediction (Backward m N)) (g : Tensor) (b fuel : Nat) (T : List Track → Prop) : List Track → Prop :=
  match fuel with
  | 0 => T
  | fuel + 1 => loop p g (b + 1) fuel (blockLoop g (p.block b) (b * p.size) 0 p.size T)

/-- The paths from the seed to the weighted sum of all outputs. -/
def paths (p : Prediction (Backward m N)) (g : Tensor) : List Track → Prop :=
  loop p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) (· = [])

/-- A backward pass may compute `v` for an entry of a gradient: it rounds each path's product, and the paths' sum in any order, so that
a path meets no more roundings than its products have and there are paths. -/
def Computes (p : Prediction (Backward m N)) (g : Tensor) (v : Rat) : Prop :=
  ∃ ts, paths p g ts ∧ ∃ vs, Each (fun t z => ∃ n, n ≤ t.rounds + ts.length ∧ Chain (unit m) (under m) n t.product t.wide z) ts vs ∧
    v = Rounding.total (fun z => z) vs

end Backward

/-! ### Paths stay in their slope -/

namespace Slope

/-- The paths' products are those that the slope follows, and no path has more roundings than it counts; of the derivative nothing is
said. -/
def Runs (s : Slope) (ts : List Track) : Prop :=
  (∃ I x, ({ s with exact := I } : Slope).Follows x (ts.map fun t => (t.product, t.wide))) ∧ ∀ t ∈ ts, t.rounds ≤ s.roundings

theorem runs_seed : seed.Runs [Track.seed] := ⟨⟨_, _, follows_seed⟩, by simp [Track.seed]⟩

theorem runs_zero : zero.Runs [] := by
  refine ⟨⟨Interval.int 0, 0, ?_⟩, by simp⟩
  have h0 : (dyadic (0 : Nat)).toRat = 0 := by rw [show ((0 : Nat) : Int) = Int.ofNat 0 from rfl, Reach.toRat_nat]; rfl
  have h : (Interval.int 0).Holds 0 := by
    have h := Interval.holds_point (dyadic (Int.ofNat 0))
    rwa [Reach.toRat_nat] at h
  exact ⟨h, h, Rat.le_refl, Rat.le_refl, Nat.le_refl _, by simp⟩

theorem runs_scale {s : Slope} {d : Local} {w : Rat} {k : Nat} {ts : List Track} (hs : s.Runs ts) (hw : d.run.Holds w)
    (hk : k ≤ d.roundings) : (s.scale d).Runs (ts.map (Track.times w k)) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := hs
  have h' := follows_scale (d := { d with exact := Interval.point Dyadic.zero }) h (Interval.holds_point _) hw
  refine ⟨⟨Interval.mul (Interval.point Dyadic.zero) I, Dyadic.zero.toRat * x, ?_⟩, ?_⟩
  · rw [List.map_map] at h' ⊢
    exact h'
  · intro t ht
    obtain ⟨u, hu, rfl⟩ := List.mem_map.mp ht
    have := hr u hu
    show u.rounds + k ≤ s.roundings + d.roundings
    omega

theorem runs_both {s t : Slope} {us vs : List Track} (hs : s.Runs us) (ht : t.Runs vs) : (s.both t).Runs (us ++ vs) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := hs
  obtain ⟨⟨J, y, h'⟩, hr'⟩ := ht
  have h'' := follows_both (s := { s with exact := I }) (t := { t with exact := J }) h h'
  refine ⟨⟨Interval.add I J, x + y, by rw [List.map_append]; exact h''⟩, fun t ht => ?_⟩
  show _ ≤ Nat.max _ _
  rcases List.mem_append.mp ht with ht | ht
  · exact Nat.le_trans (hr _ ht) (Nat.le_max_left _ _)
  · exact Nat.le_trans (hr' _ ht) (Nat.le_max_right _ _)

theorem runs_either {s t : Slope} {ts : List Track} (h : s.Runs ts ∨ t.Runs ts) : (s.either t).Runs ts := by
  have m1 := toRat_max s.mags t.mags
  have m2 := toRat_max s.spread t.spread
  rcases h with ⟨⟨I, x, h⟩, hr⟩ | ⟨⟨I, x, h⟩, hr⟩
  · refine ⟨⟨I, x, h.exact, Interval.holds_hull_left h.run, Rat.le_trans h.mags m1.1, Rat.le_trans h.spread m2.1,
      Nat.le_trans h.paths (Nat.le_max_left _ _), h.wide⟩, fun t ht => Nat.le_trans (hr t ht) (Nat.le_max_left _ _)⟩
  · refine ⟨⟨I, x, h.exact, Interval.holds_hull_right h.run, Rat.le_trans h.mags m1.2, Rat.le_trans h.spread m2.2,
      Nat.le_trans h.paths (Nat.le_max_right _ _), h.wide⟩, fun t ht => Nat.le_trans (hr t ht) (Nat.le_max_right _ _)⟩

end Slope

namespace Tangent

/-- The paths are those that the slope follows, if it is defined. -/
def Leads (s : Option Slope) (T : List Track → Prop) : Prop :=
  ∀ ts, T ts → match s with
    | none => ts = []
    | some s => s.ok = true → s.Runs ts

theorem leads_none : Leads none (· = []) := fun _ h => h

theorem leads_join {s t : Option Slope} {S T : List Track → Prop} (hs : Leads s S) (ht : Leads t T) :
    Leads (join s t) (Both S T) := by
  rintro _ ⟨us, vs, hu, hv, rfl⟩
  have h1 := hs us hu
  have h2 := ht vs hv
  cases s <;> cases t <;> simp only [join] at *
  · subst h1 h2; rfl
  · subst h1; exact h2
  · subst h2; rw [List.append_nil]; exact h1
  · intro h
    simp only [Slope.both, Bool.and_eq_true] at h
    exact Slope.runs_both (h1 h.1) (h2 h.2)

theorem leads_through {d : Option Local} {s : Option Slope} {D : Rat → Prop} {k : Nat} {T : List Track → Prop}
    (hs : Leads s T) (hd : ∀ l, d = some l → k ≤ l.roundings ∧ ∀ w, D w → l.run.Holds w) :
    Leads (through d s) (Through D k T) := by
  rintro _ ⟨w, us, hw, hu, rfl⟩
  have h := hs us hu
  cases s with
  | none => subst h; rfl
  | some s =>
    cases d with
    | none => intro h; simp [Slope.undefined] at h
    | some l => exact fun hok => Slope.runs_scale (h hok) ((hd l rfl).2 w hw) (hd l rfl).1

theorem leads_neither {S T : List Track → Prop} (hs : Leads none S) (ht : Leads none T) :
    Leads none fun ts => S ts ∨ T ts := fun ts h => h.elim (hs ts) (ht ts)

theorem leads_either {s t : Option Slope} {S T : List Track → Prop} (hs : Leads s S) (ht : Leads t T) :
    Leads (some ((s.getD Slope.zero).either (t.getD Slope.zero))) fun ts => S ts ∨ T ts := by
  have run {s : Option Slope} {T : List Track → Prop} (h : Leads s T) {ts : List Track} (hts : T ts)
      (hok : (s.getD Slope.zero).ok = true) : (s.getD Slope.zero).Runs ts := by
    have h := h ts hts
    cases s with
    | none => subst h; exact Slope.runs_zero
    | some s => exact h hok
  intro ts h hok
  simp only [Slope.either, Bool.and_eq_true] at hok
  exact Slope.runs_either (h.imp (fun h => run hs h hok.1) fun h => run ht h hok.2)

end Tangent

/-! ### Local derivatives -/

namespace Tangent
open Backward (Has Slopes Chosen)

theorem holds_one : (Interval.int 1).Holds 1 := Interval.holds_point (dyadic (Int.ofNat 1))

theorem holds_zero : (Interval.int 0).Holds 0 := by
  have h := Interval.holds_point (dyadic (Int.ofNat 0))
  rwa [Reach.toRat_nat] at h

theorem Has.holds {r : Reach m} {e : Execution m N} (h : Inside r e) (hok : r.ok = true) {w : Rat} (hw : Has e w) :
    r.run.Holds w := by
  obtain ⟨z, hz, hr⟩ := h.computes hok hw
  cases hz
  exact hr

/-- A local derivative: the roundings that it counts, and the interval that holds what is computed. -/
def Allows (d : Option Local) (D : Rat → Prop) (k : Nat) : Prop :=
  ∀ l, d = some l → k ≤ l.roundings ∧ ∀ w, D w → l.run.Holds w

theorem allows_minus : Allows minusOne (· = -1) 0 := by
  rintro l hl
  cases hl
  exact ⟨Nat.le_refl _, fun w hw => hw ▸ Interval.holds_neg holds_one⟩

theorem allows_factor {r : Reach m} {e : Execution m N} (h : Inside r e) : Allows (factor r) (Has e) 1 := by
  intro l hl
  unfold factor at hl
  split at hl <;> cases hl
  exact ⟨Nat.le_refl _, fun w hw => Has.holds h ‹_› hw⟩

theorem allows_quotient {r s : Reach m} {e : Execution m N} (hs : Inside s e) :
    Allows ((quotientLocals r s).map fun d => d.1) (fun w => ∃ b, Has e b ∧ w = 1 / b) 2 := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok _ hR
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    refine ⟨Nat.le_refl _, ?_⟩
    rintro w ⟨b, hb, rfl⟩
    exact (Interval.holds_div hR holds_one (Has.holds hs hok.2 hb)).2
  · cases hl

theorem allows_divisor {r s : Reach m} {d e : Execution m N} (hr : Inside r d) (hs : Inside s e) :
    Allows ((quotientLocals r s).map fun d => d.2)
      (fun w => ∃ a b, Has d a ∧ Has e b ∧ w = -(a * (1 / b) * (1 / b))) 4 := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok _ hR
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    refine ⟨Nat.le_refl _, ?_⟩
    rintro w ⟨a, b, ha, hb, rfl⟩
    have hi := (Interval.holds_div hR holds_one (Has.holds hs hok.2 hb)).2
    exact Interval.holds_neg (Interval.holds_mul (Interval.holds_mul (Has.holds hr hok.1 ha) hi) hi)
  · cases hl

theorem allows_choice {r s : Reach m} {d e : Execution m N} (hr : Inside r d) (hs : Inside s e) :
    Allows (choice r s) (Chosen d e) 0 := by
  intro l hl
  unfold choice at hl
  split at hl <;> cases hl
  rename_i hok
  have hok := Bool.and_eq_true _ _ ▸ hok
  refine ⟨Nat.le_refl _, ?_⟩
  rintro w ⟨a, b, ha, hb, h1, h0, hw⟩
  have ha := Has.holds hr hok.1 ha
  have hb := Has.holds hs hok.2 hb
  show (larger r.run s.run).Holds w
  unfold larger
  split
  · rename_i h; rw [h1 (Interval.lt_of_holds h hb ha)]; exact holds_one
  · split
    · rename_i h; rw [h0 (Interval.lt_of_holds h ha hb)]; exact holds_zero
    · exact ⟨hw.1, hw.2⟩

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

/-! ### Every operation keeps it -/

/-- The values are in reach, and the paths are those that the slope follows. -/
def Traced (x : Tangent m) (b : Backward m N) : Prop := Inside x.value b.value ∧ Tangent.Leads x.slope b.tracks

namespace Traced
open Tangent

theorem product {x y : Tangent m} {b c : Backward m N} (hx : Traced x b) (hy : Traced y c) :
    Leads (Tangent.product x y) (Backward.product b c) := by
  have h := leads_join (leads_through hx.2 (allows_factor hy.1)) (leads_through hy.2 (allows_factor hx.1))
  unfold Tangent.product
  split
  · rename_i h1 h2
    rw [h1, h2] at h
    exact h
  · exact h

theorem sumLoop {xs : List (Tangent m)} {bs : List (Backward m N)} (h : Each Traced xs bs) :
    ∀ {s : Option Slope} {T : List Track → Prop}, Leads s T → Leads (Tangent.sumLoop xs s) (Backward.sumLoop bs T) := by
  induction h with
  | nil => exact fun h => h
  | cons h _ ih => exact fun hs => ih (leads_join hs h.2)

theorem dotLoop {xs : List (Tangent m × Tangent m)} {bs : List (Backward m N × Backward m N)}
    (h : Each (fun p q => Traced p.1 q.1 ∧ Traced p.2 q.2) xs bs) :
    ∀ {s : Option Slope} {T : List Track → Prop}, Leads s T → Leads (Tangent.dotLoop xs s) (Backward.dotLoop bs T) := by
  induction h with
  | nil => exact fun h => h
  | cons h _ ih => exact fun hs => ih (leads_join hs (product h.1 h.2))

theorem apply {x : Tangent m} {b : Backward m N} {D : Rat → Prop} {value : Reach m}
    {f : Interval → Option (Interval × Interval)} {ulps : Nat} (hx : Traced x b)
    (hd : Allows (derivative m f ulps x.value) D 2) :
    Leads (Tangent.apply value f ulps x).slope (Through D 2 b.tracks) := by
  have h := leads_through hx.2 hd
  unfold Tangent.apply
  simp only
  split
  · rename_i h1; rw [h1] at h; exact h
  · rename_i h1; rw [h1] at h; exact h

end Traced

/-- Every operation keeps the paths of a backward pass those that the evaluator follows; so does every layer. -/
theorem traced_preserved [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) (G : Normal N) :
    letI := Backward.scalar (m := m) G
    Preserved (Traced (m := m) (N := N)) :=
  letI := Backward.scalar (m := m) G
  have values := inside_preserved (m := m) hN
  open Tangent in
  { add := fun hx hy => ⟨values.add hx.1 hy.1, leads_join hx.2 hy.2⟩
    sub := fun hx hy => ⟨values.sub hx.1 hy.1, leads_join hx.2 (leads_through hy.2 allows_minus)⟩
    mul := fun hx hy => ⟨values.mul hx.1 hy.1, hx.product hy⟩
    div := fun {x y _ _} hx hy => ⟨values.div hx.1 hy.1, by
      have h := leads_join (leads_through hx.2 (allows_quotient (r := x.value) hy.1))
        (leads_through hy.2 (allows_divisor hx.1 hy.1))
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    neg := fun hx => ⟨values.neg hx.1, leads_through hx.2 allows_minus⟩
    max := fun {x y _ _} hx hy => ⟨values.max hx.1 hy.1, by
      have h := leads_join (leads_through hx.2 (allows_choice hx.1 hy.1)) (leads_through hy.2 (allows_choice hy.1 hx.1))
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    const := fun n d => ⟨values.const n d, leads_none⟩
    sum := fun hs => ⟨values.sum (hs.map fun _ _ h => h.1), Traced.sumLoop hs leads_none⟩
    dot := fun hs => ⟨values.dot (hs.map fun _ _ h => ⟨h.1.1, h.2.1⟩), Traced.dotLoop hs leads_none⟩
    step := fun ha hh hb => ⟨values.step ha.1 hh.1 hb.1, leads_join (ha.product hh) hb.2⟩
    exp := fun hx => ⟨values.exp hx.1, leads_through hx.2 (allows_factor (values.exp hx.1))⟩
    sqrt := fun {x _} hx => ⟨values.sqrt hx.1, by
      have h := leads_through hx.2 (allows_quotient (r := Scalar.sqrt x.value)
        (values.mul (values.const (Int.ofNat 2) 1) (values.sqrt hx.1)))
      show Leads (match x.slope with | none => none | s => _) _
      split
      · rename_i h1; rw [h1] at h; exact h
      · exact h⟩
    sigmoid := fun hx => ⟨values.sigmoid hx.1, leads_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      refine ⟨Nat.le_refl _, ?_⟩
      rintro w ⟨s, hs, rfl⟩
      have hs := Has.holds (values.sigmoid hx.1) hok hs
      exact Interval.holds_mul hs (Interval.holds_sub holds_one hs)⟩
    tanh := fun hx => ⟨values.tanh hx.1, leads_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      refine ⟨Nat.le_refl _, ?_⟩
      rintro w ⟨t, ht, hw⟩
      have ht := Has.holds (values.tanh hx.1) hok ht
      exact Reach.holds_widen (Interval.holds_sub holds_one (Interval.holds_mul ht ht)) hw⟩
    softplus := fun hx => ⟨values.softplus hx.1, hx.apply (allows_derivative (parts_softplus hN) _ hx.1)⟩
    silu := fun hx => ⟨values.silu hx.1, hx.apply (allows_derivative (parts_silu hN) _ hx.1)⟩
    gelu := fun hx => ⟨values.gelu hx.1, hx.apply (allows_derivative (parts_gelu G) _ hx.1)⟩
    either := fun {x y _ _} hx hy => ⟨values.either hx.1 hy.1, by
      have hs := hx.2
      have ht := hy.2
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) fun ts => _ ∨ _
      split
      · rename_i h1 h2; rw [h1] at hs; rw [h2] at ht; exact leads_neither hs ht
      · exact leads_either hs ht⟩ }

/-! ### The verdict -/

namespace Slope

/-- Whatever a backward pass computes along the paths of a slope is in reach. -/
theorem Runs.holds {s : Slope} {ts : List Track} (h : s.Runs ts) {vs : List Rat}
    (hv : Each (fun t z => ∃ n, n ≤ t.rounds + ts.length ∧ Chain (unit m) (under m) n t.product t.wide z) ts vs)
    (hok : (s.finish m).ok = true) : (s.finish m).run.Holds (Rounding.total (fun z => z) vs) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := h
  have few : ts.length ≤ s.paths := by have := h.paths; simpa using this
  obtain ⟨qs, hq, hz⟩ : ∃ qs : List (Path (unit m) (under m) (s.roundings + s.paths)),
      qs.map (fun q => (q.product, q.wide)) = ts.map (fun t => (t.product, t.wide)) ∧ qs.map (fun q => q.value) = vs := by
    clear h
    generalize ts.length = k at hv few
    induction hv with
    | nil => exact ⟨[], rfl, rfl⟩
    | @cons t z ts vs hc _ ih =>
      obtain ⟨qs, h1, h2⟩ := ih fun t ht => hr t (by simp [ht])
      obtain ⟨n, hn, hc⟩ := hc
      have := hr t (by simp)
      exact ⟨⟨t.product, t.wide, z, n, by omega, hc⟩ :: qs, by simp [h1], by simp [h2]⟩
  have parts : (({ s with exact := I } : Slope).finish m).ok = (s.finish m).ok ∧
      (({ s with exact := I } : Slope).finish m).run = (s.finish m).run := by
    unfold finish
    simp only
    split <;> exact ⟨rfl, rfl⟩
  have hs := sound_gradient (s := { s with exact := I }) qs (by rw [hq]; exact h) (by rw [parts.1]; exact hok)
  rw [← parts.2, ← hz, Rounding.total_map]
  exact hs.run

end Slope

namespace Gradient
open Tangent

theorem leads_block {g : Tensor} {b : Array (Tangent m)} {c : Array (Backward m N)} (h : Each Traced b.toList c.toList)
    (first i fuel : Nat) {s : Option Slope} {T : List Track → Prop} (hs : Leads s T) :
    Leads (blockLoop g b first i fuel s) (Backward.blockLoop g c first i fuel T) := by
  induction fuel generalizing i s T with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (i + 1) ?_
    have hentry : Leads (b.getD i ⟨Reach.undefined, some Slope.undefined⟩).slope (c.getD i Backward.nothing).tracks := by
      have hi := h.getElem? i
      simp only [Array.getElem?_toList] at hi
      rw [Array.getD_eq_getD_getElem?, Array.getD_eq_getD_getElem?]
      rcases hi with ⟨h1, h2⟩ | ⟨x, y, h1, h2, hxy⟩
      · rw [h1, h2]
        exact fun ts hts => hts.elim
      · rw [h1, h2]
        exact hxy.2
    generalize b.getD i ⟨Reach.undefined, some Slope.undefined⟩ = y at *
    have weight : Allows (some ⟨Interval.point (g.format.decode (g.bits.getD (first + i) 0)),
        Interval.point (g.format.decode (g.bits.getD (first + i) 0)), 1⟩)
        (· = (g.format.decode (g.bits.getD (first + i) 0)).toRat) 1 := by
      intro l hl
      cases hl
      exact ⟨Nat.le_refl _, fun w hw => hw ▸ Interval.holds_point _⟩
    have hj := leads_join hs (leads_through hentry weight)
    show Leads (weigh g (first + i) y s) (Backward.weigh g (first + i) (c.getD i Backward.nothing) T)
    unfold weigh
    split
    · rename_i h1
      rw [h1] at hj
      cases s <;> exact hj
    · rename_i t h1
      rw [h1] at hj
      exact hj

theorem leads_loop {p : Prediction (Tangent m)} {q : Prediction (Backward m N)} (h : p.Alike Traced q) (g : Tensor)
    (b fuel : Nat) {s : Option Slope} {T : List Track → Prop} (hs : Leads s T) :
    Leads (loop p g b fuel s) (Backward.loop q g b fuel T) := by
  induction fuel generalizing b s T with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (b + 1) ?_
    rw [h.size]
    exact leads_block (h.block b) _ _ _ hs

/-- What a backward pass computes for an entry of a gradient is in its reach. -/
theorem entry_holds {p : Prediction (Tangent m)} {q : Prediction (Backward m N)} (h : p.Alike Traced q) {g : Tensor} {v : Rat}
    (hv : Backward.Computes q g v) (hok : (entry p g).ok = true) : (entry p g).run.Holds v := by
  obtain ⟨ts, hts, vs, hvs, rfl⟩ := hv
  unfold Backward.paths at hts
  rw [← h.size] at hts
  have hl := leads_loop h g 0 (if p.size = 0 then 0 else g.bits.size / p.size) leads_none ts hts
  unfold entry at hok ⊢
  simp only at hok ⊢
  generalize loop p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) none = s at *
  cases s with
  | none =>
    subst hl
    cases hvs
    exact Interval.holds_point Dyadic.zero
  | some s =>
    have hs : s.ok = true := by
      unfold Slope.finish at hok
      simp only at hok
      split at hok
      · cases hok
      · simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at hok
        exact hok.1.1
    exact (hl hs).holds hvs hok

end Gradient

/-- A correct backward pass never fails: if a recorded gradient has the shape of its input, and each judged entry of it is a value that a
backward pass of the specification's text may compute from the recorded inputs and weights, then the verdict is not FAIL. -/
theorem gradient_ne_fail [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) (G : Normal N)
    {point : Point} (hpoint : Parametric point) {r : Request} {wrt : String} {p : Prediction (Reach m)}
    (hp : Gradient.predict point m r wrt = .ok p) {out : Tensor} (hshape : p.shape = out.shape) {g : Tensor}
    (hg : r.tensor Gradient.cotangent = .ok g) {indices : List Nat}
    (hout : ∀ i ∈ indices, ∀ q, @point (Backward m N) (Backward.scalar G) (Backward.seeded wrt i) r = .ok q →
      ∃ v, out.number? i = some v ∧ Backward.Computes q g v.toRat) :
    ("verdict", Lean.Json.str "FAIL") ∉ judge p out indices := by
  have failed : (tally p out indices).failed = 0 := by
    unfold tally
    rw [judgeLoop_failed]
    · rfl
    intro i hi _ hok
    unfold Gradient.predict at hp
    cases hx : r.tensor wrt with
    | error e => rw [hx] at hp; cases hp
    | ok x =>
      rw [hx, hg] at hp
      cases hy : point (Reach m) r with
      | error e => rw [hy] at hp; cases hp
      | ok y =>
        rw [hy] at hp
        have hp : (if y.shape == g.shape then _ else _) = _ := hp
        split at hp
        · cases hp
          simp only [Nat.div_one, Nat.mod_one] at hok ⊢
          letI := Backward.scalar (m := m) G
          have agree := @hpoint (Tangent m) (Backward m N) _ _ (Gradient.seeded wrt i) (Backward.seeded wrt i) Traced
            (traced_preserved hN G) (fun name j x => ⟨Inside.recorded x, by
              show Tangent.Leads (if j = i && name == wrt then some Slope.seed else none)
                (if j = i && name == wrt then (· = [Track.seed]) else (· = []))
              split
              · exact fun ts hts _ => hts ▸ Slope.runs_seed
              · exact Tangent.leads_none⟩) r
          have hout := hout i hi
          generalize @point (Backward m N) (Backward.scalar G) (Backward.seeded wrt i) r = b at agree hout
          generalize @point (Tangent m) _ (Gradient.seeded wrt i) r = a at agree hok ⊢
          cases agree with
          | error e => cases hok
          | ok h =>
            obtain ⟨v, hv, hc⟩ := hout _ rfl
            exact ⟨v, hv, Gradient.entry_holds h hc hok⟩
        · cases hp
  unfold judge
  rw [hshape]
  simp only [beq_self_eq_true, if_true]
  intro h
  simp only [List.mem_cons, Prod.mk.injEq, List.not_mem_nil, or_false] at h
  rcases h with h | h | h | h | h | h | h | h | h
  · have h := Tally.word_eq_fail (Lean.Json.str.inj h.2).symm
    rw [failed] at h
    exact absurd h (by decide)
  all_goals exact absurd h.1 (by decide)

end Spec
