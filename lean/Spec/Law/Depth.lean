module
public import Spec.Law.Rounding

/-!
# Rounding errors of sums in a tree

A kernel that adds in a tree, as a reduction on a GPU does, rounds each product as often as its place in the tree is
deep. The error grows with the depth alone, which is far less than the number of products.
-/

@[expose] public noncomputable section
namespace Spec.Rounding.Order

/-- The most additions that a product goes through. -/
def depth : Order → Nat
  | leaf _ _ => 0
  | node l r => max l.depth r.depth + 1

/-- In a tree of additions of depth `d`, the result is within `((1 + u)ᵈ⁺¹ - 1) Σ |xᵢ yᵢ| + (2 n - 1) (1 + u)ᵈ⁺¹ t` of the
exact sum of `n` products. -/
theorem run_error_depth {u t : Rat} (hu : 0 ≤ u) (ht : 0 ≤ t) {o : Order} {v : Rat} (hv : Run u t o v) :
    ∀ {m : Rat} {d : Nat}, Size m o → o.depth ≤ d →
      Bounded (v - o.exact) ((growth u (d + 1) - 1) * m + (2 * o.terms - 1) * (growth u (d + 1) * t)) := by
  have single {x y v m : Rat} (hm : Size m (leaf x y)) (h : Run u t (leaf x y) v) (d : Nat) :
      Bounded (v - (leaf x y).exact)
        ((growth u (d + 1) - 1) * m + (2 * (leaf x y).terms - 1) * (growth u (d + 1) * t)) := by
    have h1 := run_error hu ht h hm
    have h2 : (2 * ((leaf x y).terms : Rat) - 1) = 1 := by simp only [terms]; grind
    rw [h2] at h1 ⊢
    exact weaken (growth_mono hu (show 1 ≤ d + 1 by omega)) hm.nonneg (by decide) ht h1
  induction hv with
  | fused => intro m d hm _; exact single hm .fused d
  | product h => intro m d hm _; exact single hm (.product h) d
  | @sum l r a b v _ _ h ihl ihr =>
    intro m d hm hd
    cases hm with
    | @node ml mr _ _ hml hmr =>
      simp only [depth] at hd
      obtain ⟨d, rfl⟩ : ∃ e, d = e + 1 := ⟨d - 1, by omega⟩
      have il := ihl hml (show l.depth ≤ d by omega)
      have ir := ihr hmr (show r.depth ≤ d by omega)
      have both : Bounded (a + b - (node l r).exact)
          ((growth u (d + 1) - 1) * (ml + mr) + (2 * (l.terms + r.terms) - 2) * (growth u (d + 1) * t)) := by
        simp only [exact]
        unfold Bounded at *
        constructor <;> grind
      have last := step (one_le_growth hu (d + 1)) hu ht (Size.node hml hmr).exact both h
      have h5 : ((l.terms + r.terms : Nat) : Rat) = l.terms + r.terms := Rat.natCast_add _ _
      simp only [terms]
      rw [h5]
      simp only [growth] at last ⊢
      unfold Bounded at *
      constructor <;> grind

/-- A tree over `n` products is at most `n - 1` deep, so the class of any order holds every tree. -/
theorem depth_lt_terms (o : Order) : o.depth < o.terms := by
  induction o with
  | leaf => exact Nat.one_pos
  | node l r hl hr =>
    have := l.one_le_terms
    have := r.one_le_terms
    simp only [depth, terms]
    omega

end Spec.Rounding.Order
