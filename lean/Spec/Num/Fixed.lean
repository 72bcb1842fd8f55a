module
public import Spec.Num.Interval

/-!
# Fixed-point kernels of exp, log, sin and the normal distribution

An integer `n` stands for `n / 2¹⁹²`; that unit is called an ulp here. Products and quotients are rounded down, so each
step is off by less than one ulp, and each kernel says by how many its result may be off. The tests compare the
enclosures that are made of them with arbitrary-precision ball arithmetic.
-/

@[expose] public noncomputable section
namespace Spec.Fixed

/-- Bits behind the point. -/
def P : Nat := 192

/-- `1`. -/
def one : Int := Int.ofNat 1 <<< P

/-- `x y`, off by one ulp. -/
def mul (x y : Int) : Int := (x * y) >>> P

/-- A dyadic number in fixed point, off by one ulp. -/
def ofDyadic (x : Dyadic) : Int :=
  let shift := Int.ofNat P - Dy.scale x
  if Int.ofNat 0 ≤ shift then Dy.mantissa x <<< shift.toNat else Dy.mantissa x >>> (-shift).toNat

/-- The interval of radius `r` around `n`, both in ulps, times `2ᵏ`. -/
def interval (n : Int) (r : Int) (k : Int := Int.ofNat 0) : Interval :=
  let prec := Int.ofNat P - k
  ⟨Dyadic.ofIntWithPrec (n - r) prec, Dyadic.ofIntWithPrec (n + r) prec⟩

/-- `⌊2¹⁹² log 2⌋`. -/
def ln2 : Int := Int.ofNat 4350955369971217654477563090224794165364344896676135745069

/-- `⌊2⁵¹² π⌋`. -/
def pi512 : Int := Int.ofNat 42121870893450636219446821484559388105255997313489254605594685088103805782276098919793885372247726346443771296916333485327292916625599161542353774203832599

/-- The loop of `exp`: `1 + r/1 (1 + r/2 (1 + ...))`, from the term `i` on. -/
def expHorner (r : Int) : Nat → Int → Int
  | 0, t => t
  | i + 1, t => expHorner r i (one + mul r t / Int.ofNat (i + 1))

/-- Square `n` times. -/
def squareTimes : Nat → Int → Int
  | 0, t => t
  | n + 1, t => squareTimes n (mul t t)

/-- `exp x` for `|x| ≤ 4096`, as `2ᵏ exp (x - k log 2)`. The argument `r` of the series is a 256th of the rest,
`|r| < 0.00136`, and off by `(|k| + 1) / 256 + 1 < 2⁵` ulps; eleven terms leave less than `2⁶³`; the eight squarings
multiply the error by less than `2⁹`. So the result is off by less than `2⁷³` ulps, or `2⁻¹¹⁹`. -/
def exp (x : Dyadic) : Interval :=
  let n := ofDyadic x
  let k := (n + n + ln2) / (ln2 + ln2)
  let r := (n - k * ln2) >>> 8
  interval (squareTimes 8 (expHorner r 10 one)) (Int.ofNat (1 <<< 73)) k

/-- The loop of `log`: adds `power / (2i + 1)` for `i` up to 45. -/
def artanhLoop (z2 : Int) : Nat → Nat → Int → Int → Int
  | 0, _, _, s => s
  | fuel + 1, i, power, s =>
    artanhLoop z2 fuel (i + 1) (mul power z2) (s + power / Int.ofNat (2 * i + 1))

/-- `log x` for `x > 0`, as `j log 2 + 2 artanh ((m - 1) / (m + 1))` with `3/4 ≤ m < 3/2`. The quotient is at most
`1/5` in size and off by 2 ulps, the terms together by less than 200, and `j log 2` by `|j|`. -/
def log (x : Dyadic) : Interval :=
  let size := (Dy.mantissa x).natAbs.log2
  let m := ofDyadic (Dyadic.ofIntWithPrec (Dy.mantissa x) (Int.ofNat size))
  let half := one + (one >>> 1) ≤ m
  let m := if half then m >>> 1 else m
  let j := Int.ofNat size - Dy.scale x + (if half then Int.ofNat 1 else Int.ofNat 0)
  let z := ((m - one) <<< P) / (m + one)
  let s := artanhLoop (mul z z) 45 0 z (Int.ofNat 0)
  interval (j * ln2 + s + s) (Int.ofNat (j.natAbs + 512))

/-- The loop of `sine` and `cosine`: `1 - r²/(i (i+1)) (1 - ...)`, from the index `i` on down by two. -/
def sinHorner (r2 : Int) : Nat → Nat → Int → Int
  | 0, _, t => t
  | fuel + 1, i, t => sinHorner r2 fuel (i - 2) (one - mul r2 t / Int.ofNat (i * (i + 1)))

/-- The quarter turns in `x`, and the rest in fixed point, between `-π/4` and `π/4`; for `|x| < 2²⁰⁰` the rest is off by
2 ulps. -/
def quarters (x : Dyadic) : Int × Int :=
  let wide := Int.ofNat 512
  let shift := wide - Dy.scale x
  let n := if Int.ofNat 0 ≤ shift then Dy.mantissa x <<< shift.toNat else Dy.mantissa x >>> (-shift).toNat
  let q := (n + n + n + n + pi512) / (pi512 + pi512)
  (q, (n - q * pi512 / Int.ofNat 2) >>> (512 - P))

/-- `sin r` for `|r| < 0.8`, off by less than 64 ulps: the terms up to `r⁴¹`. -/
def sine (r : Int) : Int := mul r (sinHorner (mul r r) 20 40 one)

/-- `cos r` for `|r| < 0.8`, off by less than 64 ulps: the terms up to `r⁴⁰`. -/
def cosine (r : Int) : Int := sinHorner (mul r r) 20 39 one

/-- The loop of `erf`: the term is `x²ⁿ / (2n+1)!!`. -/
def erfLoop (x2 : Int) : Nat → Nat → Int → Int → Int
  | 0, _, _, s => s
  | fuel + 1, n, term, s =>
    if term = Int.ofNat 0 then s else erfLoop x2 fuel (n + 1) (mul term x2 / Int.ofNat (2 * n + 3)) (s + term)

/-- `Σ x²ⁿ / (2n+1)!!` for `|x| ≤ 6`: the terms are below `2²⁶` and fall under an ulp within 400 of them, so that an
ulp lost in each step, and in `x²`, comes to less than `2⁵⁶`. -/
def erfSeries (x : Dyadic) : Interval :=
  interval (erfLoop (ofDyadic (x * x)) 400 0 one (Int.ofNat 0)) (Int.ofNat (1 <<< 56))

end Spec.Fixed
