module
public import Spec.Num.Reach

/-!
# Floating-point formats

From the bits of a recorded number to the number itself.
-/

@[expose] public noncomputable section
namespace Spec

/-- A binary floating-point format with an IEEE 754 layout, or integers in two's complement. -/
structure Format where
  /-- Bits of the exponent; integers have none. -/
  exponent : Nat
  /-- Bits of the fraction, or of an integer. -/
  fraction : Nat

namespace Format

/-- The format that a trace calls `name`. -/
def named (name : String) : Option Format :=
  if name == "float32" then some ⟨8, 23⟩
  else if name == "float64" then some ⟨11, 52⟩
  else if name == "bfloat16" then some ⟨8, 7⟩
  else if name == "float16" then some ⟨5, 10⟩
  else if name == "int64" then some ⟨0, 64⟩
  else none

/-- Whether the bits are those of a number, not of an infinity or NaN. -/
def finite (f : Format) (bits : Nat) : Bool :=
  f.exponent == 0 || (bits >>> f.fraction) % (1 <<< f.exponent) + 1 != 1 <<< f.exponent

/-- The integer with the given bits. -/
def integer (f : Format) (bits : Nat) : Int :=
  if bits < 1 <<< (f.fraction - 1) then Int.ofNat bits else Int.ofNat bits - Int.ofNat (1 <<< f.fraction)

/-- The number with the given bits, exactly, if they are finite. -/
def decode (f : Format) (bits : Nat) : Dyadic :=
  if f.exponent = 0 then dyadic (f.integer bits) else
  let frac := bits % (1 <<< f.fraction)
  let exp := (bits >>> f.fraction) % (1 <<< f.exponent)
  let bias := Int.ofNat ((1 <<< (f.exponent - 1)) - 1 + f.fraction)
  let x :=
    if exp = 0 then Dyadic.ofIntWithPrec (Int.ofNat frac) (bias - Int.ofNat 1)
    else Dyadic.ofIntWithPrec (Int.ofNat (frac + (1 <<< f.fraction))) (bias - Int.ofNat exp)
  if (bits >>> (f.fraction + f.exponent)) % 2 == 1 then -x else x

end Format
end Spec
