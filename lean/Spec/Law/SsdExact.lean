module
public import Spec.Law.Recurrent
public import Spec.Law.Ssd
public import Spec.Layer.SsdChunks

/-!
# The decays of a chunk in exact arithmetic

Both ways in which a chunk's text writes a decay are the product of the steps' decays that `Spec.Ssd.matrix` has.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

theorem sumTo_append {α : Type} [CommRing α] (f : Nat → α) (m n : Nat) :
    sumTo (m + n) f = sumTo m f + sumTo n fun i => f (m + i) := by
  induction n with
  | zero => simp only [Nat.add_zero, sumTo]; grind
  | succ n ih => rw [← Nat.add_assoc, sumTo, ih, sumTo]; grind

theorem total_entries {α : Type} [Field α] {n : Nat} (F : Fin n → α) (G : Nat → α) (h : ∀ i : Fin n, F i = G i.1) :
    total (entries n F) = sumTo n G := by
  rw [entries_eq_ofFn]
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [List.ofFn_succ_last, total_append, ih (fun i => F i.castSucc) fun i => h i.castSucc, sumTo]
    simp only [total, List.foldr_cons, List.foldr_nil]
    rw [h (Fin.last n), Fin.val_last]
    grind

namespace Mamba2
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) {Q : Nat}
local notation "ℰ" => exactly f pick

theorem upTo_exactly (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i : Fin Q) :
    @upTo α ℰ Q g i = sumTo (i.1 + 1) G := by
  unfold upTo
  exact total_entries _ _ fun r => hG r.1 _

variable (same : ∀ x, pick x x = x)
include same

theorem between_exactly (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q g i j = f.exp (sumTo (i.1 - j.1) fun r => G (j.1 + 1 + r)) := by
  have h2 : @upTo α ℰ Q g i - @upTo α ℰ Q g j = sumTo (i.1 - j.1) fun r => G (j.1 + 1 + r) := by
    rw [upTo_exactly f pick g G hG, upTo_exactly f pick g G hG, show i.1 + 1 = j.1 + 1 + (i.1 - j.1) by omega, sumTo_append]
    grind
  have h1 : @between α ℰ Q g i j = f.exp (pick (total (entries (i.1 - j.1) fun r => g[j.1 + 1 + r.1]'(by
      have := r.2; have := i.2; omega))) (@upTo α ℰ Q g i - @upTo α ℰ Q g j)) := rfl
  rw [h1, h2, total_entries _ (fun r => G (j.1 + 1 + r)) fun r => hG (j.1 + 1 + r.1) _, same]

/-- In exact arithmetic the decay between two places of a chunk is the product of the decays of the steps between them, whether
the text's sum is taken or the difference of two sums from the chunk's start. -/
theorem between_eq_decayOver [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
    (E : Exponential f.exp) (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q g i j = decayOver (fun t => f.exp (G t)) (j.1 + 1) (i.1 - j.1) := by
  have one := decayOver_exp E 1 G (j.1 + 1) (i.1 - j.1)
  simp only [Semiring.one_mul] at one
  rw [between_exactly f pick same g G hG i j h, one]

end Mamba2
end Spec
