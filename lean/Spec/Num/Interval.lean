module
public import Spec.Num.Loops
public import Init.Data.Dyadic

/-!
# Intervals with dyadic endpoints

Every finite floating-point number is a dyadic rational, and sums, differences and products of dyadics are
exact. An interval holds a real number between two dyadics; endpoints that grow too long are rounded
outward, so an interval never loses the number that it holds.
-/

@[expose] public noncomputable section
namespace Spec

/-- The integer `n` as a dyadic. -/
def dyadic (n : Int) : Dyadic := Dyadic.ofIntWithPrec n (Int.ofNat 0)

/-- `2 ^ -k`. -/
def twoPowNeg (k : Int) : Dyadic := Dyadic.ofIntWithPrec (Int.ofNat 1) k

namespace Dy

/-- The larger of two dyadics. -/
def max (x y : Dyadic) : Dyadic := if x ≤ y then y else x

/-- The smaller of two dyadics. -/
def min (x y : Dyadic) : Dyadic := if x ≤ y then x else y

/-- `|x|`. -/
def abs (x : Dyadic) : Dyadic := if x ≤ Dyadic.zero then -x else x

/-- The `prec` of `Dyadic.roundDown` that keeps about `bits` significant bits; `none` if `x` has no more. -/
def cut (bits : Nat) : Dyadic → Option Int
  | .zero => none
  | .ofOdd n k _ =>
    let size := n.natAbs.log2
    if bits < size then some (k - Int.ofNat (size - bits)) else none

/-- The largest dyadic of about `bits` significant bits that is at most `x`. -/
def down (bits : Nat) (x : Dyadic) : Dyadic :=
  match cut bits x with
  | none => x
  | some prec => Dyadic.roundDown x prec

/-- A dyadic of about `bits` significant bits that is at least `x`. -/
def up (bits : Nat) (x : Dyadic) : Dyadic := -(down bits (-x))

/-- `x = mantissa x * 2 ^ -(scale x)`. -/
def mantissa : Dyadic → Int
  | .zero => Int.ofNat 0
  | .ofOdd n _ _ => n

/-- `x = mantissa x * 2 ^ -(scale x)`. -/
def scale : Dyadic → Int
  | .zero => Int.ofNat 0
  | .ofOdd _ k _ => k

/-- A lower bound of `x / y`, for `y > 0`, with about `bits` significant bits: the floor of the scaled quotient. -/
def divDown (bits : Nat) (x y : Dyadic) : Dyadic :=
  let n := mantissa x
  let m := mantissa y
  let shift := bits + m.natAbs.log2 + 1 - n.natAbs.log2
  Dyadic.ofIntWithPrec ((n <<< shift) / m) (scale x - scale y + Int.ofNat shift)

/-- An upper bound of `x / y`, for `y > 0`. -/
def divUp (bits : Nat) (x y : Dyadic) : Dyadic := -(divDown bits (-x) y)

/-- Newton's iteration for the integer square root, with a bound on the number of steps. -/
def isqrt (n : Nat) : Nat → Nat → Nat
  | 0, guess => guess
  | fuel + 1, guess =>
    let next := (guess + n / guess) / 2
    if next < guess then isqrt n fuel next else guess

/-- Newton's guess at `√x`, for `x ≥ 0`. -/
def sqrtGuess (bits : Nat) (x : Dyadic) : Dyadic :=
  let n := (mantissa x).natAbs
  let k := scale x
  let shift := 2 * bits + (if k % Int.ofNat 2 = Int.ofNat 0 then 0 else 1)
  let root := isqrt (n <<< shift) 4096 (1 <<< ((n.log2 + shift) / 2 + 1))
  Dyadic.ofIntWithPrec (Int.ofNat root) ((k + Int.ofNat shift) / Int.ofNat 2)

/-- A lower bound of `√x`, for `x ≥ 0`: the guess if its square is at most `x`. -/
def sqrtDown (bits : Nat) (x : Dyadic) : Dyadic :=
  let r := sqrtGuess bits x
  if r * r ≤ x then r else Dyadic.zero

