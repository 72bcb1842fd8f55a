module
public import Init.Data.Rat
public import Init.Grind

/-!
# Rounding errors of sums of products

Real kernels add in an order of their own, and fuse some products with the additions. Whatever they choose, the
result is within `((1 + u)ⁿ - 1) Σ |xᵢ yᵢ|` of the exact sum, and a term for underflow. Everything is about `Rat`, so
it is about the exact values.
-/

@[expose] public noncomputable section
namespace Spec.Rounding

/-- `|x| ≤ r`. -/
def Bounded (x r : Rat) : Prop := -r ≤ x ∧ x ≤ r

/-- `z` is `y` rounded: a relative error of at most `u`, and an absolute one of at most `t` for underflow. -/
def Rounded (u t y z : Rat) : Prop := ∃ e d, Bounded e u ∧ Bounded d t ∧ z = y + y * e + d

theorem Bounded.mul {x y r s : Rat} (hx : Bounded x r) (hy : Bounded y s) : Bounded (x * y) (r * s) := by
  obtain ⟨hx1, hx2⟩ := hx
  obtain ⟨hy1, hy2⟩ := hy
  have a := Rat.mul_nonneg (a := r - x) (b := s - y) (by grind) (by grind)
  have b := Rat.mul_nonneg (a := r + x) (b := s + y) (by grind) (by grind)
  have c := Rat.mul_nonneg (a := r - x) (b := s + y) (by grind) (by grind)
  have d := Rat.mul_nonneg (a := r + x) (b := s - y) (by grind) (by grind)
  constructor <;> grind

theorem Bounded.nonneg {x r : Rat} (h : Bounded x r) : 0 ≤ r := by
  unfold Bounded at h
  grind

/-- Rounding moves a number by at most `u` times its size, and `t`. -/
theorem Rounded.error {u t y z r : Rat} (h : Rounded u t y z) (hy : Bounded y r) : Bounded (z - y) (r * u + t) := by
  obtain ⟨e, d, he, hd, rfl⟩ := h
  have := hy.mul he
  unfold Bounded at *
  grind

/-- No rounding of a number is below that of a lower one, if roundings are by at most the number's own size. -/
theorem Rounded.above {u t x y z r : Rat} (h : Rounded u t y z) (hx : x ≤ y) (hr : u ≤ 1 ∧ Bounded x r ∨ Bounded y r) :
    x - (r * u + t) ≤ z := by
  obtain ⟨e, d, he, hd, rfl⟩ := h
  rcases hr with ⟨hu, hr⟩ | hr
  · have a := Rat.mul_nonneg (a := y - x) (b := 1 + e) (by grind) (by unfold Bounded at he; grind)
    have b := hr.mul he
    unfold Bounded at *
    grind
  · have b := hr.mul he
    unfold Bounded at *
    grind

/-- None is above that of a higher one. -/
theorem Rounded.below {u t x y z r : Rat} (h : Rounded u t y z) (hx : y ≤ x) (hr : u ≤ 1 ∧ Bounded x r ∨ Bounded y r) :
    z ≤ x + (r * u + t) := by
  obtain ⟨e, d, he, hd, rfl⟩ := h
  rcases hr with ⟨hu, hr⟩ | hr
  · have a := Rat.mul_nonneg (a := x - y) (b := 1 + e) (by grind) (by unfold Bounded at he; grind)
    have b := hr.mul he
    unfold Bounded at *
    grind
  · have b := hr.mul he
    unfold Bounded at *
    grind

/-- `(1 + u)ⁿ`. -/
def growth (u : Rat) : Nat → Rat
  | 0 => 1
  | n + 1 => growth u n + growth u n * u

theorem one_le_growth {u : Rat} (hu : 0 ≤ u) (n : Nat) : 1 ≤ growth u n := by
  induction n with
  | zero => exact Rat.le_refl
  | succ n ih =>
    have := Rat.mul_nonneg (a := growth u n) (by grind) hu
    simp only [growth]
    grind

theorem growth_le_succ {u : Rat} (hu : 0 ≤ u) (n : Nat) : growth u n ≤ growth u (n + 1) := by
  have := Rat.mul_nonneg (a := growth u n) (by have := one_le_growth hu n; grind) hu
  simp only [growth]
  grind

