module
public import Spec.Law.Inside.Sums

/-!
# Every execution stays inside its reach

Every operation keeps what an implementation computes inside the interval that the evaluation gives; so does every layer.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- Every operation keeps what it computes inside its reach. -/
theorem inside_preserved [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) :
    Preserved (Inside (m := m) (N := N)) where
  add := Inside.add
  sub := Inside.sub
  mul := Inside.mul
  div := Inside.div
  neg := Inside.neg
  max := Inside.max
  const := Inside.const
  sum := Inside.sum
  dot := Inside.dot
  squares := Inside.squares
  step := Inside.step
  exp := Inside.apply hN.exp _ Rat.le_refl
  sqrt := Inside.sqrt
  sigmoid := Inside.apply hN.sigmoid _ Rat.le_refl
  tanh := Inside.apply hN.tanh _ Rat.le_refl
  softplus := Inside.apply hN.softplus _ Rat.le_refl
  silu := Inside.apply hN.silu _ (by
    rw [Dyadic.toRat_mul, Reach.toRat_nat, Rat.mul_comm]
    exact Rat.le_refl)
  gelu := Inside.gelu hN
  either := Inside.either

end Spec
