module
public import Spec.Num.Vec

/-!
# Scans

A recurrence `h ↦ a h + b` run over a sequence of coefficients, and the composition of such steps that
parallel scans are built from (Mamba, arXiv 2312.00752, section 3.3.2; Blelloch's prefix sums).
-/

@[expose] public noncomputable section
namespace Spec

/-- All states of a recurrence, oldest first: the state after each input, the initial one left out. -/
@[specialize] def scanWith {σ ι : Type} (f : σ → ι → σ) : σ → List ι → List σ
  | _, [] => []
  | h, x :: xs => f h x :: scanWith f (f h x) xs

/-- The loop of `scanWith` as it is evaluated: the states so far, newest first. -/
@[specialize] def scanLoop {σ ι : Type} (f : σ → ι → σ) : σ → List ι → List σ → List σ
  | _, [], done => Loops.reverseOnto done []
  | h, x :: xs, done => let next := f h x; scanLoop f next xs (next :: done)

/-- `scanWith` as it is evaluated. -/
@[specialize] def scanFast {σ ι : Type} (f : σ → ι → σ) (h : σ) (xs : List ι) : List σ := scanLoop f h xs []

theorem scanLoop_eq {σ ι : Type} (f : σ → ι → σ) (h : σ) (xs : List ι) (done : List σ) :
    scanLoop f h xs done = done.reverse ++ scanWith f h xs := by
  induction xs generalizing h done with
  | nil => simp [scanLoop, scanWith, Loops.reverseOnto_eq]
  | cons x xs ih => simp [scanLoop, scanWith, ih]

@[csimp] theorem scanWith_eq : @scanWith = @scanFast := by
  funext σ ι f h xs
  simp [scanFast, scanLoop_eq]

/-- One step `h ↦ a h + b` of a linear recurrence. -/
structure AffineStep (α : Type) where
  /-- What the state is multiplied by. -/
  a : α
  /-- What is added to it. -/
  b : α

namespace AffineStep
variable {α : Type} [Add α] [Mul α]

/-- The next state, `a h + b`. -/
@[inline] def apply (s : AffineStep α) (h : α) : α := s.a * h + s.b

/-- The step `t` followed by the step `s`, as one step. -/
@[inline] def comp (s t : AffineStep α) : AffineStep α := ⟨s.a * t.a, s.a * t.b + s.b⟩

end AffineStep

variable {α : Type} [Add α] [Mul α]

/-- The last state of a linear recurrence that starts at `h`. -/
def scanFold (h : α) (steps : List (AffineStep α)) : α :=
  steps.foldl (fun h s => s.apply h) h

/-- All states `h₁, ..., h_L` of a linear recurrence that starts at `h`. -/
def scan (h : α) (steps : List (AffineStep α)) : List α :=
  scanWith (fun h s => s.apply h) h steps

/-- An order in which a parallel scan may compose its steps. -/
inductive ScanTree (α : Type) where
  /-- A single step. -/
  | leaf (s : AffineStep α)
  /-- Everything on the left, then everything on the right. -/
  | node (left right : ScanTree α)

namespace ScanTree

/-- The steps in the order of time. -/
def toList : ScanTree α → List (AffineStep α)
  | leaf s => [s]
  | node l r => l.toList ++ r.toList

/-- All steps composed in the tree's order. -/
def compose : ScanTree α → AffineStep α
  | leaf s => s
  | node l r => r.compose.comp l.compose

/-- The states that a down-sweep of the tree gives, from the state `h` before its first step: the right half
starts at the composed left half applied to `h`. -/
def downSweep (h : α) : ScanTree α → List α
  | leaf s => [s.apply h]
  | node l r => l.downSweep h ++ r.downSweep (l.compose.apply h)

end ScanTree
end Spec
