module

/-!
# Loops that every build of Lean can evaluate

Specifications are written with the library's `List.map`, `List.zipWith` and `List.foldl`. A build of Lean that lacks the library's
compiled loops runs these instead, which need no stack: each theorem lets the compiler, and the compiler alone, replace one by the other.
-/

@[expose] public noncomputable section
namespace Spec.Loops
universe u v w

/-- `List.foldl`. -/
@[specialize] def foldl {α : Type u} {β : Type v} (f : α → β → α) : α → List β → α
  | a, [] => a
  | a, b :: bs => foldl f (f a b) bs

/-- The entries of the first list in reverse order, and then the second list. -/
def reverseOnto {α : Type u} : List α → List α → List α
  | [], acc => acc
  | a :: as, acc => reverseOnto as (a :: acc)

/-- The loop of `map`: what is done, newest first. -/
@[specialize] def mapLoop {α : Type u} {β : Type v} (f : α → β) : List α → List β → List β
  | [], done => reverseOnto done []
  | a :: as, done => mapLoop f as (f a :: done)

/-- `List.map`. -/
@[specialize] def map {α : Type u} {β : Type v} (f : α → β) (as : List α) : List β := mapLoop f as []

/-- The loop of `zipWith`: what is done, newest first. -/
@[specialize] def zipWithLoop {α : Type u} {β : Type v} {γ : Type w} (f : α → β → γ) : List α → List β → List γ → List γ
  | a :: as, b :: bs, done => zipWithLoop f as bs (f a b :: done)
  | _, _, done => reverseOnto done []

/-- `List.zipWith`. -/
@[specialize] def zipWith {α : Type u} {β : Type v} {γ : Type w} (f : α → β → γ) (as : List α) (bs : List β) : List γ :=
  zipWithLoop f as bs []

theorem reverseOnto_eq {α : Type u} (as acc : List α) : reverseOnto as acc = as.reverse ++ acc := by
  induction as generalizing acc with
  | nil => rfl
  | cons a as ih => simp [reverseOnto, ih]

theorem mapLoop_eq {α : Type u} {β : Type v} (f : α → β) (as : List α) (done : List β) :
    mapLoop f as done = done.reverse ++ as.map f := by
  induction as generalizing done with
  | nil => simp [mapLoop, reverseOnto_eq]
  | cons a as ih => simp [mapLoop, ih]

theorem zipWithLoop_eq {α : Type u} {β : Type v} {γ : Type w} (f : α → β → γ) (as : List α) (bs : List β) (done : List γ) :
    zipWithLoop f as bs done = done.reverse ++ as.zipWith f bs := by
  induction as generalizing bs done with
  | nil => simp [zipWithLoop, reverseOnto_eq]
  | cons a as ih => cases bs <;> simp [zipWithLoop, reverseOnto_eq, ih]

@[csimp] theorem foldl_eq : @List.foldl = @foldl := by
  funext α β f a bs
  induction bs generalizing a with
  | nil => rfl
  | cons b bs ih => exact ih _

@[csimp] theorem map_eq : @List.map = @map := by
  funext α β f as
  simp [map, mapLoop_eq]

@[csimp] theorem zipWith_eq : @List.zipWith = @zipWith := by
  funext α β γ f as bs
  simp [zipWith, zipWithLoop_eq]

end Spec.Loops
