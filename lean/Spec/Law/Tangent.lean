module
public import Spec.Num.Tangent
public import Spec.Law.Reach

/-!
# A faithful backward pass never leaves its reach

A backward pass multiplies local derivatives along each path from an input to the outputs, rounding on the way, and adds up the
paths, rounding again. Whatever its order, each path is a chain of exact products and of at most so many roundings as the
specification's evaluation counts, and its result lies in the interval that the evaluation gives.
-/

@[expose] public noncomputable section
namespace Spec
open Rounding (Bounded Rounded growth total size)
variable {m : Rounding}

/-- A path as it is computed, after `n` roundings: the exact product `p` of its local derivatives, the product `a` of those above 1 in
size, and the computed value. A rounded sum of paths is a rounding of each of them. -/
inductive Chain (u t : Rat) : (n : Nat) → (p a v : Rat) → Prop
  | one : Chain u t 0 1 1 1
  | times {n : Nat} {p a v : Rat} (w : Rat) (h : Chain u t n p a v) : Chain u t n (w * p) (Max.max 1 (size w) * a) (w * v)
  | round {n : Nat} {p a v z : Rat} (h : Chain u t n p a v) (hz : Rounded u t v z) : Chain u t (n + 1) p a z

theorem size_nonneg (x : Rat) : 0 ≤ size x := (Rounding.bounded_size x).nonneg

theorem size_mul (x y : Rat) : size (x * y) ≤ size x * size y :=
  Rounding.size_le ((Rounding.bounded_size x).mul (Rounding.bounded_size y))

theorem size_mul_ge (x y : Rat) : size x * size y ≤ size (x * y) := by
  have h := Rounding.bounded_size (x * y)
  unfold Bounded at h
  unfold size at *
  split <;> split <;> grind

theorem le_max_one (w : Rat) : 1 ≤ Max.max 1 (size w) ∧ size w ≤ Max.max 1 (size w) := by
  have : Max.max 1 (size w) = if 1 ≤ size w then size w else 1 := rfl
  rw [this]
  split <;> grind

/-- After `n` roundings, a path's value is within `((1 + u)ⁿ - 1) |p|` of its product, and a term for underflow. -/
theorem Chain.error {u t : Rat} (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Nat} {p a v : Rat} (h : Chain u t n p a v) :
    1 ≤ a ∧ Bounded (v - p) ((growth u n - 1) * size p + n * (growth u n * (t * a))) := by
  induction h with
  | one => unfold Bounded growth; constructor <;> grind
  | @times n p a v w h ih =>
    obtain ⟨ha, hb⟩ := ih
    obtain ⟨h1, h2⟩ := le_max_one w
    have hg := Rounding.one_le_growth hu n
    have hn : (0 : Rat) ≤ n := by exact_mod_cast Nat.zero_le n
    have h3 := Rat.mul_nonneg (a := Max.max 1 (size w) - 1) (b := a) (by grind) (by grind)
    refine ⟨by grind, ?_⟩
    have h4 := (Rounding.bounded_size w).mul hb
    have h5 := Rat.mul_nonneg (a := growth u n - 1) (b := size (w * p) - size w * size p) (by grind)
      (by have := size_mul_ge w p; grind)
    have h6 := Rat.mul_nonneg (a := n * (growth u n * t)) (b := (Max.max 1 (size w) - size w) * a)
      (Rat.mul_nonneg hn (Rat.mul_nonneg (by grind) ht)) (Rat.mul_nonneg (by grind) (by grind))
    generalize Max.max 1 (size w) = k at *
    unfold Bounded at *
    constructor <;> grind
  | @round n p a v z h hz ih =>
    obtain ⟨ha, hb⟩ := ih
    refine ⟨ha, ?_⟩
    have hg := Rounding.one_le_growth hu n
    have hn : (0 : Rat) ≤ n := by exact_mod_cast Nat.zero_le n
    have hp := Rounding.bounded_size p
    have hv : Bounded v (growth u n * size p + n * (growth u n * (t * a))) := by
      unfold Bounded at *
      constructor <;> grind
    have he := hz.error hv
    have h1 := Rat.mul_nonneg (a := growth u n + growth u n * u - 1) (b := t * a)
      (by have := Rat.mul_nonneg (a := growth u n) (b := u) (by grind) hu; grind) (Rat.mul_nonneg ht (by grind))
    have h2 := Rat.mul_nonneg (a := a - 1) (b := t) (by grind) ht
    have h3 : ((n + 1 : Nat) : Rat) = n + 1 := by rw [Rat.natCast_add]; rfl
    rw [h3]
    simp only [growth]
    unfold Bounded at *
    constructor <;> grind

