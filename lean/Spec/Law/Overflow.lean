module
public import Spec.Law.Depth
public import Spec.Law.ScanRounding

/-!
# Overflow

A device's result is a number, or it is infinite or NaN, which is `none` here. An operation keeps to its error bound as long as
no number within the bound is beyond the largest one, `L`; else, and after any operand that is no number, it may give anything. A sum
of products and a composed recurrence whose magnitudes are small enough against `L` are therefore computed without overflow, in
whatever order.
-/

@[expose] public noncomputable section
namespace Spec.Rounding
variable {L u t : Rat}

/-- `v` is a number with the property, if no number with the property is beyond `L`. -/
def Meets (L : Rat) (p : Rat → Prop) (v : Option Rat) : Prop := (∀ z, p z → Bounded z L) → ∃ z, v = some z ∧ p z

/-- What holds of a number, if it is one. -/
def Given (x : Option Rat) (p : Rat → Prop) : Prop := ∀ y, x = some y → p y

theorem Given.some {y : Rat} {p : Rat → Prop} (h : Given (some y) p) : p y := h y rfl

theorem Bounded.mono {x r s : Rat} (h : Bounded x r) (hs : r ≤ s) : Bounded x s := by
  unfold Bounded at *
  grind

/-! ### Sums of products -/

namespace Order

/-- `v` can come out of the products in the order of the tree, each rounded or kept exactly inside a fused operation, where any
rounding may overflow. -/
inductive Computes (L u t : Rat) : Order → Option Rat → Prop
  | fused {x y : Rat} : Computes L u t (leaf x y) (some (x * y))
  | product {x y : Rat} {v : Option Rat} (h : Meets L (Rounded u t (x * y)) v) : Computes L u t (leaf x y) v
  | sum {l r : Order} {a b v : Option Rat} (hl : Computes L u t l a) (hr : Computes L u t r b)
      (h : Given a fun x => Given b fun y => Meets L (Rounded u t (x + y)) v) : Computes L u t (node l r) v

/-- No part of a sum is beyond `(1 + u)ᵈ⁺¹ (Σ |xᵢ yᵢ| + 2 n t)`. -/
theorem run_bounded (hu : 0 ≤ u) (ht : 0 ≤ t) {o : Order} {v m : Rat} {d : Nat} (hv : Run u t o v) (hm : Size m o)
    (hd : o.depth ≤ d) : Bounded v (growth u (d + 1) * (m + 2 * o.terms * t)) := by
  have h1 := run_error_depth hu ht hv hm hd
  have h2 := hm.exact
  have h3 := Rat.mul_nonneg (a := growth u (d + 1)) (b := t) (by have := one_le_growth hu (d + 1); grind) ht
  unfold Bounded at *
  constructor <;> grind

/-- A sum whose products are small enough does not overflow. -/
theorem finite (hu : 0 ≤ u) (ht : 0 ≤ t) {o : Order} {v : Option Rat} (hv : Computes L u t o v) :
    ∀ {m : Rat} {d : Nat}, Size m o → o.depth ≤ d → growth u (d + 1) * (m + 2 * o.terms * t) ≤ L →
      ∃ z, v = some z ∧ Run u t o z := by
  induction hv with
  | fused => exact fun _ _ _ => ⟨_, rfl, .fused⟩
  | product h =>
    intro m d hm hd hL
    obtain ⟨z, rfl, hz⟩ := h fun z hz => (run_bounded hu ht (.product hz) hm hd).mono hL
    exact ⟨z, rfl, .product hz⟩
  | @sum l r a b v _ _ h ihl ihr =>
    intro m d hm hd hL
    have hs := hm
    cases hm with
    | @node ml mr _ _ hml hmr =>
      have g := one_le_growth hu (d + 1)
      have e : ((l.terms + r.terms : Nat) : Rat) = l.terms + r.terms := Rat.natCast_add _ _
      have nl : (0 : Rat) ≤ l.terms := by exact_mod_cast Nat.zero_le _
      have nr : (0 : Rat) ≤ r.terms := by exact_mod_cast Nat.zero_le _
      have tl := Rat.mul_nonneg nl ht
      have tr := Rat.mul_nonneg nr ht
      have dl : l.depth ≤ d := by simp only [depth] at hd; omega
      have dr : r.depth ≤ d := by simp only [depth] at hd; omega
      have part := hL
      simp only [terms, e] at part
      have pl := Rat.mul_nonneg (a := growth u (d + 1)) (b := mr + 2 * r.terms * t) (by grind)
        (by have := hmr.nonneg; grind)
      have pr := Rat.mul_nonneg (a := growth u (d + 1)) (b := ml + 2 * l.terms * t) (by grind)
        (by have := hml.nonneg; grind)
      obtain ⟨x, rfl, hx⟩ := ihl hml dl (by grind)
      obtain ⟨y, rfl, hy⟩ := ihr hmr dr (by grind)
      obtain ⟨z, rfl, hz⟩ := h.some.some fun z hz => (run_bounded hu ht (.sum hx hy hz) hs hd).mono hL
      exact ⟨z, rfl, .sum hx hy hz⟩