/-- An upper bound of `√x`, for `x ≥ 0`: the next candidate above the lower bound, used if its square is at least `x`. -/
def sqrtUp (bits : Nat) (x : Dyadic) : Dyadic :=
  let r := sqrtDown bits x
  let s := r + r * twoPowNeg (Int.ofNat bits)
  if x ≤ r * r then r else if x ≤ s * s then s else x + dyadic (Int.ofNat 1)

end Dy

/-- The real numbers between `lo` and `hi`. -/
structure Interval where
  /-- The lower end. -/
  lo : Dyadic
  /-- The upper end. -/
  hi : Dyadic
deriving DecidableEq

namespace Interval

/-- Significant bits that endpoints keep. -/
def bits : Nat := 112

/-- One number. -/
def point (x : Dyadic) : Interval := ⟨x, x⟩

/-- Round outward, so that the endpoints stay short. -/
def trim (x : Interval) : Interval := ⟨Dy.down bits x.lo, Dy.up bits x.hi⟩

/-- `-x`. -/
def neg (x : Interval) : Interval := ⟨-x.hi, -x.lo⟩

/-- `x + y`. -/
def add (x y : Interval) : Interval := trim ⟨x.lo + y.lo, x.hi + y.hi⟩

/-- `x - y`. -/
def sub (x y : Interval) : Interval := add x (neg y)

/-- `x y`. -/
def mul (x y : Interval) : Interval :=
  let a := x.lo * y.lo
  if x.lo = x.hi ∧ y.lo = y.hi then trim (point a)
  else
    let b := x.lo * y.hi
    let c := x.hi * y.lo
    let d := x.hi * y.hi
    trim ⟨Dy.min (Dy.min a b) (Dy.min c d), Dy.max (Dy.max a b) (Dy.max c d)⟩

/-- `x²`, which is not negative. -/
def square (x : Interval) : Interval :=
  let s := mul x x
  ⟨Dy.max Dyadic.zero s.lo, s.hi⟩

/-- The larger of two numbers. -/
def max (x y : Interval) : Interval := ⟨Dy.max x.lo y.lo, Dy.max x.hi y.hi⟩

/-- The smallest interval that contains both. -/
def hull (x y : Interval) : Interval := ⟨Dy.min x.lo y.lo, Dy.max x.hi y.hi⟩

/-- The largest absolute value. -/
def mag (x : Interval) : Dyadic := Dy.max (Dy.abs x.lo) (Dy.abs x.hi)

/-- Widen by `r` on both sides. -/
def widen (x : Interval) (r : Dyadic) : Interval := ⟨x.lo - r, x.hi + r⟩

/-- Widen by `r` below and by `s` above. -/
def stretch (x : Interval) (r s : Dyadic) : Interval := ⟨x.lo - r, x.hi + s⟩

/-- `1 / y`, for `y > 0`. -/
def invPos (y : Interval) : Interval :=
  let one := dyadic (Int.ofNat 1)
  ⟨Dy.divDown bits one y.hi, Dy.divUp bits one y.lo⟩

/-- `x / y`; `none` if `y` may be 0. -/
def div (x y : Interval) : Option Interval :=
  if Dyadic.zero < y.lo then
    if x.lo = x.hi ∧ y.lo = y.hi then
      some ⟨Dy.divDown bits x.lo y.lo, Dy.divUp bits x.lo y.lo⟩
    else some (mul x (invPos y))
  else if y.hi < Dyadic.zero then some (mul (neg x) (invPos (neg y)))
  else none

/-- `√x`; `none` if `x` may be negative. -/
def sqrt (x : Interval) : Option Interval :=
  if Dyadic.zero ≤ x.lo then some ⟨Dy.sqrtDown bits x.lo, Dy.sqrtUp bits x.hi⟩ else none

/-- `∑ xᵢ yᵢ`, without rounding inside the sum. -/
def dot (xs : List (Interval × Interval)) : Interval :=
  xs.foldl (init := point Dyadic.zero) fun s (x, y) => add s (mul x y)

end Interval
end Spec