/-- One path of a backward pass: of at most `N` roundings. -/
structure Path (u t : Rat) (N : Nat) where
  /-- The exact product of its local derivatives, as they were computed. -/
  product : Rat
  /-- The product of those above 1 in size. -/
  wide : Rat
  /-- Its value. -/
  value : Rat
  /-- Its roundings. -/
  rounds : Nat
  /-- They are no more than `N`. -/
  few : rounds ≤ N
  /-- How it is computed. -/
  chain : Chain u t rounds product wide value

namespace Slope
open Interval (Holds)

/-- `x` is the derivative that `s` stands for, and the pairs are the paths' products and the products of their factors above 1. -/
structure Follows (s : Slope) (x : Rat) (ps : List (Rat × Rat)) : Prop where
  /-- The derivative is enclosed. -/
  exact : s.exact.Holds x
  /-- The sum of the products is enclosed. -/
  run : s.run.Holds (total (fun p => p.1) ps)
  /-- So is that of their sizes. -/
  mags : total (fun p => size p.1) ps ≤ s.mags.toRat
  /-- And how underflow is amplified. -/
  spread : total (fun p => p.2) ps ≤ s.spread.toRat
  /-- There are no more paths than are counted. -/
  paths : ps.length ≤ s.paths
  /-- Sizes are not negative. -/
  wide : ∀ p ∈ ps, 0 ≤ p.2

theorem follows_seed : seed.Follows 1 [(1, 1)] := by
  have h : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  have h' : total (fun p : Rat × Rat => p.1) [(1, 1)] = 1 := by simp only [total]; grind
  refine ⟨?_, ?_, ?_, ?_, Nat.le_refl _, by simp; decide⟩
  · exact Interval.holds_point (dyadic (Int.ofNat 1))
  · rw [h']; exact Interval.holds_point (dyadic (Int.ofNat 1))
  · show _ ≤ (dyadic (Int.ofNat 1)).toRat
    rw [h]; decide +kernel
  · show _ ≤ (dyadic (Int.ofNat 1)).toRat
    rw [h]; decide +kernel

theorem total_scale {ι : Type} (f : ι → Rat) (c : Rat) (ps : List ι) : total (fun p => c * f p) ps = c * total f ps := by
  induction ps with
  | nil => simp only [total]; grind
  | cons p ps ih => simp only [total, ih]; grind

theorem total_le {ι : Type} {f g : ι → Rat} (h : ∀ p, f p ≤ g p) (ps : List ι) : total f ps ≤ total g ps := by
  induction ps with
  | nil => exact Rat.le_refl
  | cons p ps ih => have := h p; simp only [total]; grind

theorem total_nonneg {ι : Type} {f : ι → Rat} : ∀ {ps : List ι}, (∀ p ∈ ps, 0 ≤ f p) → 0 ≤ total f ps
  | [], _ => Rat.le_refl
  | p :: ps, h => by
    have h1 := h p (by simp)
    have h2 := total_nonneg (f := f) (ps := ps) fun q hq => h q (by simp [hq])
    simp only [total]
    grind

theorem toRat_max (x y : Dyadic) : x.toRat ≤ (Dy.max x y).toRat ∧ y.toRat ≤ (Dy.max x y).toRat :=
  ⟨Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left x y), Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right x y)⟩

