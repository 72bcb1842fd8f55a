module
public import Spec.Layer.Rotary
public import Spec.Law.Recurrent

/-!
# Laws of rotary positions

They hold in exact arithmetic, in any field with a cosine and a sine; the real numbers are an example.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) {d : Nat}

/-- What rotations need of the cosine and the sine. -/
structure Angles (cos sin : α → α) : Prop where
  /-- The cosine of a difference. -/
  cos_sub : ∀ x y, cos (x - y) = cos x * cos y + sin x * sin y
  /-- The sine of a difference. -/
  sin_sub : ∀ x y, sin (x - y) = sin x * cos y - cos x * sin y
  /-- The point is on the unit circle. -/
  circle : ∀ x, cos x * cos x + sin x * sin x = 1

/-- `x` rotated to position `m`: pair `i` turns by `m θᵢ`. -/
def rotary (cos sin : α → α) (θ : Vector α d) (m : α) (x : Vector α (d + d)) : Vector α (d + d) :=
  @rotate α (exactly f pick) d (build d fun i => cos (m * θ[i])) (build d fun i => sin (m * θ[i])) x

omit [Max α] in
theorem total_ofFn_add {n : Nat} (g h : Fin n → α) :
    total (List.ofFn fun i => g i + h i) = total (List.ofFn g) + total (List.ofFn h) := by
  induction n with
  | zero => simp only [List.ofFn_zero, total, List.foldr_nil]; grind
  | succ n ih =>
    have h1 := ih (fun i => g i.succ) fun i => h i.succ
    simp only [List.ofFn_succ, total, List.foldr_cons] at h1 ⊢
    rw [h1]; grind

omit [Max α] in
theorem product_halves (x y : Vector α (d + d)) :
    product x y = total (List.ofFn fun i : Fin d => x[i.1] * y[i.1] + x[d + i.1] * y[d + i.1]) := by
  rw [total_ofFn_add, product, List.ofFn_add, total_append]
  rfl

variable {cos sin : α → α} (A : Angles cos sin)
include A

/-- The score of a query at position `m` and a key at position `n`. -/
theorem product_rotary (θ : Vector α d) (m n : α) (q k : Vector α (d + d)) :
    product (rotary f pick cos sin θ m q) (rotary f pick cos sin θ n k) = total (List.ofFn fun i : Fin d =>
      (q[i.1] * k[i.1] + q[d + i.1] * k[d + i.1]) * cos ((m - n) * θ[i]) +
        (q[i.1] * k[d + i.1] - q[d + i.1] * k[i.1]) * sin ((m - n) * θ[i])) := by
  rw [product_halves]
  refine congrArg total (congrArg List.ofFn (funext fun i => ?_))
  have first (m : α) (x : Vector α (d + d)) : (rotary f pick cos sin θ m x)[i.1] =
      x[i.1] * cos (m * θ[i]) - x[d + i.1] * sin (m * θ[i]) := by
    simp only [rotary, rotate, getElem_build]
    rw [dif_pos i.2]
  have second (m : α) (x : Vector α (d + d)) : (rotary f pick cos sin θ m x)[d + i.1] =
      x[d + i.1] * cos (m * θ[i]) + x[i.1] * sin (m * θ[i]) := by
    simp only [rotary, rotate, getElem_build]
    rw [dif_neg (by omega)]
    simp only [Nat.add_sub_cancel_left]
  rw [first, first, second, second, show (m - n) * θ[i] = m * θ[i] - n * θ[i] by grind, A.cos_sub, A.sin_sub]
  grind

/-- A score depends on the difference of the two positions alone. -/
theorem rotary_relative (θ : Vector α d) (m n m' n' : α) (shift : m - n = m' - n') (q k : Vector α (d + d)) :
    product (rotary f pick cos sin θ m q) (rotary f pick cos sin θ n k) =
      product (rotary f pick cos sin θ m' q) (rotary f pick cos sin θ n' k) := by
  rw [product_rotary f pick A, product_rotary f pick A, shift]

/-- A rotation keeps the sum of squares, and every product of two vectors at one position. -/
theorem rotary_product (θ : Vector α d) (m : α) (x y : Vector α (d + d)) :
    product (rotary f pick cos sin θ m x) (rotary f pick cos sin θ m y) = product x y := by
  rw [product_rotary f pick A, product_halves]
  refine congrArg total (congrArg List.ofFn (funext fun i => ?_))
  have h1 := A.cos_sub 0 0
  have h2 := A.sin_sub 0 0
  have h3 := A.circle 0
  rw [show (m - m) * θ[i] = 0 - 0 by grind, h1, h2, h3]
  grind

end Spec