end Order

/-! ### Recurrences -/

/-- `v` can come out as the product of a tree's decays, where any rounding may overflow. -/
inductive Decays (L u t : Rat) : ScanTree Rat → Option Rat → Prop
  | leaf {s : AffineStep Rat} : Decays L u t (.leaf s) (some s.a)
  | node {l r : ScanTree Rat} {x y v : Option Rat} (hl : Decays L u t l x) (hr : Decays L u t r y)
      (h : Given x fun x => Given y fun y => Meets L (Rounded u t (y * x)) v) : Decays L u t (.node l r) v

/-- `v` can come out as the last state of a tree of steps from the state 0, where any rounding may overflow. -/
inductive States (L u t : Rat) : ScanTree Rat → Option Rat → Prop
  | leaf {s : AffineStep Rat} : States L u t (.leaf s) (some s.b)
  | node {l r : ScanTree Rat} {x a y p v : Option Rat} (hl : States L u t l x) (ha : Decays L u t r a)
      (hr : States L u t r y) (hp : Given a fun a => Given x fun x => Meets L (Rounded u t (a * x)) p)
      (hv : Given p fun p => Given y fun y => Meets L (Rounded u t (p + y)) v) : States L u t (.node l r) v

/-- What bounds all that is computed on the way: `4 W (B + 1)`. -/
def ceiling (q : Rat) (bs : List (AffineStep Rat)) : Rat := 4 * (weight q bs * (inputs bs + 1))

theorem ceiling_append {q : Rat} (hq : 1 ≤ q) {xs ys : List (AffineStep Rat)} (hx : 0 ≤ inputs xs) (hy : 0 ≤ inputs ys) :
    ceiling q xs ≤ ceiling q (xs ++ ys) ∧ ceiling q ys ≤ ceiling q (xs ++ ys) := by
  have wx := one_le_weight hq xs
  have wy := one_le_weight hq ys
  unfold ceiling
  rw [weight_append, inputs_append]
  generalize weight q xs = v at *
  generalize weight q ys = w at *
  have h1 := Rat.mul_nonneg (a := v) (b := (w - 1) * (inputs xs + 1)) (by grind)
    (Rat.mul_nonneg (by grind) (by grind))
  have h2 := Rat.mul_nonneg (a := w) (b := (v - 1) * (inputs ys + 1)) (by grind)
    (Rat.mul_nonneg (by grind) (by grind))
  have h3 := Rat.mul_nonneg (Rat.mul_nonneg (a := v) (b := w) (by grind) (by grind)) hx
  have h4 := Rat.mul_nonneg (Rat.mul_nonneg (a := v) (b := w) (by grind) (by grind)) hy
  constructor <;> grind

theorem decay_bounded (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) {tree : ScanTree Rat}
    {v : Rat} (hv : Decay u t tree v) {bs : List (AffineStep Rat)} (hs : Sizes tree.toList bs)
    (hlen : tree.toList.length ≤ n) : Bounded v (ceiling (1 + u) bs) := by
  have hq : 1 ≤ 1 + u := by grind
  obtain ⟨g, near, hg⟩ := decay_near hu ht hn hv hs hlen
  have h1 := near.exact
  have h2 := near.error
  have hw := one_le_weight hq bs
  have hd := (hs.decay_le hq).2
  have hB := hs.inputs_nonneg
  have m1 := one_le_length tree
  have hst : 0 ≤ (1 + u) * t := Rat.mul_nonneg (by grind) ht
  have small : (1 + u) * t * (2 * (tree.toList.length - 1)) ≤ 1 := by
    generalize ((tree.toList.length : Nat) : Rat) = k at *
    have a := Rat.mul_nonneg hst (b := n * n - n) (by
      have := Rat.mul_nonneg (a := n) (b := n - 1) (by grind) (by grind); grind)
    have b := Rat.mul_nonneg hst (b := n - (k - 1)) (by grind)
    grind
  generalize ((tree.toList.length : Nat) : Rat) = k at *
  unfold ceiling
  generalize weight (1 + u) bs = w at *
  have h3 := Rat.mul_nonneg (a := w) (b := 1 - (1 + u) * t * (2 * (k - 1))) (by grind) (by grind)
  have h4 := Rat.mul_nonneg (a := w) (b := inputs bs) (by grind) hB
  have h5 := Rat.mul_nonneg hu (b := g) (by have := near.le; have := near.exact.nonneg; grind)
  have h6 : g ≤ 4 * (w * (inputs bs + 1)) := by grind
  unfold Bounded at *
  constructor <;> grind

