module
public import Spec.Law.Ssd

/-!
# The adjoint of a scan

What the backward pass of a linear recurrence computes, over any commutative ring.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
variable {α : Type} [CommRing α]

/-- The reverse-time scan of a backward pass over `L` steps: `gₜ = aₜ₊₁ gₜ₊₁ + yₜ`, from `g = 0` at the end. Step `r` of it
is at time `L - 1 - r`, with the decay of the time after. -/
def reverseScan (L : Nat) (a y : Nat → α) (t : Nat) : α :=
  stateAfter 0 (fun r => a (L - r)) (fun r => y (L - 1 - r)) (L - t)

theorem reverseScan_eq (L : Nat) (a y : Nat → α) (t : Nat) (ht : t < L) :
    reverseScan L a y t = a (t + 1) * reverseScan L a y (t + 1) + y t := by
  unfold reverseScan
  rw [show L - t = L - (t + 1) + 1 by omega, stateAfter_succ, show L - (L - (t + 1)) = t + 1 by omega,
    show L - 1 - (L - (t + 1)) = t by omega]

/-- The reverse-time scan is the adjoint of the scan in its inputs and its first state: `⟨y, S(h, b)⟩ = a₀ g₀ h + ⟨g, b⟩`. -/
theorem reverseScan_adjoint (L : Nat) (h : α) (a b y : Nat → α) :
    sumTo L (fun t => y t * stateAfter h a b (t + 1)) =
      a 0 * reverseScan L a y 0 * h + sumTo L fun t => reverseScan L a y t * b t := by
  have part (t : Nat) (ht : t ≤ L) :
      sumTo t (fun t => y t * stateAfter h a b (t + 1)) + a t * reverseScan L a y t * stateAfter h a b t =
        a 0 * reverseScan L a y 0 * h + sumTo t fun t => reverseScan L a y t * b t := by
    induction t with
    | zero => simp only [sumTo]; rw [show stateAfter h a b 0 = h from rfl]; grind
    | succ t ih =>
      have h1 := ih (by omega)
      have h2 := reverseScan_eq L a y t (by omega)
      have h3 := stateAfter_succ h a b t
      simp only [sumTo]
      grind
  have h1 := part L (Nat.le_refl L)
  have h2 : reverseScan L a y L = 0 := by unfold reverseScan; rw [Nat.sub_self]; rfl
  rw [h2] at h1
  grind

end Spec