/-- Through one more operation, every path's product has one more factor: the chain rule. -/
theorem follows_scale {s : Slope} {d : Local} {x e w : Rat} {ps : List (Rat × Rat)} (hs : s.Follows x ps)
    (he : d.exact.Holds e) (hw : d.run.Holds w) :
    (s.scale d).Follows (e * x) (ps.map fun p => (w * p.1, Max.max 1 (size w) * p.2)) := by
  have hm : size w ≤ (Dy.up 32 d.run.mag).toRat := by
    have h1 := Rounding.size_le (Reach.bounded_mag hw)
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 d.run.mag)
    grind
  refine ⟨Interval.holds_mul he hs.exact, ?_, ?_, ?_, by simpa using hs.paths, ?_⟩
  · rw [Rounding.total_map, total_scale]
    exact Interval.holds_mul hw hs.run
  · rw [Rounding.total_map]
    have h1 := total_le (fun p : Rat × Rat => size_mul w p.1) ps
    rw [total_scale] at h1
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 (Dy.up 32 d.run.mag * s.mags))
    have h3 := hs.mags
    have h4 := size_nonneg w
    have h5 : 0 ≤ total (fun p : Rat × Rat => size p.1) ps := total_nonneg fun p _ => size_nonneg p.1
    rw [Dyadic.toRat_mul] at h2
    have h6 := Rat.mul_nonneg (a := (Dy.up 32 d.run.mag).toRat - size w) (by grind) h5
    have h7 := Rat.mul_nonneg (a := (Dy.up 32 d.run.mag).toRat)
      (b := s.mags.toRat - total (fun p : Rat × Rat => size p.1) ps) (by grind) (by grind)
    show _ ≤ (Dy.up 32 (Dy.up 32 d.run.mag * s.mags)).toRat
    grind
  · rw [Rounding.total_map, total_scale]
    have h1 := toRat_max (dyadic (Int.ofNat 1)) (Dy.up 32 d.run.mag)
    have h2 := Dyadic.toRat_le_toRat_iff.mpr
      (Dy.le_up 32 (Dy.max (dyadic (Int.ofNat 1)) (Dy.up 32 d.run.mag) * s.spread))
    have h3 := hs.spread
    have h4 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
    have h5 : 0 ≤ total (fun p : Rat × Rat => p.2) ps := total_nonneg hs.wide
    have h6 : Max.max 1 (size w) ≤ (Dy.max (dyadic (Int.ofNat 1)) (Dy.up 32 d.run.mag)).toRat := by
      have : Max.max 1 (size w) = if 1 ≤ size w then size w else 1 := rfl
      rw [this]
      split <;> grind
    have h7 := (le_max_one w).1
    rw [Dyadic.toRat_mul] at h2
    show _ ≤ (Dy.up 32 (Dy.max (dyadic (Int.ofNat 1)) (Dy.up 32 d.run.mag) * s.spread)).toRat
    generalize (Dy.max (dyadic (Int.ofNat 1)) (Dy.up 32 d.run.mag)).toRat = k at *
    generalize Max.max 1 (size w) = c at *
    generalize total (fun p : Rat × Rat => p.2) ps = A at *
    have h8 := Rat.mul_nonneg (a := k - c) (by grind) h5
    have h9 := Rat.mul_nonneg (a := k) (b := s.spread.toRat - A) (by grind) (by grind)
    grind
  · intro q hq
    obtain ⟨p, hp, rfl⟩ := List.mem_map.mp hq
    have h1 := (le_max_one w).1
    exact Rat.mul_nonneg (by grind) (hs.wide p hp)

