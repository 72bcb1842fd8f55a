module
public import Spec.Num.Fixed

/-!
# Enclosures of elementary functions

Each function returns an interval that contains the exact value, or `none` where it has none to give. They are compared
with arbitrary-precision ball arithmetic in the tests.
-/

@[expose] public noncomputable section
namespace Spec
namespace Interval

/-- The integer `n`. -/
def int (n : Nat) : Interval := point (dyadic (Int.ofNat n))

/-- `exp x`. Beyond 4096 there is no enclosure; below -4096 it is `[0, 2⁻⁵⁹⁰⁰]`. -/
def expPoint (x : Dyadic) : Option Interval :=
  if dyadic (Int.ofNat 4096) < x then none
  else if x < dyadic (-(Int.ofNat 4096)) then some ⟨Dyadic.zero, twoPowNeg (Int.ofNat 5900)⟩
  else if x = Dyadic.zero then some (int 1)
  else some (trim (Fixed.exp x))

/-- `log x`; `none` unless `x` is positive. -/
def logPoint (x : Dyadic) : Option Interval :=
  if x ≤ Dyadic.zero then none
  else if x = dyadic (Int.ofNat 1) then some (int 0)
  else some (trim (Fixed.log x))

/-- `log (1 + e)` for `0 ≤ e ≤ 1`, which is between `e - e²/2` and `e`. -/
def log1pPoint (e : Dyadic) : Interval :=
  if e < twoPowNeg (Int.ofNat 64) then trim ⟨e - e * e * twoPowNeg (Int.ofNat 1), e⟩
  else trim (Fixed.log (dyadic (Int.ofNat 1) + e))

/-- `log (1 + exp x) = max x 0 + log (1 + exp (-|x|))`. -/
def softplusPoint (x : Dyadic) : Option Interval :=
  (expPoint (-(Dy.abs x))).map fun e =>
    add (point (Dy.max x Dyadic.zero)) ⟨(log1pPoint e.lo).lo, (log1pPoint e.hi).hi⟩

/-- `1 / (1 + exp (-x))`, as `exp x / (1 + exp x)` for negative `x`. -/
def sigmoidPoint (x : Dyadic) : Option Interval :=
  (expPoint (-(Dy.abs x))).map fun e =>
    let inv := invPos (add (int 1) e)
    if Dyadic.zero ≤ x then inv else mul e inv

/-- `tanh x = (1 - exp (-2x)) / (1 + exp (-2x))` for `x ≥ 2⁻²⁰`, and below that between `x - x³/3` and
`x - x³/3 + x⁵/6`. -/
def tanhPos (x : Dyadic) : Option Interval :=
  if x < twoPowNeg (Int.ofNat 20) then
    let cube := point (x * x * x)
    let lo := sub (point x) (mul cube (invPos (int 3)))
    some (add lo ⟨Dyadic.zero, x * x * x * x * x⟩)
  else
    (expPoint (-(x + x))).map fun e => mul (sub (int 1) e) (invPos (add (int 1) e))

/-- `tanh x`. -/
def tanhPoint (x : Dyadic) : Option Interval :=
  if Dyadic.zero ≤ x then tanhPos x else (tanhPos (-x)).map neg

/-- `1 / √(2π)`. -/
def invSqrtTwoPi : Interval :=
  Fixed.interval (Int.ofNat 2504201280626952864894549311249338563268063356138482501336) (Int.ofNat 1)

/-- The loop of `mills`: `x + k / t`, for `k` from the first argument down to 1. -/
def millsLoop (x : Interval) : Nat → Interval → Interval
  | 0, t => t
  | k + 1, t => millsLoop x k (add x (mul (int (k + 1)) (invPos t)))

/-- `Φ(-x) / φ(x)` for `x ≥ 6`: `1 / (x + 1 / (x + 2 / (x + 3 / ...)))`, whose tail from the term 30 on lies between `x` and
`x + 30 / x`. -/
def mills (x : Dyadic) : Interval :=
  let tail := add (point x) ⟨Dyadic.zero, Dy.divUp bits (dyadic (Int.ofNat 30)) x⟩
  invPos (millsLoop (point x) 29 tail)

