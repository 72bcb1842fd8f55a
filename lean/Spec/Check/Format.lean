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

/-- The number with the given bits, exactly; `none` for infinities and NaN. -/
def decode (f : Format) (bits : Nat) : Option Dyadic :=
  let frac := bits % (1 <<< f.fraction)
  let exp := (bits >>> f.fraction) % (1 <<< f.exponent)
  let negative := (bits >>> (f.fraction + f.exponent)) % 2 == 1
  if exp + 1 = 1 <<< f.exponent then none
  else
    let bias := Int.ofNat ((1 <<< (f.exponent - 1)) - 1 + f.fraction)
    let x :=
      if exp = 0 then Dyadic.ofIntWithPrec (Int.ofNat frac) (bias - Int.ofNat 1)
      else Dyadic.ofIntWithPrec (Int.ofNat (frac + (1 <<< f.fraction))) (bias - Int.ofNat exp)
    some (if negative then -x else x)

end Format
end Spec