/-- Where paths meet, derivatives add up. -/
theorem follows_both {s t : Slope} {x y : Rat} {ps qs : List (Rat × Rat)} (hs : s.Follows x ps) (ht : t.Follows y qs) :
    (s.both t).Follows (x + y) (ps ++ qs) := by
  refine ⟨Interval.holds_add hs.exact ht.exact, ?_, ?_, ?_, ?_, fun p hp => (List.mem_append.mp hp).elim (hs.wide p) (ht.wide p)⟩
  · rw [Rounding.total_append]; exact Interval.holds_add hs.run ht.run
  · have h1 := hs.mags
    have h2 := ht.mags
    simp only [Rounding.total_append, both, Dyadic.toRat_add]
    grind
  · have h1 := hs.spread
    have h2 := ht.spread
    simp only [Rounding.total_append, both, Dyadic.toRat_add]
    grind
  · have h1 := hs.paths
    have h2 := ht.paths
    simp only [List.length_append, both]
    omega

theorem total_error {u t : Rat} (hu : 0 ≤ u) (ht : 0 ≤ t) {N : Nat} (qs : List (Path u t N)) :
    Bounded (total (fun q => q.value) qs - total (fun q => q.product) qs)
      ((growth u N - 1) * total (fun q => size q.product) qs + N * (growth u N * (t * total (fun q => q.wide) qs))) := by
  induction qs with
  | nil => simp only [total]; unfold Bounded; constructor <;> grind
  | cons q qs ih =>
    obtain ⟨ha, hb⟩ := q.chain.error hu ht
    have hg := Rounding.growth_mono hu q.few
    have hg1 := Rounding.one_le_growth hu q.rounds
    have hn : (q.rounds : Rat) ≤ N := by exact_mod_cast q.few
    have h0 : (0 : Rat) ≤ q.rounds := by exact_mod_cast Nat.zero_le _
    have h1 := Rat.mul_nonneg (a := growth u N - growth u q.rounds) (by grind) (size_nonneg q.product)
    have hta := Rat.mul_nonneg ht (show 0 ≤ q.wide by grind)
    have h2 := Rat.mul_nonneg (a := (N : Rat) - q.rounds) (b := growth u N * (t * q.wide)) (by grind)
      (Rat.mul_nonneg (by grind) hta)
    have h3 := Rat.mul_nonneg (a := (q.rounds : Rat)) (b := (growth u N - growth u q.rounds) * (t * q.wide)) h0
      (Rat.mul_nonneg (by grind) hta)
    simp only [total]
    unfold Bounded at *
    constructor <;> grind