/-- The standard normal distribution function `Φ(x) = (1 + erf (x / √2)) / 2`: for `|x| ≤ 6` the series
`1/2 + φ(x) Σ x²ⁿ⁺¹ / (2n+1)!!`, beyond it the continued fraction. -/
def normalCdfPoint (x : Dyadic) : Option Interval :=
  let half := twoPowNeg (Int.ofNat 1)
  (expPoint (-(x * x * half))).map fun e =>
    let density := mul e invSqrtTwoPi
    if Dy.abs x ≤ dyadic (Int.ofNat 6) then
      add (point half) (mul (trim (point x)) (mul density (trim (Fixed.erfSeries x))))
    else
      let tail := mul density (mills (Dy.abs x))
      if Dyadic.zero ≤ x then sub (int 1) tail else tail

/-- `sin x` and `cos x`, for `|x| ≤ 2¹²⁸`. -/
def sinCosPoint (x : Dyadic) : Option (Interval × Interval) :=
  if twoPowNeg (-(Int.ofNat 128)) < Dy.abs x then none
  else
    let (q, r) := Fixed.quarters x
    let s := Fixed.sine r
    let c := Fixed.cosine r
    let out (n : Int) : Interval := trim (Fixed.interval n (Int.ofNat 64))
    match (q % Int.ofNat 4).toNat with
    | 0 => some (out s, out c)
    | 1 => some (out c, out (-s))
    | 2 => some (out (-s), out (-c))
    | _ => some (out (-c), out s)

/-- `sin x`; below 2⁻⁴⁰ it is between `x` and `x - x³/4`. -/
def sinPoint (x : Dyadic) : Option Interval :=
  if Dy.abs x < twoPowNeg (Int.ofNat 40) then
    let other := x - x * x * x * twoPowNeg (Int.ofNat 2)
    some (trim (hull (point x) (point other)))
  else (sinCosPoint x).map fun p => p.1

/-- `cos x`. -/
def cosPoint (x : Dyadic) : Option Interval := (sinCosPoint x).map fun p => p.2

/-- An increasing function on an interval, from its enclosures at both ends. -/
def increasing (f : Dyadic → Option Interval) (x : Interval) : Option Interval :=
  if x.lo = x.hi then f x.lo
  else (f x.lo).bind fun l => (f x.hi).map fun h => ⟨l.lo, h.hi⟩

/-- A function that changes by at most `|x - y|` between `x` and `y`, on an interval: its enclosure at one end, widened
by the length. -/
def contraction (f : Dyadic → Option Interval) (x : Interval) : Option Interval :=
  (f x.lo).map fun y => widen y (x.hi - x.lo)

/-- `exp x`; on a short interval by `exp (x + t) ≤ exp x (1 + t + t²)` for `0 ≤ t ≤ 1`. -/
def exp (x : Interval) : Option Interval :=
  let t := x.hi - x.lo
  if t = Dyadic.zero then expPoint x.lo
  else if dyadic (Int.ofNat 1) < t then increasing expPoint x
  else (expPoint x.lo).map fun y => trim ⟨y.lo, y.hi + y.hi * (t + t * t)⟩

/-- `log x`. -/
def log (x : Interval) : Option Interval := increasing logPoint x

/-- `log (1 + exp x)`. -/
def softplus (x : Interval) : Option Interval := increasing softplusPoint x

/-- `1 / (1 + exp (-x))`. -/
def sigmoid (x : Interval) : Option Interval := increasing sigmoidPoint x

/-- `tanh x`. -/
def tanh (x : Interval) : Option Interval := increasing tanhPoint x

/-- `sin x`. -/
def sin (x : Interval) : Option Interval := contraction sinPoint x

/-- `cos x`. -/
def cos (x : Interval) : Option Interval := contraction cosPoint x

/-- `x / (1 + exp (-x))`. -/
def silu (x : Interval) : Option Interval := (sigmoid x).map (mul x)

/-- `x (1 + erf (x / √2)) / 2`. -/
def gelu (x : Interval) : Option Interval := (increasing normalCdfPoint x).map (mul x)

end Interval
end Spec
