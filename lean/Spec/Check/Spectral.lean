module
public import Spec.Check.Point
public import Spec.Layer.Spectral

/-!
# The spec point of the spectral convolution

Axes: `b` signals, `c` channels in, `o` channels out, `n` points, `m` modes.
-/

@[expose] public noncomputable section
namespace Spec.Check.Spectral
open Spec.Point

/-- Recorded complex weights, real and imaginary parts side by side on the last axis, with the modes in front. -/
def weightOf {α : Type} [Recorded α] (w : Tensor) (c o m : Nat) : Vector (Mat o c (Pair α)) m :=
  build m fun k => build o fun j => build c fun i =>
    let at_ := 2 * ((i.1 * o + j.1) * m + k.1)
    ⟨w.entry at_, w.entry (at_ + 1)⟩

/-- `spectral.conv`. -/
def conv : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let w ← r.tensor "weight"
  match x.shape, w.shape with
  | [b, c, n], [_, o, m, _] =>
    let w ← r.shaped "weight" [c, o, m, 2]
    if m ≤ n / 2 + 1 then
      let table : Vector (Pair α) n := roots n
      let weight : Vector (Mat o c (Pair α)) m := weightOf w c o m
      let modes := build b fun i => outputModes table weight (x.mat c n (i.1 * (c * n)))
      return ⟨[b, o, n], 1, fun i =>
        if h : i % n < n ∧ i / n % o < o ∧ i / n / o < b then
          #[signalAt table modes[i / n / o][i / n % o] ⟨i % n, h.1⟩]
        else #[]⟩
    else throw s!"spectral.conv: 'weight' has {m} modes, a signal of {n} points has {n / 2 + 1}"
  | s, t => throw s!"spectral.conv: 'x' has shape {Request.showShape s} and 'weight' {Request.showShape t}"

/-- The spec points of the spectral convolution. -/
def points : List (String × Point) := [("spectral.conv", conv)]

/-- `spectral.parameters`: the real numbers in the weight of a layer with so many channels in, channels out and modes. -/
def parameters : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [c, o, m] => return [2 * (c * o * m)]
  | sizes => throw s!"a spectral convolution has three sizes, not {Request.showShape sizes}"

/-- The nearest natural number to `2¹⁰⁰ (1 + k / 2¹⁹²)`. -/
def rounded (k : Int) : Nat := ((k + Fixed.one + (Int.ofNat 1 <<< 91)) >>> 92).toNat

/-- The loop of `turns`. -/
def turnsLoop (n : Nat) : (j : Nat) → List Nat → List Nat
  | 0, acc => acc
  | j + 1, acc => let (c, s) := Fixed.turn n j; turnsLoop n j (rounded c :: rounded s :: acc)

/-- `spectral.turns`: cosine and sine of each `n`-th of a turn, with 1 added, in units of `2⁻¹⁰⁰`. -/
def turns : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [n] => return turnsLoop n n []
  | sizes => throw s!"one number of points is expected, not {Request.showShape sizes}"

/-- The structural facts of the spectral convolution. -/
def facts : List (String × Fact) := [("spectral.parameters", parameters), ("spectral.turns", turns)]

end Spec.Check.Spectral
