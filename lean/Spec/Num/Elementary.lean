module
public import Spec.Num.Interval

/-!
# Enclosures of exp, softplus, sigmoid, SiLU and GELU

Each function returns an interval that contains the exact value, or `none` where it has none to give.
The enclosures rest on the Taylor series of exp with its remainder, on log (1 + e) = 2 artanh (e / (2 + e)),
and on Kummer's series of erf. They are compared with arbitrary-precision ball arithmetic in the tests.
-/

@[expose] public noncomputable section
namespace Spec
namespace Interval

/-- The integer `n`. -/
def int (n : Nat) : Interval := point (dyadic (Int.ofNat n))

/-- The loop of `expSmall`: Horner's rule for `Σ (12! / i!) rⁱ`, from `i = 11` down. -/
def expHorner (r : Interval) : Nat → Nat → Interval → Interval
  | 0, _, t => t
  | i + 1, c, t => expHorner r i (c * (i + 1)) (add (mul t r) (int (c * (i + 1))))

/-- `exp r` for `|r| < 1 / 64`: twelve terms, and the remainder `2 |r|¹³ / 13!`, below `|r|¹³ / 2³¹`. -/
def expSmall (r : Dyadic) : Interval :=
  let series := mul (expHorner (point r) 12 1 (int 1)) (invPos (int 479001600))
  widen series (Dy.up 32 (Dy.abs r) ^ 13 * twoPowNeg (Int.ofNat 31))

/-- Square `n` times. -/
def squareTimes : Nat → Interval → Interval
  | 0, x => x
  | n + 1, x => squareTimes n (mul x x)

/-- `exp x`: `(exp (x / 2ᵐ)) ^ 2ᵐ`. Beyond 4096 there is no enclosure; below -4096 it is `[0, 2⁻⁵⁹⁰⁰]`. -/
def expPoint (x : Dyadic) : Option Interval :=
  if dyadic (Int.ofNat 4096) < x then none
  else if x < dyadic (-(Int.ofNat 4096)) then some ⟨Dyadic.zero, twoPowNeg (Int.ofNat 5900)⟩
  else
    let m := (Int.ofNat ((Dy.mantissa x).natAbs.log2 + 7) - Dy.scale x).toNat
    some (squareTimes m (expSmall (x * twoPowNeg (Int.ofNat m))))

/-- The loop of `artanh`: adds `z^(2i+1) / (2i+1)` until the power is below `2^-bits`, then the remainder. -/
def artanhLoop (z2 : Interval) : Nat → Nat → Interval → Interval → Interval
  | 0, _, power, s => widen s (mag power * dyadic (Int.ofNat 2))
  | fuel + 1, i, power, s =>
    let s := add s (mul power (invPos (int (2 * i + 1))))
    let next := mul power z2
    if mag next ≤ mag s * twoPowNeg (Int.ofNat bits) then widen s (mag next * dyadic (Int.ofNat 2))
    else artanhLoop z2 fuel (i + 1) next s

/-- `artanh z` for `0 ≤ z ≤ 1/3`; the terms left out sum to less than twice the first of them. -/
def artanh (z : Interval) : Interval := artanhLoop (mul z z) 64 0 z (point Dyadic.zero)

/-- `log (1 + e)` for `0 ≤ e ≤ 1`. -/
def log1p (e : Interval) : Interval :=
  mul (int 2) (artanh (mul e (invPos (add (int 2) e))))

/-- `log (1 + exp x) = max x 0 + log (1 + exp (-|x|))`. -/
def softplusPoint (x : Dyadic) : Option Interval :=
  (expPoint (-(Dy.abs x))).map fun e => add (point (Dy.max x Dyadic.zero)) (log1p e)

/-- `1 / (1 + exp (-x))`, as `exp x / (1 + exp x)` for negative `x`. -/
def sigmoidPoint (x : Dyadic) : Option Interval :=
  (expPoint (-(Dy.abs x))).map fun e =>
    let inv := invPos (add (int 1) e)
    if Dyadic.zero ≤ x then inv else mul e inv

/-- The loop of `erfSeries`: the term is `x²ⁿ / (2n+1)!!`; once the ratio is below 1/2, the rest is below the next term twice. -/
def erfLoop (x2 : Interval) : Nat → Nat → Interval → Interval → Interval
  | 0, _, term, s => widen s (mag term * dyadic (Int.ofNat 2))
  | fuel + 1, n, term, s =>
    let s := add s term
    let next := mul term (mul x2 (invPos (int (2 * n + 3))))
    if mag next ≤ twoPowNeg (Int.ofNat bits) ∧ mag x2 * dyadic (Int.ofNat 2) ≤ dyadic (Int.ofNat (2 * n + 3))
    then widen s (mag next * dyadic (Int.ofNat 2))
    else erfLoop x2 fuel (n + 1) next s

/-- `√(2 / π)`, between two neighbours at 128 bits. -/
def sqrtTwoOverPi : Interval :=
  ⟨Dyadic.ofIntWithPrec (Int.ofNat 271506046879672464325182014351570923903) (Int.ofNat 128),
   Dyadic.ofIntWithPrec (Int.ofNat 271506046879672464325182014351570923904) (Int.ofNat 128)⟩

/-- The standard normal distribution function `(1 + erf (x / √2)) / 2`; beyond 12 it is within `2⁻¹⁰⁷` of 0 or 1. -/
def normalCdfPoint (x : Dyadic) : Option Interval :=
  let half := twoPowNeg (Int.ofNat 1)
  let near := twoPowNeg (Int.ofNat 107)
  if dyadic (Int.ofNat 12) < Dy.abs x then
    some (if Dyadic.zero < x then ⟨dyadic (Int.ofNat 1) - near, dyadic (Int.ofNat 1)⟩ else ⟨Dyadic.zero, near⟩)
  else
    let x2 := trim (point (x * x))
    (expPoint (-(x * x * half))).map fun e =>
      let series := erfLoop x2 600 0 (int 1) (point Dyadic.zero)
      let erf := mul (mul sqrtTwoOverPi (trim (point x))) (mul e series)
      mul (point half) (add (int 1) erf)

/-- An increasing function on an interval, from its enclosures at both ends. -/
def increasing (f : Dyadic → Option Interval) (x : Interval) : Option Interval :=
  if x.lo = x.hi then f x.lo
  else (f x.lo).bind fun l => (f x.hi).map fun h => ⟨l.lo, h.hi⟩

/-- `exp x`. -/
def exp (x : Interval) : Option Interval := increasing expPoint x

/-- `log (1 + exp x)`. -/
def softplus (x : Interval) : Option Interval := increasing softplusPoint x

/-- `1 / (1 + exp (-x))`. -/
def sigmoid (x : Interval) : Option Interval := increasing sigmoidPoint x

/-- `x / (1 + exp (-x))`. -/
def silu (x : Interval) : Option Interval := (sigmoid x).map (mul x)

/-- `x (1 + erf (x / √2)) / 2`. -/
def gelu (x : Interval) : Option Interval := (increasing normalCdfPoint x).map (mul x)

end Interval
end Spec
