module
public import Spec.Num.Interval

/-!
# What is assumed of a device's arithmetic

The format that it rounds to, the order in which it adds, and how far its transcendental functions may be off.
-/

@[expose] public noncomputable section
namespace Spec

/-- The tree in which an implementation adds numbers, or composes the steps of a recurrence. -/
inductive OrderClass where
  /-- Any tree. -/
  | any
  /-- One after the other. -/
  | sequential
  /-- A tree of at most this depth. -/
  | tree (depth : Nat)
  /-- One after the other within chunks of this size, and then over the chunks. -/
  | chunks (size : Nat)
deriving DecidableEq

/-- The most additions that one of `n` numbers may go through. -/
def OrderClass.depth (n : Nat) : OrderClass → Nat
  | any => n - 1
  | sequential => n - 1
  | tree d => Nat.min d (n - 1)
  | chunks size => if size = 0 then n - 1 else Nat.min (size + n / size) (n - 1)

/-- What is assumed of a device's arithmetic: `|fl(x) - x| ≤ 2 ^ -precision * |x| + 2 ^ -smallest`, how it adds, and for each
transcendental function the number of units in the last place by which it may miss the exact value. -/
structure Rounding where
  /-- `2 ^ -precision` is the unit roundoff; 24 for fp32. -/
  precision : Nat
  /-- `2 ^ -smallest` is the absolute error that underflow may leave: the smallest normal number where subnormals may be
  flushed to zero, 126 for fp32. -/
  smallest : Nat
  /-- The largest number is `2 ^ limit (1 - 2 ^ -precision)`; 128 for fp32. -/
  limit : Nat
  /-- `precision` of the format in which sums of products are accumulated, before they are rounded. Its largest number, and that of
  the format to which their factors are rounded first, is no smaller than this format's, or smaller by no more than a rounding. -/
  sumPrecision : Nat
  /-- `smallest` of that format. -/
  sumSmallest : Nat
  /-- The factors of a sum of products are first rounded with the relative error `2 ^ -castPrecision`; kept as they are if 0. -/
  castPrecision : Nat
  /-- The order of sums and of recurrences. -/
  order : OrderClass
  /-- Units in the last place of exp. -/
  expUlp : Nat
  /-- Units in the last place of the square root. -/
  sqrtUlp : Nat
  /-- Units in the last place of the logistic function. -/
  sigmoidUlp : Nat
  /-- Units in the last place of softplus. -/
  softplusUlp : Nat
  /-- Units in the last place of SiLU. -/
  siluUlp : Nat
  /-- Units in the last place of the argument by which GELU may be off: its factor `1 + erf` cancels for negative arguments. -/
  geluUlp : Nat
  /-- Units in the last place of the hyperbolic tangent. -/
  tanhUlp : Nat
deriving DecidableEq

namespace Rounding

/-- `2 ^ -smallest`. -/
def tiny (m : Rounding) : Dyadic := twoPowNeg (Int.ofNat m.smallest)

/-- `2 ^ -sumSmallest`. -/
def tinySum (m : Rounding) : Dyadic := twoPowNeg (Int.ofNat m.sumSmallest)

/-- Whether sums are accumulated in the format itself. -/
def accumulatesItself (m : Rounding) : Bool := m.sumPrecision == m.precision && m.sumSmallest == m.smallest

/-- The largest number of the format. -/
def largest (m : Rounding) : Dyadic := twoPowNeg (-(Int.ofNat m.limit)) - twoPowNeg (Int.ofNat m.precision - Int.ofNat m.limit)

/-- Whether no number of the interval overflows. -/
def fits (m : Rounding) (x : Interval) : Bool := x.mag ≤ m.largest

/-- `(1 + 2^-precision)ⁿ - 1` from above: with `v = n 2^-precision`, `v (1 + 2 v)` for `v ≤ 1/2`. -/
def gamma (precision n : Nat) : Option Dyadic :=
  let v := dyadic (Int.ofNat n) * twoPowNeg (Int.ofNat precision)
  if v ≤ twoPowNeg (Int.ofNat 1) then some (v + v * v * dyadic (Int.ofNat 2)) else none

end Rounding
end Spec
