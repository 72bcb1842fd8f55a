module

/-!
# Loops that every build of Lean can evaluate

Specifications are written with the library's `List.map` and `List.foldl`. A build of Lean that lacks the library's
compiled loops runs these instead: each theorem lets the compiler, and the compiler alone, replace one by the other.
-/

@[expose] public noncomputable section
namespace Spec.Loops
universe u v

/-- `List.foldl`. -/
@[specialize] def foldl {α : Type u} {β : Type v} (f : α → β → α) : α → List β → α
  | a, [] => a
  | a, b :: bs => foldl f (f a b) bs

/-- `List.map`. -/
@[specialize] def map {α : Type u} {β : Type v} (f : α → β) : List α → List β
  | [] => []
  | a :: as => f a :: map f as

@[csimp] theorem foldl_eq : @List.foldl = @foldl := by
  funext α β f a bs
  induction bs generalizing a with
  | nil => rfl
  | cons b bs ih => exact ih _

@[csimp] theorem map_eq : @List.map = @map := by
  funext α β f as
  induction as with
  | nil => rfl
  | cons a as ih => simp [map, ih]

end Spec.Loops