/-- A backward pass is in reach: whatever it adds first, if no path meets more roundings than the slope counts, its result lies in
the interval that `finish` gives. -/
theorem sound_gradient {s : Slope} {uses : Nat} {x : Rat} (qs : List (Path (Reach.unit m) (Reach.under m) (s.rounds uses)))
    (hs : s.Follows x (qs.map fun q => (q.product, q.wide))) (hok : (s.finish m uses).ok = true) :
    Reach.Sound (s.finish m uses) x (total (fun q => q.value) qs) := by
  have herror := total_error Reach.unit_nonneg Reach.under_nonneg qs
  have hrun := hs.run
  have hmags := hs.mags
  have hspread := hs.spread
  rw [Rounding.total_map] at hrun hmags hspread
  have hM : 0 ≤ total (fun q : Path (Reach.unit m) (Reach.under m) (s.rounds uses) => size q.product) qs :=
    total_nonneg fun q _ => size_nonneg q.product
  have hA : 0 ≤ total (fun q : Path (Reach.unit m) (Reach.under m) (s.rounds uses) => q.wide) qs :=
    total_nonneg fun q _ => by have := (q.chain.error Reach.unit_nonneg Reach.under_nonneg).1; grind
  unfold finish at hok ⊢
  simp only at hok ⊢
  cases hg : Rounding.gamma m.precision (s.rounds uses) with
  | none => rw [hg] at hok; simp [Reach.undefined, Reach.ok] at hok
  | some g =>
  obtain ⟨hg1, hg2⟩ := Reach.growth_le_gamma hg
  refine ⟨hs.exact, Reach.holds_shorten (Reach.holds_widen hrun ?_)⟩
  have hG := Rounding.one_le_growth (Reach.unit_nonneg (m := m)) (s.rounds uses)
  have hg1 : growth (Reach.unit m) (s.rounds uses) - 1 ≤ g.toRat := hg1
  have hn : (dyadic (Int.ofNat (s.rounds uses))).toRat = ((s.rounds uses : Nat) : Rat) := by
    unfold dyadic
    rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
    show (((s.rounds uses : Nat) : Int) : Rat) * 2 ^ (-0 : Int) = _
    rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]
  simp only [Dyadic.toRat_add, Dyadic.toRat_mul, hn]
  have h0 : (0 : Rat) ≤ ((s.rounds uses : Nat) : Rat) := by exact_mod_cast Nat.zero_le _
  have ht : 0 ≤ m.tiny.toRat := Reach.under_nonneg (m := m)
  show Bounded _ _
  have herror : Bounded _ ((growth (Reach.unit m) (s.rounds uses) - 1) * _ +
    ((s.rounds uses : Nat) : Rat) * (growth (Reach.unit m) (s.rounds uses) * (m.tiny.toRat * _))) := herror
  generalize growth (Reach.unit m) (s.rounds uses) = G at *
  generalize ((s.rounds uses : Nat) : Rat) = n at *
  simp only at hmags hspread
  generalize total (fun q : Path (Reach.unit m) (Reach.under m) (s.rounds uses) => size q.product) qs = M at *
  generalize total (fun q : Path (Reach.unit m) (Reach.under m) (s.rounds uses) => q.wide) qs = A at *
  have p1 := Rat.mul_nonneg (a := g.toRat - (G - 1)) (b := M) (by grind) hM
  have p2 := Rat.mul_nonneg (a := g.toRat) (b := s.mags.toRat - M) (by grind) (by grind)
  have p3 := Rat.mul_nonneg (a := n * m.tiny.toRat) (b := G * (s.spread.toRat - A)) (Rat.mul_nonneg h0 ht)
    (Rat.mul_nonneg (by grind) (by grind))
  have p5 := Rat.mul_nonneg (a := n * m.tiny.toRat) (b := (1 + g.toRat - G) * s.spread.toRat) (Rat.mul_nonneg h0 ht)
    (Rat.mul_nonneg (by grind) (by grind))
  unfold Bounded at *
  constructor <;> grind

end Slope

namespace Tangent
open Interval (Holds)

/-- `d` is the derivative that a slope stands for, if it is defined, and `ps` are its paths. -/
def Moves (s : Option Slope) (d : Rat) (ps : List (Rat × Rat)) : Prop :=
  match s with
  | none => d = 0 ∧ ps = []
  | some s => s.ok = true → s.Follows d ps

theorem moves_join {s t : Option Slope} {x y : Rat} {ps qs : List (Rat × Rat)} (hs : Moves s x ps) (ht : Moves t y qs) :
    Moves (join s t) (x + y) (ps ++ qs) := by
  cases s <;> cases t <;> simp only [Moves, join] at *
  · obtain ⟨rfl, rfl⟩ := hs; obtain ⟨rfl, rfl⟩ := ht; exact ⟨by grind, rfl⟩
  · obtain ⟨rfl, rfl⟩ := hs; intro h; rw [Rat.zero_add]; exact ht h
  · obtain ⟨rfl, rfl⟩ := ht; intro h; rw [Rat.add_zero, List.append_nil]; exact hs h
  · intro h
    simp only [Slope.both, Bool.and_eq_true] at h
    exact Slope.follows_both (hs h.1) (ht h.2)

