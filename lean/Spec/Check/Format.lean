module
public import Spec.Num.Reach

/-!
# Floating-point formats

From the bits of a recorded number to the number itself.
-/

@[expose] public noncomputable section
namespace Spec

/-- A binary floating-point format with an IEEE 754 layout. -/
structure Format where
  /-- Bits of the exponent. -/
  exponent : Nat
  /-- Bits of the fraction. -/
  fraction : Nat

namespace Format

/-- The format that a trace calls `name`. -/
def named (name : String) : Option Format :=
  if name == "float32" then some ⟨8, 23⟩
  else if name == "float64" then some ⟨11, 52⟩
  else if name == "bfloat16" then some ⟨8, 7⟩
  else if name == "float16" then some ⟨5, 10⟩
  else none

/-- Whether the bits are those of a number, not of an infinity or NaN. -/
def finite (f : Format) (bits : Nat) : Bool :=
  (bits >>> f.fraction) % (1 <<< f.exponent) + 1 != 1 <<< f.exponent

/-- The number with the given bits, exactly, if they are finite. -/
def decode (f : Format) (bits : Nat) : Dyadic :=
  let frac := bits % (1 <<< f.fraction)
  let exp := (bits >>> f.fraction) % (1 <<< f.exponent)
  let bias := Int.ofNat ((1 <<< (f.exponent - 1)) - 1 + f.fraction)
  let x :=
    if exp = 0 then Dyadic.ofIntWithPrec (Int.ofNat frac) (bias - Int.ofNat 1)
    else Dyadic.ofIntWithPrec (Int.ofNat (frac + (1 <<< f.fraction))) (bias - Int.ofNat exp)
  if (bits >>> (f.fraction + f.exponent)) % 2 == 1 then -x else x

end Format
end Spec
