module
public import Spec.Layer.Causal
public import Spec.Law.Attention
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

/-- The tables of the first `C` positions. -/
def rotations (cos sin : α → α) (θ : Vector α d) (C : Nat) : Rotation C (d + d) α where
  pairs := d
  even := rfl
  cosines := build C fun n => build d fun i => cos ((n.1 : α) * θ[i])
  sines := build C fun n => build d fun i => sin ((n.1 : α) * θ[i])

theorem turn_rotations (cos sin : α → α) (θ : Vector α d) {C n : Nat} (hn : n < C) (x : Vector α (d + d)) :
    @Rotation.turn α (exactly f pick) C (d + d) (rotations cos sin θ C) n x = rotary f pick cos sin θ (n : α) x := by
  simp only [Rotation.turn, hn, ↓reduceDIte, rotations, getElem_build]
  rfl

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

/-- Causal attention of rotated queries and keys does not change if all positions are `later`. -/
theorem causalAttend_later (same : ∀ x, pick x x = x) (θ : Vector α d) {C P T later : Nat} (h : later + (P + T) ≤ C)
    (q : Mat T (d + d) α) (k v : Mat (P + T) (d + d) α) :
    letI := exactly f pick
    let turn := (rotations cos sin θ C).turn
    causalAttend (turn.rows (later + P) q) (turn.rows later k) v = causalAttend (turn.rows P q) (turn.rows 0 k) v := by
  apply Vector.ext; intro t ht
  simp only [causalAttend, attendRow, getElem_build]
  congr 2
  apply Vector.ext; intro j hj
  rw [getElem_scoreRow f pick same _ _ j hj, getElem_scoreRow f pick same _ _ j hj]
  refine congrArg (· / f.sqrt ((d + d : Nat) : α)) ?_
  simp only [seen] at hj
  simp only [Turn.rows, firstOf, getElem_build, Fin.getElem_fin,
    turn_rotations f pick cos sin θ (show later + P + t < C by omega), turn_rotations f pick cos sin θ (show P + t < C by omega),
    turn_rotations f pick cos sin θ (show later + j < C by omega), turn_rotations f pick cos sin θ (show 0 + j < C by omega)]
  refine rotary_relative f pick A θ _ _ _ _ ?_ _ _
  simp only [Semiring.natCast_add, Semiring.natCast_zero]
  grind

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