theorem moves_onward {s : Option Slope} {x : Rat} {ps : List (Rat × Rat)} (h : Moves s x ps) : Moves (onward s) x ps := by
  cases s with
  | none => exact h
  | some s => exact fun hok => let ⟨a, b, c, d, e, f⟩ := h hok; ⟨a, b, c, d, e, f⟩

theorem moves_through {d : Option Local} {s : Option Slope} {x e w : Rat} {ps : List (Rat × Rat)} (hs : Moves s x ps)
    (he : ∀ l, d = some l → l.exact.Holds e) (hw : ∀ l, d = some l → l.run.Holds w) :
    Moves (through d s) (e * x) (ps.map fun p => (w * p.1, Max.max 1 (size w) * p.2)) := by
  cases s with
  | none =>
    obtain ⟨rfl, rfl⟩ := hs
    exact ⟨by grind, rfl⟩
  | some s =>
    cases d with
    | none => intro h; simp [Slope.undefined] at h
    | some l => exact fun h => Slope.follows_scale (hs h) (he l rfl) (hw l rfl)

theorem holds_factor {x : Reach m} {a a' : Rat} (hx : Reach.Sound x a a') :
    (∀ l, factor x = some l → l.exact.Holds a) ∧ ∀ l, factor x = some l → l.run.Holds a' := by
  constructor <;> intro l hl <;> unfold factor at hl <;> split at hl <;> cases hl
  · exact hx.exact
  · exact hx.run

/-- The product rule, `(x y)' = y x' + x y'`, with the factors as they were computed along the paths. -/
theorem moves_mul {x y : Tangent m} {a a' b b' dx dy : Rat} {ps qs : List (Rat × Rat)} (hx : Reach.Sound x.value a a')
    (hy : Reach.Sound y.value b b') (hdx : Moves x.slope dx ps) (hdy : Moves y.slope dy qs) :
    Moves (x * y).slope (b * dx + a * dy)
      ((ps.map fun p => (b' * p.1, Max.max 1 (size b') * p.2)) ++ qs.map fun p => (a' * p.1, Max.max 1 (size a') * p.2)) := by
  show Moves (product x y) _ _
  have h := moves_join (moves_through hdx (holds_factor hy).1 (holds_factor hy).2)
    (moves_through hdy (holds_factor hx).1 (holds_factor hx).2)
  unfold product
  split
  · rename_i h1 h2
    rw [h1] at hdx
    rw [h2] at hdy
    obtain ⟨rfl, rfl⟩ := hdx
    obtain ⟨rfl, rfl⟩ := hdy
    exact ⟨by grind, rfl⟩
  · exact h

/-- Derivatives of a sum add up. -/
theorem moves_add {x y : Tangent m} {dx dy : Rat} {ps qs : List (Rat × Rat)} (hdx : Moves x.slope dx ps)
    (hdy : Moves y.slope dy qs) : Moves (x + y).slope (dx + dy) (ps ++ qs) :=
  moves_join (moves_onward hdx) (moves_onward hdy)

/-- One step of a recurrence, `(a h + b)' = h a' + a h' + b'`: what a backward scan adds up. -/
theorem moves_step {x h y : Tangent m} {a a' b b' dx dh dy : Rat} {ps qs rs : List (Rat × Rat)}
    (hx : Reach.Sound x.value a a') (hh : Reach.Sound h.value b b') (hdx : Moves x.slope dx ps) (hdh : Moves h.slope dh qs)
    (hdy : Moves y.slope dy rs) :
    Moves (Scalar.step x h y).slope (b * dx + a * dh + dy)
      (((ps.map fun p => (b' * p.1, Max.max 1 (size b') * p.2)) ++ qs.map fun p => (a' * p.1, Max.max 1 (size a') * p.2)) ++ rs) :=
  moves_join (moves_mul hx hh hdx hdh) (moves_onward hdy)

end Tangent
end Spec