theorem growth_mono {u : Rat} (hu : 0 ≤ u) {m n : Nat} (h : m ≤ n) : growth u m ≤ growth u n := by
  induction n with
  | zero =>
    have : m = 0 := by omega
    subst this
    exact Rat.le_refl
  | succ n ih =>
    rcases Nat.lt_or_ge n m with h' | h'
    · have : m = n + 1 := by omega
      subst this
      exact Rat.le_refl
    · have := ih h'
      have := growth_le_succ hu n
      grind

/-- `(1 + u)ⁿ (1 - n u) ≤ 1`. -/
theorem growth_mul_le_one {u : Rat} (hu : 0 ≤ u) (n : Nat) : growth u n * (1 - n * u) ≤ 1 := by
  induction n with
  | zero =>
    have h0 : ((0 : Nat) : Rat) = 0 := rfl
    rw [h0]
    simp only [growth]
    grind
  | succ n ih =>
    have hg := one_le_growth hu n
    have h1 := Rat.mul_nonneg (a := growth u n) (b := u * u) (by grind) (Rat.mul_nonneg hu hu)
    have h2 : (0 : Rat) ≤ n := by exact_mod_cast Nat.zero_le n
    have h3 := Rat.mul_nonneg h2 h1
    have h4 : ((n + 1 : Nat) : Rat) = n + 1 := by rw [Rat.natCast_add]; rfl
    rw [h4]
    simp only [growth]
    grind

/-- The bound that is evaluated: `(1 + u)ⁿ - 1 ≤ n u + 2 (n u)²` as long as `n u ≤ 1/2`. -/
theorem growth_le {u : Rat} (hu : 0 ≤ u) (n : Nat) (h : n * u ≤ 1 / 2) :
    growth u n - 1 ≤ n * u + n * u * (n * u) * 2 := by
  have h0 := growth_mul_le_one hu n
  have h1 : (0 : Rat) ≤ n * u := Rat.mul_nonneg (by exact_mod_cast Nat.zero_le n) hu
  generalize (n : Rat) * u = v at *
  have h2 := Rat.mul_nonneg (a := v * v) (b := 1 - 2 * v) (Rat.mul_nonneg h1 h1) (by grind)
  have h3 : 1 ≤ (1 + v + v * v * 2) * (1 - v) := by grind
  rcases Rat.le_total (a := growth u n) (b := 1 + v + v * v * 2) with h4 | h4
  · grind
  · have h5 := Rat.mul_nonneg (a := growth u n - (1 + v + v * v * 2)) (b := 1 - v) (by grind) (by grind)
    have h6 : growth u n * (1 - v) = (1 + v + v * v * 2) * (1 - v) := by grind
    have h7 : (growth u n - (1 + v + v * v * 2)) * (1 - v) = 0 := by grind
    rcases Rat.mul_eq_zero.mp h7 with h8 | h8 <;> grind

/-- An order in which a kernel may add products. -/
inductive Order where
  | leaf (x y : Rat)
  | node (l r : Order)

namespace Order

/-- The exact sum. -/
def exact : Order → Rat
  | leaf x y => x * y
  | node l r => l.exact + r.exact

/-- The number of products. -/
def terms : Order → Nat
  | leaf _ _ => 1
  | node l r => l.terms + r.terms

/-- `M` bounds the sum of the products' sizes. -/
inductive Size : Rat → Order → Prop
  | leaf {x y m : Rat} (h : Bounded (x * y) m) : Size m (leaf x y)
  | node {m k : Rat} {l r : Order} (hl : Size m l) (hr : Size k r) : Size (m + k) (node l r)

/-- `v` can come out: each product is rounded or kept exactly inside a fused operation, each sum is rounded. -/
inductive Run (u t : Rat) : Order → Rat → Prop
  | fused {x y : Rat} : Run u t (leaf x y) (x * y)
  | product {x y v : Rat} (h : Rounded u t (x * y) v) : Run u t (leaf x y) v
  | sum {l r : Order} {a b v : Rat} (hl : Run u t l a) (hr : Run u t r b) (h : Rounded u t (a + b) v) :
      Run u t (node l r) v

theorem one_le_terms (o : Order) : 1 ≤ o.terms := by
  induction o with
  | leaf => simp [terms]
  | node l r hl hr => simp only [terms]; omega

