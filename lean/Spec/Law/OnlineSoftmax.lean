module
public import Spec.Layer.OnlineSoftmax
public import Spec.Law.Attention
public import Spec.Law.Recurrent

/-!
# Laws of the online softmax

They hold in exact arithmetic, in any ordered field with an exponential function; the real numbers are an example. No law but
associativity needs the reference to be a maximum: it guards against overflow, and exact values do not depend on it.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) {S T d : Nat}

omit [Max α] in
theorem Exponential.zero {exp : α → α} (E : Exponential exp) : exp 0 = 1 := by
  have h1 := E.add 0 0
  have h2 := E.pos 0
  rw [show (0 : α) + 0 = 0 by grind] at h1
  generalize exp 0 = e at *
  have h3 : e ≠ 0 := by grind
  grind

omit [Max α] [LE α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem Exponential.sub_mul {exp : α → α} (E : Exponential exp) (x y : α) : exp (x - y) * exp y = exp x := by
  rw [← E.add, show x - y + y = x by grind]

namespace SoftmaxPart

omit [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem ext {a b : SoftmaxPart d α} (top : a.top = b.top) (sum : a.sum = b.sum) (acc : a.acc = b.acc) : a = b := by
  cases a; cases b; simp_all

variable (E : Exponential f.exp)
include E

/-- Merging is associative, so blocks may be merged in any order that keeps their places. -/
theorem merge_assoc (max_assoc : ∀ x y z : α, max (max x y) z = max x (max y z)) (a b c : SoftmaxPart d α) :
    @merge α (exactly f pick) d (@merge α (exactly f pick) d a b) c =
      @merge α (exactly f pick) d a (@merge α (exactly f pick) d b c) := by
  have chain (x y z : α) : f.exp (x - y) * f.exp (y - z) = f.exp (x - z) := by
    rw [← E.add, show x - y + (y - z) = x - z by grind]
  have law (p q r : α) :
      (p * f.exp (a.top - max a.top b.top) + q * f.exp (b.top - max a.top b.top)) *
          f.exp (max a.top b.top - max (max a.top b.top) c.top) + r * f.exp (c.top - max (max a.top b.top) c.top) =
        p * f.exp (a.top - max a.top (max b.top c.top)) +
          (q * f.exp (b.top - max b.top c.top) + r * f.exp (c.top - max b.top c.top)) *
            f.exp (max b.top c.top - max a.top (max b.top c.top)) := by
    rw [max_assoc]
    have h1 := chain a.top (max a.top b.top) (max a.top (max b.top c.top))
    have h2 := chain b.top (max a.top b.top) (max a.top (max b.top c.top))
    have h3 := chain b.top (max b.top c.top) (max a.top (max b.top c.top))
    have h4 := chain c.top (max b.top c.top) (max a.top (max b.top c.top))
    grind
  have ht : (@merge α (exactly f pick) d (@merge α (exactly f pick) d a b) c).top =
      (@merge α (exactly f pick) d a (@merge α (exactly f pick) d b c)).top := max_assoc _ _ _
  have hs : (@merge α (exactly f pick) d (@merge α (exactly f pick) d a b) c).sum =
      (@merge α (exactly f pick) d a (@merge α (exactly f pick) d b c)).sum := law _ _ _
  have ha : (@merge α (exactly f pick) d (@merge α (exactly f pick) d a b) c).acc =
      (@merge α (exactly f pick) d a (@merge α (exactly f pick) d b c)).acc := by
    apply Vector.ext; intro j hj
    simp only [merge, getElem_build, Fin.getElem_fin]
    exact law _ _ _
  exact ext ht hs ha

/-- A summary of no keys changes nothing if its reference is not above the other's: a loop may start at sum 0, accumulator 0
and a reference below all scores. -/
theorem merge_empty (s : SoftmaxPart d α) (m : α) (below : max m s.top = s.top) :
    @merge α (exactly f pick) d ⟨m, 0, build d fun _ => 0⟩ s = s := by
  have law (x : α) : 0 * f.exp (m - max m s.top) + x * f.exp (s.top - max m s.top) = x := by
    rw [below, show s.top - s.top = 0 by grind, E.zero]; grind
  have ha : (@merge α (exactly f pick) d ⟨m, 0, build d fun _ => 0⟩ s).acc = s.acc := by
    apply Vector.ext; intro j hj
    simp only [merge, getElem_build, Fin.getElem_fin]
    exact law _
  have hs : (@merge α (exactly f pick) d ⟨m, 0, build d fun _ => 0⟩ s).sum = s.sum := law _
  have ht : (@merge α (exactly f pick) d ⟨m, 0, build d fun _ => 0⟩ s).top = s.top := below
  exact ext ht hs ha

omit [LE α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem sum_ofBlock (keys : List (α × Vector α d)) :
    (@ofBlock α (exactly f pick) d keys).sum * f.exp (@ofBlock α (exactly f pick) d keys).top =
      total (keys.map fun k => f.exp k.1) := by
  generalize ht : (@ofBlock α (exactly f pick) d keys).top = top
  have h : (@ofBlock α (exactly f pick) d keys).sum = total (keys.map fun k => f.exp (k.1 - top)) := by
    rw [← ht]; rfl
  rw [h, ← total_mul, List.map_map]
  exact congrArg total (List.map_congr_left fun k _ => E.sub_mul k.1 top)

theorem acc_ofBlock (keys : List (α × Vector α d)) (j : Nat) (hj : j < d) :
    (@ofBlock α (exactly f pick) d keys).acc[j] * f.exp (@ofBlock α (exactly f pick) d keys).top =
      total (keys.map fun k => f.exp k.1 * k.2[j]) := by
  generalize ht : (@ofBlock α (exactly f pick) d keys).top = top
  have h : (@ofBlock α (exactly f pick) d keys).acc[j] = total (keys.map fun k => f.exp (k.1 - top) * k.2[j]) := by
    rw [← ht]
    simp only [ofBlock, getElem_build, Fin.getElem_fin]
    exact congrArg total (List.map_map ..)
  rw [h, ← total_mul, List.map_map]
  refine congrArg total (List.map_congr_left fun k _ => ?_)
  have := E.sub_mul k.1 top
  show f.exp (k.1 - top) * k.2[j] * f.exp top = _
  grind

theorem merge_law (a b : SoftmaxPart d α) (x y : α) :
    (x * f.exp (a.top - max a.top b.top) + y * f.exp (b.top - max a.top b.top)) * f.exp (max a.top b.top) =
      x * f.exp a.top + y * f.exp b.top := by
  have h1 := E.sub_mul a.top (max a.top b.top)
  have h2 := E.sub_mul b.top (max a.top b.top)
  grind

end SoftmaxPart

namespace KeyTree
variable (E : Exponential f.exp)
include E

theorem sum_summary (t : KeyTree d α) :
    (@summary α (exactly f pick) d t).sum * f.exp (@summary α (exactly f pick) d t).top =
      total (t.keys.map fun k => f.exp k.1) := by
  induction t with
  | block ks => exact SoftmaxPart.sum_ofBlock f pick E ks
  | node l r ihl ihr =>
    rw [keys, List.map_append, total_append, ← ihl, ← ihr]
    exact SoftmaxPart.merge_law f E (@summary α (exactly f pick) d l) (@summary α (exactly f pick) d r) _ _

theorem acc_summary (t : KeyTree d α) (j : Nat) (hj : j < d) :
    (@summary α (exactly f pick) d t).acc[j] * f.exp (@summary α (exactly f pick) d t).top =
      total (t.keys.map fun k => f.exp k.1 * k.2[j]) := by
  induction t with
  | block ks => exact SoftmaxPart.acc_ofBlock f pick E ks j hj
  | node l r ihl ihr =>
    rw [keys, List.map_append, total_append, ← ihl, ← ihr]
    simp only [summary, SoftmaxPart.merge, getElem_build, Fin.getElem_fin]
    exact SoftmaxPart.merge_law f E (@summary α (exactly f pick) d l) (@summary α (exactly f pick) d r) _ _

variable (same : ∀ x, pick x x = x)
include same

/-- Every split of the keys into blocks, merged in every tree, ends with `softmax(x) v`. -/
theorem finish_summary (x : Vector α S) (v : Mat S d α) (t : KeyTree d α)
    (all : t.keys = List.ofFn fun s : Fin S => (x[s], v[s])) :
    @SoftmaxPart.finish α (exactly f pick) d (@summary α (exactly f pick) d t) =
      @mixRow α (exactly f pick) S d (@softmax α (exactly f pick) S x) v := by
  apply Vector.ext; intro j hj
  have h1 := sum_summary f pick E t
  have h2 := acc_summary f pick E t j hj
  have h3 := E.pos (@summary α (exactly f pick) d t).top
  rw [all, map_ofFn] at h1 h2
  simp only [SoftmaxPart.finish, mapVec, mixRow, getElem_build, Fin.getElem_fin,
    ratio_exactly f pick same, inner_exactly, product, getElem_softmax f pick same E] at h1 h2 ⊢
  refine Eq.trans (b := total (List.ofFn fun s : Fin S =>
    f.exp x[s.1] * v[s.1][j] * (total (List.ofFn fun s : Fin S => f.exp x[s.1]))⁻¹)) ?_ ?_
  · rw [total_ofFn_mul, ← h1, ← h2]
    have quotient (a s e : α) (pos : 0 < e) : a / s = a * e * (s * e)⁻¹ := by
      have h5 : e * e⁻¹ = 1 := Field.mul_inv_cancel (by grind)
      by_cases hs : s = 0
      · subst hs; grind
      · have h6 := Field.mul_inv_cancel hs
        grind
    exact quotient _ _ _ h3
  · refine congrArg total (congrArg List.ofFn (funext fun s => ?_))
    grind

/-- Attention to the keys block by block, in every split and every tree of merges, is attention. -/
theorem finish_attend (q : Mat T d α) (k v : Mat S d α) (i : Nat) (hi : i < T) (t : KeyTree d α)
    (all : t.keys = List.ofFn fun s : Fin S => ((@scoreRow α (exactly f pick) S d q[i] k)[s], v[s])) :
    @SoftmaxPart.finish α (exactly f pick) d (@summary α (exactly f pick) d t) =
      (@attend α (exactly f pick) T S d q k v)[i] := by
  rw [finish_summary f pick E same _ v t all]
  simp only [attend, mix, scores, mapVec, getElem_build, Fin.getElem_fin]

end KeyTree
end Spec
