module
public import Spec.Num.Fixed
public import Spec.Num.Scalar

/-!
# Parts of a turn

`cos (2π j / n)` and `sin (2π j / n)`: the roots of unity that discrete Fourier transforms are made of. They are compared with
arbitrary-precision ball arithmetic in the tests.
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

variable {α : Type} [Scalar α]

/-- The number that `k` stands for in fixed point. -/
def ofFixed (k : Int) : α :=
  if k % Fixed.one = Int.ofNat 0 then Scalar.int (k / Fixed.one) else Scalar.const k (1 <<< Fixed.P)

end Spec