theorem Size.nonneg {m : Rat} {o : Order} (h : Size m o) : 0 ≤ m := by
  induction h with
  | leaf h => exact h.nonneg
  | node _ _ hl hr => grind

theorem Size.exact {m : Rat} {o : Order} (h : Size m o) : Bounded o.exact m := by
  induction h with
  | leaf h => exact h
  | node _ _ hl hr =>
    unfold Bounded at *
    simp only [Order.exact]
    constructor <;> grind

/-- A bound with `n` terms' growth holds with more. -/
theorem weaken {g g' k m t x : Rat} (hg : g ≤ g') (hm : 0 ≤ m) (hk : 0 ≤ k) (ht : 0 ≤ t)
    (h : Bounded x ((g - 1) * m + k * (g * t))) : Bounded x ((g' - 1) * m + k * (g' * t)) := by
  have h1 := Rat.mul_nonneg (a := g' - g) (b := m) (by grind) hm
  have h2 := Rat.mul_nonneg hk (Rat.mul_nonneg (a := g' - g) (b := t) (by grind) ht)
  unfold Bounded at *
  constructor <;> grind

/-- One more rounding. -/
theorem step {g k m t u a v e : Rat} (hg : 1 ≤ g) (hu : 0 ≤ u) (ht : 0 ≤ t) (he : Bounded e m)
    (ha : Bounded (a - e) ((g - 1) * m + k * (g * t))) (hv : Rounded u t a v) :
    Bounded (v - e) ((g + g * u - 1) * m + (k + 1) * ((g + g * u) * t)) := by
  have h1 : Bounded a (g * m + k * (g * t)) := by
    unfold Bounded at *
    constructor <;> grind
  have h2 := hv.error h1
  have h3 := Rat.mul_nonneg (a := g - 1) (b := t) (by grind) ht
  have h4 := Rat.mul_nonneg (Rat.mul_nonneg (a := g) (b := u) (by grind) hu) ht
  unfold Bounded at *
  constructor <;> grind

/-- In whatever order products are added, fused or not, the result is within
`((1 + u)ⁿ - 1) Σ |xᵢ yᵢ| + (2 n - 1) (1 + u)ⁿ t` of the exact sum. -/
theorem run_error {u t : Rat} (hu : 0 ≤ u) (ht : 0 ≤ t) {o : Order} {v : Rat} (hv : Run u t o v) :
    ∀ {m : Rat}, Size m o →
      Bounded (v - o.exact) ((growth u o.terms - 1) * m + (2 * o.terms - 1) * (growth u o.terms * t)) := by
  induction hv with
  | @fused x y =>
    intro m hm
    have h0 := hm.nonneg
    have h1 := Rat.mul_nonneg hu h0
    simp only [exact, terms, growth]
    unfold Bounded
    have h2 := Rat.mul_nonneg hu ht
    constructor <;> grind
  | @product x y v h =>
    intro m hm
    cases hm with
    | leaf hm =>
      have h1 := h.error hm
      have h2 := Rat.mul_nonneg hu ht
      simp only [exact, terms, growth]
      unfold Bounded at *
      constructor <;> grind
  | @sum l r a b v _ _ h ihl ihr =>
    intro m hm
    cases hm with
    | @node ml mr _ _ hml hmr =>
      have il := ihl hml
      have ir := ihr hmr
      have hl := one_le_terms l
      have hr := one_le_terms r
      obtain ⟨n, hn⟩ : ∃ n, l.terms + r.terms = n + 1 := ⟨l.terms + r.terms - 1, by omega⟩
      have cast (k : Nat) (hk : 1 ≤ k) : (1 : Rat) ≤ k := by exact_mod_cast hk
      have cl := cast _ hl
      have cr := cast _ hr
      have il := weaken (growth_mono hu (show l.terms ≤ n by omega)) hml.nonneg (by grind) ht il
      have ir := weaken (growth_mono hu (show r.terms ≤ n by omega)) hmr.nonneg (by grind) ht ir
      have both : Bounded (a + b - (node l r).exact)
          ((growth u n - 1) * (ml + mr) + (2 * (l.terms + r.terms) - 2) * (growth u n * t)) := by
        simp only [exact]
        unfold Bounded at *
        constructor <;> grind
      have last := step (one_le_growth hu n) hu ht (Size.node hml hmr).exact both h
      have h5 : ((l.terms + r.terms : Nat) : Rat) = l.terms + r.terms := Rat.natCast_add _ _
      simp only [terms]
      rw [h5, hn]
      simp only [growth]
      unfold Bounded at *
      constructor <;> grind

/-- The products in the order of the tree. -/
def leaves : Order → List (Rat × Rat)
  | leaf x y => [(x, y)]
  | node l r => l.leaves ++ r.leaves

end Order

/-- `|x|`. -/
def size (x : Rat) : Rat := if 0 ≤ x then x else -x

theorem bounded_size (x : Rat) : Bounded x (size x) := by
  unfold Bounded size
  split <;> constructor <;> grind

theorem size_le {x r : Rat} (h : Bounded x r) : size x ≤ r := by
  unfold Bounded at h
  unfold size
  split <;> grind

/-- A number less a part of its size grows with it. -/
theorem less_size {x y g : Rat} (h : x ≤ y) (g0 : 0 ≤ g) (g1 : g ≤ 1) : x - g * size x ≤ y - g * size y := by
  have a := Rat.mul_nonneg (a := 1 - g) (b := y - x) (by grind) (by grind)
  have b := Rat.mul_nonneg (a := g) (b := y - x) g0 (by grind)
  unfold size
  split <;> split
  · grind
  · grind
  · rename_i hx hy
    have c := Rat.mul_nonneg (a := 1 - g) (b := y) (by grind) hy
    have d := Rat.mul_nonneg (a := g) (b := -x) g0 (by grind)
    grind
  · grind

/-- So does a number and a part of its size. -/
theorem more_size {x y g : Rat} (h : x ≤ y) (g0 : 0 ≤ g) (g1 : g ≤ 1) : x + g * size x ≤ y + g * size y := by
  have a := Rat.mul_nonneg (a := 1 - g) (b := y - x) (by grind) (by grind)
  have b := Rat.mul_nonneg (a := g) (b := y - x) g0 (by grind)
  unfold size
  split <;> split
  · grind
  · grind
  · rename_i hx hy
    have c := Rat.mul_nonneg (a := g) (b := y) g0 hy
    have d := Rat.mul_nonneg (a := 1 - g) (b := -x) (by grind) (by grind)
    grind
  · grind

/-- `Σ f(p)` over a list. -/
def total {ι : Type} (f : ι → Rat) : List ι → Rat
  | [] => 0
  | p :: ps => f p + total f ps

theorem total_append {ι : Type} (f : ι → Rat) (xs ys : List ι) : total f (xs ++ ys) = total f xs + total f ys := by
  induction xs with
  | nil => simp only [total, List.nil_append]; grind
  | cons x xs ih => simp only [total, List.cons_append, ih]; grind

/-- A sum does not depend on the order of its terms. -/
theorem total_perm {ι : Type} (f : ι → Rat) {xs ys : List ι} (h : xs.Perm ys) : total f xs = total f ys := by
  induction h with
  | nil => rfl
  | cons x _ ih => simp only [total, ih]
  | swap x y _ => simp only [total]; grind
  | trans _ _ ih1 ih2 => rw [ih1, ih2]

theorem total_map {ι κ : Type} (f : κ → Rat) (g : ι → κ) (xs : List ι) :
    total f (xs.map g) = total (fun x => f (g x)) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp only [List.map_cons, total, ih]

namespace Order

theorem exact_eq (o : Order) : o.exact = total (fun p => p.1 * p.2) o.leaves := by
  induction o with
  | leaf x y => simp only [exact, leaves, total]; grind
  | node l r hl hr => simp only [exact, leaves, total_append, hl, hr]

theorem terms_eq (o : Order) : o.terms = o.leaves.length := by
  induction o with
  | leaf x y => rfl
  | node l r hl hr => simp only [terms, leaves, List.length_append, hl, hr]

theorem size_leaves (o : Order) : Size (total (fun p => size (p.1 * p.2)) o.leaves) o := by
  induction o with
  | leaf x y =>
    have h : total (fun p : Rat × Rat => size (p.1 * p.2)) [(x, y)] = size (x * y) := by
      simp only [total]; grind
    simp only [leaves]
    rw [h]
    exact .leaf (bounded_size _)
  | node l r hl hr =>
    simp only [leaves, total_append]
    exact .node hl hr

end Order
end Spec.Rounding
