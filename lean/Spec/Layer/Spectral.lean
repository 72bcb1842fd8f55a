module
public import Spec.Layer.Linear
public import Spec.Num.Turn

/-!
# Spectral convolution

The Fourier layer of Li et al., arXiv 2010.08895, equation 4, in one dimension: the lowest modes of a real signal, mixed over the
channels by a complex matrix for each mode, as a real signal again. Sizes: `n` points, `M` modes, `C` channels in, `O` out.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {n M C O : Nat}

/-- A complex number. -/
structure Pair (α : Type) where
  /-- The real part. -/
  re : α
  /-- The imaginary part. -/
  im : α

/-- `x`, as an implementation knows it that is off by `k` roundings of a number of size 1. -/
def knownTo (k : Nat) (x : α) : α := knownWith (int (Int.ofNat k)) x

/-- How many roundings a root of unity goes through in a fast transform of `n` points, at most: 8 for each bit of `n`. -/
def rootRoundings (n : Nat) : Nat := 8 * (n.log2 + 1)

/-- The roots of unity: entry `j` is `exp (2πi j / n)`, to 55 digits. -/
def roots (n : Nat) : Vector (Pair α) n :=
  build n fun j =>
    let (c, s) := Fixed.turn n j.1
    ⟨knownTo (rootRoundings n) (ofFixed c), knownTo (rootRoundings n) (ofFixed s)⟩

/-- The root for mode `k` at point `t`, `exp (2πi k t / n)`. -/
def rootAt (w : Vector (Pair α) n) (k : Nat) (t : Fin n) : Pair α :=
  w[k * t.1 % n]'(Nat.mod_lt _ (Nat.lt_of_le_of_lt (Nat.zero_le _) t.2))

/-- Mode `k` of the discrete Fourier transform of a real signal: `Σₜ xₜ exp (-2πi k t / n)`. -/
def mode (w : Vector (Pair α) n) (x : Vector α n) (k : Nat) : Pair α :=
  ⟨dot (entries n fun t => (x[t], (rootAt w k t).re)), dot (entries n fun t => (x[t], -(rootAt w k t).im))⟩

/-- `Σ wᵢ xᵢ` over complex numbers: all products of real and imaginary parts are added in any order. -/
def mixed (w x : Vector (Pair α) C) : Pair α :=
  ⟨dot (entries (C + C) fun i => if h : i.1 < C then (w[i.1].re, x[i.1].re) else (-w[i.1 - C].im, x[i.1 - C].im)),
    dot (entries (C + C) fun i => if h : i.1 < C then (w[i.1].re, x[i.1].im) else (w[i.1 - C].im, x[i.1 - C].re))⟩

/-- How often mode `k` counts in a real signal: a mode that is its own conjugate once, any other one twice, for its conjugate is the
mode `n - k`. -/
def multiplicity (n k : Nat) : Nat := if k = 0 ∨ 2 * k = n then 1 else 2

/-- The real signal with the lowest modes `y` and no others, at point `t`: `Σₖ (mₖ / n) Re (yₖ exp (2πi k t / n))`. The imaginary parts
of the modes 0 and n/2 meet a sine of 0, so they don't count. -/
def signalAt (w : Vector (Pair α) n) (y : Vector (Pair α) M) (t : Fin n) : α :=
  dot (entries (M + M) fun i =>
    if h : i.1 < M then
      (y[i.1].re, const (Int.ofNat (multiplicity n i.1)) n * (rootAt w i.1 t).re)
    else (y[i.1 - M].im, -(const (Int.ofNat (multiplicity n (i.1 - M))) n * (rootAt w (i.1 - M) t).im)))

/-- The modes of the outputs: `weight[k][o]` has the complex weights of all channels for mode `k` of output `o`. -/
def outputModes (w : Vector (Pair α) n) (weight : Vector (Mat O C (Pair α)) M) (x : Mat C n α) : Mat O M (Pair α) :=
  let spectrum := build M fun k => build C fun c => mode w x[c] k.1
  build O fun o => build M fun k => mixed weight[k][o] spectrum[k]

/-- The spectral convolution. -/
def spectralConv (w : Vector (Pair α) n) (weight : Vector (Mat O C (Pair α)) M) (x : Mat C n α) : Mat O n α :=
  mapVec (fun y => build n fun t => signalAt w y t) (outputModes w weight x)

end Spec
