module
public import Spec.Layer.Spectral
public import Spec.Layer.Ssd

/-!
# The discrete Fourier transform

Sequences are functions of the index `0, 1, ...`. The numbers are those of any commutative ring; complex ones with the root
`exp (-2πi/n)` are an example.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
variable {α : Type}

/-- Mode `k` of the transform of `n` values with the root `w`: row `k` of the matrix `w ^ (j k)` times the values. -/
def dft [CommRing α] (n : Nat) (w : α) (x : Nat → α) (k : Nat) : α := sumTo n fun j => x j * w ^ (j * k)

/-- The lowest `K` modes, and 0 for the others. -/
def lowest [CommRing α] (K : Nat) (y : Nat → α) (k : Nat) : α := if k < K then y k else 0

/-- The entries of a vector, and 0 beyond them. -/
def zeroPadded [CommRing α] {n : Nat} (x : Vector α n) (j : Nat) : α := if h : j < n then x[j] else 0

/-- The complex conjugate. -/
def Pair.conj [Neg α] (z : Pair α) : Pair α := ⟨z.re, -z.im⟩

/-- A real number among the complex ones. -/
def Pair.real [CommRing α] (x : α) : Pair α := ⟨x, 0⟩

/-- The spectrum of a real signal of `n` points whose modes up to `n / 2` are `y`: mode `n - k` is the conjugate of mode `k`, and of
a mode that is its own conjugate the real part counts. -/
def hermitian [CommRing α] (n : Nat) (y : Nat → Pair α) (k : Nat) : Pair α :=
  if k = 0 ∨ 2 * k = n then .real (y k).re else if 2 * k < n then y k else (y (n - k)).conj

end Spec
