module
public import Spec.Num.Fixed
public import Spec.Num.Scalar

/-!
# Angles

`cos (2π j / n)` and `sin (2π j / n)`: the roots of unity that discrete Fourier transforms are made of; and the angles of rotary
positions. They are compared with arbitrary-precision ball arithmetic in the tests.
-/

@[expose] public noncomputable section
namespace Spec

/-- The cosine and the sine of `j / n` of a turn in units of `2⁻¹⁹²`, off by less than 128 of them. The nearest quarter is taken off in
integers, so 0, 1 and -1 are exact. -/
def Fixed.turn (n j : Nat) : Int × Int :=
  let q := (8 * j + n) / (2 * n)
  let rest := Int.ofNat (4 * j) - Int.ofNat (q * n) -- in units of π / 2n
  let angle := (pi512 * rest / Int.ofNat (2 * n)) >>> (512 - P)
  let s := sine angle
  let c := cosine angle
  match q % 4 with
  | 0 => (c, s)
  | 1 => (-s, c)
  | 2 => (-c, -s)
  | _ => (s, -c)

/-- `n 10000^(-i / pairs)` in units of `2⁻¹⁹²`, off by less than `(n + 1) 2⁷⁶` of them. -/
def Fixed.angle (pairs n i : Nat) : Int :=
  let power := ofDyadic (log (dyadic (Int.ofNat 10000))).lo * Int.ofNat i / Int.ofNat pairs
  ofDyadic (exp (Dyadic.ofIntWithPrec (-power) (Int.ofNat P))).lo * Int.ofNat n

/-- The cosine and the sine of an angle in units of `2⁻¹⁹²`, off by less than 128 of them. -/
def Fixed.circle (angle : Int) : Int × Int :=
  let (q, r) := quarters (Dyadic.ofIntWithPrec angle (Int.ofNat P))
  let s := sine r
  let c := cosine r
  match (q % Int.ofNat 4).toNat with
  | 0 => (c, s)
  | 1 => (-s, c)
  | 2 => (-c, -s)
  | _ => (s, -c)

variable {α : Type} [Scalar α]

/-- `x`, as an implementation knows it that is off by a rounding of `size`. -/
def knownWith (size x : α) : α := Scalar.either x (x + size - size)

/-- The number that `k` stands for in fixed point. -/
def ofFixed (k : Int) : α :=
  if k % Fixed.one = Int.ofNat 0 then Scalar.int (k / Fixed.one) else Scalar.const k (1 <<< Fixed.P)

end Spec