/-- What `state_near` allows of a computed state is no more than the ceiling. -/
theorem le_ceiling (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) {d : Nat} (hd2 : growth u d ≤ 2)
    {tree : ScanTree Rat} {bs : List (AffineStep Rat)} (hs : Sizes tree.toList bs) (hlen : tree.toList.length ≤ n)
    (hd : tree.depth ≤ d) : growth u tree.depth * (grown (1 + u) bs +
      t * (weight (1 + u) bs * ((tree.toList.length - 1) * (4 * (1 + u) * n * inputs bs + 4)))) ≤ ceiling (1 + u) bs := by
  have hq : 1 ≤ 1 + u := by grind
  have hw := one_le_weight hq bs
  have hB := hs.inputs_nonneg
  obtain ⟨g0, g1⟩ := hs.grown_le hq
  have m1 := one_le_length tree
  have hg := growth_mono hu hd
  have hc0 : 0 ≤ (1 + u) * n * inputs bs := Rat.mul_nonneg (Rat.mul_nonneg (by grind) (by grind)) hB
  generalize ((tree.toList.length : Nat) : Rat) = k at *
  generalize growth u tree.depth = G at *
  generalize grown (1 + u) bs = S at *
  unfold ceiling
  generalize weight (1 + u) bs = w at *
  generalize inputs bs = b at *
  have x0 : 0 ≤ S + t * (w * ((k - 1) * (4 * (1 + u) * n * b + 4))) := extra_nonneg g0 ht hw m1 (by grind)
  have h1 := Rat.mul_nonneg (a := 2 - G) (by grind) x0
  have tn : t * (n * 4) ≤ 1 := by
    have a := Rat.mul_nonneg (a := t * u) (b := n * n) (Rat.mul_nonneg ht hu) (Rat.mul_nonneg (by grind) (by grind))
    have b := Rat.mul_nonneg ht (b := n * n - n) (by
      have := Rat.mul_nonneg (a := n) (b := n - 1) (by grind) (by grind); grind)
    grind
  have h2 : t * ((k - 1) * (4 * (1 + u) * n * b + 4)) ≤ b + 1 := by
    have a := Rat.mul_nonneg ht (Rat.mul_nonneg (a := n - (k - 1)) (b := 4 * (1 + u) * n * b + 4) (by grind) (by grind))
    have e := Rat.mul_nonneg (a := b) (b := 1 - 4 * (1 + u) * t * (n * n)) hB (by grind)
    grind
  have h3 := Rat.mul_nonneg (a := w) (b := b + 1 - t * ((k - 1) * (4 * (1 + u) * n * b + 4))) (by grind) (by grind)
  grind

theorem decays_finite (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) {tree : ScanTree Rat}
    {v : Option Rat} (hv : Decays L u t tree v) : ∀ {bs : List (AffineStep Rat)}, Sizes tree.toList bs →
      tree.toList.length ≤ n → ceiling (1 + u) bs ≤ L → ∃ z, v = some z ∧ Decay u t tree z := by
  have hq : 1 ≤ 1 + u := by grind
  induction hv with
  | leaf => exact fun _ _ _ => ⟨_, rfl, .leaf⟩
  | @node l r x y v _ _ h ihl ihr =>
    intro bs hs hlen hL
    have whole := hs
    obtain ⟨bl, br, rfl, hl, hr⟩ := Sizes.split hs
    have el : (((ScanTree.node l r).toList.length : Nat) : Rat) = l.toList.length + r.toList.length := by
      rw [ScanTree.toList, List.length_append, Rat.natCast_add]
    have cl := one_le_length l
    have cr := one_le_length r
    have c := ceiling_append hq hl.inputs_nonneg hr.inputs_nonneg
    obtain ⟨x, rfl, hx⟩ := ihl hl (by grind) (Rat.le_trans c.1 hL)
    obtain ⟨y, rfl, hy⟩ := ihr hr (by grind) (Rat.le_trans c.2 hL)
    obtain ⟨z, rfl, hz⟩ := h.some.some fun z hz => (decay_bounded hu ht hn (.node hx hy hz) whole hlen).mono hL
    exact ⟨z, rfl, .node hx hy hz⟩

