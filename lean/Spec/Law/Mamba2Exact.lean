module
public import Spec.Law.Mamba2
public import Spec.Law.SsdExact

/-!
# Laws of Mamba-2 in exact arithmetic

A decoder that reads one input at a time and a kernel that computes a prompt in chunks have one specification.
-/

@[expose] public noncomputable section
namespace Spec.Mamba2
open Lean.Grind
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) (E : Exponential f.exp)
variable {D H P N K : Nat} (p : Params D H P N K α) (eps : α)
local notation "ℰ" => exactly f pick
include same E

/-- In exact arithmetic a mixer that computes in chunks has the outputs of the one that computes a recurrence. -/
theorem mixer_eq_recurrentMixer {Q : Nat} (hQ : 0 < Q) (xs : List (Vector α D)) :
    @mixer α ℰ D H P N K Q hQ p eps xs = @recurrentMixer α ℰ D H P N K p eps xs := by
  simp only [recurrentMixer, mixer, chunked_eq_recurrent f pick same E]

/-- In exact arithmetic a mixer that reads one input at a time has the outputs of the one that computes in chunks. -/
theorem run_eq_mixer {Q : Nat} (hQ : 0 < Q) (xs : List (Vector α D)) :
    @run α ℰ D H P N K p eps (@State.zero α ℰ H P N K) xs = @mixer α ℰ D H P N K Q hQ p eps xs := by
  rw [mixer_eq_recurrentMixer f pick same E]
  exact @run_eq_recurrentMixer α ℰ D H P N K p eps xs

/-- In exact arithmetic the length of the chunks does not matter. -/
theorem mixer_chunks {Q R : Nat} (hQ : 0 < Q) (hR : 0 < R) (xs : List (Vector α D)) :
    @mixer α ℰ D H P N K Q hQ p eps xs = @mixer α ℰ D H P N K R hR p eps xs := by
  rw [mixer_eq_recurrentMixer f pick same E, mixer_eq_recurrentMixer f pick same E]

end Spec.Mamba2
