module
public import Spec.Num.Scalar
public import Init.Grind.Ordered.Field

/-!
# Exact arithmetic

A field as the scalars of a specification: what a theorem about exact values is about. The real numbers are an
example.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

/-- The functions of a field that networks use, with no law assumed. -/
structure Functions (α : Type) where
  /-- The exponential function. -/
  exp : α → α
  /-- The square root. -/
  sqrt : α → α
  /-- The logistic function. -/
  sigmoid : α → α
  /-- The hyperbolic tangent. -/
  tanh : α → α
  /-- Softplus. -/
  softplus : α → α
  /-- SiLU. -/
  silu : α → α
  /-- GELU. -/
  gelu : α → α

/-- The sum of a list in a field. -/
def total {α : Type} [Field α] (xs : List α) : α := xs.foldr (fun x s => x + s) 0

/-- Exact arithmetic. Where a specification names two ways to write a value, `pick` takes one of the
results. -/
@[reducible] def exactly {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) : Scalar α where
  const n d := (n : α) / (d : α)
  sum xs := total xs
  dot xs := total (xs.map fun p => p.1 * p.2)
  squares xs := total (xs.map fun x => x * x)
  step a h b := a * h + b
  exp := f.exp
  sqrt := f.sqrt
  sigmoid := f.sigmoid
  tanh := f.tanh
  softplus := f.softplus
  silu := f.silu
  gelu := f.gelu
  either := pick

theorem map_ofFn {α β : Type} {n : Nat} (g : Fin n → α) (h : α → β) :
    (List.ofFn g).map h = List.ofFn fun i => h (g i) := by
  apply List.ext_getElem <;> simp

variable {α : Type} [Field α] {n : Nat}

theorem total_mul (xs : List α) (c : α) : total (xs.map fun x => x * c) = total xs * c := by
  induction xs with
  | nil => simp [total]; grind
  | cons x xs ih => simp only [total, List.map_cons, List.foldr_cons] at ih ⊢; rw [ih]; grind

theorem total_ofFn_mul (g : Fin n → α) (c : α) :
    total (List.ofFn fun i => g i * c) = total (List.ofFn g) * c := by
  rw [← total_mul, map_ofFn]

theorem int_exactly (n : Nat) : ((Int.ofNat n : Int) : α) / ((1 : Nat) : α) = (n : α) := by
  rw [show ((Int.ofNat n : Int) : α) = (n : α) from Ring.intCast_natCast n]; grind


end Spec