theorem Near.bounded {v e m g : Rat} (h : Near v e m g) : Bounded v g := by
  obtain ⟨h1, h2⟩ := h
  unfold Bounded at *
  constructor <;> grind

/-- A recurrence composed in a tree does not overflow if the ceiling of its steps' sizes is small enough. -/
theorem states_finite (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) {d : Nat}
    (hd2 : growth u d ≤ 2) {tree : ScanTree Rat} {v : Option Rat} (hv : States L u t tree v) :
    ∀ {bs : List (AffineStep Rat)}, Sizes tree.toList bs → tree.toList.length ≤ n → tree.depth ≤ d →
      ceiling (1 + u) bs ≤ L → ∃ z, v = some z ∧ State u t tree z := by
  have hq : 1 ≤ 1 + u := by grind
  induction hv with
  | leaf => exact fun _ _ _ _ => ⟨_, rfl, .leaf⟩
  | @node l r x a y p v _ ha _ hp hv ihl ihr =>
    intro bs hs hlen hd hL
    have whole := hs
    obtain ⟨bl, br, rfl, hl, hr⟩ := Sizes.split hs
    have el : (((ScanTree.node l r).toList.length : Nat) : Rat) = l.toList.length + r.toList.length := by
      rw [ScanTree.toList, List.length_append, Rat.natCast_add]
    have cl := one_le_length l
    have cr := one_le_length r
    have il := hl.inputs_nonneg
    have ir := hr.inputs_nonneg
    have c := ceiling_append hq il ir
    have dl : l.depth ≤ d := by simp only [ScanTree.depth] at hd; omega
    have dr : r.depth ≤ d := by simp only [ScanTree.depth] at hd; omega
    obtain ⟨x, rfl, hx⟩ := ihl hl (by grind) dl (Rat.le_trans c.1 hL)
    obtain ⟨y, rfl, hy⟩ := ihr hr (by grind) dr (Rat.le_trans c.2 hL)
    obtain ⟨a, rfl, hd'⟩ := decays_finite hu ht hn ha hr (by grind) (Rat.le_trans c.2 hL)
    have top := Rat.le_trans (le_ceiling hu ht hn hd2 whole hlen hd) hL
    have hi := whole.inputs_nonneg
    have hnB : 0 ≤ (1 + u) * n * inputs (bl ++ br) := Rat.mul_nonneg (Rat.mul_nonneg (by grind) (by grind)) hi
    have hc0 : 0 ≤ 4 * (1 + u) * n * inputs (bl ++ br) + 4 := by grind
    have hc : 2 * (1 + u) * n * (inputs (bl ++ br) + t * (n * (4 * (1 + u) * n * inputs (bl ++ br) + 4))) + 2
        ≤ 4 * (1 + u) * n * inputs (bl ++ br) + 4 := by
      have := Rat.mul_nonneg (a := 1 - 4 * (1 + u) * t * (n * n)) (by grind) hc0
      grind
    have ei := inputs_append bl br
    have nl := state_near hu ht hn hc0 hc hx hl (by grind) (by grind)
    obtain ⟨p, rfl, hp'⟩ := hp.some.some fun p hp => by
      obtain ⟨g, np, h0, hg⟩ := product_near hu ht hn hc0 hc hl hr hlen Rat.le_refl nl hd' hp
      have := np.le
      have := np.exact.nonneg
      have := Rat.mul_nonneg hu (b := g) (by grind)
      have := Rat.mul_nonneg hu h0
      exact np.bounded.mono (by grind)
    obtain ⟨z, rfl, hz⟩ := hv.some.some fun z hz =>
      (state_near hu ht hn hc0 hc (.node hx hd' hy hp' hz) whole hlen Rat.le_refl).bounded.mono top
    exact ⟨z, rfl, .node hx hd' hy hp' hz⟩

end Spec.Rounding
